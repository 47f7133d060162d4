package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/clock"
	"mall/cmd/faults/internal/proxy"
)

// astray is a clock that is wrong: from the beginning, or as it steps while people talk.
type astray struct {
	name, about string
	own         bool            // an instance's, not the database's
	first       time.Duration   // how far ahead it is when the instances start
	then        []time.Duration // where it is put, one after the other
}

func clockFaults() (all []fault) {
	for _, a := range []astray{
		{"db clock +1h", "the database's clock is an hour ahead", false, time.Hour, []time.Duration{time.Hour, time.Hour}},
		{"db clock -20s", "the database's clock is 20 s behind", false, -20 * time.Second, []time.Duration{-20 * time.Second, -20 * time.Second}},
		{"db clock -1h", "the database's clock is an hour behind", false, -time.Hour, []time.Duration{-time.Hour, -time.Hour}},
		{"db clock steps", "the database's clock jumps ahead and back while people talk", false, 0,
			[]time.Duration{time.Hour, 0, -20 * time.Second, 30 * time.Second, -time.Hour, 0}},
	} {
		all = append(all, a.withAndWithoutRedis(dbClock(a.first), setDBClock)...)
	}
	for _, a := range []astray{
		{"own clock +30m", "one instance's clock jumps half an hour ahead", true, 0, []time.Duration{ownAhead, ownAhead}},
		{"own clock -30m", "one instance's clock jumps half an hour back", true, 0, []time.Duration{-ownAhead, -ownAhead}},
		{"own clock steps", "one instance's clock jumps ahead and back while people talk", true, 0,
			[]time.Duration{ownAhead, 0, -20 * time.Second, 30 * time.Second, -ownAhead, 0}},
	} {
		all = append(all, a.withAndWithoutRedis(ownClock, setOwnClock)...)
	}
	for _, ahead := range []time.Duration{-20 * time.Second, time.Hour} {
		all = append(all, fault{name: fmt.Sprintf("only reads, db %s", signed(ahead)),
			about: "an instance has stored nothing since it was started, Redis is away and the database's clock is wrong",
			boot:  dbClock(ahead), during: promises{answer: answerWithin, ack: ackWithin},
			inject: onlyReads, heal: func(ctx context.Context, s *stage) error { return s.cluster.Redis.Start(ctx) }})
	}
	return all
}

func signed(d time.Duration) string {
	if d != 0 && d%time.Hour == 0 {
		return fmt.Sprintf("%+dh", int(d.Hours()))
	}
	if d != 0 && d%time.Minute == 0 {
		return fmt.Sprintf("%+dm", int(d.Minutes()))
	}
	return fmt.Sprintf("%+ds", int(d.Seconds()))
}

// tokensLast is the longest life of an access token. By the rule of logins an instance takes no token whose beginning or
// end its clock does not agree with, to 5 s. It is the talk that is looked at here: tokens last, they are all made by an
// instance whose clock is right, which takes the REST calls too, and nobody has to connect anew to the one whose is not.
const tokensLast = time.Hour

// ownAhead is less than a token lives, and more than any of the chat's patience.
const ownAhead = 30 * time.Minute

// withAndWithoutRedis makes two faults: in one nothing that Redis carries arrives, in the other there is no Redis. In both
// only the database shows what other instances have stored, by whatever clock they look for it.
func (a astray) withAndWithoutRedis(boot act, set func(s *stage, ahead time.Duration) error) []fault {
	hold := promises{answer: answerWithin, socketsStay: true, ack: ackWithin, near: nearWithin}
	deaf := fault{name: a.name, about: a.about + "; publishes are lost", boot: boot, during: hold,
		inject: func(ctx context.Context, s *stage) error {
			s.loseNews()
			return a.talk(ctx, s, set, completeWithin)
		}}
	without := fault{name: a.name + ", no redis", about: a.about + "; Redis is away", boot: boot, during: hold,
		inject: func(ctx context.Context, s *stage) error {
			if err := s.cluster.Redis.Kill(); err != nil {
				return err
			}
			return a.talk(ctx, s, set, farWithin)
		},
		heal: func(ctx context.Context, s *stage) error { return s.cluster.Redis.Start(ctx) }}
	if a.own {
		lasting := []string{variable("member.access_life", tokensLast.String())}
		deaf.settings, without.settings = lasting, lasting
		deaf.clocked, without.clocked = true, true
	}
	return []fault{deaf, without}
}

