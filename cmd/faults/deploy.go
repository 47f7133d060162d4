package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/proxy"
	"mall/cmd/faults/internal/record"
)

// cursorsUnwritten is in how many rooms something has been received that the instance has not written down when it is to end.
const cursorsUnwritten = 2200

// Of a busy shop's rooms each device keeps so many that it may say at once what it has received of all of them, as it does
// when it comes back, and soon again: the mall takes 200 frames at once, and 100 a second. A member has at most ten devices.
const (
	busyShops     = 3
	roomsOfDevice = 85
)

// deployed is the instance that is to end.
const deployed = 0

func deployFaults() []fault {
	return []fault{
		{name: "deploy, db frozen", about: "an instance with thousands of unwritten cursors is asked to end while the database answers nothing",
			during: promises{answer: answerWithin},
			inject: deployFrozen,
			heal: func(ctx context.Context, s *stage) error {
				return errors.Join(s.cluster.MySQL.Resume(), healDeployed(ctx, s))
			}},
		{name: "deploy, db slow", about: "the same while every packet of that instance to the database takes 300 ms", during: promises{answer: answerWithin},
			inject: deployWhile(func(_ context.Context, s *stage) error {
				s.cluster.ToMySQL[deployed].SetRule(func(_ *proxy.Link, to proxy.Direction, _ []byte) (proxy.Verdict, time.Duration) {
					if to == proxy.ToServer {
						return proxy.Forward, 300 * time.Millisecond
					}
					return proxy.Forward, 0
				})
				s.undo = append(s.undo, s.cluster.ToMySQL[deployed].Heal)
				return nil
			}), heal: healDeployed},
		{name: "deploy, db refuses", about: "the same while the database is out of reach for that instance", during: promises{answer: answerWithin},
			inject: deployWhile(func(_ context.Context, s *stage) error {
				s.cluster.ToMySQL[deployed].Admit(proxy.Reset)
				s.cluster.ToMySQL[deployed].Cut(proxy.All)
				s.undo = append(s.undo, s.cluster.ToMySQL[deployed].Heal)
				return nil
			}), heal: healDeployed},
	}
}

func deployFrozen(ctx context.Context, s *stage) error {
	err := deployWhile(func(_ context.Context, s *stage) error {
		s.undo = append(s.undo, func() { _ = s.cluster.MySQL.Resume() })
		return s.cluster.MySQL.Pause()
	})(ctx, s)
	s.nothingAcked("P10", "the database was away", checker.Window{From: s.injected.Add(100 * time.Millisecond), To: time.Now()})
	return err
}

func healDeployed(ctx context.Context, s *stage) error {
	s.cluster.ToMySQL[deployed].Heal()
	if err := s.cluster.Instances[deployed].Start(ctx); err != nil {
		return err
	}
	return s.allHeard(ctx)
}

// deployWhile lets busy shops come, makes their database sick, lets the shops receive something in each room, and asks the
// instance to end (P12).
func deployWhile(sick act) act {
	return func(ctx context.Context, s *stage) error {
		busy, err := s.bringBusyShops(ctx)
		if err != nil {
			return err
		}
		s.injected = time.Now()
		if err := sick(ctx, s); err != nil {
			return err
		}
		if err := hearAtPace(ctx, busy); err != nil {
			return err
		}
		ending := s.cluster.Instances[deployed]
		began := time.Now()
		code, took, err := ending.Terminate(ctx, stopWithin)
		if err != nil {
			return err
		}
		s.note("%s ended after %v with exit code %d", ending.Name, took.Round(10*time.Millisecond), code)
		if code != 0 {
			s.violatef(checker.Other, "P12: %s ended with exit code %d after %v", ending.Name, code, took.Round(10*time.Millisecond))
		}
		logs := s.watched()
		for _, c := range busy {
			logs = append(logs, c.Log())
		}
		closed := 0
		for _, e := range checker.Within(logs, checker.Window{From: began}, record.Closed) {
			if e.On != ending.Name {
				continue
			}
			if closed++; !strings.HasPrefix(e.Note, "1012") {
				s.violatef(checker.Other, "P12: a socket with %s was closed with %q, not with 1012", e.On, e.Note)
			}
		}
		if closed == 0 {
			return fmt.Errorf("nobody was on %s", ending.Name)
		}
		return nil
	}
}

