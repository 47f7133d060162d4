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
	if err := r.gather(ctx, rooms); err != nil {
		return err
	}
	stop := r.watch(ctx)
	defer stop()
	r.sendOnAck(window)
	r.measure(ctx, or(r.Warmup, defaultWarmup), or(r.Duration, defaultDuration))
	r.settle(ctx)
	return ctx.Err()
}

// gather seats people and connects them.
func (r *run) gather(ctx context.Context, rooms int) error {
	if err := r.seat(ctx, rooms); err != nil {
		return err
	}
	return r.connect(ctx, or(r.AtOnce, defaultAtOnce))
}

// sendOnAck begins a closed loop: so many unanswered messages of each side of each room, until the fleet stops or has
// sent its quota.
func (r *run) sendOnAck(window int) {
	r.looping.Store(true)
	r.each(func(at client.At) {
		for range window {
			at.Conn.SendWhenAllowed(at.Room)
		}
	})
}

// settle sends nothing more and waits for what is under way.
func (r *run) settle(ctx context.Context) {
	r.fleet.Stop()
	r.fleet.Drain(ctx, or(r.Drain, defaultDrain))
}

// playSteady lets messages come at a rate that knows nothing of the answers.
func playSteady(ctx context.Context, r *run) error {
	rooms, rate := or(r.Rooms, 500), or(r.Rate, 1000)
	warmup, duration := or(r.Warmup, defaultWarmup), or(r.Duration, defaultDuration)
	r.settings("%d rooms, %.0f messages/s", rooms, rate)
	if err := r.gather(ctx, rooms); err != nil {
		return err
	}
	stop := r.watch(ctx)
	defer stop()
	played := r.arrivals(ctx, rate, warmup+duration, r.places(anybody))
	r.measure(ctx, warmup, duration)
	<-played
	r.settle(ctx)
	return ctx.Err()
}

func anybody(client.At) bool   { return true }
func buyers(at client.At) bool { return at.Conn.Person.Kind == "buyer" }

// places are where messages can be sent from.
func (r *run) places(who func(at client.At) bool) (places []client.At) {
	r.each(func(at client.At) {
		if who(at) {
			places = append(places, at)
		}
	})
	return places
}

// arrivals sends at a rate from any of the places; the channel is closed when the last is sent.
func (r *run) arrivals(ctx context.Context, rate float64, d time.Duration, places []client.At) <-chan struct{} {
	rnd := rand.New(rand.NewPCG(r.Seed, 1)) //nolint:gosec // the same for the same seed
	from, most := r.fleet.Now(), or(r.Outstanding, 256)
	arrivals := schedule.NewPoisson(rate, from, r.Seed)
	played := make(chan struct{})
	go func() {
		defer close(played)
		arrivals.Play(ctx, r.fleet.Now, from+d.Microseconds(), func(due int64) {
			at := places[rnd.IntN(len(places))]
			r.due(at, due, most)
		})
	}()
	return played
}

// due sends what is due, and counts what cannot be sent.
func (r *run) due(at client.At, due int64, most int) {
	switch at.Conn.Send(at.Room, due, most) {
	case client.HeldBack:
		r.tally.HeldBack.Add(1)
	case client.Offline:
		r.tally.Error("due while not connected")
	case client.Sent, client.Enough:
	}
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
