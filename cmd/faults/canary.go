package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/wire"
	"mall/modules/platform/id"
)

func canaryFaults() []fault {
	return []fault{{name: "lines dropped", about: "for 30 s members drop their lines in every way, in the middle of what they are sent: nobody ever gets a byte that is not theirs",
		short: true, during: promises{socketsStay: true}, inject: dropLines}}
}

// How the lines are dropped, for each member: so many sockets, streams and readers of pages at a time, beside the honest ones.
const (
	dropFor      = 30 * time.Second
	dropForShort = 8 * time.Second
	dropSockets  = 4
	dropStreams  = 1
	pageReaders  = 3                     // the first reads well
	canaryRooms  = 20                    // that are seeded
	canaries     = 110                   // in each, so that a page and a resume are full
	canaryEvery  = 20 * time.Millisecond // somebody says one more
	longCanary   = 9                     // every so many is long
	longRooms    = 2                     // and in every so many rooms all
)

// flock is everybody who looks at bytes.
type flock struct {
	*stage

	epoch   string
	heads   map[string]int64
	long    map[string]bool // rooms of long messages
	members []*person
	drops   atomic.Int64
	pages   atomic.Int64
	seen    atomic.Int64
	wg      sync.WaitGroup
}

// dropLines lets all members of some rooms drop their lines, while other lines of theirs stay.
func dropLines(ctx context.Context, s *stage) error {
	f, err := s.seedCanaries(ctx)
	if err != nil {
		return err
	}
	lasts := dropFor
	if s.short {
		lasts = dropForShort
	}
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	for n, p := range f.members {
		token, err := p.account.Token(ctx)
		if err != nil {
			return err
		}
		for honest := range 2 {
			f.wg.Go(func() { f.stay(ctx, p, token, f.at(n+honest), honest == 1) })
		}
		for k := range dropSockets + dropStreams {
			rnd := rand.New(rand.NewPCG(f.seed, uint64(100*n+k))) //nolint:gosec // the same for the same seed
			f.wg.Go(func() { f.dropAgain(ctx, p, token, rnd, k >= dropSockets) })
		}
		for k := range pageReaders {
			rnd := rand.New(rand.NewPCG(f.seed, uint64(100*n+50+k))) //nolint:gosec // the same for the same seed
			f.wg.Go(func() { f.readPages(ctx, p, token, rnd, k > 0) })
		}
	}
	f.wg.Go(func() { f.sing(ctx) })
	f.wg.Wait()
	s.note("%d lines were dropped and %d pages read; %d canaries were seen", f.drops.Load(), f.pages.Load(), f.seen.Load())
	if f.seen.Load() == 0 {
		s.violatef(checker.Other, "the harness saw no canary at all")
	}
	return nil
}

// seedCanaries fills some rooms with their canaries.
func (s *stage) seedCanaries(ctx context.Context) (*flock, error) {
	f := &flock{stage: s, long: map[string]bool{}}
	seeded := map[string]bool{}
	for n, room := range s.cast.rooms[:min(canaryRooms, len(s.cast.rooms))] {
		seeded[room], f.long[room] = true, n%longRooms == 0
	}
	var wg sync.WaitGroup
	errs := make(chan error, len(seeded))
	for _, p := range s.cast.people {
		mine := false
		for _, room := range p.rooms {
			mine = mine || seeded[room]
			if !seeded[room] || p.shop != "" {
				continue
			}
			wg.Go(func() {
				for n := range canaries {
					if err := say(ctx, p, room, f.canaryText(room, n)); err != nil {
						errs <- err
						return
					}
				}
			})
		}
		if mine {
			f.members = append(f.members, p)
		}
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return nil, err
	}
	var err error
	if f.heads, err = checker.Heads(ctx, s.cluster.Root); err != nil {
		return nil, err
	}
	f.epoch, err = checker.Epoch(ctx, s.cluster.Root)
	return f, err
}

// canaryText is one of a room's texts: most are short, so that many wait together. Those of every second room are as long
// as the contract allows, so that a page is more than a connection takes at once.
func (f *flock) canaryText(room string, n int) string {
	mark := fmt.Sprintf("%s %d ", checker.Canary(room), n)
	if f.long[room] || n%longCanary == 0 {
		return mark + strings.Repeat("카나리아 ", 360) + checker.Canary(room)
	}
	return mark
}

// say sends a message by REST, patiently.
func say(ctx context.Context, p *person, room, body string) error {
	key := id.New().String()
	return patiently(ctx, func() error {
		_, err := p.rest(ctx, p.account.Base, "/chat/rooms/"+room+"/messages", map[string]string{"client_msg_id": key, "body": body}, nil)
		return err
	})
}

// at is an instance past the balancer: whose buffers are the mall's own.
func (f *flock) at(n int) string { return f.cluster.Instances[n%instances].Addr }

func (p *person) roomSet() map[string]bool {
	all := map[string]bool{}
	for _, room := range p.rooms {
		all[room] = true
	}
	return all
}

// line opens a connection, with somebody who looks at its bytes.
func (f *flock) line(ctx context.Context, p *person, token, addr string, events, small bool) (*wire.Conn, *checker.Bytes, error) {
	b := &checker.Bytes{Rooms: p.roomSet()}
	open := wire.Dial
	if events {
		open = wire.Listen
	}
	c, err := open(ctx, addr, token, wire.Options{Watch: b, Small: small})
	return c, b, err
}

