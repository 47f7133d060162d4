package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/proxy"
	"mall/cmd/faults/internal/record"
	"mall/modules/platform/testservers"
)

// databaseDown is what must hold while the database is away (P10).
var databaseDown = promises{noAcks: true, answer: answerWithin, socketsStay: true}

func databaseFaults() []fault {
	return []fault{
		{name: "db killed", about: "the database is killed and started again", short: true, lasts: 5 * time.Second, during: databaseDown,
			inject: killMySQL,
			heal:   func(ctx context.Context, s *stage) error { return s.cluster.MySQL.Start(ctx) }},
		{name: "db frozen", about: "the database takes connections and bytes and answers nothing", lasts: 6 * time.Second, during: databaseDown,
			inject: func(_ context.Context, s *stage) error { return s.cluster.MySQL.Pause() },
			heal:   func(_ context.Context, s *stage) error { return s.cluster.MySQL.Resume() }},
		{name: "db frozen, cold", about: "as before, and the instances have just been started: they remember no room", lasts: 6 * time.Second, during: databaseDown,
			boot:   func(context.Context, *stage) error { return nil },
			inject: freezeCold,
			heal:   func(_ context.Context, s *stage) error { return s.cluster.MySQL.Resume() }},
		{name: "db read-only", about: "the database takes no writes, as after a failover to a replica", lasts: 5 * time.Second, during: databaseDown,
			inject: func(ctx context.Context, s *stage) error { return s.cluster.Exec(ctx, "SET GLOBAL read_only = 1") },
			heal:   func(ctx context.Context, s *stage) error { return s.cluster.Exec(ctx, "SET GLOBAL read_only = 0") }},
		{name: "db out of connections", about: "others hold all connections that the database gives", lasts: 5 * time.Second, during: databaseDown,
			inject: hogConnections},
		{name: "one room locked", about: "another session holds one room's row; the other rooms must not wait", lasts: 6 * time.Second,
			during: promises{answer: answerWithin, socketsStay: true}, inject: lockRoom, after: othersDidNotWait},
		{name: "cut before commit", about: "the link is cut as COMMIT leaves: the server never gets it", lasts: 5 * time.Second,
			during: promises{answer: answerWithin, socketsStay: true}, inject: aroundCommit(proxy.Cut, false)},
		{name: "cut after commit", about: "the link is cut before the answer to COMMIT arrives: the server has done it", short: true, lasts: 5 * time.Second,
			during: promises{answer: answerWithin, socketsStay: true}, inject: aroundCommit(proxy.Cut, true)},
		{name: "commit replies lost", about: "the answer to COMMIT and all after it never arrive, and no end either", lasts: 6 * time.Second,
			during: promises{answer: answerWithin, socketsStay: true}, inject: aroundCommit(proxy.Hush, true)},
		{name: "db link cut", about: "all connections to the database are reset every 400 ms", lasts: 5 * time.Second,
			during: promises{answer: answerWithin, socketsStay: true},
			inject: func(ctx context.Context, s *stage) error {
				s.repeatedly(ctx, 400*time.Millisecond, func() { s.onMySQL(func(p *proxy.Proxy) { p.Cut(proxy.All) }) })
				return nil
			}},
		{name: "db link slow", about: "every packet to the database takes 30 ms", lasts: 5 * time.Second,
			during: promises{answer: answerWithin, socketsStay: true},
			inject: func(_ context.Context, s *stage) error {
				s.onMySQL(func(p *proxy.Proxy) {
					p.SetRule(func(_ *proxy.Link, to proxy.Direction, _ []byte) (proxy.Verdict, time.Duration) {
						if to == proxy.ToServer {
							return proxy.Forward, 30 * time.Millisecond
						}
						return proxy.Forward, 0
					})
				})
				s.undo = append(s.undo, func() { s.onMySQL((*proxy.Proxy).Heal) })
				return nil
			}},
		{name: "restored database", about: "an older copy is restored, which loses commits, and the epoch is changed", short: true, lasts: time.Second,
			inject: restoreOlder(false)},
		{name: "restored live", about: "the same while the instances run on: they must notice, and their clients come back", lasts: time.Second,
			inject: restoreOlder(true)},
		{name: "restored, rooms lost", about: "the copy is older than some rooms that people have talked in", lasts: time.Second,
			inject: restoreBeforeRooms(false)},
		{name: "restored live, rooms lost", about: "the same while the instances run on", lasts: time.Second,
			inject: restoreBeforeRooms(true)},
	}
}

func killMySQL(_ context.Context, s *stage) error {
	s.forgetRoot()
	return s.cluster.MySQL.Kill()
}

// forgetRoot lets go of our own connections, or their pool would complain of the ends that it finds.
func (s *stage) forgetRoot() {
	s.cluster.Root.SetMaxIdleConns(0)
	s.cluster.Root.SetMaxIdleConns(2)
}

func (s *stage) onMySQL(do func(*proxy.Proxy)) {
	for _, p := range s.cluster.ToMySQL {
		do(p)
	}
}

