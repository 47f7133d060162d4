// Package record is what a client writes down of all that it did and saw, for the checker to judge.
package record

import (
	"bufio"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// Kind says what happened.
type Kind string

// What can happen to a client. Room, Seq, Key and Body are filled where they mean something.
const (
	Open    Kind = "open"    // a connection; Note is the instance
	Welcome Kind = "welcome" // Epoch
	Resume  Kind = "resume"  // asked for what follows Seq
	Resumed Kind = "resumed" // everything missed has come; Seq is the head then
	TooFar  Kind = "too_far" // the stream goes on after Seq
	Reset   Kind = "reset"   // Epoch; what the client had is void
	Message Kind = "message" // a frame
	Pulled  Kind = "pulled"  // a message read by REST to close a gap
	Write   Kind = "write"   // the user wrote something: it is in the outbox
	Send    Kind = "send"    // one try to send it
	Ack     Kind = "ack"     // stored, says the server; Dup
	Refused Kind = "refused" // Note is the code; Final when it is not to be repeated
	Silence Kind = "silence" // a try that nobody answered in time
	Receipt Kind = "receipt" // Seq is the party's read_seq; Note the party
	Authed  Kind = "authed"  // the server took a fresh token on a live connection
	Closed  Kind = "closed"  // Note is the code and reason
	Note    Kind = "note"    // anything else worth reading
)

// NotResumed is the Note of a client whose resume nobody answered.
const NotResumed = "resume not answered"

// Event is one line of a log.
type Event struct {
	At    time.Time `json:"at"`
	Kind  Kind      `json:"kind"`
	Conn  int       `json:"conn,omitempty"` // which of the client's connections; 0: none
	On    string    `json:"on,omitempty"`   // the instance that the connection is with
	Room  string    `json:"room,omitempty"`
	Seq   int64     `json:"seq,omitempty"`
	Key   string    `json:"key,omitempty"` // client_msg_id
	Body  string    `json:"body,omitempty"`
	Epoch string    `json:"epoch,omitempty"`
	Dup   bool      `json:"dup,omitempty"`
	Final bool      `json:"final,omitempty"`
	Note  string    `json:"note,omitempty"`
}

// Log is one client's. It is safe for concurrent use.
type Log struct {
	Client string
	Member string          // the member's id
	Rooms  map[string]bool // that the member may see

	mu     sync.Mutex
	events []Event
}

// Add writes an event down, with the time unless it has one.
func (l *Log) Add(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.At.IsZero() {
		e.At = time.Now() // under the lock, so that times never run back
	}
	l.events = append(l.events, e)
}

// Events gives all so far.
func (l *Log) Events() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events[:len(l.events):len(l.events)]
}

// WriteTo writes one line of JSON for each event.
func (l *Log) WriteTo(w io.Writer) (int64, error) {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	for _, e := range l.Events() {
		if err := enc.Encode(e); err != nil {
			return 0, err
		}
	}
	return 0, b.Flush()
}
