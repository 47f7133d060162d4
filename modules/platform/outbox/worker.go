package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"mall/modules/platform/id"
)

// worker delivers one topic, so that a slow handler holds up nobody else.
type worker struct {
	topic   string
	handler Handler
	store   store
	cfg     Config
	log     *slog.Logger
	wake    chan struct{}

	away bool // the database did not answer last time
}

// nudge tells the worker that there is something to do; a second nudge before it has looked adds nothing.
func (w *worker) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run looks after each nudge and, for what comes without one, every so often: failed messages that are due again, and
// what other instances wrote or left behind.
func (w *worker) run(ctx context.Context) {
	tick := time.NewTicker(w.cfg.Poll)
	defer tick.Stop()
	for ctx.Err() == nil {
		w.drain(ctx)
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-tick.C:
		}
	}
}

// drain delivers batch after batch until nothing is due.
func (w *worker) drain(ctx context.Context) {
	for ctx.Err() == nil {
		batch, err := w.store.claim(ctx, w.topic, w.cfg.Batch, w.cfg.Lease)
		if !w.reachable(ctx, err) {
			return
		}
		w.deliver(ctx, batch, time.Now().Add(w.cfg.Lease))
		if len(batch) < w.cfg.Batch {
			return
		}
	}
}

// reachable tells of the database going away and coming back, once each.
func (w *worker) reachable(ctx context.Context, err error) bool {
	if err == nil {
		if w.away {
			w.log.InfoContext(ctx, "outbox reaches the database again")
		}
		w.away = false
		return true
	}
	if !w.away && ctx.Err() == nil {
		w.away = true
		w.log.WarnContext(ctx, "outbox cannot reach the database", "error", err)
	}
	return false
}

// deliver hands over the messages one by one, and gives back what the lease has no time for or ctx leaves over.
func (w *worker) deliver(ctx context.Context, batch []Message, leaseEnd time.Time) {
	for i, m := range batch {
		if ctx.Err() != nil || time.Until(leaseEnd) < w.cfg.Timeout {
			w.giveBack(ctx, batch[i:])
			return
		}
		w.settle(ctx, m, w.call(ctx, m))
	}
}

// call runs the handler with an end and without its panics.
func (w *worker) call(ctx context.Context, m Message) (err error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("outbox: handler panicked: %v\n%s", reason, debug.Stack())
		}
	}()
	return w.handler(ctx, m)
}

// settle deletes a delivered message and plans the next try of a failed one. What cannot be written, because the
// database is away, comes again when the lease ends.
func (w *worker) settle(ctx context.Context, m Message, failed error) {
	settling, cancel := w.lastWord(ctx)
	defer cancel()
	if failed == nil {
		if err := w.store.remove(settling, m.ID); err != nil {
			w.log.WarnContext(ctx, "delivered message could not be removed and will come again", "id", m.ID, "error", err)
		}
		return
	}
	delay := w.backoff(m.Attempts)
	if ctx.Err() != nil {
		delay = 0 // we are leaving: another instance may try at once
	} else {
		w.log.WarnContext(ctx, "message was not delivered", "id", m.ID, "attempts", m.Attempts, "again_in", delay, "error", failed)
	}
	if err := w.store.postpone(settling, m, time.Now().Add(delay)); err != nil {
		w.log.WarnContext(ctx, "failed message could not be planned and waits for its lease to end", "id", m.ID, "error", err)
	}
}

func (w *worker) giveBack(ctx context.Context, rest []Message) {
	settling, cancel := w.lastWord(ctx)
	defer cancel()
	ids := make([]id.ID, len(rest))
	for i, m := range rest {
		ids[i] = m.ID
	}
	if err := w.store.release(settling, ids); err != nil {
		w.log.WarnContext(ctx, "messages could not be given back and wait for their lease to end", "count", len(ids), "error", err)
	}
}

// lastWord lets a result be written though ctx has ended.
func (w *worker) lastWord(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// backoff doubles from RetryMin to RetryMax, a fifth more or less, so that many failures do not come back as one.
func (w *worker) backoff(attempts int) time.Duration {
	delay := w.cfg.RetryMin
	for range attempts - 1 {
		if delay = 2 * delay; delay >= w.cfg.RetryMax {
			delay = w.cfg.RetryMax
			break
		}
	}
	return time.Duration(float64(delay) * (0.8 + 0.4*rand.Float64())) //nolint:gosec // spread, not secrecy
}
