package workload

import (
	"context"
	"math/rand/v2"
	"time"

	"mall/cmd/loadtest/internal/client"
	"mall/cmd/loadtest/internal/schedule"
)

const (
	defaultDuration = 10 * time.Second
	defaultWarmup   = 2 * time.Second
	defaultDrain    = 10 * time.Second
	defaultAtOnce   = 64
)

// playMax lets both sides of each room send their next message as soon as the last one is acked.
func playMax(ctx context.Context, r *run) error {
	rooms, window := or(r.Rooms, 200), or(r.Window, 1)
	r.settings("%d rooms, %d in flight each way", rooms, window)
	if err := r.seat(ctx, rooms); err != nil {
		return err
	}
	r.fleet.OnSettled = func(at client.At) { at.Conn.SendWhenAllowed(at.Room) }
	if err := r.connect(ctx, or(r.AtOnce, defaultAtOnce)); err != nil {
		return err
	}
	stop := r.watch(ctx)
	defer stop()
	r.each(func(at client.At) {
		for range window {
			at.Conn.SendWhenAllowed(at.Room)
		}
	})
	r.measure(ctx, or(r.Warmup, defaultWarmup), or(r.Duration, defaultDuration))
	r.fleet.Stop()
	r.fleet.Drain(ctx, or(r.Drain, defaultDrain))
	return ctx.Err()
}

// playSteady lets messages come at a rate that knows nothing of the answers.
func playSteady(ctx context.Context, r *run) error {
	rooms, rate := or(r.Rooms, 500), or(r.Rate, 1000)
	warmup, duration := or(r.Warmup, defaultWarmup), or(r.Duration, defaultDuration)
	r.settings("%d rooms, %.0f messages/s", rooms, rate)
	if err := r.seat(ctx, rooms); err != nil {
		return err
	}
	if err := r.connect(ctx, or(r.AtOnce, defaultAtOnce)); err != nil {
		return err
	}
	stop := r.watch(ctx)
	defer stop()
	played := r.arrivals(ctx, rate, warmup+duration)
	r.measure(ctx, warmup, duration)
	<-played
	r.fleet.Drain(ctx, or(r.Drain, defaultDrain))
	return ctx.Err()
}

// arrivals sends at a rate from anybody to any of their rooms; the channel is closed when the last is sent.
func (r *run) arrivals(ctx context.Context, rate float64, d time.Duration) <-chan struct{} {
	var places []client.At
	r.each(func(at client.At) { places = append(places, at) })
	rnd := rand.New(rand.NewPCG(r.Seed, 1)) //nolint:gosec // the same for the same seed
	from, most := r.fleet.Now(), or(r.Outstanding, 256)
	arrivals := schedule.NewPoisson(rate, from, r.Seed)
	played := make(chan struct{})
	go func() {
		defer close(played)
		arrivals.Play(ctx, r.fleet.Now, from+d.Microseconds(), func(due int64) {
			at := places[rnd.IntN(len(places))]
			switch at.Conn.Send(at.Room, due, most) {
			case client.HeldBack:
				r.tally.HeldBack.Add(1)
			case client.Offline:
				r.tally.Error("due while not connected")
			case client.Sent:
			}
		})
	}()
	return played
}

// playConnect holds connections that say nothing.
func playConnect(ctx context.Context, r *run) error {
	n := or(r.Connections, 1000)
	r.settings("%d connections, held %v", n, or(r.Duration, defaultDuration))
	everybody := r.target.Cast.People
	for i := range n {
		r.fleet.Add(everybody[i%len(everybody)], i, nil, nil)
	}
	before := r.mark(ctx)
	stop := r.watch(ctx)
	defer stop()
	err := r.connect(ctx, or(r.AtOnce, defaultAtOnce))
	after := r.mark(ctx)
	made := float64(max(r.out.Connect.Made, 1))
	r.figure("connections per second", made/r.out.Connect.Took.Seconds(), "/s", "more")
	for name, u := range after.uses {
		r.figure(name+" CPU per connection made", float64((u.CPU-before.uses[name].CPU).Microseconds())/made, "µs", "less")
	}
	if err != nil {
		return err
	}
	r.measure(ctx, 0, or(r.Duration, defaultDuration))
	for name, u := range r.mark(ctx).uses {
		r.figure(name+" memory per connection", float64(u.RSSBytes-before.uses[name].RSSBytes)/made/1024, "KiB", "less")
	}
	return ctx.Err()
}
