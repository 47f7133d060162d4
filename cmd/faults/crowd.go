package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/proxy"
	"mall/cmd/faults/internal/wire"
)

// A crowd are agents of the first shop, each with several lines that are read slowly or not at all.
const (
	crowdAgents = 3
	crowdLines  = 8
	crowdEach   = 110 // long messages in each of the shop's rooms: 6 MB that each line gets
	crowdLasts  = 20 * time.Second
	slowRead    = 100 * time.Millisecond // for 16 KB of one who reads slowly
	readLasts   = 25 * time.Second       // for megabytes, read at full speed
	resumeLimit = 5 * time.Second
)

func crowdFaults() []fault {
	return []fault{
		{name: "slow resumers", about: "24 lines resume megabytes and read slowly or not at all, while all others are cut, resume and talk on",
			during: promises{answer: answerWithin, far: completeWithin}, inject: slowResumers},
		{name: "slow listeners", about: "24 event streams are not read, half of them behind nginx, while megabytes are said; nobody else may notice",
			during: promises{answer: answerWithin, socketsStay: true, far: completeWithin}, inject: slowListeners},
	}
}

// slowOne is a line of the crowd.
type slowOne struct {
	name  string
	conn  *wire.Conn
	reads bool // slowly; else nothing at all
}

// slowDoors are ways on which nothing passes to the client, or little at a time. They hold little themselves, so that it is
// the mall's own buffers that fill, and pass all at once when they are opened.
type slowDoors struct{ still, slow *proxy.Proxy }

func (s *stage) slowDoors(ctx context.Context, target string) (d slowDoors, err error) {
	for _, door := range []**proxy.Proxy{&d.still, &d.slow} {
		if *door, err = proxy.Plain(ctx, target); err != nil {
			return d, err
		}
		(*door).SmallBuffers()
		s.closers = append(s.closers, (*door).Close)
	}
	return d, nil
}

// shut lets the lines that there are be slow from now on.
func (d slowDoors) shut() {
	d.still.Stall(proxy.All)
	d.slow.SetRule(func(_ *proxy.Link, to proxy.Direction, _ []byte) (proxy.Verdict, time.Duration) {
		if to == proxy.ToClient {
			return proxy.Forward, slowRead
		}
		return proxy.Forward, 0
	})
}

func (d slowDoors) open() {
	d.slow.SetRule(nil)
	d.slow.Stall(proxy.All) // and so gets large buffers, too
	d.slow.Unstall()
	d.still.Unstall()
}

// of is the door of the n-th line.
func (d slowDoors) of(n int) string {
	if n%2 == 1 {
		return d.slow.Addr()
	}
	return d.still.Addr()
}

// crowd lets the agents come.
func (s *stage) crowd(ctx context.Context, open func(n int, token string) (*wire.Conn, error)) (all []*slowOne, err error) {
	for range crowdAgents {
		w := &world{stage: s, shop: s.cast.people[0], send: map[string]any{}}
		if err := asAgent(ctx, w); err != nil {
			return nil, err
		}
		token, err := w.sender.Token(ctx)
		if err != nil {
			return nil, err
		}
		for range crowdLines {
			n := len(all)
			c, err := open(n, token)
			if err != nil {
				return nil, fmt.Errorf("line %d of the crowd: %w", n+1, err)
			}
			s.closers = append(s.closers, c.Drop)
			all = append(all, &slowOne{name: fmt.Sprintf("slow-%02d", n+1), conn: c, reads: n%2 == 1})
		}
	}
	return all, nil
}

func longWords() string { return strings.Repeat("긴말이오래도록이어집니다그려", 142) }

// slowResumers let a crowd resume all that was said, on one instance, where others resume, too.
func slowResumers(ctx context.Context, s *stage) error {
	shop := s.cast.people[0]
	if err := s.flood(ctx, shop, func(string) int { return crowdEach }, longWords()); err != nil {
		return err
	}
	heads, err := checker.Heads(ctx, s.cluster.Root)
	if err != nil {
		return err
	}
	epoch, err := checker.Epoch(ctx, s.cluster.Root)
	if err != nil {
		return err
	}
	rooms := map[string]int64{}
	for _, room := range shop.rooms {
		rooms[room] = heads[room] - crowdEach
	}
	doors, err := s.slowDoors(ctx, s.cluster.Instances[0].Addr)
	if err != nil {
		return err
	}
	all, err := s.crowd(ctx, func(n int, token string) (*wire.Conn, error) {
		return wire.Dial(ctx, doors.of(n), token, wire.Options{})
	})
	if err != nil {
		return err
	}
	doors.shut()
	began := time.Now()
	for _, c := range all { // at once, so that all of them wait together
		if err := c.conn.Say(map[string]any{"type": "resume", "id": "slow", "epoch": epoch, "rooms": rooms}); err != nil {
			return err
		}
	}
	cut := func() { s.onClients(func(p *proxy.Proxy) { p.Cut(proxy.All) }) }
	if err := pause(ctx, time.Second); err != nil { // the crowd's buffers are full
		return err
	}
	cut()
	s.repeatedly(ctx, resumeLimit+3*time.Second, cut)
	if err := pause(ctx, crowdLasts); err != nil {
		return err
	}
	doors.open()
	s.judgeEnds(all)
	late, slowest := checker.SlowResumes(s.watched(), checker.Window{From: began}, resumeLimit)
	s.violate(late...)
	s.note("the others' slowest resume took %v", slowest.Round(time.Millisecond))
	return nil
}

