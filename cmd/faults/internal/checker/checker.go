// Package checker compares what clients wrote down with what the database holds. It knows the contract and the tables,
// and nothing of how the mall works.
package checker

import (
	"fmt"
	"slices"
	"strings"

	"mall/cmd/faults/internal/record"
)

// Kind sorts violations into the columns of the report.
type Kind string

// The kinds of violations.
const (
	Lost       Kind = "lost"       // acked and not stored, or stored and never seen by who should
	Doubled    Kind = "doubled"    // stored or delivered twice
	Disordered Kind = "disordered" // a hole, a jump, a step back
	Foreign    Kind = "foreign"    // seen by who may not, or never written by anybody
	Unsent     Kind = "unsent"     // still in an outbox
	Late       Kind = "late"       // in the end, but past its time
	Leak       Kind = "leak"       // goroutines or files that are not given back
	Race       Kind = "race"       // two goroutines at one variable, as the race detector has seen it
	Other      Kind = "other"
)

// Violation is one promise broken, with what shows it.
type Violation struct {
	Kind   Kind
	Client string
	Room   string
	Seq    int64
	Text   string
}

// String is one line.
func (v Violation) String() string {
	var where []string
	if v.Client != "" {
		where = append(where, v.Client)
	}
	if v.Room != "" {
		where = append(where, fmt.Sprintf("room %s seq %d", v.Room, v.Seq))
	}
	return strings.TrimSpace(fmt.Sprintf("%-10s %s: %s", v.Kind, strings.Join(where, ", "), v.Text))
}

// Message is one message, as stored or as a reader has it.
type Message struct {
	Seq   int64
	Key   string
	Body  string
	Party string // whose it is
}

// Room is what the database holds of a room.
type Room struct {
	Head               int64
	Count, First, Last int64             // of all its messages
	Rows               map[int64]Message // those after the place where the fault's story begins
	Doubled            []string          // keys with more than one row
}

// Stored is what the database holds.
type Stored struct {
	Epoch string
	Rooms map[string]Room
}

// View is what a client has of a room in the end, and what a fresh read of the same room gives.
type View struct {
	Base  int64
	Has   []Message
	Fresh []Message
}

// Witness is a client with all that it wrote down.
type Witness struct {
	Log    *record.Log
	Views  map[string]View // by room; none for a client that only sends
	Unsent int
}

// Judge names every violation of the contract's P1 to P4 and P14 that the stories of the witnesses show.
func Judge(s Stored, witnesses []Witness) (found []Violation) {
	for id, r := range s.Rooms {
		found = append(found, judgeRoom(id, r)...)
	}
	for i := range witnesses {
		w := &witnesses[i]
		name := w.Log.Client
		events := w.Log.Events()
		found = append(found, judgeEvents(s, w.Log, events)...)
		found = append(found, judgeStreams(name, events)...)
		for room, v := range w.Views {
			found = append(found, judgeView(name, room, v)...)
		}
		if w.Unsent > 0 {
			found = append(found, Violation{Kind: Unsent, Client: name, Text: fmt.Sprintf("%d messages are still in the outbox", w.Unsent)})
		}
	}
	slices.SortStableFunc(found, func(a, b Violation) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	return found
}

// judgeRoom: each room's seq is 1..n and n is its head; each key has one row.
func judgeRoom(id string, r Room) (found []Violation) {
	whole := r.Count == r.Head && r.Last == r.Head && (r.Count == 0 || r.First == 1)
	if !whole {
		found = append(found, Violation{Disordered, "", id, r.Head,
			fmt.Sprintf("the database has %d messages from %d to %d, and the head is %d", r.Count, r.First, r.Last, r.Head)})
	}
	for _, key := range r.Doubled {
		found = append(found, Violation{Doubled, "", id, 0, "two rows of key " + key})
	}
	return found
}

// judgeEvents: what was acked is stored under that seq; what was seen is what is stored, in rooms that are the member's.
func judgeEvents(s Stored, log *record.Log, events []record.Event) (found []Violation) {
	add := func(k Kind, e record.Event, text string) {
		found = append(found, Violation{k, log.Client, e.Room, e.Seq, text})
	}
	acked := map[string]int64{}
	for _, e := range events {
		if e.Room != "" && !log.Rooms[e.Room] {
			add(Foreign, e, fmt.Sprintf("a %s of a room that is not theirs", e.Kind))
			continue
		}
		if e.Final {
			add(Other, e, fmt.Sprintf("%s %s", e.Kind, e.Note))
		}
		if e.Epoch != "" && e.Epoch != s.Epoch { // of a life of the database that is over
			continue
		}
		switch e.Kind {
		case record.Ack:
			row, ok := s.row(e)
			if !ok || row.Key != e.Key {
				add(Lost, e, fmt.Sprintf("acked at %s, and not stored under that seq: key %s", e.At.Format("15:04:05.000"), e.Key))
			}
			if before, twice := acked[e.Key]; twice && before != e.Seq {
				add(Doubled, e, fmt.Sprintf("key %s was acked as %d before", e.Key, before))
			}
			acked[e.Key] = e.Seq
		case record.Message, record.Pulled:
			row, ok := s.row(e)
			if !ok {
				add(Foreign, e, "seen, and never stored")
			} else if row.Key != e.Key || row.Body != e.Body {
				add(Foreign, e, fmt.Sprintf("seen as %.60q, stored as %.60q", e.Body, row.Body))
			}
		}
	}
	return found
}

// row finds what the database has in the event's place. Rows before the story's beginning are not at hand: what is
// said of them cannot be refuted.
func (s Stored) row(e record.Event) (Message, bool) {
	r := s.Rooms[e.Room]
	if row, ok := r.Rows[e.Seq]; ok {
		return row, true
	}
	oldest := r.Head - int64(len(r.Rows))
	if e.Seq >= 1 && e.Seq <= oldest {
		return Message{Seq: e.Seq, Key: e.Key, Body: e.Body}, true
	}
	return Message{}, false
}

// judgeView: in the end everybody has what a fresh read gives.
func judgeView(client, room string, v View) (found []Violation) {
	for i, m := range v.Has {
		want := v.Base + int64(i) + 1
		if m.Seq != want {
			return append(found, Violation{Disordered, client, room, m.Seq, fmt.Sprintf("the view has it where %d belongs", want)})
		}
		if i < len(v.Fresh) && v.Fresh[i] != m {
			found = append(found, Violation{Foreign, client, room, m.Seq, fmt.Sprintf("the view has %.60q, a fresh read %.60q", m.Body, v.Fresh[i].Body)})
		}
	}
	for _, m := range v.Fresh[min(len(v.Has), len(v.Fresh)):] {
		found = append(found, Violation{Lost, client, room, m.Seq, "stored, and missing in the final view"})
	}
	for _, m := range v.Has[min(len(v.Has), len(v.Fresh)):] {
		found = append(found, Violation{Foreign, client, room, m.Seq, "in the final view, and not in a fresh read"})
	}
	return found
}
