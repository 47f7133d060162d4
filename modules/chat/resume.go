package chat

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
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

// resume sends what the client missed: each room's messages after the seq it has, in order, then `resumed`. The epoch
// is looked at first, since names of rooms and numbers of another epoch mean nothing in this one. A room that is not
// there, or not the caller's, is told of in the answer, and keeps no other room from being resumed.
func (s *session) resume(r request) {
	if len(r.Rooms) > s.chat.cfg.ResumeRooms {
		s.refuse(r.ID, fault.Invalidf("rooms", "bad_request", "At most %d rooms at once.", s.chat.cfg.ResumeRooms), 0)
		return
	}
	if !s.resuming.CompareAndSwap(false, true) {
		s.refuse(r.ID, errResuming, 0)
		return
	}
	last, err := s.resumeRooms(r)
	s.resuming.Store(false) // before the answer: whoever has it may ask again
	switch {
	case err == nil:
		s.Push(last)
	case !errors.Is(err, errOver):
		s.refuse(r.ID, err, 0)
	}
}

var errResuming = fault.Retry(fault.Busy, "busy", "A resume is under way; wait for its answer.", time.Second)

func (s *session) resumeRooms(r request) (last []byte, err error) {
	heads, err := s.headsOf(r)
	if err != nil {
		return nil, err
	}
	foreign := r.Epoch != s.chat.epoch()
	sameLife := !foreign
	var missing []id.ID
	for room, after := range r.Rooms {
		head, ours := heads[room]
		if !ours {
			missing = append(missing, room)
		}
		foreign = foreign || after < 0 || ours && after > head
		if sameLife && ours && after > head {
			s.pastHead(room, after, head)
		}
	}
	slices.SortFunc(missing, id.ID.Compare)
	if foreign {
		return encodeFrame(resetFrame{Type: "reset", ID: r.ID, Epoch: s.chat.epoch(), Heads: heads, Missing: missing}), nil
	}
	for room, head := range heads {
		after := r.Rooms[room]
		if head-after > s.chat.cfg.ResumeMessages {
			s.Push(encodeFrame(tooFarFrame{Type: "too_far", ID: r.ID, RoomID: room, Head: head}))
			after = head
		}
		if err := s.resumeRoom(room, after); err != nil {
			return nil, err
		}
	}
	return encodeFrame(resumedFrame{Type: "resumed", ID: r.ID, Heads: heads, Missing: missing}), nil
}

// headsOf reads the heads of the rooms in which the caller has a seat; the others are as if they did not exist.
func (s *session) headsOf(r request) (map[id.ID]int64, error) {
	ids := slices.Collect(maps.Keys(r.Rooms))
	var found []store.Head
	err := s.read(s.chat.resumes, r.read, func(ctx context.Context) (err error) {
		found, err = s.chat.store.Heads(ctx, ids)
		return err
	})
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
	return heads, nil
}

var errNotRead = fault.Retry(fault.Unavailable, "unavailable", "What you missed cannot be read now; try again.", time.Second)

// read asks the database in one of the places, for at most readPatience. Who has waited for a place as long as an answer
// may take (P10) is told so, unless the queue moves: then its turn comes.
func (s *session) read(in *places, asked time.Time, fn func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(s.context())
	defer cancel(nil)
	patience := s.chat.cfg.SendPatience
	var timer *time.Timer
	timer = time.AfterFunc(math.MaxInt64, func() {
		if in.moves(time.Now().Add(-patience)) {
			timer.Reset(patience)
		} else {
			cancel(errNotRead)
		}
	})
	timer.Reset(time.Until(asked.Add(patience)))
	defer timer.Stop()
	err := in.read(ctx, s.who.Load().MemberID, func() error {
		ctx, cancel := context.WithTimeout(ctx, readPatience)
		defer cancel()
		return fn(ctx)
	})
	switch {
	case err == nil:
		return nil
	case s.over():
		return errOver
	case errors.Is(context.Cause(ctx), errNotRead):
		return errNotRead
	}
	return err
}

func (s *session) resumeRoom(room id.ID, after int64) error {
	s.mu.Lock()
	s.stream.Resume(room, after)
	s.mu.Unlock()
	return s.catchUp(room, s.chat.resumes)
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
	if err := s.catchUp(room, s.chat.repairs); err != nil && !errors.Is(err, errOver) {
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
func (s *session) catchUp(room id.ID, in *places) error {
	for round := 0; ; round++ {
		err := s.readRoom(room, in)
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

// readRoom reads page by page, and sends a page before it reads the next.
func (s *session) readRoom(room id.ID, in *places) error {
	if err := s.findStart(room, in); err != nil {
		return err
	}
	for {
		n, err := s.readPage(room, in)
		if err != nil || n < readAhead {
			return err
		}
	}
}

// findStart finds out where a room begins of which that is not known yet.
func (s *session) findStart(room id.ID, in *places) error {
	s.mu.Lock()
	until, unknown := s.stream.Unknown(room)
	s.mu.Unlock()
	if !unknown {
		return nil
	}
	var last int64
	err := s.read(in, time.Now(), func(ctx context.Context) (err error) {
		last, err = s.chat.store.LastUntil(ctx, room, until)
		return err
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream.Found(room, last)
	return nil
}

// readPage reads and sends a page. Of all the gaps of a connection one is at it at a time, so that it has never more
// than two pages in memory: that one's and its resume's.
func (s *session) readPage(room id.ID, in *places) (n int, err error) {
	if in == s.chat.repairs {
		s.repairing.Lock()
		defer s.repairing.Unlock()
	}
	s.mu.Lock()
	after := s.stream.Last(room)
	s.mu.Unlock()
	var messages []store.Message
	err = s.read(in, time.Now(), func(ctx context.Context) (err error) {
		messages, err = s.chat.store.After(ctx, room, after, readAhead)
		return err
	})
	if err != nil {
		return 0, err
	}
	if !s.fill(room, messages) {
		return 0, errOver
	}
	return len(messages), nil
}

// fill sends messages at the pace at which the client reads them: who missed much is not closed as slow for what
// we push. It answers false when the connection is over.
func (s *session) fill(room id.ID, messages []store.Message) bool {
	s.filling.Lock() // two at once would fill the queue at twice the pace
	defer s.filling.Unlock()
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
		if !s.conn.WaitForSpace(s.context()) {
			return false
		}
		frames, bytes = 0, 0
	}
	return true
}
