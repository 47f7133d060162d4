package chat

import (
	"context"
	"slices"
	"time"

	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/socket"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

const (
	sweepEvery    = 2 * time.Second        // while all is well: what was lost last shows within this
	sweepDegraded = 800 * time.Millisecond // while Redis is away: what other instances store comes by this way
	sweepBack     = 10 * time.Second       // how far each sweep looks back behind the one before: past lock waits and slow COMMITs
	readPatience  = 1500 * time.Millisecond
	sweepChunk    = 500 // parties of one query

	// sweepGrace is how long a message may be on its way before it counts as lost: what has just been stored is
	// about to be told by those who stored it.
	sweepGrace = 300 * time.Millisecond
)

// sweeper finds what Redis has lost: it compares the heads of the rooms that have changed lately, of the
// parties connected here, with what their connections have been sent, and the cursors that have moved with what
// they have been told. The last message of a talk may be lost without a later one to show it; only this finds it.
// All times are of the database's clock, so that it does not matter how those of the instances differ.
func (c *Chat) sweeper(ctx context.Context) {
	complete := c.store.Now() // when the last sweep began that saw everything
	for {
		wait := sweepEvery
		if !c.bus.Connected() {
			wait = sweepDegraded
		}
		select {
		case <-ctx.Done():
			return
		case <-c.sweepNow:
		case <-time.After(wait):
		}
		c.checkEpoch(ctx)
		round := sweepRound{c: c, begun: c.store.Now(), since: complete.Add(-sweepBack)}
		if round.run(ctx) {
			complete = round.begun
		}
		c.receipts.forget(time.Now())
	}
}

// sweepRound is one sweep: it compares what has changed since the last one that could ask the database for all of it. A
// process that stood still for a minute so looks back over that minute.
type sweepRound struct {
	c            *Chat
	begun, since time.Time
}

// run is false when the database could not be asked for all of it.
func (r *sweepRound) run(ctx context.Context) bool {
	var buyers, shops []id.ID
	for _, p := range r.c.relay.Hub().Parties() {
		if p == hub.Shop(p.ID) {
			shops = append(shops, p.ID)
		} else {
			buyers = append(buyers, p.ID)
		}
	}
	return r.parties(ctx, buyers, false) && r.parties(ctx, shops, true)
}

func (r *sweepRound) parties(ctx context.Context, owners []id.ID, shops bool) bool {
	for chunk := range slices.Chunk(owners, sweepChunk) {
		err := r.some(ctx, chunk, shops)
		if err != nil {
			if ctx.Err() == nil {
				r.c.log.Warn("rooms not compared", "error", err)
			}
			return false // the database is away: the next sweep looks again
		}
	}
	return true
}

// some gives up soon: a query that hangs in a broken link must not hold up the sweeps after it.
func (r *sweepRound) some(ctx context.Context, owners []id.ID, shops bool) error {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	owed := owedHeads{}
	err := r.c.store.ChangedHeads(ctx, owners, shops, r.since, func(h *store.Head) {
		r.compare(side(h.BuyerID, h.ShopID, shops), h, owed)
	})
	owed.tell()
	if err != nil {
		return err
	}
	return r.c.store.ChangedCursors(ctx, owners, shops, r.since, func(cur *store.Cursor) {
		r.c.repairCursor(side(cur.BuyerID, cur.ShopID, shops), cur)
	})
}

func side(buyer, shop id.ID, shops bool) hub.Party {
	if shops {
		return hub.Shop(shop)
	}
	return hub.Buyer(buyer)
}

// compare looks at a room as soon as its head has had the time to come by itself, also where people never stop talking.
func (r *sweepRound) compare(party hub.Party, h *store.Head, owed owedHeads) {
	young := sweepGrace - r.begun.Sub(h.UpdatedAt)
	if young <= 0 {
		r.c.compare(party, h, owed)
		return
	}
	then := *h
	time.AfterFunc(young, func() {
		owed := owedHeads{}
		r.c.compare(party, &then, owed)
		owed.tell()
	})
}

func (c *Chat) compare(party hub.Party, h *store.Head, owed owedHeads) {
	for _, conn := range c.relay.Hub().Connections(party) {
		if s, ok := conn.(*session); ok && s.compare(h) {
			owed.add(s, h)
		}
	}
}

// owedHeads are what connections are to be told of, together: a shop's whose staff come in a busy hour are so
// many that a frame for each would be more than a queue holds.
type owedHeads map[*session]map[id.ID]int64

func (o owedHeads) add(s *session, h *store.Head) {
	if o[s] == nil {
		o[s] = map[id.ID]int64{}
	}
	o[s][h.ID] = h.Head
}

func (o owedHeads) tell() {
	for s, heads := range o {
		s.mu.Lock()
		s.tellHeads(time.Now(), heads)
		s.mu.Unlock()
	}
}

// repairCursor tells the connections of one side here of a cursor whose receipt has not come by: those of the other side
// may have heard of it, since each side's is published by itself.
func (c *Chat) repairCursor(to hub.Party, cur *store.Cursor) {
	if c.receipts.note(to, cur) {
		c.relay.Hub().Push(to, receiptOf(cur), nil)
	}
}

// compare reads what the connection lacks of a room. Of a room that it has been sent nothing of since it
// began, the newest message is enough: the client sees by its seq what else it lacks. What was stored about when
// the connection began, the client may have read already or not: it is to be told the head, and looks itself.
func (s *session) compare(h *store.Head) (tell bool) {
	s.mu.Lock()
	if !s.stream.Follows(h.ID) {
		switch {
		case !s.welcomed || h.UpdatedAt.Before(s.began.Add(-sweepBack)):
			s.mu.Unlock()
			return false
		case h.UpdatedAt.Before(s.began):
			s.stream.Begin(h.ID, h.Head)
			s.mu.Unlock()
			return true
		}
		s.stream.Begin(h.ID, h.Head-1)
	}
	behind := s.stream.Behind(h.ID, h.Head)
	s.mu.Unlock()
	if behind {
		s.chat.repaired.Add(1)
		go s.fetch(h.ID)
	}
	return false
}

func (c *Chat) epoch() string { return *c.life.Load() }

// checkEpoch notices that an operator has begun a new life of the database, after a restore that may have lost
// commits: what we remember of rooms and have sent of them no longer counts, so everybody comes back.
func (c *Chat) checkEpoch(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	now, err := c.store.Epoch(ctx)
	if err != nil || now == c.epoch() {
		return // without an answer the next round asks again
	}
	c.life.Store(&now)
	c.heads.InvalidateAll()
	c.parties.InvalidateAll()
	c.receipts.forgetAll()
	c.moves.forgetAll()
	c.log.Warn("the database has begun a new life; all connections come back", "epoch", now)
	c.each(func(s *session) { s.conn.Close(socket.CloseResync, "the database has begun a new life") })
}

// RenewEpoch begins a new life of the database, after a restore that may have lost commits, and gives its name.
// Running instances notice within seconds, and clients read their rooms anew.
func RenewEpoch(ctx context.Context, d *db.DB) (string, error) { return store.New(d).RenewEpoch(ctx) }
