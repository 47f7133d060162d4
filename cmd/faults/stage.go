package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/clock"
	"mall/cmd/faults/internal/group"
	"mall/modules/platform/testservers"
)

// How long the parts of a fault may take; a part that takes longer is a violation, not a hang.
const (
	steady         = 2 * time.Second
	stagePatience  = 8 * time.Minute
	settlePatience = 20 * time.Second
)

// stage is one fault as it is played.
type stage struct {
	*house

	fault     fault
	rnd       *rand.Rand
	clients   []*client.Client
	guests    []*client.Client // further ones, who go before the end
	shown     time.Time        // they were shown out
	tooSlow   bool             // this machine, for what the fault looks at
	base      map[string]int64 // where each room's story begins
	gone      map[string]bool  // rooms that a restore has lost
	traffic   *traffic
	prober    *prober
	busy      []*person                  // shops with very many rooms
	dbClock   *clock.Preloaded           // the database's, where a fault has put one in
	sentinels *testservers.SentinelRedis // of a fault that has a Redis of its own
	broke     *testservers.RedisServer   // the one of its servers that was broken
	group     *group.Group               // of servers, where a fault has put one in the database's place
	pair      *pairStage                 // of servers, likewise
	undo      []func()                   // what the heal must take back
	brought   []*client.Client           // clients of this fault alone, who go home before what is left of it is looked at
	closers   []func()                   // what must end with the fault
	away      map[*client.Client]bool    // clients that are away on purpose: their delays are no delays
	running   map[*client.Client]func()  // ends it

	injected, broken, healed time.Time // the break began, was complete, and was over
	quiet                    time.Time // from when on nothing more happened: no send, no reconnect

	mu    sync.Mutex
	found []checker.Violation
	notes []string
}

// result is a fault's line in the report.
type result struct {
	name     string
	counts   checker.Counts
	complete time.Duration // P6
	back     time.Duration // P11
	answer   time.Duration // slowest answer while the fault lasted
	found    []checker.Violation
	notes    []string
	folder   string
	err      error // the fault could not be played to its end
}

// play plays one fault from the clients' arrival to the verdict.
func (h *house) play(ctx context.Context, f fault) result {
	s := &stage{house: h, fault: f, away: map[*client.Client]bool{}, base: map[string]int64{}, gone: map[string]bool{}, running: map[*client.Client]func(){},
		rnd: rand.New(rand.NewPCG(h.seed, uint64(len(f.name))))} //nolint:gosec // the same for the same seed
	if f.clocked {
		if err := h.buildClocked(ctx); err != nil {
			return result{name: f.name, err: err}
		}
	}
	from := h.sizes()
	ctx, cancel := context.WithTimeout(ctx, stagePatience)
	defer cancel()
	r := result{name: f.name}
	r.err = s.run(ctx, &r)
	r.err = errors.Join(r.err, s.restore(context.WithoutCancel(ctx)), s.noRaces(from))
	r.found, r.notes = s.found, s.notes
	if len(r.found) == 0 && r.err == nil && !h.options.keep {
		return r
	}
	var lines []string
	for _, v := range r.found {
		lines = append(lines, v.String())
	}
	lines = append(lines, s.notes...)
	if r.err != nil {
		lines = append(lines, "error: "+r.err.Error())
	}
	folder, err := h.keep(s, from, lines)
	r.folder, r.err = folder, errors.Join(r.err, err)
	return r
}

