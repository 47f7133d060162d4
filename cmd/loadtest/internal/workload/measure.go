package workload

import (
	"context"
	"fmt"
	"sync"
	"time"

	"mall/cmd/loadtest/internal/hist"
	"mall/cmd/loadtest/internal/meter"
	"mall/cmd/loadtest/internal/result"
	"mall/cmd/loadtest/internal/tally"
)

// mark is all that is read at a moment.
type mark struct {
	tally *tally.Snapshot
	uses  map[string]meter.Use
	own   time.Duration
	redis int64
}

func (r *run) mark(ctx context.Context) mark {
	m := mark{tally: r.tally.Snapshot(), uses: meter.Uses(r.target.Processes), own: meter.OwnCPU()}
	if r.target.Redis != "" {
		n, err := meter.RedisCommands(ctx, r.target.Redis)
		if err != nil {
			r.tally.Error("redis: " + err.Error())
		}
		m.redis = n
	}
	return m
}

// between fills in what happened from one mark to another.
func (r *run) between(from, to mark) {
	d, o := to.tally.Since(from.tally), r.out
	o.Measured = to.tally.At.Sub(from.tally.At)
	o.Sent, o.Acked, o.Received, o.HeldBack, o.Retried = d.Sent, d.Acked, d.Received, d.HeldBack, d.Retried
	o.PerSecond = float64(d.Acked) / o.Measured.Seconds()
	o.Ack, o.Receive = result.LatencyOf(d.Ack), result.LatencyOf(d.Receive)
	o.Late, o.Page = result.LatencyOf(d.Late), result.LatencyOf(d.Page)
	o.RedisCommands = to.redis - from.redis
	work := max(d.Acked, d.Page.N)
	o.Processes = costs(from, to, work)
	o.Simulator = result.Cost{CPU: to.own - from.own, RSSBytes: meter.OwnRSS()}
	if work > 0 {
		o.Simulator.PerMessage = float64(o.Simulator.CPU.Microseconds()) / float64(work)
	}
}

func costs(from, to mark, work int64) map[string]result.Cost {
	all := map[string]result.Cost{}
	for name, u := range to.uses {
		c := result.Cost{CPU: u.CPU - from.uses[name].CPU, RSSBytes: u.RSSBytes}
		if work > 0 {
			c.PerMessage = float64(c.CPU.Microseconds()) / float64(work)
		}
		all[name] = c
	}
	return all
}

// measure lets what is under way warm up and then measures it.
func (r *run) measure(ctx context.Context, warmup, duration time.Duration) {
	wait(ctx, warmup)
	from := r.mark(ctx)
	stop := r.profile(ctx, duration)
	wait(ctx, duration)
	r.between(from, r.mark(ctx))
	stop()
}

// window is a tenth of a second.
type window struct {
	at    time.Time
	acked int64
	p99   time.Duration // of acks
}

const windowLength = 100 * time.Millisecond

// sampler looks at the tally ten times a second and tells of it once.
type sampler struct {
	end  context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex
	windows []window
}

// watch begins sampling and the live progress; the timeline is complete when stop returns.
func (r *run) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	s := &sampler{end: cancel}
	r.sampler = s
	s.done.Go(func() {
		tick := time.NewTicker(windowLength)
		defer tick.Stop()
		began := r.tally.Snapshot()
		second, last := began, began.Ack
		for n := 1; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			acks := r.tally.Ack.Snapshot()
			s.add(acks.Since(last))
			last = acks
			if n%10 == 0 {
				now := r.tally.Snapshot()
				r.second(began, second, now)
				second = now
			}
		}
	})
	return func() { cancel(); s.done.Wait() }
}

func (s *sampler) add(acks *hist.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.windows = append(s.windows, window{at: time.Now(), acked: acks.N, p99: acks.At(0.99)})
}

// latest gives the windows that ended after a moment.
func (s *sampler) latest(after time.Time) (some []window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.windows {
		if w.at.After(after) {
			some = append(some, w)
		}
	}
	return some
}

// second adds a second to the timeline and shows it.
func (r *run) second(began, from, to *tally.Snapshot) {
	d := to.Since(from)
	s := result.Second{At: to.At.Sub(began.At), Acked: d.Acked, Received: d.Received, Pages: d.Page.N,
		AckP99: d.Ack.At(0.99), ReceiveP99: d.Receive.At(0.99), PageP99: d.Page.At(0.99)}
	for _, n := range d.Errors {
		s.Errors += n
	}
	r.out.Timeline = append(r.out.Timeline, s)
	line := fmt.Sprintf("%-9s %-10s %3.0fs  %6d acked/s  %6d received/s  ack p50 %v p99 %v  receive p99 %v  waiting %d",
		r.out.Workload, r.out.Target, s.At.Seconds(), d.Acked, d.Received, round(d.Ack.At(0.5)), round(s.AckP99), round(s.ReceiveP99), r.fleet.Outstanding())
	if d.Page.N > 0 {
		line += fmt.Sprintf("  %d pages/s p99 %v", d.Page.N, round(s.PageP99))
	}
	if s.Errors > 0 {
		line += fmt.Sprintf("  errors %v", d.Errors)
	}
	_, _ = fmt.Fprintln(r.screen, line)
}

func round(d time.Duration) time.Duration {
	if d > 10*time.Millisecond {
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}
