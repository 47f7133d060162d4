// Package frame reads and writes the chat's frames by hand: a load simulator that decodes every frame in full would
// measure encoding/json.
package frame

// Kind is what a frame says.
type Kind int

// The kinds of frames that a simulated client tells apart.
const (
	Other Kind = iota
	Welcome
	Message
	Ack
	Error
	Resumed
	TooFar
	Reset
	Heartbeat
)

// Frame is the few fields of a server's frame that a simulated client needs. The slices point into the text.
type Frame struct {
	Kind         Kind
	Room         []byte
	ID           []byte
	Key          []byte // client_msg_id
	Code         []byte
	Epoch        []byte
	Seq          int64
	Head         int64
	RetryAfterMS int64
	Dup          bool
	Retryable    bool
}

// Scan reads the top level of one frame and skips what is below it. It is false for what is not a JSON object.
// Strings are taken as they stand: ids, codes and keys have no escapes.
func Scan(text []byte) (f Frame, ok bool) {
	s := scanner{text: text}
	if !s.take('{') {
		return f, false
	}
	if s.take('}') {
		return f, s.end()
	}
	for {
		name, ok := s.str()
		if !ok || !s.take(':') || !s.field(&f, name) {
			return f, false
		}
		if s.take(',') {
			continue
		}
		return f, s.take('}') && s.end()
	}
}
