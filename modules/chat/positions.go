package chat

import (
	"context"
	"slices"
	"sync"
	"time"

	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
)

const (
	welcomePatience = 10 * time.Second // how long a connection waits for its welcome; then it is to come back, here or elsewhere
	positionAgain   = 300 * time.Millisecond
	// listedRooms is how many of a party's rooms are listed, those that have changed last. Any other that somebody writes in
	// costs each connection one more read.
	listedRooms    = 1000
	positionBuyers = 100 // buyers of one query, who have few rooms
	positionShops  = 10
)

// positions finds out where the rooms of parties stand whose first connection here has just come. Those that ask while a
// query is under way are answered together by the next.
type positions struct {
	chat          *Chat
	buyers, shops positionQueue
}

type positionQueue struct {
	mu   sync.Mutex
	asks []positionAsk
	wake chan struct{} // holds a token when there are some
}

type positionAsk struct {
	party      hub.Party
	positioned <-chan struct{}
}

func newPositions(c *Chat) *positions {
	return &positions{chat: c, buyers: positionQueue{wake: make(chan struct{}, 1)}, shops: positionQueue{wake: make(chan struct{}, 1)}}
}

// ask has a party positioned. It does not wait.
func (ps *positions) ask(p hub.Party, positioned <-chan struct{}) {
	q := &ps.buyers
	if p == hub.Shop(p.ID) {
		q = &ps.shops
	}
	q.add(positionAsk{p, positioned})
}

func (q *positionQueue) add(asks ...positionAsk) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asks = append(q.asks, asks...)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *positionQueue) take(limit int) []positionAsk {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(limit, len(q.asks))
	asks := q.asks[:n:n]
	q.asks = q.asks[n:]
	return asks
}

// run positions parties until ctx ends: buyers, and beside them shops, whose many rooms take longer.
func (ps *positions) run(ctx context.Context) {
	var beside sync.WaitGroup
	beside.Go(func() { ps.serve(ctx, &ps.shops, positionShops, true) })
	ps.serve(ctx, &ps.buyers, positionBuyers, false)
	beside.Wait()
}

func (ps *positions) serve(ctx context.Context, q *positionQueue, limit int, shops bool) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		}
		for asks := q.take(limit); len(asks) > 0; asks = q.take(limit) {
			err := ps.read(ctx, asks, shops)
			if err == nil {
				continue
			}
			if ctx.Err() != nil {
				return
			}
			ps.chat.log.Warn("rooms of those who come not read yet", "parties", len(asks), "error", err)
			q.add(ps.waiting(asks)...)
			ps.chat.pause(ctx, positionAgain)
		}
	}
}

// waiting are those whose connections have not given up.
func (ps *positions) waiting(asks []positionAsk) []positionAsk {
	return slices.DeleteFunc(asks, func(a positionAsk) bool { return !ps.chat.relay.Hub().Awaits(a.party, a.positioned) })
}

func (ps *positions) read(ctx context.Context, asks []positionAsk, shops bool) error {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	owners := make([]id.ID, len(asks))
	for i, a := range asks {
		owners[i] = a.party.ID
	}
	heads, err := ps.heads(ctx, owners, shops)
	if err != nil {
		return err
	}
	byOwner := map[id.ID][]store.Head{}
	for _, h := range heads {
		owner := side(h.BuyerID, h.ShopID, shops).ID
		byOwner[owner] = append(byOwner[owner], h)
	}
	for _, a := range asks {
		rooms, unlisted := positionsOf(byOwner[a.party.ID])
		ps.chat.relay.Hub().Position(a.party, a.positioned, rooms, unlisted)
	}
	return nil
}

// heads are those of the owners' latest rooms, listedRooms of each.
func (ps *positions) heads(ctx context.Context, owners []id.ID, shops bool) ([]store.Head, error) {
	if !shops {
		if heads, all, err := ps.chat.store.RoomsOfBuyers(ctx, owners, listedRooms-1); err != nil || all {
			return heads, err
		}
	}
	return ps.chat.store.LatestOf(ctx, owners, shops, listedRooms)
}

// positionsOf are the positions of one party's latest rooms, and, when there are more, the moment after which nothing was said
// in any other.
func positionsOf(heads []store.Head) (rooms []hub.Seen, unlisted time.Time) {
	rooms = make([]hub.Seen, len(heads))
	for i, h := range heads {
		rooms[i] = hub.Seen{Room: h.ID, Head: h.Head}
		if len(heads) >= listedRooms && (unlisted.IsZero() || h.UpdatedAt.Before(unlisted)) {
			unlisted = h.UpdatedAt
		}
	}
	return rooms, unlisted
}
