package chat

import (
	"context"
	"errors"
	"math"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

const (
	readAhead  = 100      // messages that one read of a gap takes from the database
	paceFrames = 8        // a catching-up connection waits for its reader after the queue's eighth part,
	paceBytes  = 64 << 10 // or after so much
)

var errOver = errors.New("chat: the connection is over")

// resume sends what the client missed: each room's messages after the seq it has, in order, then `resumed`.
func (s *session) resume(r request) {
	if len(r.Rooms) > s.chat.cfg.ResumeRooms {
		s.refuse(r.ID, fault.Invalidf("rooms", "bad_request", "At most %d rooms at once.", s.chat.cfg.ResumeRooms), 0)
		return
	}
	if !s.resuming.CompareAndSwap(false, true) {
		s.refuse(r.ID, errResuming, 0)
		return
	}
	last, err := s.resumeInPlace(r)
	s.resuming.Store(false) // before the answer: whoever has it may ask again
	switch {
	case err == nil:
		s.Push(last)
	case !errors.Is(err, errOver):
		s.refuse(r.ID, err, 0)
	}
}

// resumeInPlace waits for a place among the few who read, and gives the frame that ends the resume.
func (s *session) resumeInPlace(r request) (last []byte, err error) {
	if !s.takePlace() {
		return nil, errOver
	}
	defer s.givePlace()
	return s.resumeRooms(r)
}

var errResuming = fault.Retry(fault.Busy, "busy", "A resume is under way; wait for its answer.", time.Second)

// takePlace waits for one of the few places of those who read what they missed; false when the connection is over.
func (s *session) takePlace() bool {
	select {
	case s.chat.resumes <- struct{}{}:
		return true
	case <-s.context().Done():
		return false
	}
}

func (s *session) givePlace() { <-s.chat.resumes }

func (s *session) resumeRooms(r request) (last []byte, err error) {
	heads, err := s.headsOf(r.Rooms)
	if err != nil {
		return nil, err
	}
	foreign := r.Epoch != s.chat.epoch()
	for room, after := range r.Rooms {
		foreign = foreign || after < 0 || after > heads[room]
	}
	if foreign {
		return encodeFrame(resetFrame{Type: "reset", ID: r.ID, Epoch: s.chat.epoch(), Heads: heads}), nil
	}
	for room, after := range r.Rooms {
		if heads[room]-after > s.chat.cfg.ResumeMessages {
			s.Push(encodeFrame(tooFarFrame{Type: "too_far", ID: r.ID, RoomID: room, Head: heads[room]}))
			after = heads[room]
		}
		if err := s.resumeRoom(room, after); err != nil {
			return nil, err
		}
	}
	return encodeFrame(resumedFrame{Type: "resumed", ID: r.ID, Heads: heads}), nil
}

// headsOf reads the heads of the rooms in which the caller has a seat; the others are as if they did not exist.
func (s *session) headsOf(rooms map[id.ID]int64) (map[id.ID]int64, error) {
	ids := make([]id.ID, 0, len(rooms))
	for room := range rooms {
		ids = append(ids, room)
	}
	found, err := s.chat.store.Heads(s.context(), ids)
	if err != nil {
		return nil, err
	}
	heads := make(map[id.ID]int64, len(found))
	who := s.who.Load()
	for _, h := range found {
		_, staff := who.RoleIn(h.ShopID)
		if staff || h.BuyerID == who.MemberID {
			heads[h.ID] = h.Head
			s.chat.parties.Set(h.ID, parties{buyer: h.BuyerID, shop: h.ShopID}) // whoever resumes a room may soon write in it
		}
	}
	for _, room := range ids {
		if _, ok := heads[room]; !ok {
			return nil, fault.Missing("room")
		}
	}
	return heads, nil
}

func (s *session) resumeRoom(room id.ID, after int64) error {
	s.mu.Lock()
	s.stream.Resume(room, after)
	s.mu.Unlock()
	return s.catchUp(room)
}

// closeGap reads what a room's stream misses, unless it has come meanwhile or is being read already.
func (s *session) closeGap(room id.ID) {
	s.mu.Lock()
	_, needed := s.stream.Reading(room)
	s.mu.Unlock()
	if needed {
		s.fetch(room)
	}
}

// fetch reads a room that is marked as being read; while the database is away it tries again.
func (s *session) fetch(room id.ID) {
	if !s.takePlace() {
		return
	}
	defer s.givePlace()
	if err := s.catchUp(room); err != nil && !errors.Is(err, errOver) {
		s.chat.log.Warn("gap not read yet", "session", s.id, "room", room, "error", err)
		time.AfterFunc(time.Second, func() {
			if !s.over() && s.markBehind(room) {
				s.fetch(room)
			}
		})
	}
}

// markBehind marks the room as being read again, after a read that failed.
func (s *session) markBehind(room id.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream.Behind(room, math.MaxInt64)
}

// catchUp reads a room that is marked as being read, until nothing is missing. A message that arrives live
// while it reads waits in the stream; what the database does not have after a second look never was.
func (s *session) catchUp(room id.ID) error {
	for round := 0; ; round++ {
		err := s.readRoom(room)
		s.mu.Lock()
		step := s.stream.Filled(room, err == nil && round > 0)
		s.emit(step.Frames...)
		more := false
		if err == nil && step.Gap {
			_, more = s.stream.Reading(room)
		}
		s.mu.Unlock()
		if err != nil || !more {
			return err
		}
	}
}

func (s *session) readRoom(room id.ID) error {
	if err := s.findStart(room); err != nil {
		return err
	}
	for {
		s.mu.Lock()
		after := s.stream.Last(room)
		s.mu.Unlock()
		messages, err := s.readAfter(room, after)
		if err != nil {
			if s.over() {
				return errOver
			}
			return err
		}
		if !s.fill(room, messages) {
			return errOver
		}
		if len(messages) < readAhead {
			return nil
		}
	}
}

// findStart finds out where a room begins of which that is not known yet.
func (s *session) findStart(room id.ID) error {
	s.mu.Lock()
	until, unknown := s.stream.Unknown(room)
	s.mu.Unlock()
	if !unknown {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.context(), readPatience)
	defer cancel()
	last, err := s.chat.store.LastUntil(ctx, room, until)
	if err != nil {
		if s.over() {
			return errOver
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream.Found(room, last)
	return nil
}

func (s *session) readAfter(room id.ID, after int64) ([]store.Message, error) {
	ctx, cancel := context.WithTimeout(s.context(), readPatience)
	defer cancel()
	return s.chat.store.After(ctx, room, after, readAhead)
}

// fill sends messages at the pace at which the client reads them: who missed much is not closed as slow for what
// we push. It answers false when the connection is over.
func (s *session) fill(room id.ID, messages []store.Message) bool {
	frames, bytes := 0, 0
	for i := range messages {
		m := &messages[i]
		s.mu.Lock()
		frame := s.stream.Fill(room, m.Seq, messageFrame(m))
		if frame != nil {
			s.emit(frame)
		}
		s.mu.Unlock()
		frames, bytes = frames+1, bytes+len(frame)
		last := i == len(messages)-1
		if frames < max(1, s.chat.cfg.QueueFrames/paceFrames) && bytes < paceBytes && !last {
			continue
		}
		if !s.conn.Room(s.context()) {
			return false
		}
		frames, bytes = 0, 0
	}
	return true
}
