package client

import "encoding/json"

// frame takes the fields of every frame of the server; the type says which of them mean something.
type frame struct {
	Type         string           `json:"type"`
	ID           string           `json:"id"`
	RoomID       string           `json:"room_id"`
	Seq          int64            `json:"seq"`
	Key          string           `json:"client_msg_id"`
	Body         string           `json:"body"`
	Dup          bool             `json:"dup"`
	Epoch        string           `json:"epoch"`
	Heads        map[string]int64 `json:"heads"`
	Head         int64            `json:"head"`
	Code         string           `json:"code"`
	Retryable    bool             `json:"retryable"`
	RetryAfterMS int64            `json:"retry_after_ms"`
	Party        string           `json:"party"`
	ReadSeq      int64            `json:"read_seq"`
	HeartbeatMS  int64            `json:"heartbeat_ms"`
}

func encode(fields map[string]any) []byte {
	text, err := json.Marshal(fields)
	if err != nil { // texts and numbers always encode
		panic(err)
	}
	return text
}
