package chat

import (
	"strconv"
	"time"
	"unicode/utf8"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
)

// The frames that every message costs, and the messages of a page of history, are written by hand: the same
// bytes as encoding/json makes of their types, at a fifth of the cost. The types stay what describes them, and a
// test compares the two.

const messageSize = 420 // bytes of a message with a body of ordinary length, beside the body

func messageFrame(m *store.Message) []byte {
	b := append(make([]byte, 0, messageSize+len(m.Body)), `{"type":"message",`...)
	return appendMessage(b, m)
}

// appendMessage appends what json.Marshal makes of messageView(m), without its opening brace.
func appendMessage(b []byte, m *store.Message) []byte {
	b = appendText(append(b, `"body":`...), m.Body)
	if m.Card != nil {
		if card := cardView(m.Card); card != nil {
			b = append(append(b, `,"card":`...), encodeFrame(card)...)
		}
	}
	person := m.Party != store.System
	if person {
		b = appendID(append(b, `,"client_msg_id":`...), m.ClientMsgID)
	}
	b = appendTime(append(b, `,"created_at":`...), m.CreatedAt)
	b = appendID(append(b, `,"inquiry_id":`...), m.InquiryID)
	b = appendText(append(b, `,"kind":`...), m.Kind)
	b = appendID(append(b, `,"room_id":`...), m.RoomID)
	b = append(b, `,"sender":{`...)
	if person {
		b = appendID(append(b, `"member_id":`...), m.SenderID)
		b = append(appendText(append(b, `,"name":`...), m.SenderName), ',')
	}
	b = appendText(append(b, `"party":`...), m.Party)
	b = strconv.AppendInt(append(b, `},"seq":`...), m.Seq, 10)
	return append(b, '}')
}

// ackOf is the encoded ackFrame of a stored message.
func ackOf(requestID string, m *store.Message, dup bool) []byte {
	b := make([]byte, 0, 256)
	b = appendText(append(b, `{"type":"ack","id":`...), requestID)
	b = appendID(append(b, `,"room_id":`...), m.RoomID)
	b = appendID(append(b, `,"client_msg_id":`...), m.ClientMsgID)
	b = strconv.AppendInt(append(b, `,"seq":`...), m.Seq, 10)
	b = appendTime(append(b, `,"created_at":`...), m.CreatedAt)
	b = strconv.AppendBool(append(b, `,"dup":`...), dup)
	return append(b, '}')
}

// errorOf is the encoded errorFrame: in an overload there are more of them than of anything else.
func errorOf(e *errorFrame) []byte {
	b := append(make([]byte, 0, 256), `{"type":"error"`...)
	if e.ID != "" {
		b = appendText(append(b, `,"id":`...), e.ID)
	}
	b = appendText(append(b, `,"code":`...), e.Code)
	b = appendText(append(b, `,"message":`...), e.Message)
	b = strconv.AppendBool(append(b, `,"retryable":`...), e.Retryable)
	if e.RetryAfterMS != 0 {
		b = strconv.AppendInt(append(b, `,"retry_after_ms":`...), e.RetryAfterMS, 10)
	}
	if e.Head != 0 {
		b = strconv.AppendInt(append(b, `,"head":`...), e.Head, 10)
	}
	return append(b, '}')
}

func appendID(b []byte, x id.ID) []byte {
	b, _ = x.AppendText(append(b, '"')) // always nil
	return append(b, '"')
}

func appendTime(b []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// appendText quotes a string. What needs an escape, or may, is left to encoding/json.
func appendText(b []byte, s string) []byte {
	if !plain(s) {
		return append(b, encodeFrame(s)...)
	}
	b = append(append(b, '"'), s...)
	return append(b, '"')
}

// plain says whether JSON writes the text as it is: no control character, quote, backslash or HTML's own signs, no
// line separators (U+2028, U+2029), and valid UTF-8.
func plain(s string) bool {
	ascii := true
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
		if c == 0xE2 && i+1 < len(s) && s[i+1] == 0x80 { // U+2028 is E2 80 A8
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.ValidString(s)
}