func (s *stage) run(ctx context.Context, r *result) error {
	if err := s.prepare(ctx); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := s.emptyBalancer(ctx); err != nil {
		return err
	}
	before, err := s.holdings(ctx)
	if err != nil {
		return err
	}
	stop := s.bringClients(ctx)
	defer stop()
	if err := s.untilReady(ctx); err != nil {
		return err
	}
	if err := s.breakAndHeal(ctx); err != nil {
		return err
	}
	r.complete, r.back = s.untilComplete(ctx)
	if s.cursors && !s.quiet.IsZero() { // else much more is missing
		s.untilCursorsAgree(ctx)
	}
	if s.fault.after != nil {
		if err := s.fault.after(ctx, s); err != nil {
			return fmt.Errorf("after: %w", err)
		}
	}
	s.holdPromises(r)
	stored, err := checker.Load(ctx, s.cluster.Root, s.base)
	if err != nil {
		return err
	}
	witnesses, err := s.witnesses(ctx)
	if err != nil {
		return err
	}
	r.counts = checker.Count(s.watched(), checker.Window{})
	s.violate(checker.Judge(stored, witnesses)...)
	stop()
	s.endVisits()
	return s.givenBack(ctx, before)
}

// endVisits ends the clients that only this fault has brought.
func (s *stage) endVisits() {
	for _, c := range s.brought {
		s.leave(c)
	}
	s.brought = nil
}

// prepare restarts the instances where the fault wants them otherwise, and notes where the rooms are.
func (s *stage) prepare(ctx context.Context) error {
	if s.fault.boot != nil || len(s.fault.settings) > 0 {
		s.cluster.KillInstances()
		s.cluster.With(s.fault.settings...)
		if s.fault.boot != nil {
			if err := s.fault.boot(ctx, s); err != nil {
				return err
			}
		}
		if err := s.cluster.StartInstances(ctx); err != nil {
			return err
		}
	}
	heads, err := checker.Heads(ctx, s.cluster.Root)
	for _, room := range s.cast.rooms {
		s.base[room] = heads[room]
	}
	if err == nil && s.cursors {
		err = s.readEverything(ctx)
	}
	return err
}

// restore leaves the cluster as the next fault wants it, whatever has happened.
func (s *stage) restore(ctx context.Context) error {
	s.takeBack()
	s.endVisits()
	for _, end := range s.closers {
		end()
	}
	for _, p := range s.cluster.Proxies() {
		p.Heal()
		p.Cut(func(*proxyLink) bool { return true })
	}
	if s.fault.boot != nil || len(s.fault.settings) > 0 {
		s.cluster.With()
		s.cluster.Use("")
		s.cluster.KillInstances()
	}
	client.Forget()
	return s.cluster.StartInstances(ctx)
}

// breakAndHeal is the fault itself. Nobody writes any more when it is healed.
func (s *stage) breakAndHeal(ctx context.Context) error {
	if s.fault.probe {
		s.prober = startProber(ctx, s)
		defer s.prober.stop()
	}
	s.traffic.start(ctx)
	if err := pause(ctx, steady); err != nil {
		return err
	}
	s.injected = time.Now()
	if s.fault.inject != nil {
		if err := s.fault.inject(ctx, s); err != nil {
			return fmt.Errorf("inject: %w", err)
		}
	}
	if s.broken.IsZero() {
		s.broken = time.Now()
	}
	if err := pause(ctx, s.fault.lasts); err != nil {
		return err
	}
	s.traffic.stop()
	if s.healed.IsZero() {
		s.healed = time.Now()
	}
	if s.fault.heal != nil {
		if err := s.fault.heal(ctx, s); err != nil {
			return fmt.Errorf("heal: %w", err)
		}
		s.healed = time.Now()
	}
	s.takeBack()
	return nil
}

func (s *stage) takeBack() {
	for i := len(s.undo) - 1; i >= 0; i-- {
		s.undo[i]()
	}
	s.undo = nil
}

func (s *stage) violate(v ...checker.Violation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = append(s.found, v...)
}

func (s *stage) violatef(kind checker.Kind, format string, args ...any) {
	s.violate(checker.Violation{Kind: kind, Text: fmt.Sprintf(format, args...)})
}

func (s *stage) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// until waits for a condition.
func until(ctx context.Context, what string, done func() bool) error {
	for !done() {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("waiting until %s: %w", what, err)
		}
	}
	return nil
}
