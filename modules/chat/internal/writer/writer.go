// Package writer is group commit: whatever waits while the last batch commits is the next batch.
package writer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// Appender stores batches; *store.Store is the one there is. Its methods' comments say what they promise.
type Appender interface {
	Append(ctx context.Context, drafts []store.Draft, skipLocked bool) ([]store.Outcome, error)
	AppendAfter(ctx context.Context, drafts []store.Draft, held id.ID) ([]store.Outcome, error)
	Find(ctx context.Context, drafts []store.Draft) ([]store.Outcome, error)
}

// Config bounds the writer.
type Config struct {
	Lanes    int           // batches under way at once; a room always goes through the same lane
	Batch    int           // most messages of one transaction
	Queue    int           // most messages waiting in a lane; more are refused as busy
	Patience time.Duration // the longest a send may take before it is answered `unavailable`
}

// waitsPerLane is how many rooms may wait for their lock at once, for each lane: each of them holds a
// connection to the database, and there must be enough left for everybody else.
const waitsPerLane = 2

// Writer takes drafts from many senders and stores them in batches.
type Writer struct {
	cfg     Config
	store   Appender
	lanes   []*lane
	waits   chan struct{} // a place for each room that waits for its lock
	running sync.WaitGroup

	contention atomic.Int64 // when another instance last held most rooms of a batch, in Unix nanoseconds
	lasts      time.Duration
	turn       sync.Mutex // while it lasts, one lane at a time
}

// contentionLasts is how long lanes take turns after another instance has held most rooms of a batch. Two instances that
// write to the same rooms without pause would break each other's batches into pieces: each stores what the other happens
// not to hold. With one lane at a time on each, one of them has the one half of the rooms while the other has the other
// half, and batches are as large as those of a single instance.
const contentionLasts = 100 * time.Millisecond

func (w *Writer) contended() bool {
	return time.Now().UnixNano()-w.contention.Load() < int64(w.lasts)
}

// New makes a writer.
func New(cfg Config, s Appender) *Writer {
	w := &Writer{cfg: cfg, store: s, lanes: make([]*lane, cfg.Lanes), waits: make(chan struct{}, waitsPerLane*cfg.Lanes), lasts: contentionLasts}
	for i := range w.lanes {
		l := &lane{w: w, wake: make(chan struct{}, 1), settled: make(chan settlement, settledMax), aside: map[id.ID][]*entry{}}
		w.lanes[i] = l
		w.running.Go(l.run)
		w.running.Go(l.answer)
	}
	return w
}

// entry is one send under way.
type entry struct {
	draft   store.Draft
	done    func(store.Outcome)
	asked   time.Time // its sender's patience began
	since   time.Time // it came here
	skipped time.Time // when its room was first found locked
}

// Enqueue queues a draft and returns; done is called exactly once with what became of it, within Patience from
// when the sender asked, even while the database is away. Of one room, stored messages are done in the order of their
// numbers. done must not block.
func (w *Writer) Enqueue(d store.Draft, asked time.Time, done func(store.Outcome)) {
	if time.Since(asked) > w.cfg.Patience/2 {
		done(store.Outcome{Err: errAway}) // those of its batch would have no longer than it has left
		return
	}
	l := w.lanes[int(d.RoomID[15])%len(w.lanes)]
	if refusal := l.add(&entry{draft: d, done: done, asked: asked, since: time.Now()}); refusal != nil {
		done(store.Outcome{Err: refusal})
	}
}

// Close stores what waits and ends. Drafts that come later are refused as unavailable.
func (w *Writer) Close() {
	for _, l := range w.lanes {
		l.close()
	}
	w.running.Wait()
}

var (
	errBusy   = fault.Retry(fault.Busy, "busy", "Too many messages are waiting; try again.", 500*time.Millisecond)
	errClosed = fault.Retry(fault.Unavailable, "unavailable", "This instance is going away; try again.", 100*time.Millisecond)
	errAway   = fault.Retry(fault.Unavailable, "unavailable", "The message could not be stored now; try again.", time.Second)
)