// talk puts the clock where it belongs and lets people talk, and looks each time whether the last that was said
// arrives in time, without another word.
func (a astray) talk(ctx context.Context, s *stage, set func(s *stage, ahead time.Duration) error, within time.Duration) error {
	for _, ahead := range a.then {
		s.traffic.start(ctx)
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		if err := set(s, ahead); err != nil {
			return err
		}
		if err := pause(ctx, 1500*time.Millisecond); err != nil {
			return err
		}
		s.traffic.stop()
		if err := writeEverywhere(ctx, s); err != nil {
			return err
		}
		if !s.arrives(ctx, "with the clock "+signed(ahead), within) {
			return nil
		}
	}
	return nil
}

// arrives waits until everybody has everything that is stored by now, and blames what is missing or late; false when it
// never came.
func (s *stage) arrives(ctx context.Context, when string, within time.Duration) bool {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	var missing string
	err := until(limited, "", func() bool { missing = s.missing(ctx); return missing == "" })
	took := time.Since(began).Round(10 * time.Millisecond)
	switch {
	case err != nil:
		s.violatef(checker.Lost, "%s: after %v %s", when, took, missing)
		return false
	case took > within:
		s.violatef(checker.Late, "%s: complete %v after the last ack, limit %v", when, took, within)
	default:
		s.note("%s: complete after %v", when, took)
	}
	return true
}

// loseNews drops everything that subscribers should hear, until the fault is healed.
func (s *stage) loseNews() {
	s.onRedis(func(p *proxy.Proxy) { p.SetRule(deaf) })
	s.undo = append(s.undo, func() { s.onRedis((*proxy.Proxy).Heal) })
}

// dbClock starts the database again, with a clock that can be set. In the end it gets the true one back, and what was
// written meanwhile gets times that the next fault's instances understand.
func dbClock(ahead time.Duration) act {
	return func(ctx context.Context, s *stage) error {
		c, err := clock.NewPreloaded(s.cluster.Private())
		if err != nil {
			return err
		}
		if err := c.Set(ahead); err != nil {
			return err
		}
		if err := s.serverWith(ctx, nil, c.Env()); err != nil {
			return err
		}
		s.dbClock = c
		var off float64
		if err := s.cluster.Root.QueryRowContext(ctx, "SELECT UNIX_TIMESTAMP(NOW(6)) - ?", float64(time.Now().UnixMicro())/1e6).Scan(&off); err != nil {
			return err
		}
		if wrong := time.Duration(off*float64(time.Second)) - ahead; wrong < -2*time.Second || wrong > 2*time.Second {
			return fmt.Errorf("the database's clock is %.1f s ahead, not %v", off, ahead)
		}
		return nil
	}
}

// serverWith starts the database again with further options and environment. When the fault is over it is started once
// more, without.
func (s *stage) serverWith(ctx context.Context, options, env []string) error {
	again := func(ctx context.Context, options, env []string) error {
		s.cluster.KillInstances()
		s.forgetRoot()
		err := s.cluster.MySQL.Stop()
		s.cluster.MySQL.With(options, env)
		return errors.Join(err, s.cluster.MySQL.Start(ctx))
	}
	s.closers = append(s.closers, func() {
		ctx := context.WithoutCancel(ctx)
		err := again(ctx, nil, nil)
		if err == nil {
			err = s.cluster.Exec(ctx, "UPDATE chat_rooms SET updated_at = UTC_TIMESTAMP(6)", "UPDATE chat_cursors SET moved_at = UTC_TIMESTAMP(6)")
		}
		if err != nil {
			s.violatef(checker.Other, "the harness could not heal: %v", err)
		}
	})
	return again(ctx, options, env)
}

func setDBClock(s *stage, ahead time.Duration) error { return s.dbClock.Set(ahead) }

// astrayInstance is the one whose own clock is wrong.
const astrayInstance = 1

