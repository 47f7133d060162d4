package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mall/cmd/loadtest/internal/client"
	"mall/cmd/loadtest/internal/result"
)

const (
	growthMessages = 1_000_000
	growthSamples  = 20
	growthPatience = 6 * time.Hour
)

// playGrowth stores messages until there are so many, and samples what each costs on the way.
func playGrowth(ctx context.Context, r *run) error {
	rooms, window, messages := or(r.Rooms, 200), or(r.Window, 1), or(r.Messages, growthMessages)
	every := or(r.Sample, max(messages/growthSamples, 1))
	r.settings("%d rooms, %d in flight each way, until %d messages are stored", rooms, window, messages)
	if err := r.gather(ctx, rooms); err != nil {
		return err
	}
	before := int64(0) // what the rooms held
	for _, h := range r.began {
		before += h
	}
	stop := r.watch(ctx)
	defer stop()
	r.sendOnAck(window)
	from := r.mark(ctx)
	last := from
	for next := every; ctx.Err() == nil && last.tally.Acked < messages; next += every {
		if !r.until(ctx, growthPatience, func() bool { return r.tally.Acked.Load() >= min(next, messages) }) {
			break
		}
		now := r.mark(ctx)
		r.sample(last, now, before+now.tally.Acked, len(r.fleet.Conns))
		last = now
	}
	r.between(from, last)
	r.settle(ctx)
	return ctx.Err()
}

// sample adds what a message cost between two marks, and shows it.
func (r *run) sample(from, to mark, stored int64, connections int) {
	d := to.tally.Since(from.tally)
	s := result.Sample{Stored: stored, Connections: connections, PerSecond: float64(d.Acked) / to.tally.At.Sub(from.tally.At).Seconds(),
		AckP99: d.Ack.At(0.99), CPU: map[string]float64{}}
	line := fmt.Sprintf("sample: %d stored, %d connections, %.0f messages/s, ack p99 %v, CPU per message", stored, connections, s.PerSecond, round(s.AckP99))
	for name, c := range costs(from, to, d.Acked) {
		s.CPU[name] = c.PerMessage
		line += fmt.Sprintf(" %s %.0fµs", name, c.PerMessage)
	}
	r.out.Samples = append(r.out.Samples, s)
	_, _ = fmt.Fprintln(r.screen, line)
}

// crowdingSteps are how many connections there are from step to step.
var crowdingSteps = []int{100, 300, 1000, 3000, 10_000, 30_000}

// playCrowding measures the same few busy rooms while more and more others are connected and say nothing.
func playCrowding(ctx context.Context, r *run) error {
	rooms, most := or(r.Rooms, 50), or(r.Connections, 10_000)
	r.settings("%d busy rooms, 1 in flight each way, up to %d connections", rooms, most)
	if err := r.gather(ctx, rooms); err != nil {
		return err
	}
	stop := r.watch(ctx)
	defer stop()
	r.sendOnAck(or(r.Window, 1))
	wait(ctx, or(r.Warmup, defaultWarmup))
	first := r.mark(ctx)
	last := first

	for _, n := range crowdingSteps {
		if n = min(n, most); n > len(r.fleet.Conns) {
			if err := r.addIdle(ctx, n-len(r.fleet.Conns)); err != nil {
				return err
			}
		}
		from := r.mark(ctx)
		wait(ctx, or(r.Duration, defaultDuration))
		last = r.mark(ctx)
		r.sample(from, last, last.tally.Acked, len(r.fleet.Conns))
		if n == most {
			break
		}
	}
	r.between(first, last)
	r.settle(ctx)
	return ctx.Err()
}

// addIdle connects people who are not there yet, for no room of their own.
func (r *run) addIdle(ctx context.Context, n int) error {
	everybody := r.target.Cast.People
	known := len(r.fleet.Conns)
	var idle []*client.Conn
	for i := range n {
		idle = append(idle, r.fleet.Add(everybody[(known+i)%len(everybody)], i, nil, nil))
	}
	made := r.fleet.Connect(ctx, idle, or(r.AtOnce, defaultAtOnce))
	r.out.Connect.Tried += made.Tried
	r.out.Connect.Made += made.Made
	r.out.Connect.Again += made.Again
	r.out.Connect.Took += made.Took
	if made.Made < made.Tried {
		return errors.Join(errNotAll, ctx.Err())
	}
	return nil
}
