package chat

import (
	"encoding/json"
	"errors"
	"time"

	"mall/modules/chat/internal/api"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/jsoncheck"
)

// This file is the one list of what travels on the socket: every frame, its name, its fields and its
// direction. asyncapi.yaml describes the same frames, testdata/frames.json shows one of each, and tests hold
// the three and the web client together.

// subprotocol names this protocol in the handshake.
const subprotocol = "mall.chat.v1"

// Client to server. One type takes every request's fields; unknown ones are ignored.
type request struct {
	Type        string          `json:"type"`
	ID          string          `json:"id"` // echoed in the answer
	RoomID      id.ID           `json:"room_id"`
	ClientMsgID id.ID           `json:"client_msg_id"`
	Body        string          `json:"body"`
	InquiryID   id.ID           `json:"inquiry_id"`
	Card        *CardRef        `json:"card"`
	ExpectSeq   *int64          `json:"expect_seq"`
	Epoch       string          `json:"epoch"`
	Rooms       map[id.ID]int64 `json:"rooms"`
	Seq         int64           `json:"seq"`
	On          bool            `json:"on"`
	Token       string          `json:"token"`

	read time.Time // when the frame was: every answer's time is counted from here
}

const maxRequestID = 64 // bytes; longer ids are refused

// decodeRequest reads one frame; a fault says what is wrong with it. The request's id is filled as far as
// it could be read, so that the answer finds its way.
func decodeRequest(text []byte) (request, error) {
	r, ok := quickRequest(text)
	if !ok {
		return slowRequest(text)
	}
	err := checkID(&r)
	return r, err
}

// slowRequest reads any frame, as strictly as REST reads its bodies.
func slowRequest(text []byte) (request, error) {
	if err := jsoncheck.Strict(text); err != nil {
		r := request{ID: idOf(text)}
		if errors.Is(err, jsoncheck.ErrSurrogate) {
			return r, fault.Invalidf("body", "invalid_body", "The text holds half a surrogate pair.")
		}
		return r, fault.Wrap(fault.Invalid, "bad_request", "The frame is not one JSON object that can be read in one way only.", err)
	}
	var r request
	if err := json.Unmarshal(text, &r); err != nil {
		return request{ID: idOf(text)}, fault.Wrap(fault.Invalid, "bad_request", "The frame is not what its type needs.", err)
	}
	if err := checkID(&r); err != nil {
		return r, err
	}
	if misspelled(text) {
		return r, fault.Invalidf("type", "bad_request", "The names of fields are spelled in small letters.")
	}
	if r.Card != nil && r.Card.Kind != subjectProduct && r.Card.Kind != subjectOrder {
		return r, fault.Invalidf("card.kind", "bad_request", "A card shows a product or an order.")
	}
	return r, nil
}

// idOf is the id of a request that makes no sense otherwise, if it can be found.
func idOf(text []byte) string {
	var named struct{ ID string }
	if json.Unmarshal(text, &named) != nil || len(named.ID) > maxRequestID {
		return ""
	}
	return named.ID
}

func checkID(r *request) error {
	if len(r.ID) <= maxRequestID {
		return nil
	}
	r.ID = ""
	return fault.Invalidf("id", "bad_request", "An id has at most %d bytes.", maxRequestID)
}

