package workload

import (
	"context"
	"errors"
	"time"
)

const (
	burstRooms      = 500
	burstDeliveries = 550_000
	burstPatience   = 10 * time.Minute
)

// playBurst is the known exercise: 1,000 users in 500 rooms dial at once, and 550,000 deliveries are made.
func playBurst(ctx context.Context, r *run) error {
	rooms, window := or(r.Rooms, burstRooms), or(r.Window, 4)
	deliveries := or(r.Messages, burstDeliveries)
	r.settings("%d users in %d rooms dial at once, %d in flight each, %d deliveries", 2*rooms, rooms, window, deliveries)
	r.fleet.Quota = int((deliveries + int64(2*rooms) - 1) / int64(2*rooms))
	if err := r.seat(ctx, rooms); err != nil {
		return err
	}
	began := time.Now()
	if err := r.connect(ctx, len(r.fleet.Conns)); err != nil {
		return err
	}
	stop := r.watch(ctx)
	defer stop()
	from := r.mark(ctx)
	stopProfile := r.profile(ctx, or(r.Duration, defaultDuration))
	r.sendOnAck(window)
	all := r.until(ctx, or(r.Duration, burstPatience), func() bool { return r.tally.Received.Load() >= deliveries })
	took := time.Since(began)
	r.between(from, r.mark(ctx))
	stopProfile()
	r.figure("all deliveries made, from the first dial", took.Seconds(), "s", "less")
	r.figure("deliveries per second", float64(r.out.Received)/r.out.Measured.Seconds(), "/s", "more")
	r.settle(ctx)
	if !all {
		return errors.Join(ctx.Err(), errors.New("not all deliveries were made in time"))
	}
	return ctx.Err()
}

// until waits for something; false when patience ends first.
func (r *run) until(ctx context.Context, patience time.Duration, done func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return done()
		case <-tick.C:
		}
	}
	return true
}
