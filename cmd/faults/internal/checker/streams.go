package checker

import (
	"fmt"

	"mall/cmd/faults/internal/record"
)

// stream is one room on one connection: strictly +1 from its resume point. Own acks count as the message. Until a resume
// takes hold, which only the server knows, live messages from before it may come; then it begins after what it asked for,
// and what came live comes again in its order. So two lines are followed while a resume is under way, and a frame that
// fits neither is wrong.
type stream struct {
	live    line  // if the resume has not taken hold yet
	resumed line  // if it has, and has sent something
	after   int64 // what it asked for
	asked   bool  // a resume is under way
	acked   map[int64]bool
	seen    map[int64]bool
}

// line is a place that a stream may be at: everything after first-1 up to last has come. first is 0 when nothing has.
type line struct {
	possible    bool
	first, last int64
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
			streams[p] = &stream{live: line{possible: true}, acked: map[int64]bool{}, seen: map[int64]bool{}}
		}
		return streams[p]
	}
	for _, e := range events {
		switch e.Kind {
		case record.Resume:
			of(e).resume(e.Seq)
		case record.Resumed:
			if text := of(e).tookHold(e.Seq); text != "" {
				found = append(found, Violation{Lost, client, e.Room, e.Seq, fmt.Sprintf("on connection %d with %s: %s", e.Conn, e.On, text)})
			}
		case record.TooFar:
			of(e).at(e.Seq)
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

func (s *stream) resume(after int64) {
	s.asked, s.after, s.resumed = true, after, line{}
}

// tookHold is the end of a resume: everything up to the head that it names must have come.
func (s *stream) tookHold(head int64) string {
	if !s.asked {
		return ""
	}
	last := s.after
	if s.resumed.possible {
		last = s.resumed.last
	}
	if s.live.possible && s.live.first > 0 && (s.live.first <= s.after || s.follows(s.after, s.live.first)) {
		last = max(last, s.live.last) // what came live made the resume needless
	}
	for s.acked[last+1] {
		last++
	}
	s.at(max(last, head))
	if last < head {
		return fmt.Sprintf("a resume from %d ended, and only those up to %d of %d have come", s.after, last, head)
	}
	return ""
}

// at says where the stream goes on.
func (s *stream) at(last int64) {
	s.live, s.resumed, s.asked = line{true, last, last}, line{}, false
}

// take takes a message frame; a text says what is wrong with it.
func (s *stream) take(seq int64) (Kind, string) {
	live, resumed := s.next(s.live, seq), s.next(s.resumed, seq)
	if s.asked && s.live.possible && s.follows(s.after, seq) {
		resumed = line{true, seq, seq} // here the resume may have taken hold
	}
	seen, was := s.seen[seq], max(s.live.last, s.resumed.last)
	s.seen[seq] = true
	if live.possible || resumed.possible {
		s.live, s.resumed = live, resumed
		return "", ""
	}
	if seq > was {
		s.at(seq)
		return Disordered, fmt.Sprintf("came right after %d", was)
	}
	if seen {
		return Doubled, "it came before"
	}
	return Disordered, fmt.Sprintf("came after %d", was)
}

// next is where a line is after a frame; not possible any more when it does not fit.
func (s *stream) next(l line, seq int64) line {
	if !l.possible || l.first > 0 && !s.follows(l.last, seq) {
		return line{}
	}
	if l.first == 0 {
		l.first = seq
	}
	return line{true, l.first, seq}
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
