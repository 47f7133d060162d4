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
	HeartbeatMS  int64            `json:"heartbeat_ms"`
	Heads        map[string]int64 `json:"heads"`
	Head         int64            `json:"head"`
	Code         string           `json:"code"`
	Retryable    bool             `json:"retryable"`
	RetryAfterMS int64            `json:"retry_after_ms"`
	Party        string           `json:"party"`
	DeliveredSeq int64            `json:"delivered_seq"`
	ReadSeq      int64            `json:"read_seq"`
	Sender       struct {
		Party string `json:"party"`
	} `json:"sender"`
}

func (f *frame) item() Item { return Item{f.Seq, f.Key, f.Body, f.Sender.Party} }

func encode(fields map[string]any) []byte {
	text, err := json.Marshal(fields)
	if err != nil { // texts and numbers always encode
		panic(err)
	}
	return text
}
