package workload

import (
	"context"
	"fmt"
	"time"
)

const (
	probeWarmup   = time.Second
	probeDuration = 3 * time.Second
	recovered     = 50 * time.Millisecond // an ack's p99 in each tenth of a second
	goodInARow    = 10                    // windows that make a recovery
	recoveryMost  = 30 * time.Second
)

// playOverload finds out what the server can take, offers it twice as much, then little, and sees when all is well again.
func playOverload(ctx context.Context, r *run) error {
	r.fleet.Retry = false // a refusal is an answer here
	rooms, duration := or(r.Rooms, 500), or(r.Duration, defaultDuration)
	if err := r.gather(ctx, rooms); err != nil {
		return err
	}
	stop := r.watch(ctx)
	defer stop()
	can := r.probe(ctx)
	rate := or(r.Rate, 2*can)
	most := or(r.Outstanding, 16)
	r.Outstanding = most
	r.settings("%d rooms, %.0f messages/s offered for %v (a probe took %.0f/s), up to %d unanswered each", rooms, rate, duration, can, most)
	played := r.arrivals(ctx, rate, duration, r.places(anybody))
	from := r.mark(ctx)
	stopProfile := r.profile(ctx, duration)
	<-played
	drop := time.Now()
	r.between(from, r.mark(ctx))
	r.figure("offered per second", rate, "/s", "")
	r.figure("taken in a probe before", can, "/s", "more")
	r.recover(ctx, drop, or(rate/10, 1))
	stopProfile()
	r.settle(ctx)
	return ctx.Err()
}

// probe plays a closed loop for a moment and gives its messages a second.
func (r *run) probe(ctx context.Context) float64 {
	r.sendOnAck(1)
	wait(ctx, probeWarmup)
	from := r.tally.Snapshot()
	wait(ctx, min(probeDuration, or(r.Duration, defaultDuration)))
	d := r.tally.Snapshot().Since(from)
	r.looping.Store(false)
	r.until(ctx, defaultDrain, func() bool { return r.fleet.Outstanding() == 0 })
	return max(1, float64(d.Acked)/d.At.Sub(from.At).Seconds())
}

// recover offers little and measures how long acks are late.
func (r *run) recover(ctx context.Context, drop time.Time, rate float64) {
	ctx, cancel := context.WithCancel(ctx)
	played := r.arrivals(ctx, rate, recoveryMost, r.places(anybody))
	var back time.Duration
	well := r.until(ctx, recoveryMost, func() (well bool) {
		back, well = r.backSince(drop)
		return well
	})
	cancel()
	<-played
	if well {
		r.figure(fmt.Sprintf("ack p99 below %v again after", recovered), float64(back.Milliseconds()), "ms", "less")
	} else {
		r.note(fmt.Sprintf("the ack's p99 was not below %v again within %v", recovered, recoveryMost))
	}
}

// backSince gives how long after a moment the last bad tenth of a second ended, once enough good ones have followed.
func (r *run) backSince(drop time.Time) (back time.Duration, well bool) {
	good := 0
	for _, w := range r.sampler.latest(drop) {
		if good++; w.acked == 0 || w.p99 >= recovered {
			good, back = 0, w.at.Sub(drop)
		}
	}
	return back, good >= goodInARow
}
