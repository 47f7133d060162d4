package workload

import (
	"context"
	"time"
)

const reconnectPatience = time.Minute

// playReconnect cuts everybody off at once, while messages go on arriving, and waits until all have come back with the
// contract's jitter and have everything.
func playReconnect(ctx context.Context, r *run) error {
	r.fleet.Outbox = true
	rooms, rate := or(r.Rooms, 500), or(r.Rate, 200)
	warmup, duration := or(r.Warmup, defaultWarmup), or(r.Duration, defaultDuration)
	r.settings("%d connections cut at once, %.0f messages/s go on", 2*rooms, rate)
	if err := r.gather(ctx, rooms); err != nil {
		return err
	}
	stop := r.watch(ctx)
	defer stop()
	played := r.arrivals(ctx, rate, warmup+duration, r.places(anybody))
	wait(ctx, warmup)
	from := r.mark(ctx)
	stopProfile := r.profile(ctx, duration)
	cut, gone := 0, time.Now()
	for _, c := range r.fleet.Conns {
		if c.Cut() {
			cut++
		}
	}
	all := r.until(ctx, reconnectPatience, func() bool { return r.tally.Back.Count() >= int64(cut) })
	took := time.Since(gone)
	<-played
	r.between(from, r.mark(ctx))
	stopProfile()
	back := r.tally.Back.Snapshot()
	r.figure("connections cut", float64(cut), "", "")
	r.figure("back and complete p50", float64(back.At(0.5).Milliseconds()), "ms", "less")
	r.figure("back and complete p99", float64(back.At(0.99).Milliseconds()), "ms", "less")
	r.figure("all back and complete after", float64(took.Milliseconds()), "ms", "less")
	r.figure("dials that failed", float64(r.tally.BackAgain.Load()), "", "less")
	if !all {
		r.note("not all came back in time")
	}
	r.settle(ctx)
	return ctx.Err()
}