// freezeCold lets everybody write in rooms that have not been used since the instances' start.
func freezeCold(ctx context.Context, s *stage) error {
	if err := s.cluster.MySQL.Pause(); err != nil {
		return err
	}
	for _, c := range s.clients {
		for _, room := range c.Rooms() {
			write(c, room, "first words")
		}
	}
	return ctx.Err()
}

// connections are the mall's to its database.
func (s *stage) connections(ctx context.Context) (ids []int64, err error) {
	all, err := testservers.Connections(ctx, s.cluster.Root)
	for _, c := range all {
		if c.User == "mall" {
			ids = append(ids, c.ID)
		}
	}
	return ids, err
}

// hogConnections ends the mall's connections and takes them all.
func hogConnections(ctx context.Context, s *stage) error {
	const left = 12
	if err := s.cluster.Exec(ctx, fmt.Sprintf("SET GLOBAL max_connections = %d", left),
		"CREATE USER IF NOT EXISTS hog@'%'", "GRANT ALL ON mall.* TO hog@'%'"); err != nil {
		return err
	}
	hog, err := sql.Open("mysql", "hog@tcp("+s.cluster.MySQL.Addr()+")/mall")
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var held []*sql.Conn
	take := func() { // as many as there are; those that the mall holds are killed until it has none
		ids, _ := s.connections(ctx) // asked again until there is none
		for _, id := range ids {
			_ = s.cluster.Exec(ctx, fmt.Sprintf("KILL CONNECTION %d", id)) // it may have gone by itself
		}
		for {
			limited, cancel := context.WithTimeout(ctx, time.Second)
			c, err := hog.Conn(limited)
			cancel()
			if err != nil {
				return
			}
			mu.Lock()
			held = append(held, c)
			mu.Unlock()
		}
	}
	gone := func() bool {
		ids, err := s.connections(ctx)
		return err == nil && len(ids) == 0
	}
	err = until(ctx, "the mall has no connection to its database", func() bool { take(); return gone() })
	s.undo = append(s.undo, func() {
		ctx := context.WithoutCancel(ctx)
		if err := s.cluster.Exec(ctx, "SET GLOBAL max_connections = 500"); err != nil {
			s.violatef(checker.Other, "the harness could not heal: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, c := range held {
			_ = c.Close()
		}
		_ = hog.Close()
	})
	return err
}

// lockRoom holds the row of the first room.
func lockRoom(ctx context.Context, s *stage) error {
	tx, err := s.cluster.Root.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	var head int64
	err = tx.QueryRowContext(ctx, "SELECT head FROM chat_rooms WHERE id = UNHEX(?) FOR UPDATE", strings.ReplaceAll(s.cast.rooms[0], "-", "")).Scan(&head)
	s.undo = append(s.undo, func() { _ = tx.Rollback() })
	return err
}

// othersDidNotWait looks at the sends of the other rooms while one was locked.
func othersDidNotWait(_ context.Context, s *stage) error {
	for _, l := range s.watched() {
		others := &record.Log{Client: l.Client}
		for _, e := range l.Events() {
			if e.Room != s.cast.rooms[0] {
				others.Add(e)
			}
		}
		late, _ := checker.Unanswered([]*record.Log{others}, checker.Window{From: s.broken, To: s.healed}, ackWithin)
		s.violate(late...)
	}
	for _, e := range checker.Within(s.logs(), checker.Window{From: s.broken.Add(50 * time.Millisecond), To: s.healed}, record.Ack) {
		if e.Room == s.cast.rooms[0] {
			s.violatef(checker.Other, "room %s was locked, and seq %d of it was acked", e.Room, e.Seq)
		}
	}
	return nil
}

// aroundCommit breaks a third of the connections on which a COMMIT goes: before the server gets it, or after.
func aroundCommit(how proxy.Verdict, after bool) act {
	return func(_ context.Context, s *stage) error {
		var mu sync.Mutex
		r := rand.New(rand.NewPCG(s.seed, 31)) //nolint:gosec // the same for the same seed
		broken := 0
		rule := func(l *proxy.Link, to proxy.Direction, packet []byte) (proxy.Verdict, time.Duration) {
			if to == proxy.ToClient {
				if proxy.EndsAnswer(packet) && l.TakeMark() {
					return how, 0
				}
				return proxy.Forward, 0
			}
			if !proxy.IsCommit(packet) {
				return proxy.Forward, 0
			}
			mu.Lock()
			defer mu.Unlock()
			if r.IntN(3) > 0 {
				return proxy.Forward, 0
			}
			broken++
			if !after {
				return how, 0
			}
			l.Mark()
			return proxy.Forward, 0
		}
		s.onMySQL(func(p *proxy.Proxy) { p.SetRule(rule) })
		s.undo = append(s.undo, func() {
			s.onMySQL((*proxy.Proxy).Heal)
			mu.Lock()
			defer mu.Unlock()
			s.note("%d COMMITs were broken", broken)
			if broken == 0 {
				s.violatef(checker.Other, "the harness saw no COMMIT to break")
			}
		})
		return nil
	}
}