// Server to client.
type (
	welcomeFrame struct {
		Type        string    `json:"type"` // welcome: the connection is ready for all its rooms
		SessionID   id.ID     `json:"session_id"`
		Epoch       string    `json:"epoch"`
		Member      named     `json:"member"`
		Shops       []named   `json:"shops"`
		ExpiresAt   time.Time `json:"expires_at"` // the credential's end, and with it the connection's, unless auth moves it
		HeartbeatMS int64     `json:"heartbeat_ms"`
		Limits      limits    `json:"limits"`
		Time        time.Time `json:"time"`
	}
	named struct {
		ID   id.ID  `json:"id"`
		Name string `json:"name"`
	}
	limits struct {
		BodyCodePoints int `json:"body_code_points"`
		BodyLines      int `json:"body_lines"`
		FrameBytes     int `json:"frame_bytes"`
		Sockets        int `json:"sockets"`
		ResumeRooms    int `json:"resume_rooms"`
		SendsPerSecond int `json:"sends_per_second"`
		SendsBurst     int `json:"sends_burst"`
	}
	messageFrameOf struct {
		Type string `json:"type"` // message
		api.Message
	}
	ackFrame struct {
		Type        string    `json:"type"` // ack: stored
		ID          string    `json:"id"`
		RoomID      id.ID     `json:"room_id"`
		ClientMsgID id.ID     `json:"client_msg_id"`
		Seq         int64     `json:"seq"`
		CreatedAt   time.Time `json:"created_at"`
		Dup         bool      `json:"dup"`
	}
	okFrame struct {
		Type string `json:"type"` // ok
		ID   string `json:"id"`
	}
	pongFrame struct {
		Type string `json:"type"` // pong: this instance lives, whatever becomes of its database
		ID   string `json:"id"`
	}
	errorFrame struct {
		Type         string `json:"type"` // error
		ID           string `json:"id,omitempty"`
		Code         string `json:"code"`
		Message      string `json:"message"`
		Retryable    bool   `json:"retryable"`
		RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
		Head         int64  `json:"head,omitempty"` // with stale
	}
	resumedFrame struct {
		Type    string          `json:"type"` // resumed: everything missed has been sent
		ID      string          `json:"id"`
		Heads   map[id.ID]int64 `json:"heads"`
		Missing []id.ID         `json:"missing,omitempty"` // rooms asked for that do not exist for the caller
	}
	tooFarFrame struct {
		Type   string `json:"type"` // too_far: read this room by REST up to head; what follows it comes here
		ID     string `json:"id"`
		RoomID id.ID  `json:"room_id"`
		Head   int64  `json:"head"`
	}
	resetFrame struct {
		Type    string          `json:"type"` // reset: what the client has is of another epoch
		ID      string          `json:"id,omitempty"`
		Epoch   string          `json:"epoch"`
		Heads   map[id.ID]int64 `json:"heads"`
		Missing []id.ID         `json:"missing,omitempty"`
	}
	receiptFrame struct {
		Type         string `json:"type"` // receipt
		RoomID       id.ID  `json:"room_id"`
		Party        string `json:"party"`
		DeliveredSeq int64  `json:"delivered_seq"`
		ReadSeq      int64  `json:"read_seq"`
	}
	roomFrame struct {
		Type string   `json:"type"` // room: it is new, or its inquiry has changed
		Room api.Room `json:"room"`
	}
	typingFrame struct {
		Type     string `json:"type"` // typing
		RoomID   id.ID  `json:"room_id"`
		Party    string `json:"party"`
		MemberID id.ID  `json:"member_id"`
		Name     string `json:"name"`
		On       bool   `json:"on"`
	}
	presenceFrame struct {
		Type     string     `json:"type"` // presence: a party of a room has come or gone
		RoomID   id.ID      `json:"room_id"`
		Party    string     `json:"party"`
		Online   bool       `json:"online"`
		LastSeen *time.Time `json:"last_seen,omitempty"`
	}
	heartbeatFrame struct {
		Type  string          `json:"type"` // hb
		Time  time.Time       `json:"time"`
		Heads map[id.ID]int64 `json:"heads"` // of the rooms that had messages since the last one
	}
)

// encodeFrame makes the bytes of a frame, once for all its receivers.
func encodeFrame(frame any) []byte {
	b, err := json.Marshal(frame)
	if err != nil { // strings, numbers, ids and times always encode
		panic(err)
	}
	return b
}

// errorAnswer words a fault as the contract's section 3 does. What is not a fault is our own mistake: the
// client may try again, and the cause goes to the log of whoever calls this.
func errorAnswer(requestID string, err error, head int64) errorFrame {
	f, ok := fault.As(err)
	if !ok || f.Kind == fault.Internal {
		f = fault.New(fault.Unavailable, "unavailable", "Something went wrong on our side; try again.")
	}
	e := errorFrame{Type: "error", ID: requestID, Code: f.Code, Message: f.Message, Retryable: f.Kind.Retryable(), Head: head}
	if e.Retryable {
		e.RetryAfterMS = max(f.RetryAfter, 500*time.Millisecond).Milliseconds()
	}
	return e
}
