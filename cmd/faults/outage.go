package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/proxy"
)

// How long the outages last: longer than anything that the mall looks back over.
const (
	alone      = 25 * time.Second // one instance without the database
	redisGone  = 30 * time.Second // beginning with it
	stoodStill = 15 * time.Second // in the middle of a transaction
)

// aloneInstance is the one that it happens to.
const aloneInstance = 1

func outageFaults() []fault {
	redisBack := func(ctx context.Context, s *stage) error {
		if err := pause(ctx, time.Until(s.injected.Add(redisGone))); err != nil {
			return err
		}
		return s.cluster.Redis.Start(ctx)
	}
	hold := promises{socketsStay: true, answer: answerWithin}
	return []fault{
		{name: "25s without db", about: "one instance is refused by the database for 25 s, Redis is away for 30 s, and all is silent after the first words", during: hold,
			inject: longOutage(func(p *proxy.Proxy) { p.Admit(proxy.Reset); p.Cut(proxy.All) }), heal: redisBack},
		{name: "25s of a hanging db", about: "as before, but its connections hang and nobody is told", during: hold,
			inject: longOutage(func(p *proxy.Proxy) { p.Admit(proxy.Silent); p.Hush(proxy.All) }), heal: redisBack},
		{name: "25s of hanging reads", about: "as before, but only the connections on which it reads hang", during: hold,
			inject: longOutage(func(p *proxy.Proxy) { p.SetRule(hangReads()) }), heal: redisBack},
		{name: "stopped before commit", about: "one instance stands still for 15 s between a transaction's first packet and its COMMIT; Redis is away", during: hold,
			inject: stopBeforeCommit, heal: func(ctx context.Context, s *stage) error { return s.cluster.Redis.Start(ctx) }},
		{name: "commit 15s late", about: "one COMMIT is on its way for 15 s, long after who sent it has given up and gone; Redis is away", during: hold,
			inject: delayCommit, heal: func(ctx context.Context, s *stage) error { return s.cluster.Redis.Start(ctx) }},
	}
}

// hangReads gives a rule under which a connection hangs as soon as something is read on it outside of a transaction. One
// that hangs within would keep its locks until the server finds it silent, which is another story (docs/chat.md, 6).
func hangReads() proxy.Rule {
	var mu sync.Mutex
	within := map[*proxy.Link]bool{}
	return func(l *proxy.Link, to proxy.Direction, packet []byte) (proxy.Verdict, time.Duration) {
		if to == proxy.ToClient {
			return proxy.Forward, 0
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case proxy.Says(packet, "START TRANSACTION"):
			within[l] = true
		case proxy.IsCommit(packet), proxy.Says(packet, "ROLLBACK"):
			delete(within, l)
		case !within[l] && proxy.Says(packet, "SELECT "):
			return proxy.Hush, 0
		}
		return proxy.Forward, 0
	}
}

// longOutage takes the database from one instance, and Redis from all. The others say one thing in each room, and then
// everybody is silent until the database is back: whatever looks back must look back over all of it.
func longOutage(take func(*proxy.Proxy)) act {
	return func(ctx context.Context, s *stage) error {
		if err := s.untilSaid(ctx); err != nil {
			return err
		}
		if err := s.cluster.Redis.Kill(); err != nil {
			return err
		}
		link := s.cluster.ToMySQL[aloneInstance]
		take(link)
		s.undo = append(s.undo, link.Heal)
		if n := s.sayOnce(func(c *client.Client) bool { return c.On() != s.cluster.Instances[aloneInstance].Name }); n == 0 {
			return errors.New("nobody is on the other instances")
		}
		if err := pause(ctx, time.Until(s.injected.Add(alone))); err != nil {
			return err
		}
		if n := s.unsent(); n > 0 {
			return fmt.Errorf("%d messages are unsent, though two instances have all that they need", n)
		}
		link.Heal()
		s.arrives(ctx, "with the database back", completeWithin)
		return nil
	}
}

// untilSaid ends the talk and waits until everybody has everything.
func (s *stage) untilSaid(ctx context.Context) error {
	s.traffic.stop()
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	if err := until(limited, "all is said", func() bool { return s.missing(ctx) == "" }); err != nil {
		return fmt.Errorf("%w: %s", err, s.missing(ctx))
	}
	return nil
}

// sayOnce says one thing in each room that a socket of these devices is in, and gives how many those are. Listeners are
// left out: which instance takes their calls is the balancer's choice.
func (s *stage) sayOnce(by func(*client.Client) bool) int {
	said := map[string]bool{}
	for _, c := range s.clients {
		if c.Events() || !by(c) {
			continue
		}
		for _, room := range c.Rooms() {
			if !said[room] {
				said[room] = true
				write(c, room, "said once")
			}
		}
	}
	return len(said)
}

