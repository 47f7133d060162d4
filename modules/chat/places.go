package chat

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"mall/modules/platform/id"
)

// places bounds how many reads of missed messages ask the database at once: a herd after a deploy waits its turn
// instead of taking every connection to it. A place is for one read, never for the writing to a socket: who reads
// slowly keeps nobody waiting. Of one member's connections only some may have or wait for a place; the others wait
// behind those.
type places struct {
	all   chan struct{}
	share int
	moved atomic.Int64 // when a read last went well, in Unix nanoseconds: the queue moves

	mu      sync.Mutex
	members map[id.ID]*memberPlaces
}

type memberPlaces struct {
	places chan struct{}
	users  int // who have or wait for one
}

func newPlaces(all, share int) *places {
	return &places{all: make(chan struct{}, all), share: share, members: map[id.ID]*memberPlaces{}}
}

// read runs fn in a place of the member's; ctx' error when that ends first.
func (p *places) read(ctx context.Context, member id.ID, fn func() error) error {
	own := p.join(member)
	defer p.leave(member)
	if err := enter(ctx, own.places); err != nil {
		return err
	}
	defer func() { <-own.places }()
	if err := enter(ctx, p.all); err != nil {
		return err
	}
	defer func() { <-p.all }()
	err := fn()
	if err == nil {
		p.moved.Store(time.Now().UnixNano())
	}
	return err
}

func enter(ctx context.Context, places chan<- struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// moves says whether a read has gone well since then.
func (p *places) moves(since time.Time) bool { return p.moved.Load() >= since.UnixNano() }

func (p *places) join(member id.ID) *memberPlaces {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.members[member]
	if m == nil {
		m = &memberPlaces{places: make(chan struct{}, p.share)}
		p.members[member] = m
	}
	m.users++
	return m
}

func (p *places) leave(member id.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.members[member]
	if m.users--; m.users == 0 {
		delete(p.members, member)
	}
}
