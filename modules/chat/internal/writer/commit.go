package writer

import (
	"context"
	"errors"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// The parts of the patience of a sender: until when its draft is tried, when the database must have
// answered, and the rest is for finding out what became of a COMMIT without an answer.
func (w *Writer) tryUntil() time.Duration    { return w.cfg.Patience * 3 / 4 }
func (w *Writer) answerUntil() time.Duration { return w.cfg.Patience * 7 / 8 }

// commit stores a batch and answers it; wait says whether to wait for rooms that another transaction holds,
// or to put them aside. A batch that the database refuses as a whole is halved until what it refuses
// stands alone.
func (l *lane) commit(batch []*entry, wait bool) {
	batch = l.fresh(batch)
	if !wait {
		batch = l.divert(batch)
	}
	if len(batch) == 0 {
		return
	}
	out, err := l.storeOrRetry(batch, wait)
	switch {
	case err == nil:
		l.settle(batch, out, wait)
	case errors.Is(err, db.ErrOutcomeUnknown):
		l.resolveUnknown(batch, out)
	case len(batch) > 1 && !passes(err):
		half := len(batch) / 2
		l.commit(batch[:half], wait)
		l.commit(batch[half:], wait)
	default:
		answerAll(batch, refusal(err))
	}
}

// fresh answers those that have waited too long already, and leaves the others.
func (l *lane) fresh(batch []*entry) []*entry {
	kept := batch[:0]
	for _, e := range batch {
		if time.Since(e.asked) < l.w.tryUntil() {
			kept = append(kept, e)
		} else {
			e.done(store.Outcome{Err: errAway})
		}
	}
	return kept
}

// storeOrRetry tries the batch, and once more after what may have been a deadlock or a connection gone stale.
func (l *lane) storeOrRetry(batch []*entry, wait bool) ([]store.Outcome, error) {
	ctx, cancel := context.WithDeadline(context.Background(), oldest(batch).Add(l.w.answerUntil()))
	defer cancel()
	ds := drafts(batch)
	out, err := l.firstTry(ctx, ds, wait)
	if err != nil && passes(err) && ctx.Err() == nil {
		out, err = l.w.store.Append(ctx, ds, !wait)
	}
	return out, err
}

// firstTry is the first try: behind the transaction that held most of the last batch's rooms, if there was one.
func (l *lane) firstTry(ctx context.Context, ds []store.Draft, wait bool) ([]store.Outcome, error) {
	if wait || l.held.IsZero() {
		return l.w.store.Append(ctx, ds, !wait)
	}
	held := l.held
	l.held = id.Nil
	return l.w.store.AppendAfter(ctx, ds, held)
}

// passes says whether the same batch may be stored at another time: nothing is wrong with it.
func passes(err error) bool {
	return !errors.Is(err, db.ErrOutcomeUnknown) && fault.KindOf(err).Retryable()
}

// settle has the batch answered, but for rooms that were locked: those are tried again or put aside.
func (l *lane) settle(batch []*entry, out []store.Outcome, wait bool) {
	var locked []*entry
	now := time.Now()
	for i, e := range batch {
		switch {
		case out[i].Err == nil || !errors.Is(out[i].Err, store.ErrLocked):
			continue
		case wait:
			out[i].Err = fault.Missing("room") // whoever waits for the lock finds every room that there is
			continue
		}
		if e.skipped.IsZero() {
			e.skipped = now
		}
		if now.Sub(e.skipped) < lockPatience && !l.isAside(e.draft.RoomID) {
			locked = append(locked, e)
		} else {
			l.putAside(e)
		}
		batch[i] = nil
	}
	l.settled <- settlement{batch, out}
	if len(locked) == 0 {
		return
	}
	l.again(locked)
	switch {
	case len(locked) > 1 && 2*len(locked) > len(batch):
		l.held = locked[0].draft.RoomID
		l.w.contention.Store(time.Now().UnixNano())
	case len(locked) == len(batch):
		<-time.After(lockPause)
	}
}

// resolveUnknown finds out what an unknown COMMIT has stored of what was to be. What is not found may still become
// visible, so its sender is told to try again with the same key, never that it failed. What is found elsewhere than
// where it was to be had been stored before.
func (l *lane) resolveUnknown(batch []*entry, wanted []store.Outcome) {
	ctx, cancel := context.WithDeadline(context.Background(), oldest(batch).Add(l.w.cfg.Patience))
	defer cancel()
	out, err := l.w.store.Find(ctx, drafts(batch))
	if err != nil {
		answerAll(batch, errAway)
		return
	}
	for i := range batch {
		if errors.Is(out[i].Err, store.ErrLocked) {
			out[i].Err = errAway
		}
		out[i].Dup = out[i].Dup && (wanted[i].Dup || wanted[i].Message.Seq != out[i].Message.Seq)
	}
	l.settled <- settlement{batch, out}
}

// refusal is what a sender may read of a failed transaction: that it is worth another try, whatever has failed. What is
// wrong with a message itself is the answer to it alone, and no transaction's error.
func refusal(err error) error {
	f := *errAway
	f.Err = err
	return &f
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

// oldest is when the sender of the one that has waited longest asked.
func oldest(batch []*entry) time.Time {
	asked := batch[0].asked
	for _, e := range batch {
		if e.asked.Before(asked) {
			asked = e.asked
		}
	}
	return asked
}