// stopBeforeCommit freezes an instance as soon as it has sent the first packet of a transaction that stores a message.
// Then nobody says anything more: the message appears when the instance goes on, long after it was numbered and timed.
func stopBeforeCommit(ctx context.Context, s *stage) error {
	if err := s.untilSaid(ctx); err != nil {
		return err
	}
	if err := s.cluster.Redis.Kill(); err != nil {
		return err
	}
	frozen := s.cluster.Instances[aloneInstance]
	writer := s.socketOn(frozen.Name)
	if writer == nil {
		return errors.New("no socket is on the instance")
	}
	for _, c := range s.clients { // nobody answers them meanwhile
		s.away[c] = s.away[c] || c.On() == frozen.Name
	}
	stopped := make(chan error, 1)
	var once sync.Once
	s.cluster.ToMySQL[aloneInstance].SetRule(func(_ *proxy.Link, to proxy.Direction, packet []byte) (proxy.Verdict, time.Duration) {
		if to == proxy.ToServer && proxy.Says(packet, "START TRANSACTION; ") {
			once.Do(func() { stopped <- frozen.Signal(syscall.SIGSTOP) })
		}
		return proxy.Forward, 0
	})
	s.undo = append(s.undo, s.cluster.ToMySQL[aloneInstance].Heal, func() { _ = frozen.Signal(syscall.SIGCONT) })
	room := writer.Rooms()[0]
	before := writer.Last(room)
	write(writer, room, "stored when the instance goes on")
	select {
	case err := <-stopped:
		if err != nil {
			return err
		}
	case <-time.After(answerWithin):
		return errors.New("the instance began no transaction")
	}
	if err := pause(ctx, stoodStill); err != nil {
		return err
	}
	if open, err := s.openTransactions(ctx); err != nil || open == 0 {
		return errors.Join(err, errors.New("the instance stopped outside of a transaction"))
	}
	if err := frozen.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	if err := until(limited, "the message is stored", func() bool { return s.head(ctx, room) > before }); err != nil {
		return err
	}
	s.arrives(ctx, "after the COMMIT", completeWithin)
	return nil
}

// delayCommit holds the packet with one message's COMMIT on its way to the server. The instance gives it up, the writer
// goes home, and the server gets it all the same.
func delayCommit(ctx context.Context, s *stage) error {
	if err := s.untilSaid(ctx); err != nil {
		return err
	}
	if err := s.cluster.Redis.Kill(); err != nil {
		return err
	}
	writer := s.socketOn(s.cluster.Instances[aloneInstance].Name)
	if writer == nil {
		return errors.New("no socket is on the instance")
	}
	held := make(chan struct{})
	var once sync.Once
	s.cluster.ToMySQL[aloneInstance].SetRule(func(_ *proxy.Link, to proxy.Direction, packet []byte) (_ proxy.Verdict, wait time.Duration) {
		if to == proxy.ToServer && proxy.IsCommit(packet) && bytes.Contains(packet, []byte("chat_messages")) {
			once.Do(func() { wait = stoodStill; close(held) })
		}
		return proxy.Forward, wait
	})
	s.undo = append(s.undo, s.cluster.ToMySQL[aloneInstance].Heal)
	room := writer.Rooms()[0]
	before := writer.Last(room)
	began := time.Now()
	write(writer, room, "stored when nobody waits for it any more")
	select {
	case <-held:
	case <-time.After(answerWithin):
		return errors.New("the instance stored nothing")
	}
	s.sendHome(ctx, writer)
	limited, cancel := context.WithTimeout(ctx, stoodStill+s.patience)
	defer cancel()
	if err := until(limited, "the message is stored", func() bool { return s.head(ctx, room) > before }); err != nil {
		return err
	}
	if took := time.Since(began); took < stoodStill-time.Second {
		return fmt.Errorf("the message was stored after %v", took)
	}
	s.arrives(ctx, "after the COMMIT", completeWithin)
	return nil
}

// socketOn is a device on the instance that has a socket.
func (s *stage) socketOn(instance string) *client.Client {
	for _, c := range s.clients {
		if c.On() == instance && !c.Events() {
			return c
		}
	}
	return nil
}

// openTransactions counts those that the mall has left open for a while.
func (s *stage) openTransactions(ctx context.Context) (n int, err error) {
	ids, err := s.connections(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]")
	err = s.cluster.Root.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id IN ("+list+
		") AND trx_started < NOW() - INTERVAL 5 SECOND").Scan(&n)
	return n, err
}