// resume asks for what is just behind the heads: many frames that wait together.
func (f *flock) resume(c *wire.Conn, p *person, back int64) error {
	rooms := map[string]int64{}
	for _, room := range p.rooms {
		if !f.long[room] || back < 100 {
			rooms[room] = max(0, f.heads[room]-back)
		}
	}
	return c.Say(map[string]any{"type": "resume", "id": "r", "epoch": f.epoch, "rooms": rooms})
}

// stay is an honest line: it reads all that comes until the end.
func (f *flock) stay(ctx context.Context, p *person, token, addr string, events bool) {
	name := fmt.Sprintf("%s, honest, events %v", p.name, events)
	c, b, err := f.line(ctx, p, token, addr, events, false)
	if err != nil {
		if ctx.Err() == nil {
			f.violatef(checker.Other, "%s: %v", name, err)
		}
		return
	}
	stop := context.AfterFunc(ctx, c.Drop)
	defer stop()
	for n := 0; err == nil; n++ {
		_, err = c.Next()
		if err == nil && n%500 == 0 && !events {
			err = f.resume(c, p, 20)
		}
	}
	f.judge(name, b, err)
	if ctx.Err() == nil {
		f.violatef(checker.Other, "%s, which reads well, was ended: %v", name, err)
	}
	c.Drop()
}

func (f *flock) judge(name string, b *checker.Bytes, err error) {
	f.seen.Add(int64(b.Seen))
	f.violate(checker.JudgeBytes(name, b, err)...)
}

// dropAgain comes, reads a little and drops the line, again and again.
func (f *flock) dropAgain(ctx context.Context, p *person, token string, rnd *rand.Rand, events bool) {
	for ctx.Err() == nil {
		c, b, err := f.line(ctx, p, token, f.at(rnd.IntN(instances)), events, rnd.IntN(4) == 0)
		if err != nil {
			_ = pause(ctx, 20*time.Millisecond)
			continue
		}
		f.judge(p.name+", dropping", b, f.readAndDrop(ctx, c, p, rnd, events))
		f.drops.Add(1)
	}
}

func (f *flock) readAndDrop(ctx context.Context, c *wire.Conn, p *person, rnd *rand.Rand, events bool) (err error) {
	defer c.Drop()
	c.Until(time.Now().Add(time.Second))
	if _, err = c.Next(); err == nil && !events {
		err = f.resume(c, p, 100)
	}
	for range rnd.IntN(60) {
		if err != nil {
			return err
		}
		_, err = c.Next()
	}
	if rnd.IntN(3) == 0 {
		_ = pause(ctx, time.Duration(rnd.IntN(3000))*time.Microsecond) // meanwhile several wait
	}
	switch rnd.IntN(6) {
	case 0:
		c.Drop()
	case 1:
		c.Goodbye()
	case 2:
		c.Half()
		for range rnd.IntN(40) {
			if _, err = c.Next(); err != nil {
				break
			}
		}
	default:
		c.Reset()
	}
	return err
}

// readPages reads the newest pages of the member's rooms, all from one instance, whose memory they so share; who tears leaves some in the middle, or reads them slowly.
func (f *flock) readPages(ctx context.Context, p *person, token string, rnd *rand.Rand, tears bool) {
	for ctx.Err() == nil {
		room := f.pageRoom(p, rnd)
		b := &checker.Bytes{Rooms: map[string]bool{room: true}}
		parts, last := 0, 1<<20
		if tears && rnd.IntN(4) == 0 {
			last = 1 + rnd.IntN(20)
		}
		status, text, err := wire.Get(ctx, f.at(0), "/api/v1/chat/rooms/"+room+"/messages?limit=100", token, wire.Options{Watch: b, Small: tears}, func() bool {
			parts++
			if tears && parts == 2 {
				_ = pause(ctx, time.Duration(rnd.IntN(60))*time.Millisecond)
			}
			return parts < last
		})
		f.pages.Add(1)
		f.judge(p.name+", a page", b, err)
		if text != nil && status == http.StatusOK {
			f.violate(checker.JudgePage(p.name, room, text)...)
		}
		var dial *net.OpError // the machine's own trouble
		if err != nil && ctx.Err() == nil && !tears && !(errors.As(err, &dial) && dial.Op == "dial") {
			f.violatef(checker.Other, "%s: a page of room %s: %v", p.name, room, err)
		}
		_ = pause(ctx, time.Duration(rnd.IntN(10))*time.Millisecond)
	}
}

// pageRoom picks one of the member's rooms, mostly one of long pages.
func (f *flock) pageRoom(p *person, rnd *rand.Rand) (room string) {
	for range 3 {
		if room = p.rooms[rnd.IntN(len(p.rooms))]; f.long[room] {
			break
		}
	}
	return room
}

// sing lets one after another say one more canary.
func (f *flock) sing(ctx context.Context) {
	for n := 0; pause(ctx, canaryEvery) == nil; n++ {
		p := f.members[n%len(f.members)]
		room := p.rooms[n%len(p.rooms)]
		if err := say(ctx, p, room, f.canaryText(room, n)); err != nil && ctx.Err() == nil {
			f.violatef(checker.Other, "%s: a send: %v", p.name, err)
		}
	}
}
