package checker

import (
	"fmt"

	"mall/cmd/faults/internal/record"
)

// stream is one room on one connection: strictly +1 from its resume point. Own acks count as the message.
type stream struct {
	last     int64 // everything up to here has come
	begun    bool
	resuming bool  // a resume is under way; until it takes hold, live messages may still come from before it
	after    int64 // what it asked for
	acked    map[int64]bool
	seen     map[int64]bool
}

type place struct {
	conn int
	room string
}

// judgeStreams follows each connection's rooms.
func judgeStreams(client string, events []record.Event) (found []Violation) {
	streams := map[place]*stream{}
	of := func(e record.Event) *stream {
		p := place{e.Conn, e.Room}
		if streams[p] == nil {
			streams[p] = &stream{acked: map[int64]bool{}, seen: map[int64]bool{}}
		}
		return streams[p]
	}
	for _, e := range events {
		switch e.Kind {
		case record.Resume:
			s := of(e)
			s.resuming, s.after = true, e.Seq
		case record.Resumed:
			for p, s := range streams {
				if p.conn == e.Conn {
					s.resumed()
				}
			}
		case record.TooFar:
			s := of(e)
			s.last, s.begun, s.resuming = e.Seq, true, false
		case record.Reset:
			for p := range streams {
				if p.conn == e.Conn {
					delete(streams, p)
				}
			}
		case record.Ack:
			of(e).acked[e.Seq] = true
		case record.Message:
			if kind, text := of(e).take(e.Seq); text != "" {
				found = append(found, Violation{kind, client, e.Room, e.Seq, fmt.Sprintf("on connection %d with %s: %s", e.Conn, e.On, text)})
			}
		}
	}
	return found
}

// resumed ends the resume of a room of which nothing was missed.
func (s *stream) resumed() {
	if s.resuming {
		s.last, s.begun, s.resuming = max(s.last, s.after), true, false
	}
}

// take takes a message frame; a text says what is wrong with it.
func (s *stream) take(seq int64) (Kind, string) {
	switch {
	case s.resuming && s.follows(s.after, seq):
		s.resuming = false
		s.seen = map[int64]bool{} // those from before the resume took hold come again
	case !s.begun || s.follows(s.last, seq):
	case s.seen[seq]:
		return Doubled, "it came before"
	case seq <= s.last:
		return Disordered, fmt.Sprintf("came after %d", s.last)
	default:
		was := s.last
		s.last = seq
		s.seen[seq] = true
		return Disordered, fmt.Sprintf("came right after %d", was)
	}
	s.last, s.begun = seq, true
	s.seen[seq] = true
	return "", ""
}

// follows says whether seq is the next after last, not counting those that an ack stood for.
func (s *stream) follows(last, seq int64) bool {
	if seq <= last {
		return false
	}
	for between := last + 1; between < seq; between++ {
		if !s.acked[between] {
			return false
		}
	}
	return true
}