// hearAtPace has every device say that it has received what is in its rooms, with no more frames in a second than it may
// send, those that it says again included.
func hearAtPace(ctx context.Context, busy []*client.Client) error {
	const inASecond = 40
	for from := 0; from < roomsOfDevice; from += inASecond {
		for _, c := range busy {
			rooms := slices.Sorted(slices.Values(c.Rooms()))
			for _, room := range rooms[min(from, len(rooms)):min(from+inASecond, len(rooms))] {
				c.Mark(room, false)
			}
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	return nil
}

// bringBusyShops lets devices come to the instance that is to end, in more rooms together than are written down in a
// second. They go home with the fault, and their rooms with them, or everybody would read those in the faults that follow.
func (s *stage) bringBusyShops(ctx context.Context) (busy []*client.Client, err error) {
	shops, err := s.crowdedShops(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range shops {
		for n := range (len(p.rooms) + roomsOfDevice - 1) / roomsOfDevice {
			c := s.busyDevice(p, n)
			busy = append(busy, c)
			s.join(ctx, c)
			s.brought = append(s.brought, c)
		}
	}
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	for _, c := range busy {
		if err := until(limited, "the busy shops are connected", func() bool { _, ok := c.Ready(); return ok }); err != nil {
			return nil, err
		}
		if c.On() != s.cluster.Instances[deployed].Name {
			return nil, fmt.Errorf("%s is on %s", c.Name(), c.On())
		}
	}
	s.busy = shops
	return busy, nil
}

// busyDevice is the n-th of a shop's.
func (s *stage) busyDevice(p *person, n int) *client.Client {
	own := *p
	own.rooms = p.rooms[n*roomsOfDevice : min((n+1)*roomsOfDevice, len(p.rooms))]
	heads := map[string]int64{}
	for _, room := range own.rooms {
		heads[room] = 1
	}
	return s.newClientFrom(&own, heads, fmt.Sprintf("-%d", n+1), s.cluster.Homes[deployed].Addr())
}

// crowdProgram builds what fills a mall, once.
func (h *house) crowdProgram(ctx context.Context) (string, error) {
	if h.crowd != "" {
		return h.crowd, nil
	}
	program, plain := filepath.Join(h.cluster.Private(), "crowd"), h.options
	plain.race = false // it is no part of what is tested
	if err := build(ctx, plain, "./cmd/crowd", program); err != nil {
		return "", err
	}
	h.crowd = program
	return program, nil
}

// crowdedShops are shops in each of whose rooms a buyer has said one thing.
func (s *stage) crowdedShops(ctx context.Context) (shops []*person, err error) {
	s.lives.crowds++
	program, err := s.crowdProgram(ctx)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.cluster.Private(), "crowd.jsonl")
	_, err = s.cluster.Run(ctx, program, "-buyers", strconv.Itoa(cursorsUnwritten), "-shops", strconv.Itoa(busyShops),
		"-rooms-per-buyer", "1", "-yes", "-out", file)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		var who struct {
			MemberID string   `json:"member_id"`
			ShopID   string   `json:"shop_id"`
			Access   string   `json:"access_token"`
			Expires  int64    `json:"access_expires"`
			Refresh  string   `json:"refresh_token"`
			Rooms    []string `json:"rooms"`
		}
		if err := json.Unmarshal(line, &who); err != nil {
			return nil, err
		}
		if who.ShopID == "" {
			continue
		}
		account := &client.Account{Base: "http://" + s.cluster.Front.Addr(), MemberID: who.MemberID}
		account.Hold(who.Access, who.Refresh, time.Unix(who.Expires, 0))
		shops = append(shops, &person{name: fmt.Sprintf("busy-%d", len(shops)+1), account: account, shop: who.ShopID, rooms: who.Rooms})
		s.closers = append(s.closers, func() { s.forgetShop(context.WithoutCancel(ctx), who.ShopID) })
		if err := s.firstWords(ctx, who.ShopID); err != nil {
			return nil, err
		}
	}
	if len(shops) != busyShops {
		return nil, fmt.Errorf("the crowd has %d shops", len(shops))
	}
	return shops, nil
}

// firstWords has each buyer of a shop say one thing, as if it had been stored long ago.
func (s *stage) firstWords(ctx context.Context, shop string) error {
	return s.together(ctx, []string{
		"START TRANSACTION",
		`INSERT INTO chat_messages (room_id, seq, inquiry_id, party, sender_id, sender_name, kind, body, client_msg_id, buyer_count, shop_count, created_at)
			SELECT id, 1, inquiry_id, 'buyer', buyer_id, 'buyer', 'text', 'hello', UNHEX(REPLACE(UUID(), '-', '')), 1, 0, UTC_TIMESTAMP(6)
			FROM chat_rooms WHERE shop_id = UNHEX('` + unhex(shop) + `')`,
		`UPDATE chat_rooms SET head = 1, buyer_count = 1 WHERE shop_id = UNHEX('` + unhex(shop) + `')`,
		"COMMIT",
	})
}

func (s *stage) forgetShop(ctx context.Context, shop string) {
	statements := []string{"START TRANSACTION"}
	for _, t := range restored[1:] {
		statements = append(statements, "DELETE t FROM "+t+" t JOIN chat_rooms r ON r.id = t.room_id WHERE r.shop_id = UNHEX('"+unhex(shop)+"')")
	}
	statements = append(statements, "DELETE FROM chat_rooms WHERE shop_id = UNHEX('"+unhex(shop)+"')", "COMMIT")
	if err := s.together(ctx, statements); err != nil {
		s.violatef(checker.Other, "the harness could not heal: %v", err)
	}
}

// allHeard waits until everything that the shops have received is stored (P8): the instance wrote it down before it ended,
// or the devices said it again. With that the fault is over for everybody else: thousands of cursors are written in a row.
func (s *stage) allHeard(ctx context.Context) error {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	for _, p := range s.busy {
		var stored int
		err := until(limited, "", func() bool {
			err := s.cluster.Root.QueryRowContext(ctx, `SELECT COUNT(*) FROM chat_cursors c JOIN chat_rooms r ON r.id = c.room_id
				WHERE r.shop_id = UNHEX(?) AND c.party = 'shop' AND c.delivered_seq = 1`, unhex(p.shop)).Scan(&stored)
			return err == nil && stored == len(p.rooms)
		})
		if err != nil {
			s.violatef(checker.Lost, "P8: %s has received something in %d rooms, %d are stored so %v after the end of the fault",
				p.name, len(p.rooms), stored, time.Since(began).Round(time.Second))
		}
	}
	s.note("all of the shops' cursors were stored %v after the instance was back", time.Since(began).Round(10*time.Millisecond))
	return ctx.Err()
}
