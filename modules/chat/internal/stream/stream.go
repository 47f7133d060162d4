// Package stream puts one connection's messages in order: each room's arrive strictly one after the other,
// whatever Redis lost, doubled or reordered on the way. It is a state machine without clock, lock or I/O;
// its owner calls it under the connection's own lock.
package stream

import (
	"time"

	"mall/modules/platform/id"
)

// MaxEarly is how many messages of one room may wait for a missing one; with more it is quicker to read the
// room from the database.
const MaxEarly = 64

// Stream is what one connection has been sent.
type Stream struct {
	rooms map[id.ID]*room
	out   [][]byte // of the last Step: used again by the next
}

type room struct {
	last    int64            // the connection has everything up to here
	until   time.Time        // not zero: it is not known yet where the room begins; last means nothing then
	early   map[int64][]byte // what came too soon; nil frame: the connection has it already (its own send)
	doubted []int64          // of early, what a look into the database did not explain
	readers int              // so many read the room from the database; live messages wait
}

// New is the stream of a connection that has been sent nothing.
func New() *Stream { return &Stream{rooms: map[id.ID]*room{}} }

// Step says what the owner does next: write Frames in their order and, when Gap is set, read the room's
// messages after Last (see Unknown) from the database and Fill them in. A gap is reported once. Frames is good until the next call.
type Step struct {
	Frames [][]byte
	Gap    bool
}

// Begin lets the stream of a room begin after a seq, if it has not begun: what is offered first may have overtaken
// others, so it is no place to begin at.
func (s *Stream) Begin(rid id.ID, after int64) {
	if s.rooms[rid] == nil {
		s.rooms[rid] = &room{last: after}
	}
}

// BeginUntil is Begin for a room of which it is not known what was its last message at a moment. Whoever reads the room
// asks Unknown and finds that out first.
func (s *Stream) BeginUntil(rid id.ID, until time.Time) {
	if s.rooms[rid] == nil {
		s.rooms[rid] = &room{until: until}
	}
}

// Unknown gives the moment of BeginUntil, if the place is still to be found.
func (s *Stream) Unknown(rid id.ID) (until time.Time, ok bool) {
	r := s.rooms[rid]
	if r == nil || r.known() {
		return time.Time{}, false
	}
	return r.until, true
}

// Found is the answer to Unknown; what was offered meanwhile lies behind it in any case.
func (s *Stream) Found(rid id.ID, after int64) {
	r := s.rooms[rid]
	if r == nil || r.known() {
		return
	}
	for seq := range r.early {
		after = min(after, seq-1)
	}
	r.last, r.until = after, time.Time{}
}

func (r *room) known() bool { return r.until.IsZero() }

// Offer takes one message as it arrives, from wherever, of a room that has begun. A nil frame is a message that the
// connection itself sent: its ack tells it the seq, so it only counts.
func (s *Stream) Offer(rid id.ID, seq int64, frame []byte) Step {
	r := s.rooms[rid]
	switch {
	case r == nil || r.known() && seq <= r.last:
		return Step{}
	case r.known() && r.readers == 0 && seq == r.last+1:
		r.last = seq
		return Step{Frames: s.release(r, s.only(frame))}
	}
	r.keep(seq, frame)
	return Step{Gap: r.readers == 0 && len(r.early) == 1}
}

func (s *Stream) only(frame []byte) [][]byte {
	s.out = s.out[:0]
	if frame != nil {
		s.out = append(s.out, frame)
	}
	return s.out
}

func (r *room) keep(seq int64, frame []byte) {
	if r.early == nil {
		r.early = map[int64][]byte{}
	}
	if len(r.early) < MaxEarly {
		r.early[seq] = frame
	}
}

// release appends what has been waiting for the message just sent.
func (s *Stream) release(r *room, frames [][]byte) [][]byte {
	for len(r.early) > 0 {
		frame, ok := r.early[r.last+1]
		if !ok {
			break
		}
		delete(r.early, r.last+1)
		r.last++
		if frame != nil {
			frames = append(frames, frame)
		}
	}
	s.out = frames
	return frames
}

// Resume begins the room's stream after the given seq, which the client says it has, and lets live messages
// wait until Filled. Live messages that came before the client named its place are sent again in their order.
func (s *Stream) Resume(rid id.ID, after int64) {
	r := s.rooms[rid]
	if r == nil {
		r = &room{}
		s.rooms[rid] = r
	}
	r.last, r.until = after, time.Time{}
	r.readers++
}

// Reading marks the room as being read from the database, so that no second read begins; false when one
// runs already or the room has no gap any more.
func (s *Stream) Reading(rid id.ID) (after int64, ok bool) {
	r := s.rooms[rid]
	if r == nil || r.readers > 0 || len(r.early) == 0 {
		return 0, false
	}
	r.readers++
	return r.last, true
}

// Behind marks the room as being read when the connection does not have its head yet; false when it does, or
// a read runs already.
func (s *Stream) Behind(rid id.ID, head int64) bool {
	r := s.rooms[rid]
	if r == nil || r.readers > 0 || r.known() && r.last >= head {
		return false
	}
	r.readers++
	return true
}

// Follows says whether the room's stream has begun.
func (s *Stream) Follows(rid id.ID) bool { return s.rooms[rid] != nil }

// Fill takes the next message as the database has it, in order; it answers the frame to write, or nil when
// the connection has the message already.
func (s *Stream) Fill(rid id.ID, seq int64, frame []byte) []byte {
	r := s.rooms[rid]
	if r == nil || !r.known() || seq != r.last+1 {
		return nil
	}
	if early, ok := r.early[seq]; ok {
		delete(r.early, seq)
		if early == nil {
			frame = nil
		}
	}
	r.last = seq
	return frame
}

// Filled ends a read that found the room's head: what waited follows, as far as it fits. What still does
// not fit was lost again, or stored after the read, or never existed: it is reported as a gap. What a second
// look, which says final, does not explain either is dropped; not what has come since, which may be newer than
// that look. Where a client's Resume reads beside a gap's reader, all that is left to the last of them.
func (s *Stream) Filled(rid id.ID, final bool) Step {
	r := s.rooms[rid]
	if r == nil {
		return Step{}
	}
	if r.readers--; r.readers > 0 || !r.known() {
		return Step{}
	}
	frames := s.release(r, s.only(nil))
	if final {
		for _, seq := range r.doubted {
			delete(r.early, seq)
		}
	}
	r.doubted = r.doubted[:0]
	for seq := range r.early {
		if seq <= r.last {
			delete(r.early, seq)
		} else {
			r.doubted = append(r.doubted, seq)
		}
	}
	return Step{Frames: frames, Gap: len(r.early) > 0}
}

// Last is the seq up to which the connection has the room; 0 when it has been sent nothing of it.
func (s *Stream) Last(rid id.ID) int64 {
	if r := s.rooms[rid]; r != nil {
		return r.last
	}
	return 0
}
