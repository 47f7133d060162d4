package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/record"
)

// missMany keeps a shop's device away while most of the messages go to one room, more than a resume gives, and the rest
// to its others.
func missMany(ctx context.Context, s *stage) error {
	s.traffic.stop()
	total := 5000
	if s.short {
		total = 1200
	}
	shop, device := s.cast.people[1], s.clients[instances] // the first shop has three devices
	if device.Account() != shop.account {
		return fmt.Errorf("%s is not %s's", device.Name(), shop.name)
	}
	s.away[device] = true
	s.leave(device)
	rest := total / 3 / max(1, len(shop.rooms)-1)
	err := s.flood(ctx, shop, func(room string) int {
		if room == shop.rooms[0] {
			return total - rest*(len(shop.rooms)-1)
		}
		return rest
	}, "missed")
	if err != nil {
		return err
	}
	began := time.Now()
	s.join(ctx, device)
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	err = until(limited, "the device has caught up", func() bool { return s.missing(ctx) == "" })
	s.note("%d messages were caught up with in %v", total, time.Since(began).Round(10*time.Millisecond))
	return err
}

// tabRounds is how often tabs come and go.
const tabRounds = 4

// seenWithin is P8's limit: what one tab has read is read on all.
const seenWithin = 2 * time.Second

// threeTabs lets a buyer's tabs come, go and write, and a fourth one join, which must find the same.
func threeTabs(ctx context.Context, s *stage) error {
	var tabs []*client.Client
	var buyer *person
	for _, p := range s.cast.people {
		if p.tabs == instances && p.shop == "" && buyer == nil {
			buyer = p
		}
	}
	for _, c := range s.clients {
		if c.Account() == buyer.account {
			tabs = append(tabs, c)
		}
	}
	for round := range tabRounds {
		gone := tabs[round%len(tabs)]
		s.away[gone] = true
		s.leave(gone)
		for _, c := range tabs { // who is gone writes into the outbox, and it leaves when they are back
			write(c, buyer.rooms[0], fmt.Sprintf("round %d of %s", round, c.Name()))
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
		s.join(ctx, gone)
	}
	fourth := s.newClient(buyer, 0, "-late", false)
	s.away[fourth] = true
	s.clients = append(s.clients, fourth)
	s.join(ctx, fourth)
	s.traffic.stop()
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	if err := until(limited, "all tabs have everything", func() bool { return s.missing(ctx) == "" }); err != nil {
		s.violatef(checker.Lost, "%v: %s", err, s.missing(ctx))
		return ctx.Err()
	}
	return s.readOnOne(ctx, buyer, append(tabs, fourth))
}

// sayFromShop has the shop say one more thing, so that there is something to read, and waits until everybody has it.
func (s *stage) sayFromShop(ctx context.Context, room string) error {
	for _, c := range s.clients {
		if c.Party() == client.Shop && slices.Contains(c.Rooms(), room) {
			write(c, room, "one more thing")
			break
		}
	}
	return until(ctx, "the one more thing is everywhere", func() bool { return s.missing(ctx) == "" })
}

// readOnOne reads a room on one tab: it must be read on all, and in the list.
func (s *stage) readOnOne(ctx context.Context, buyer *person, tabs []*client.Client) error {
	room := buyer.rooms[0]
	if err := s.sayFromShop(ctx, room); err != nil {
		return err
	}
	began := time.Now()
	seq := tabs[0].Mark(room, true)
	told := func(c *client.Client) bool {
		for _, e := range checker.Within([]*record.Log{c.Log()}, checker.Window{From: began}, record.Receipt) {
			if e.Room == room && e.Note == "buyer" && e.Seq >= seq {
				return true
			}
		}
		return false
	}
	limited, cancel := context.WithTimeout(ctx, 2*seenWithin)
	defer cancel()
	err := until(limited, "", func() bool {
		for _, c := range tabs[1:] {
			if !told(c) {
				return false
			}
		}
		return true
	})
	took := time.Since(began)
	if err != nil || took > seenWithin {
		for _, c := range tabs[1:] {
			if !told(c) {
				s.violatef(checker.Late, "P8: %s on %s was not told within %v that seq %d is read", c.Name(), c.On(), took.Round(time.Millisecond), seq)
			}
		}
	}
	var now struct {
		Unread int64
		Head   int64
	}
	if _, err := buyer.account.Call(ctx, http.MethodGet, "/chat/rooms/"+room, nil, &now); err != nil {
		return err
	}
	if now.Unread != 0 {
		s.violatef(checker.Other, "P8: all %d messages are read, and REST says that %d are unread", now.Head, now.Unread)
	}
	s.note("what one tab had read was read on all after %v", took.Round(time.Millisecond))
	return nil
}