// judgeEnds reads all that there is on each line, and looks at how it ends.
func (s *stage) judgeEnds(all []*slowOne) {
	ends := map[string]int{}
	for n, end := range readOut(all) {
		kind, text := all[n].judgeEnd(end)
		if text != "" {
			s.violate(checker.Violation{Kind: kind, Client: all[n].name, Text: text})
		}
		ends[fmt.Sprintf("reads %v: %s", all[n].reads, end)]++
	}
	s.note("how the crowd's lines ended: %v", ends)
}

// readOut reads every line to its end.
func readOut(all []*slowOne) []string {
	ends := make([]string, len(all))
	var wg sync.WaitGroup
	for n, c := range all {
		wg.Go(func() { ends[n] = c.end() })
	}
	wg.Wait()
	return ends
}

func isResumed(text []byte) bool {
	return bytes.Contains(text[:min(len(text), 60)], []byte(`"type":"resumed"`))
}

// The ways in which a line of a crowd ends.
const (
	endAll   = "has all that was missed"
	endAlive = "lives on"
	endCut   = "cut"
)

// end reads all that there is, and says how that ends.
func (c *slowOne) end() string {
	c.conn.Until(time.Now().Add(readLasts)) // all of it: who lives on is told news without end
	for {
		text, err := c.conn.Next()
		var closed *websocket.CloseError
		var waited net.Error
		switch {
		case err == nil && isResumed(text):
			return endAll
		case err == nil:
		case errors.As(err, &closed):
			return fmt.Sprint(closed.Code)
		case errors.Is(err, checker.ErrBroken):
			return err.Error()
		case errors.As(err, &waited) && waited.Timeout():
			return endAlive
		default:
			return endCut
		}
	}
}

// judgeEnd: a line that reads megabytes slowly or not at all gets all, or is ended, with 4508 where it can still be told: in
// the middle of a frame it cannot.
func (c *slowOne) judgeEnd(end string) (checker.Kind, string) {
	switch end {
	case endAll, "4508", endCut:
		return "", ""
	}
	return checker.Other, fmt.Sprintf("a line of a crowd, reading %v, ended otherwise than by 4508: %s", c.reads, end)
}

// slowListeners let a crowd listen to events and read few or none.
func slowListeners(ctx context.Context, s *stage) error {
	direct, err := s.slowDoors(ctx, s.cluster.Instances[0].Addr)
	if err != nil {
		return err
	}
	behind, err := s.slowDoors(ctx, s.cluster.Homes[0].Addr())
	if err != nil {
		return err
	}
	all, err := s.crowd(ctx, func(n int, token string) (*wire.Conn, error) {
		doors := direct
		if n >= crowdAgents*crowdLines/2 {
			doors = behind
		}
		return wire.Listen(ctx, doors.of(n), token, wire.Options{})
	})
	if err != nil {
		return err
	}
	direct.shut()
	behind.shut()
	began := time.Now()
	if err := s.flood(ctx, s.cast.people[0], func(string) int { return crowdEach }, longWords()); err != nil {
		return err
	}
	s.note("%d long messages were stored in %v", crowdEach*len(s.cast.people[0].rooms), time.Since(began).Round(10*time.Millisecond))
	if err := pause(ctx, crowdLasts); err != nil {
		return err
	}
	direct.open()
	behind.open()
	ends := map[string]int{}
	for n, end := range readOut(all) {
		way := "past nginx"
		if n >= len(all)/2 {
			way = "behind nginx" // whose own buffers hold some ten megabytes
		}
		ends[fmt.Sprintf("%s, reads %v: %s", way, all[n].reads, end)]++
		if end != endCut && end != "4508" && (end != endAlive || n < len(all)/2 && !all[n].reads) {
			s.violate(checker.Violation{Kind: checker.Other, Client: all[n].name, Text: fmt.Sprintf("an event stream %s of megabytes, reading %v, ended otherwise than by 4508: %s", way, all[n].reads, end)})
		}
	}
	s.note("how the crowd's streams ended: %v", ends)
	return nil
}
