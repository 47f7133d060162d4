package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/proxy"
	"mall/cmd/faults/internal/record"
	"mall/modules/platform/id"
)

func clientFaults() []fault {
	return []fault{
		{name: "slow reader", about: "one device reads nothing while much is said; nobody else may notice", lasts: 3 * time.Second,
			inject: slowReader, after: othersWereServed},
		{name: "dead radio", about: "a third of the devices hears nothing more, and no FIN: they find out by the silence", lasts: 50 * time.Second,
			inject: deadRadio},
		{name: "clients flapping", about: "all connections of clients are reset every 700 ms", short: true, lasts: 5 * time.Second,
			inject: func(ctx context.Context, s *stage) error {
				s.repeatedly(ctx, 700*time.Millisecond, func() { s.onClients(func(p *proxy.Proxy) { p.Cut(proxy.All) }) })
				return nil
			}},
		{name: "same key 8 times", about: "one message is sent 8 times at once, over all instances, by socket and REST", short: true,
			inject: sameKey},
		{name: "5000 missed", about: "a shop's device is away while thousands of messages arrive", guests: true, inject: missMany},
		{name: "three tabs", about: "tabs on three instances come, go, write and read: all see the same, unread too (P8)", short: true, guests: true, lasts: 2 * time.Second,
			inject: threeTabs},
	}
}

func (s *stage) onClients(do func(*proxy.Proxy)) {
	for _, p := range append([]*proxy.Proxy{s.cluster.Front}, s.cluster.Homes...) {
		do(p)
	}
}

// ends matches the links of the given clients' connections.
func ends(clients ...*client.Client) func(*proxy.Link) bool {
	peers := map[string]bool{}
	for _, c := range clients {
		if a := c.LocalAddr(); a != "" {
			peers[a] = true
		}
	}
	return func(l *proxy.Link) bool { return peers[l.Peer()] }
}

// deadRadio lets a third of the devices hear nothing and be heard by nobody on their present connections.
func deadRadio(_ context.Context, s *stage) error {
	var dead []*client.Client
	for n, c := range s.clients {
		if n%3 == 0 {
			dead = append(dead, c)
			s.away[c] = true
		}
	}
	n := 0
	s.onClients(func(p *proxy.Proxy) { n += p.Hush(ends(dead...)) })
	if n != len(dead) {
		return fmt.Errorf("%d links of %d devices", n, len(dead))
	}
	return nil
}

// slowReader stalls a device of the first shop while its buyers write long messages by REST. The device is connected past
// nginx, with small buffers: those of the way through nginx hold some ten megabytes, and it is the mall's own that is
// looked at.
func slowReader(ctx context.Context, s *stage) error {
	shop := s.cast.people[0]
	door, err := proxy.Plain(ctx, s.cluster.Instances[0].Addr)
	if err != nil {
		return err
	}
	s.undo = append(s.undo, door.Unstall)
	s.closers = append(s.closers, door.Close)
	door.SmallBuffers()
	slow := s.newClient(shop, 0, "-slow", false)
	slow.Through(door.Addr())
	s.away[slow] = true
	s.clients = append(s.clients, slow)
	s.join(ctx, slow)
	if err := until(ctx, "the slow reader is connected", func() bool { _, ok := slow.Ready(); return ok }); err != nil {
		return err
	}
	if n := door.Stall(proxy.All); n != 1 {
		return fmt.Errorf("%d links of one device", n)
	}
	words := make([]rune, 2000)
	for i := range words {
		words[i] = '가' + rune(i)
	}
	const total = 1000 // 6 KB each: more than all buffers on the way and the mall's queue hold
	began := time.Now()
	err = s.flood(ctx, shop, func(string) int { return total / len(shop.rooms) }, string(words))
	took := time.Since(began).Round(10 * time.Millisecond)
	s.note("%d long messages were stored in %v", total, took)
	if took > flushWithin {
		s.note("that was too slow to tell 4508 from a write that was given up")
		s.tooSlow = true
	}
	door.Unstall() // to read why it was closed
	return err
}

// flushWithin is less than the mall's patience with one write.
const flushWithin = 4 * time.Second

