package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/wire"
	"mall/modules/platform/id"
)

// How often, and how soon a first message must be there.
const (
	freshRounds      = 30
	freshRoundsShort = 2
	firstMean        = time.Second
	firstPatience    = completeWithin + 2*time.Second
)

func freshFaults() []fault {
	return []fault{{name: "everybody at once", about: "fresh instances, and both sides of every room connect and write at their welcome: nothing is broken, and each message comes by itself",
		// Instances that are killed again and again leave connections counted for a while.
		settings: []string{variable("chat.sockets_per_member", "1000")}, short: true, guests: true, inject: firstWords}}
}

// firstWords plays rounds: everybody is away, the instances are fresh, then all come at the same moment and write once.
func firstWords(ctx context.Context, s *stage) error {
	s.traffic.stop()
	if err := s.allLeave(ctx); err != nil {
		return err
	}
	rounds := freshRounds
	if s.short {
		rounds = freshRoundsShort
	}
	var all checker.Delay
	for round := range rounds {
		s.cluster.KillInstances()
		if err := s.cluster.StartInstances(ctx); err != nil {
			return err
		}
		client.Forget()
		found, d, err := s.playFirst(ctx)
		if err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		for i := range found {
			found[i].Text = fmt.Sprintf("round %d: %s", round+1, found[i].Text)
		}
		s.violate(found...)
		all = all.With(d)
	}
	if all.Mean() > firstMean {
		s.violatef(checker.Late, "first messages came %v after their ack on average, limit %v", all.Mean().Round(time.Millisecond), firstMean)
	}
	if all.Count == 0 {
		s.violatef(checker.Other, "the harness saw no message that was stored after a welcome")
	}
	s.note("%d rounds: %d first messages came %v after their ack on average, the slowest after %v; %d were refused for a while first", rounds, all.Count, all.Mean().Round(100*time.Microsecond), all.Worst.Round(time.Millisecond), all.Refused)
	for _, c := range s.clients {
		s.join(ctx, c)
	}
	return s.untilReady(ctx)
}

// allLeave sends everybody home once all they have written is stored and told.
func (s *stage) allLeave(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	var missing string
	if err := until(limited, "all is said", func() bool { missing = s.missing(ctx); return missing == "" }); err != nil {
		s.violatef(checker.Late, "before the fault, after %v: %s", s.patience, missing)
	}
	var leaving sync.WaitGroup
	for _, c := range s.clients {
		leaving.Go(func() { s.leave(c) })
	}
	leaving.Wait()
	return ctx.Err()
}

// newcomer is a connection of a round.
type newcomer struct {
	person *person
	talks  bool // it writes at its welcome; else it listens to events

	mu   sync.Mutex
	line checker.Line
	told []checker.Told
	err  error

	again   map[string]func() error // the send of each room
	refused int                     // for the time being
	later   sync.WaitGroup
}

func (s *stage) playFirst(ctx context.Context) ([]checker.Violation, checker.Delay, error) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var all []*newcomer
	writes := 0
	start := make(chan struct{})
	for _, p := range s.cast.people {
		token, err := p.account.Token(ctx)
		if err != nil {
			return nil, checker.Delay{}, err
		}
		for tab := range p.tabs + 1 { // the last one listens, on another instance than the first
			n := &newcomer{again: map[string]func() error{}, person: p, talks: tab < p.tabs, line: checker.Line{Client: fmt.Sprintf("%s-%d", p.name, tab+1), Rooms: p.roomSet(), Got: map[string]map[int64]time.Time{}}}
			addr := s.cluster.Instances[(p.home+tab)%instances].Addr
			all = append(all, n)
			if n.talks {
				writes += len(p.rooms)
			}
			wg.Go(func() { n.live(ctx, addr, token, start) })
		}
	}
	close(start)
	limited, end := context.WithTimeout(ctx, s.patience)
	defer end()
	if err := until(limited, "the first words are acked", func() bool { _, told, err := gather(all); return err != nil || len(told) >= writes }); err != nil {
		return nil, checker.Delay{}, err
	}
	waited, stop := context.WithTimeout(ctx, firstPatience)
	defer stop()
	_ = until(waited, "", func() bool { lines, told, _ := gather(all); return checker.Complete(lines, told) }) // what is not is judged below
	lines, told, err := gather(all)
	found, d := checker.JudgeLines(lines, told, completeWithin)
	for _, n := range all {
		n.mu.Lock()
		d.Refused += n.refused
		n.mu.Unlock()
	}
	return found, d, err
}

