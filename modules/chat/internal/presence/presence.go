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
	refreshEvery = 20 * time.Second
	keepOnline   = time.Minute         // an instance that died says no more; its parties are offline then
	keepSeen     = 30 * 24 * time.Hour // when somebody was last here
	leaveAfter   = 5 * time.Second     // a page that is loaded again is no departure
	patience     = 300 * time.Millisecond
	chunk        = 200
)

// State is what others may know of a party.
type State struct {
	Online   bool
	LastSeen time.Time // zero: not known
}

// Presence is safe for concurrent use.
type Presence struct {
	client   redis.UniversalClient
	prefix   string
	instance string
	changed  func(hub.Party, State)
	log      *slog.Logger

	mu   sync.Mutex
	here map[hub.Party]int // connections of this instance
}

// New keeps presence under the prefix. changed is called when a party has come online or gone, anywhere, by
// the instance that noticed; it may block.
func New(client redis.UniversalClient, prefix string, instance id.ID, changed func(hub.Party, State), log *slog.Logger) *Presence {
	return &Presence{client: client, prefix: prefix, instance: instance.String(), changed: changed, log: log, here: map[hub.Party]int{}}
}

func (p *Presence) online(party hub.Party) string {
	return p.prefix + ":online:" + string(party.Kind) + ":" + party.ID.String()
}

func (p *Presence) seen(party hub.Party) string {
	return p.prefix + ":seen:" + string(party.Kind) + ":" + party.ID.String()
}

// Come notes a connection of the party.
func (p *Presence) Come(party hub.Party) {
	p.mu.Lock()
	p.here[party]++
	first := p.here[party] == 1
	p.mu.Unlock()
	if first {
		go p.arrive(party)
	}
}

// Go notes the end of a connection of the party. It counts after a while in which no other has come.
func (p *Presence) Go(party hub.Party) {
	time.AfterFunc(leaveAfter, func() {
		p.mu.Lock()
		p.here[party]--
		last := p.here[party] == 0
		if last {
			delete(p.here, party)
		}
		p.mu.Unlock()
		if last {
			p.depart(party)
		}
	})
}

func (p *Presence) arrive(party hub.Party) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	now := time.Now()
	pipe := p.client.Pipeline()
	others := pipe.ZCount(ctx, p.online(party), strconv.FormatInt(now.UnixMilli(), 10), "+inf")
	p.renew(ctx, pipe, party, now)
	if _, err := pipe.Exec(ctx); err != nil {
		p.log.Debug("presence not noted", "error", err)
		return
	}
	if others.Val() == 0 {
		p.changed(party, State{Online: true})
	}
}

func (p *Presence) renew(ctx context.Context, pipe redis.Pipeliner, party hub.Party, now time.Time) {
	key := p.online(party)
	pipe.ZAdd(ctx, key, redis.Z{Score: float64(now.Add(keepOnline).UnixMilli()), Member: p.instance})
	pipe.PExpire(ctx, key, 2*keepOnline)
}

func (p *Presence) depart(party hub.Party) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	now := time.Now()
	pipe := p.client.Pipeline()
	pipe.ZRem(ctx, p.online(party), p.instance)
	pipe.Set(ctx, p.seen(party), now.UnixMilli(), keepSeen)
	others := pipe.ZCount(ctx, p.online(party), strconv.FormatInt(now.UnixMilli(), 10), "+inf")
	if _, err := pipe.Exec(ctx); err != nil {
		p.log.Debug("presence not noted", "error", err)
		return
	}
	if others.Val() == 0 {
		p.changed(party, State{LastSeen: now.UTC()})
	}
}

// Run writes again who is here until ctx ends.
func (p *Presence) Run(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			p.refresh(ctx, now)
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
	for some := range slices.Chunk(all, chunk) {
		pipe := p.client.Pipeline()
		for _, party := range some {
			p.renew(ctx, pipe, party, now)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			p.log.Debug("presence not renewed", "error", err)
			return // Redis is away: the next round writes everything again
		}
	}
}

// States tells which of the parties are online. Without Redis nothing is known, and the answer is empty.
func (p *Presence) States(ctx context.Context, parties []hub.Party) map[hub.Party]State {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	pipe := p.client.Pipeline()
	online := make([]*redis.IntCmd, len(parties))
	seen := make([]*redis.StringCmd, len(parties))
	for i, party := range parties {
		online[i] = pipe.ZCount(ctx, p.online(party), now, "+inf")
		seen[i] = pipe.Get(ctx, p.seen(party))
	}
	if _, err := pipe.Exec(ctx); err != nil && online[0].Err() != nil {
		return nil
	}
	out := make(map[hub.Party]State, len(parties))
	for i, party := range parties {
		s := State{Online: online[i].Val() > 0}
		if ms, err := seen[i].Int64(); err == nil {
			s.LastSeen = time.UnixMilli(ms).UTC()
		}
		out[party] = s
	}
	return out
}