// flood lets a shop's buyers write many messages by REST, a few at a time.
func (s *stage) flood(ctx context.Context, shop *person, many func(room string) int, body string) error {
	var wg sync.WaitGroup
	errs := make(chan error, len(shop.rooms))
	for _, room := range shop.rooms {
		buyer := s.buyerOf(room, shop)
		wg.Go(func() {
			for range many(room) {
				err := patiently(ctx, func() error {
					_, err := buyer.rest(ctx, buyer.account.Base, "/chat/rooms/"+room+"/messages", map[string]string{"client_msg_id": id.New().String(), "body": body}, nil)
					return err
				})
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

func (s *stage) buyerOf(room string, shop *person) *person {
	for _, p := range s.cast.people {
		if p == shop {
			continue
		}
		for _, r := range p.rooms {
			if r == room {
				return p
			}
		}
	}
	return nil
}

// othersWereServed: the slow device was closed with 4508, and no other was.
func othersWereServed(_ context.Context, s *stage) error {
	slow := false
	for _, c := range s.clients {
		for _, e := range checker.Within([]*record.Log{c.Log()}, checker.Window{From: s.injected}, record.Closed) {
			switch {
			case !s.away[c]:
				s.violatef(checker.Other, "%s, which reads well, was closed: %s", c.Name(), e.Note)
			default:
				slow = slow || s.tooSlow || strings.HasPrefix(e.Note, "4508")
				s.note("the slow reader's connection ended: %s", e.Note)
			}
		}
	}
	if !slow {
		s.violatef(checker.Other, "a device that read nothing of 6 MB was never closed with 4508")
	}
	return nil
}

// sameKey sends one message many times at once, in each room: all answers name the same seq.
func sameKey(ctx context.Context, s *stage) error {
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	s.traffic.stop()
	shop := s.cast.people[0] // has a tab on every instance
	tabs := s.clients[:instances]
	for _, room := range shop.rooms {
		key := id.New().String()
		answers := make(chan answer, 8)
		var wg sync.WaitGroup
		for n := range 5 { // by REST: to each instance, and through the balancer
			base := shop.account.Base
			if n < instances {
				base = "http://" + s.cluster.Instances[n].Addr
			}
			wg.Go(func() { answers <- sendOnce(ctx, shop, base, room, key, "eight times") })
		}
		for _, tab := range tabs { // by socket, on each instance
			tab.Write(room, key, "eight times")
		}
		wg.Wait()
		if err := until(ctx, "all sends are answered", func() bool { return tabs[0].Unsent()+tabs[1].Unsent()+tabs[2].Unsent() == 0 }); err != nil {
			return err
		}
		close(answers)
		s.sameSeq(room, key, answers)
		if a := sendOnce(ctx, shop, shop.account.Base, room, key, "other words"); a.code != "client_msg_id_conflict" {
			s.violatef(checker.Doubled, "the same key with other words is answered %+v, not client_msg_id_conflict", a)
		}
	}
	return nil
}

type answer struct {
	seq  int64
	dup  bool
	code string
}

func sendOnce(ctx context.Context, p *person, base, room, key, body string) answer {
	var ack struct {
		Seq int64
		Dup bool
	}
	status, err := p.rest(ctx, base, "/chat/rooms/"+room+"/messages", map[string]string{"client_msg_id": key, "body": body}, &ack)
	a := answer{ack.Seq, ack.Dup, ""}
	if err != nil {
		a.code = err.Error()
		var problem *client.Problem
		if errors.As(err, &problem) {
			a.code = problem.Code
		}
	} else if a.dup != (status == http.StatusOK) {
		a.code = fmt.Sprintf("status %d and dup %v", status, a.dup)
	}
	return a
}

func (s *stage) sameSeq(room, key string, answers <-chan answer) {
	var seq int64
	first := 0
	check := func(got int64, dup bool) {
		if seq != 0 && got != seq {
			s.violatef(checker.Doubled, "room %s: one key was stored as %d and as %d", room, seq, got)
		}
		seq = got
		if !dup {
			first++
		}
	}
	for a := range answers {
		if a.code != "" {
			s.violatef(checker.Other, "room %s: a repeated send was answered with %s", room, a.code)
			continue
		}
		check(a.seq, a.dup)
	}
	for _, e := range checker.Within(s.logs(), checker.Window{}, record.Ack) {
		if e.Key == key {
			check(e.Seq, e.Dup)
		}
	}
	if first != 1 {
		s.violatef(checker.Doubled, "room %s seq %d: %d answers say that they are the first", room, seq, first)
	}
}