func gather(all []*newcomer) (lines []checker.Line, told []checker.Told, err error) {
	for _, n := range all {
		n.mu.Lock()
		l := n.line
		l.Got = map[string]map[int64]time.Time{}
		for room, seqs := range n.line.Got {
			l.Got[room] = maps.Clone(seqs)
		}
		lines, told = append(lines, l), append(told, n.told...)
		if n.err != nil {
			err = fmt.Errorf("%s: %w", n.line.Client, n.err)
		}
		n.mu.Unlock()
	}
	return lines, told, err
}

// live connects, writes once in each room at the welcome, and reads on.
func (n *newcomer) live(ctx context.Context, addr, token string, start <-chan struct{}) {
	<-start
	open := wire.Listen
	if n.talks {
		open = wire.Dial
	}
	c, err := open(ctx, addr, token, wire.Options{})
	if err == nil {
		defer context.AfterFunc(ctx, c.Drop)()
		defer c.Drop()
	}
	for err == nil {
		var text []byte
		if text, err = c.Next(); err == nil {
			err = n.take(ctx, c, text)
		}
	}
	n.later.Wait()
	if ctx.Err() == nil {
		n.mu.Lock()
		n.err = err
		n.mu.Unlock()
	}
}

// heard are the fields of the frames that are looked at here.
type heard struct {
	Type         string    `json:"type"`
	ID           string    `json:"id"`
	Room         string    `json:"room_id"`
	Key          string    `json:"client_msg_id"`
	Seq          int64     `json:"seq"`
	Dup          bool      `json:"dup"`
	Code         string    `json:"code"`
	Retryable    bool      `json:"retryable"`
	RetryAfterMS int64     `json:"retry_after_ms"`
	Created      time.Time `json:"created_at"`
}

func (n *newcomer) take(ctx context.Context, c *wire.Conn, text []byte) error {
	now := time.Now()
	var f heard
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch f.Type {
	case "welcome":
		n.line.Welcomed = now
		for _, room := range n.person.rooms {
			if !n.talks {
				break
			}
			key := id.New()
			n.again[room] = func() error {
				return c.Say(map[string]any{"type": "send", "id": room, "room_id": room, "client_msg_id": key, "body": "the first words of " + n.line.Client})
			}
			if err := n.again[room](); err != nil {
				return err
			}
		}
	case "ack":
		n.told = append(n.told, checker.Told{Room: f.Room, Seq: f.Seq, Stored: f.Created, Acked: now})
		n.got(f, now)
	case "message":
		n.got(f, now)
	case "error":
		if !f.Retryable || n.again[f.ID] == nil {
			return fmt.Errorf("a first send was refused: %s", f.Code)
		}
		n.refused++
		n.later.Go(func() { // as every client does
			if pause(ctx, time.Duration(max(f.RetryAfterMS, 100))*time.Millisecond) == nil {
				_ = n.again[f.ID]() // the reader notices
			}
		})
	}
	return nil
}

func (n *newcomer) got(f heard, now time.Time) {
	if n.line.Got[f.Room] == nil {
		n.line.Got[f.Room] = map[int64]time.Time{}
	}
	if _, twice := n.line.Got[f.Room][f.Seq]; !twice {
		n.line.Got[f.Room][f.Seq] = now
	}
}