// ownClock lets the instances run on clocks of their own, of which one will be wrong.
func ownClock(_ context.Context, s *stage) error {
	s.cluster.Use(s.clocked)
	right := "http://" + s.cluster.Instances[(astrayInstance+1)%instances].Addr
	for _, p := range s.cast.people {
		base := p.account.Base
		p.account.Base = right
		p.account.Renew()
		s.closers = append(s.closers, func() { p.account.Base = base })
	}
	s.closers = append(s.closers, func() {
		if err := setOwnClock(s, 0); err != nil {
			s.violatef(checker.Other, "the harness could not heal: %v", err)
		}
	})
	return setOwnClock(s, 0)
}

func setOwnClock(s *stage, ahead time.Duration) error {
	return s.cluster.Clocks[astrayInstance].Set(ahead)
}

// buildClocked builds the mall once more, with another time.Now.
func (h *house) buildClocked(ctx context.Context) error {
	if h.clocked != "" {
		return nil
	}
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	dir := filepath.Join(h.cluster.Private(), "clocked")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	overlay, err := clock.Overlay(strings.TrimSpace(string(goroot)), dir)
	if err != nil {
		return err
	}
	program := filepath.Join(dir, "mall")
	if err := build(ctx, h.options, theMall, program, "-overlay", overlay); err != nil {
		return err
	}
	h.clocked = program
	return nil
}

// readsAlone is the instance that stores nothing.
const readsAlone = 2

// onlyReads starts one instance afresh, with clients that only listen. Everybody else writes on the others.
func onlyReads(ctx context.Context, s *stage) error {
	const rounds = 4
	if err := s.cluster.Redis.Kill(); err != nil {
		return err
	}
	listeners, err := s.aloneWithListeners(ctx)
	if err != nil {
		return err
	}
	for round := range rounds {
		if err := s.writeElsewhere(ctx, listeners); err != nil {
			return err
		}
		if !s.arrives(ctx, fmt.Sprintf("round %d", round+1), farWithin) {
			return nil
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return nil
}

// aloneWithListeners sends everybody on the instance home, starts it anew and brings devices to it that say nothing, not
// even what they have received. Those who left come back when it is healed.
func (s *stage) aloneWithListeners(ctx context.Context) (listeners map[string]bool, err error) {
	if err := s.untilSaid(ctx); err != nil {
		return nil, err
	}
	alone := s.cluster.Instances[readsAlone]
	for _, c := range slices.Clone(s.clients) {
		if c.On() == alone.Name {
			s.sendHome(ctx, c)
		}
	}
	alone.Kill()
	if err := alone.Start(ctx); err != nil {
		return nil, err
	}
	heads, err := checker.Heads(ctx, s.cluster.Root)
	if err != nil {
		return nil, err
	}
	listeners = map[string]bool{}
	for _, p := range s.cast.people {
		c := s.newClientFrom(p, heads, "-listening", s.cluster.Homes[readsAlone].Addr())
		listeners[c.Name()] = true
		s.clients = append(s.clients, c)
		s.join(ctx, c)
	}
	if err := s.untilReady(ctx); err != nil {
		return nil, err
	}
	for _, c := range s.clients {
		if listeners[c.Name()] && c.On() != alone.Name {
			return nil, fmt.Errorf("%s is on %s", c.Name(), c.On())
		}
	}
	return listeners, nil
}

// newClientFrom makes a device that begins with the given heads and at the given door.
func (s *stage) newClientFrom(p *person, heads map[string]int64, suffix, door string) *client.Client {
	var rooms []client.Room
	for _, id := range p.rooms {
		rooms = append(rooms, client.Room{ID: id, Head: heads[id]})
	}
	return client.New(client.Config{Name: p.name + suffix, Account: p.account, Shop: p.shop, Seed: s.rnd.Uint64(),
		Home: door, Away: s.cluster.Front.Addr(), Instance: s.cluster.InstanceAt}, rooms)
}

// writeElsewhere writes one message in each room from a socket on another instance than the one that stores nothing.
func (s *stage) writeElsewhere(ctx context.Context, listeners map[string]bool) error {
	if n := s.sayOnce(func(c *client.Client) bool { return !listeners[c.Name()] }); n == 0 {
		return errors.New("nobody is on the other instances")
	}
	return until(ctx, "all is acked", func() bool { return s.unsent() == 0 })
}

// unsent counts what waits in the outboxes of those who are here.
func (s *stage) unsent() (n int) {
	for _, c := range s.clients {
		n += c.Unsent()
	}
	return n
}
