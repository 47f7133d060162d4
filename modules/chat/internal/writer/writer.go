// Package writer is group commit: whatever waits while the last batch commits is the next batch.
package writer

import (
	"context"
	"errors"
	"sync"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// Appender stores batches; *store.Store is the one there is. Its methods' comments say what they promise.
type Appender interface {
	Append(ctx context.Context, drafts []store.Draft, skipLocked bool) ([]store.Outcome, error)
	Find(ctx context.Context, drafts []store.Draft) ([]store.Outcome, error)
}

// Config bounds the writer.
type Config struct {
	Lanes    int           // batches under way at once; a room always goes through the same lane
	Batch    int           // most messages of one transaction
	Queue    int           // most messages waiting in a lane; more are refused as busy
	Patience time.Duration // the longest a send may take before it is answered `unavailable`
}

// Writer takes drafts from many senders and stores them in batches.
type Writer struct {
	cfg     Config
	store   Appender
	lanes   []*lane
	running sync.WaitGroup
}

// New makes a writer.
func New(cfg Config, s Appender) *Writer {
	w := &Writer{cfg: cfg, store: s, lanes: make([]*lane, cfg.Lanes)}
	for i := range w.lanes {
		l := &lane{w: w, wake: make(chan struct{}, 1), aside: map[id.ID][]*entry{}}
		w.lanes[i] = l
		w.running.Go(l.run)
	}
	return w
}

// entry is one send under way.
type entry struct {
	draft store.Draft
	done  func(store.Outcome)
	since time.Time
}

// Append queues a draft and returns; done is called exactly once with what became of it, within Patience
// even while the database is away. Of one room, stored messages are done in the order of their numbers.
// done must not block.
func (w *Writer) Append(d store.Draft, done func(store.Outcome)) {
	l := w.lanes[int(d.RoomID[15])%len(w.lanes)]
	if refusal := l.add(&entry{draft: d, done: done, since: time.Now()}); refusal != nil {
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

type lane struct {
	w    *Writer
	wake chan struct{}

	mu      sync.Mutex
	waiting []*entry
	aside   map[id.ID][]*entry // rooms that somebody else holds locked; each has a goroutine that waits for it
	asides  sync.WaitGroup
	closed  bool
}

var (
	errBusy   = fault.Retry(fault.Busy, "busy", "Too many messages are waiting; try again.", 500*time.Millisecond)
	errClosed = fault.Retry(fault.Unavailable, "unavailable", "This instance is going away; try again.", 100*time.Millisecond)
	errAway   = fault.Retry(fault.Unavailable, "unavailable", "The message could not be stored now; try again.", time.Second)
)

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
	if len(l.waiting) >= l.w.cfg.Queue {
		return errBusy
	}
	l.waiting = append(l.waiting, e)
	l.signal()
	return nil
}

func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) close() {
	l.mu.Lock()
	l.closed = true
	l.signal()
	l.mu.Unlock()
}

func (l *lane) run() {
	for range l.wake {
		for batch := l.take(); len(batch) > 0; batch = l.take() {
			l.commit(batch)
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

// commit stores a batch. When it fails as a whole, each message is tried alone, so that one bad row fails
// alone; a room that another transaction holds is waited for aside.
func (l *lane) commit(batch []*entry) {
	batch = l.fresh(batch)
	if len(batch) == 0 {
		return
	}
	ctx, cancel := l.deadline(batch)
	defer cancel()
	out, err := l.w.store.Append(ctx, drafts(batch), true)
	switch {
	case err == nil:
		l.settle(batch, out)
	case errors.Is(err, db.ErrOutcomeUnknown):
		l.lookUp(batch)
	case len(batch) > 1 && ctx.Err() == nil:
		for i := range batch {
			l.commit(batch[i : i+1])
		}
	default:
		answerAll(batch, refusal(err))
	}
}

// fresh answers those that have waited too long already, and leaves the others.
func (l *lane) fresh(batch []*entry) []*entry {
	kept := batch[:0]
	for _, e := range batch {
		if time.Since(e.since) < l.w.cfg.Patience*3/4 {
			kept = append(kept, e)
		} else {
			e.done(store.Outcome{Err: errAway})
		}
	}
	return kept
}

// deadline leaves a part of the oldest sender's patience for looking up an unknown outcome.
func (l *lane) deadline(batch []*entry) (context.Context, context.CancelFunc) {
	oldest := batch[0].since
	for _, e := range batch {
		if e.since.Before(oldest) {
			oldest = e.since
		}
	}
	return context.WithDeadline(context.Background(), oldest.Add(l.w.cfg.Patience*7/8))
}

// settle answers, and puts locked rooms aside.
func (l *lane) settle(batch []*entry, out []store.Outcome) {
	for i, e := range batch {
		if errors.Is(out[i].Err, store.ErrLocked) {
			l.putAside(e)
			continue
		}
		e.done(out[i])
	}
}

// lookUp finds out what an unknown COMMIT has stored. What is not found may still become visible, so its
// sender is told to try again with the same key, never that it failed.
func (l *lane) lookUp(batch []*entry) {
	ctx, cancel := context.WithDeadline(context.Background(), batch[0].since.Add(l.w.cfg.Patience))
	defer cancel()
	out, err := l.w.store.Find(ctx, drafts(batch))
	if err != nil {
		answerAll(batch, errAway)
		return
	}
	for i, e := range batch {
		if errors.Is(out[i].Err, store.ErrLocked) {
			out[i].Err = errAway
		}
		out[i].Dup = false // nobody has been told of it yet
		e.done(out[i])
	}
}

// putAside lets one goroutine a room wait for the lock; later sends to the room queue behind it.
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

func (l *lane) waitFor(room id.ID) {
	for {
		l.mu.Lock()
		batch := l.aside[room]
		if len(batch) == 0 {
			delete(l.aside, room)
			l.mu.Unlock()
			return
		}
		l.aside[room] = nil // the key stays: sends that come now wait here
		l.mu.Unlock()
		l.commitWaiting(l.fresh(batch))
	}
}

func (l *lane) commitWaiting(batch []*entry) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := l.deadline(batch)
	defer cancel()
	out, err := l.w.store.Append(ctx, drafts(batch), false)
	switch {
	case err == nil:
		for i := range out { // without skipping, a room that is not found does not exist
			if errors.Is(out[i].Err, store.ErrLocked) {
				out[i].Err = fault.Missing("room")
			}
		}
		l.settle(batch, out)
	case errors.Is(err, db.ErrOutcomeUnknown):
		l.lookUp(batch)
	case len(batch) > 1 && ctx.Err() == nil:
		for i := range batch {
			l.commitWaiting(batch[i : i+1])
		}
	default:
		answerAll(batch, refusal(err))
	}
}

// refusal is what a sender may read of a failed transaction: one that is not ours to blame on the message
// is worth another try.
func refusal(err error) error {
	if f, ok := fault.As(err); ok && f.Kind != fault.Internal && !f.Kind.Retryable() {
		return f
	}
	return &fault.Error{Kind: errAway.Kind, Code: errAway.Code, Message: errAway.Message, RetryAfter: errAway.RetryAfter, Err: err}
}

func answerAll(batch []*entry, err error) {
	for _, e := range batch {
		e.done(store.Outcome{Err: err})
	}
}

func drafts(batch []*entry) []store.Draft {
	ds := make([]store.Draft, len(batch))
	for i, e := range batch {
		ds[i] = e.draft
	}
	return ds
}
