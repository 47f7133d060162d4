// Package tally counts what happens in a run, from all connections at once.
package tally

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"mall/cmd/loadtest/internal/hist"
)

// Tally is the counters of one run. It is safe for concurrent use.
type Tally struct {
	Sent     atomic.Int64 // sends that went out, retries not counted
	Acked    atomic.Int64
	Received atomic.Int64 // messages that others sent in this run, each receiver's first sight
	Retried  atomic.Int64 // sends repeated with the same key
	Frames   atomic.Int64 // all frames received
	HeldBack atomic.Int64 // sends that were due, but too many of the connection were unanswered

	BackAgain atomic.Int64 // dials of those who came back that failed

	Ack     hist.Hist // from when a send was due to its ack
	Receive hist.Hist // from when a send was due to its sight by the other side
	Late    hist.Hist // from when a send was due to when it went out: the simulator's own delay
	Page    hist.Hist // of REST calls that are the load itself
	Back    hist.Hist // from a connection's end to its having everything again

	mu     sync.Mutex
	errors map[string]int64
}

// Error counts an error by its code or a few words.
func (t *Tally) Error(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.errors == nil {
		t.errors = map[string]int64{}
	}
	t.errors[what]++
}

// Snapshot is a Tally at a moment.
type Snapshot struct {
	At                                               time.Time
	Sent, Acked, Received, Retried, Frames, HeldBack int64
	Ack, Receive, Late, Page                         *hist.Snapshot
	Errors                                           map[string]int64
}

// Snapshot copies everything.
func (t *Tally) Snapshot() *Snapshot {
	t.mu.Lock()
	errors := maps.Clone(t.errors)
	t.mu.Unlock()
	return &Snapshot{
		At: time.Now(), Errors: errors,
		Sent: t.Sent.Load(), Acked: t.Acked.Load(), Received: t.Received.Load(), Retried: t.Retried.Load(),
		Frames: t.Frames.Load(), HeldBack: t.HeldBack.Load(),
		Ack: t.Ack.Snapshot(), Receive: t.Receive.Snapshot(), Late: t.Late.Snapshot(), Page: t.Page.Snapshot(),
	}
}

// Since gives what happened after an earlier snapshot; At stays the later moment.
func (s *Snapshot) Since(e *Snapshot) *Snapshot {
	d := &Snapshot{
		At: s.At, Errors: map[string]int64{},
		Sent: s.Sent - e.Sent, Acked: s.Acked - e.Acked, Received: s.Received - e.Received, Retried: s.Retried - e.Retried,
		Frames: s.Frames - e.Frames, HeldBack: s.HeldBack - e.HeldBack,
		Ack: s.Ack.Since(e.Ack), Receive: s.Receive.Since(e.Receive), Late: s.Late.Since(e.Late), Page: s.Page.Since(e.Page),
	}
	for what, n := range s.Errors {
		if n -= e.Errors[what]; n > 0 {
			d.Errors[what] = n
		}
	}
	return d
}
