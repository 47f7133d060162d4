// Package presence keeps in Redis which parties are online, and on which instances. All of it may be lost:
// keys have a TTL and are written again while a party is here.
package presence

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/chat/internal/hub"
	"mall/modules/platform/id"
)

const (
	gather       = 75 * time.Millisecond // what happens meanwhile is told together
	refreshEvery = 20 * time.Second
	keepOnline   = time.Minute         // an instance that died says no more; its parties are offline then
	keepSeen     = 30 * 24 * time.Hour // when somebody was last here
	leaveAfter   = 5 * time.Second     // a page that is loaded again is no departure
	patience     = 300 * time.Millisecond
	chunk        = 200 // parties of one round trip
)

// State is what others may know of a party.
type State struct {
	Online   bool
	LastSeen time.Time // zero: not known
}

// Change is a party that has come online or gone, anywhere.
type Change struct {
	Party hub.Party
	State State
}

// Presence is safe for concurrent use.
type Presence struct {
	client   redis.UniversalClient
	prefix   string
	tags     []string // of the parts that the keys lie in
	instance string
	changed  func([]Change)
	log      *slog.Logger

	mu      sync.Mutex
	here    map[hub.Party]int      // connections of this instance, and those that have just ended
	moved   map[hub.Party]struct{} // Redis has not been told that they have come or gone
	leaving []departure            // in the order of their time
}

type departure struct {
	party hub.Party
	at    time.Time
}

// New keeps presence under the prefix. changed is called with the parties that have come online or gone, anywhere,
// by the instance that noticed; it may block, and what happens meanwhile comes with the next call.
func New(client redis.UniversalClient, prefix string, instance id.ID, changed func([]Change), log *slog.Logger) *Presence {
	return &Presence{client: client, prefix: prefix, tags: tagsFor(client), instance: instance.String(), changed: changed, log: log,
		here: map[hub.Party]int{}, moved: map[hub.Party]struct{}{}}
}

func (p *Presence) online(party hub.Party) string { return p.key(":online:", party) }

func (p *Presence) seen(party hub.Party) string { return p.key(":seen:", party) }

func (p *Presence) key(what string, party hub.Party) string {
	return p.prefix + what + p.tags[share(p.tags, party)] + string(party.Kind) + ":" + party.ID.String()
}

// Come notes a connection of the party. It does not wait.
func (p *Presence) Come(party hub.Party) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.here[party]++; p.here[party] == 1 {
		p.moved[party] = struct{}{}
	}
}

// Go notes the end of a connection of the party. It counts after a while in which no other has come.
func (p *Presence) Go(party hub.Party) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaving = append(p.leaving, departure{party, time.Now().Add(leaveAfter)})
}

// leave lets those go whose time has come.
func (p *Presence) leave(now time.Time) {
	for len(p.leaving) > 0 && !p.leaving[0].at.After(now) {
		party := p.leaving[0].party
		p.leaving = p.leaving[1:]
		if p.here[party]--; p.here[party] == 0 {
			delete(p.here, party)
			p.moved[party] = struct{}{}
		}
	}
}

// move is a party of which Redis is told that it is here, or no more.
type move struct {
	party  hub.Party
	here   bool
	others *redis.IntCmd // instances where it is besides
}

// moves takes what has happened since the last time.
func (p *Presence) moves(now time.Time) []move {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(now)
	all := make([]move, 0, len(p.moved))
	for party := range p.moved {
		all = append(all, move{party: party, here: p.here[party] > 0})
	}
	clear(p.moved)
	return all
}

// round tells Redis what has happened, and the chat what that has changed.
func (p *Presence) round(ctx context.Context, now time.Time) {
	var changes []Change
	for part := range slices.Chunk(p.moves(now), chunk) {
		changes = append(changes, p.note(ctx, part, now)...)
	}
	if len(changes) > 0 {
		p.changed(changes)
	}
}

// note tells Redis of some moves; those of a party that is nowhere else are changes. What Redis does not take is let
// be: who is here is written again in any case, and who has gone is forgotten.
func (p *Presence) note(ctx context.Context, moves []move, now time.Time) (changes []Change) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pipe := p.client.Pipeline()
	for i := range moves {
		p.queueMove(ctx, pipe, &moves[i], now)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		p.log.Debug("presence not noted", "error", err)
	}
	for _, m := range moves {
		switch others, err := m.others.Result(); {
		case err != nil || others > 0:
		case m.here:
			changes = append(changes, Change{m.party, State{Online: true}})
		default:
			changes = append(changes, Change{m.party, State{LastSeen: now.UTC()}})
		}
	}
	return changes
}

func (p *Presence) queueMove(ctx context.Context, pipe redis.Pipeliner, m *move, now time.Time) {
	if !m.here {
		pipe.ZRem(ctx, p.online(m.party), p.instance)
		pipe.Set(ctx, p.seen(m.party), now.UnixMilli(), keepSeen)
	}
	m.others = pipe.ZCount(ctx, p.online(m.party), strconv.FormatInt(now.UnixMilli(), 10), "+inf")
	if m.here {
		p.renew(ctx, pipe, m.party, now)
	}
}

func (p *Presence) renew(ctx context.Context, pipe redis.Pipeliner, party hub.Party, now time.Time) {
	key := p.online(party)
	pipe.ZAdd(ctx, key, redis.Z{Score: float64(now.Add(keepOnline).UnixMilli()), Member: p.instance})
	pipe.PExpire(ctx, key, 2*keepOnline)
}

// Run tells of those who come and go, and writes again who is here, until ctx ends.
func (p *Presence) Run(ctx context.Context) {
	var beside sync.WaitGroup
	beside.Go(func() { every(ctx, refreshEvery, p.refresh) }) // also while changed blocks
	every(ctx, gather, p.round)
	beside.Wait()
}

func every(ctx context.Context, d time.Duration, do func(context.Context, time.Time)) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			do(ctx, now)
		}
	}
}

func (p *Presence) refresh(ctx context.Context, now time.Time) {
	p.mu.Lock()
	all := make([]hub.Party, 0, len(p.here))
	for party := range p.here {
		all = append(all, party)
	}
	p.mu.Unlock()
	for part := range slices.Chunk(all, chunk) {
		pipe := p.client.Pipeline()
		for _, party := range part {
			p.renew(ctx, pipe, party, now)
		}
		done, err := pipe.Exec(ctx)
		if err == nil {
			continue
		}
		p.log.Debug("presence not renewed", "error", err)
		if !slices.ContainsFunc(done, func(c redis.Cmder) bool { return c.Err() == nil }) {
			return // Redis is away, and not a part of a cluster: the next round writes everything again
		}
	}
}
