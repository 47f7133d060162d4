package writer

import (
	"sync"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
)

// lane commits one batch at a time; while the next one is on its way, the last one is answered. A room that another
// transaction holds locked is put aside, so that the others need not wait for it: then a goroutine of its own waits,
// and later sends to the room queue there.
type lane struct {
	w       *Writer
	wake    chan struct{}
	settled chan settlement // in the order of the COMMITs, which is that of the numbers in each room

	mu      sync.Mutex
	waiting []*entry
	aside   map[id.ID][]*entry // by room; a key without entries: the last ones are being stored
	asides  sync.WaitGroup
	closed  bool
}

func (l *lane) add(e *entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed
	}
	if q, held := l.aside[e.draft.RoomID]; held {
		if len(q) >= l.w.cfg.Batch {
			return errBusy
		}
		l.aside[e.draft.RoomID] = append(q, e)
		return nil
	}
	if len(l.waiting) >= l.w.cfg.Queue || l.overdue(e.since) {
		return errBusy
	}
	l.waiting = append(l.waiting, e)
	l.signal()
	return nil
}

// busyAfter is how old the oldest of a full batch's worth of waiting sends may be before new ones are refused: what
// comes faster than it can be stored is told so at once, instead of waiting longer and longer.
const busyAfter = 350 * time.Millisecond

// overdue says whether the lane is behind with more than its next batch; the caller holds l.mu.
func (l *lane) overdue(now time.Time) bool {
	return len(l.waiting) >= l.w.cfg.Batch && now.Sub(l.waiting[0].since) > busyAfter
}

func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.signal()
}

// settlement is a batch that is ready to be answered.
type settlement struct {
	batch []*entry
	out   []store.Outcome
}

// settledMax is how many batches may wait to be answered before the lane waits for that.
const settledMax = 4

// answer calls what waits for the outcomes, one batch after the other, until the lane ends.
func (l *lane) answer() {
	for s := range l.settled {
		for i, e := range s.batch {
			if e != nil {
				e.done(s.out[i])
			}
		}
	}
}

func (l *lane) run() {
	defer close(l.settled)
	for range l.wake {
		for batch := l.take(); len(batch) > 0; batch = l.take() {
			l.commit(batch, false)
		}
		l.mu.Lock()
		ended := l.closed && len(l.waiting) == 0
		l.mu.Unlock()
		if ended {
			l.asides.Wait()
			return
		}
	}
}

func (l *lane) take() []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), l.w.cfg.Batch)
	batch := l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	return batch
}

// putAside lets a goroutine wait for the entry's room, behind those that wait for it already.
func (l *lane) putAside(e *entry) {
	room := e.draft.RoomID
	l.mu.Lock()
	defer l.mu.Unlock()
	q, held := l.aside[room]
	l.aside[room] = append(q, e)
	if !held {
		l.asides.Go(func() { l.waitFor(room) })
	}
}

// divert puts those aside whose room is waited for, and leaves the others: what was queued before the room
// was found locked must not overtake what waits for it.
func (l *lane) divert(batch []*entry) []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := batch[:0]
	for _, e := range batch {
		if q, held := l.aside[e.draft.RoomID]; held {
			l.aside[e.draft.RoomID] = append(q, e)
		} else {
			kept = append(kept, e)
		}
	}
	return kept
}

// waitFor stores what is aside for a room until nothing is. While too many rooms wait it answers those whose
// patience ends.
func (l *lane) waitFor(room id.ID) {
	for batch := l.takeAside(room, nil); len(batch) > 0; batch = l.takeAside(room, batch) {
		patience := time.NewTimer(time.Until(oldest(batch).Add(l.w.tryUntil())))
		select {
		case l.w.waits <- struct{}{}:
			l.commit(batch, true)
			<-l.w.waits
			batch = nil
		case <-patience.C:
			batch = l.fresh(batch)
		}
		patience.Stop()
	}
}

// takeAside gives the next batch for the room, with what is left of the last one first. Once there is nothing
// the room goes through the lane again.
func (l *lane) takeAside(room id.ID, left []*entry) []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	left = append(left, l.aside[room]...)
	if len(left) == 0 {
		delete(l.aside, room)
		return nil
	}
	n := min(len(left), l.w.cfg.Batch)
	l.aside[room] = left[n:]
	return left[:n:n]
}
