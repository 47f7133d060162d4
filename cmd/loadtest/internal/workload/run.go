// Package workload is what the simulated people do.
package workload

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mall/cmd/loadtest/internal/client"
	"mall/cmd/loadtest/internal/frame"
	"mall/cmd/loadtest/internal/meter"
	"mall/cmd/loadtest/internal/people"
	"mall/cmd/loadtest/internal/result"
	"mall/cmd/loadtest/internal/tally"
)

// Target is what a run is against.
type Target struct {
	Name      string
	Bases     []string // several instances: the two sides of a room connect to different ones
	Relay     bool
	Processes []meter.Process
	Redis     string // host:port; empty: not asked
	Cast      *people.Cast
	Profiles  []string // base URLs of /debug/pprof/
}

// Options say how much. Zero values are replaced by each workload's own.
type Options struct {
	Title              string // what the run is called in reports; empty: the workload's name
	Note               string // what readers of the report should know
	Rooms, Connections int
	Rate               float64 // messages a second
	Messages           int64
	Window             int           // unanswered sends of a connection, in closed loops
	Outstanding        int           // unanswered sends of a connection, in open loops
	AtOnce             int           // dials under way
	Readers            int           // of REST pages
	Warmup, Duration   time.Duration // before measuring, and measuring
	Drain              time.Duration // how long after the last send everything may take to arrive
	Floods             string        // the floods whose name has this; empty: all
	FramesPerSecond    int           // of a connection
	Sample             int64         // growth: messages from one sample to the next
	Forwarded          bool          // people say by X-Forwarded-For where they are
	Seed               uint64
	ProfileDir         string
}

// run is one run under way.
type run struct {
	Options

	target  *Target
	fleet   *client.Fleet
	tally   *tally.Tally
	rooms   []people.Room
	began   map[string]int64 // each room's head at the beginning
	out     *result.Result
	screen  io.Writer
	sampler *sampler
	noting  sync.Mutex
	looping atomic.Bool // closed loops go on
}

// workloads are what -workload may name.
var workloads = []struct {
	name, about string
	play        func(ctx context.Context, r *run) error
}{
	{"connect", "many idle connections, held for a while", playConnect},
	{"steady", "open loop: messages at a fixed rate over many rooms", playSteady},
	{"max", "closed loop: both sides of each room have one message in flight", playMax},
	{"overload", "open loop: far more than the server can take, then little; how it refuses and recovers", playOverload},
	{"burst", "everybody dials at once and sends until so many deliveries are made", playBurst},
	{"history", "readers of the newest page of random rooms", playHistory},
	{"inbox", "readers of a shop's list of rooms while messages arrive in it", playInbox},
	{"reconnect", "all connections are cut at once and come back while messages arrive", playReconnect},
	{"chatday", "a mixture: idle buyers, shops with hundreds of rooms, bursts, reloads, cuts, typing, read marks", playChatDay},
	{"growth", "closed loop, until so many messages are stored: what each costs as the store grows", playGrowth},
	{"floods", "open loop, calm and then under one flood after the other: what strangers do to the acks of the others", playFloods},
	{"crowding", "closed loop in a few rooms while more and more idle connections stand by", playCrowding},
}

// Names lists the workloads with what they are.
func Names() (lines []string) {
	for _, w := range workloads {
		lines = append(lines, fmt.Sprintf("%-10s %s", w.name, w.about))
	}
	return lines
}

// OnRelay says whether the bare relay can play a workload: it has no REST and no way back.
func OnRelay(name string) bool {
	return !slices.Contains([]string{"history", "inbox", "reconnect", "chatday", "floods"}, name)
}

// Known says whether there is such a workload.
func Known(name string) bool {
	return slices.ContainsFunc(Names(), func(line string) bool { return strings.Fields(line)[0] == name })
}

// Play runs a workload once. Progress goes to the screen. A result comes with an error, too, as far as it got.
func Play(ctx context.Context, name string, t *Target, o Options, screen io.Writer) (*result.Result, error) {
	for _, w := range workloads {
		if w.name != name {
			continue
		}
		r := newRun(ctx, name, t, o, screen)
		err := w.play(ctx, r)
		r.fleet.Close()
		var found []string
		r.out.Verdict, found = r.fleet.Judge()
		r.out.Notes = append(r.out.Notes, found...)
		if n := r.fleet.Echoed(); n > 0 {
			r.note(fmt.Sprintf("%d own messages were shown beside their acks, which does no harm", n))
		}
		r.out.Errors = r.tally.Snapshot().Errors
		return r.out, err
	}
	return nil, fmt.Errorf("no workload is called %q", name)
}

func newRun(ctx context.Context, name string, t *Target, o Options, screen io.Writer) *run {
	r := &run{Options: o, target: t, tally: &tally.Tally{}, screen: screen}
	r.out = &result.Result{Title: or(o.Title, name), Workload: name, Target: t.Name, Began: time.Now()}
	if o.Note != "" && !t.Relay {
		r.note(o.Note)
	}
	r.fleet = &client.Fleet{Bases: t.Bases, Relay: t.Relay, Tally: r.tally, Body: frame.Text, FramesPerSecond: o.FramesPerSecond, Forwarded: o.Forwarded, Retry: true}
	r.fleet.OnSettled = func(at client.At) {
		if r.looping.Load() {
			at.Conn.SendWhenAllowed(at.Room)
		}
	}
	if t.Relay {
		r.fleet.FramesPerSecond = 0
	}
	r.fleet.Open(ctx)
	return r
}

// or gives a workload's own value where none was asked for.
func or[T comparable](asked, own T) T {
	var zero T
	if asked != zero {
		return asked
	}
	return own
}

// settings says what was asked for.
func (r *run) settings(format string, args ...any) { r.out.Settings = fmt.Sprintf(format, args...) }

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (r *run) figure(name string, value float64, unit, better string) {
	r.out.Figures = append(r.out.Figures, result.Figure{Name: name, Value: value, Unit: unit, Better: better})
}
