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
	held    id.ID           // a room of the last batch, most of which another instance held; only run's goroutine has it
	settled chan settlement // in the order of the COMMITs, which is that of the numbers in each room

	mu      sync.Mutex
	waiting []*entry
	pace    time.Duration      // what a batch has taken lately, from one to the next
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

// busyAfter is how long a send may have to wait in the lane before it is refused: what comes faster than it can be
// stored is told so at once, instead of waiting longer and longer.
const busyAfter = 200 * time.Millisecond

// overdue says whether a send that came now would wait too long: behind one that has already, or behind more batches
// than are stored in that time at the lane's present pace. The caller holds l.mu.
func (l *lane) overdue(now time.Time) bool {
	n := len(l.waiting)
	if n < l.w.cfg.Batch {
		return false
	}
	return now.Sub(l.waiting[0].since) > busyAfter || time.Duration(n/l.w.cfg.Batch)*l.pace > busyAfter
}

// paced notes what a batch has taken; the last few count most.
func (l *lane) paced(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pace += (took - l.pace) / 4
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
		for l.storeNext() {
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

// storeNext stores a batch of what waits, as much as has gathered when its turn comes; false when nothing waits.
func (l *lane) storeNext() bool {
	began := time.Now() // waiting for a turn is part of the lane's pace
	if l.w.contended() {
		l.w.turn.Lock()
		defer l.w.turn.Unlock()
	}
	batch := l.take()
	if len(batch) == 0 {
		return false
	}
	l.commit(batch, false)
	l.paced(time.Since(began))
	return true
}

func (l *lane) take() []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), l.w.cfg.Batch)
	batch := l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	return batch
}

// Two instances in whose batches the same rooms lie hold them for a few milliseconds each, again and again. Waiting for
// each of them alone would make a transaction of each message: what is locked is tried again with the next batch, which
// waits for one of them where most were locked, and waited for alone only once that has gone on for longer than a few
// batches take.
const (
	lockPatience = 25 * time.Millisecond
	lockPause    = time.Millisecond // between tries when there is nothing else to store
)

// again puts entries whose rooms were locked before all that waits, in their order.
func (l *lane) again(locked []*entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(locked, l.waiting...)
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

func (l *lane) isAside(room id.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, held := l.aside[room]
	return held
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
