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
	readPatience  = 1500 * time.Millisecond
	sweepChunk    = 500 // parties of one query

	// sweepGrace is how long a message may be on its way before it counts as lost: what has just been stored is
	// about to be told by those who stored it.
	sweepGrace = 300 * time.Millisecond
)

// sweeper finds what Redis has lost: it compares the heads of the rooms that have changed lately, of the
// parties connected here, with what their connections have been sent, and the cursors that have moved with what
// they have been told. The last message of a talk may be lost without a later one to show it; only this finds it.
//
// Which rooms have changed is asked by the moment that the database's server has given each change, and "lately" is
// measured on the same clock, asked anew by each sweep: what the clocks of instances say plays no part. How far to look
// back is what a change may take from that moment until it can be seen: while COMMITs do not come back, because the server
// waits for its disk or its replica, each sweep looks back to the last moment before which everything is known to be
// visible. See store.Mark.
func (c *Chat) sweeper(ctx context.Context) {
	var seen store.Mark
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
		c.losses.gather(c.traces)
		proven := c.store.Proven() // before the sweep looks
		now, err := c.clock(ctx)
		if err != nil {
			c.sweepFailed(ctx, err)
			continue
		}
		round := sweepRound{c: c, begun: now, since: seen.Since(now)}
		if round.run(ctx) {
			seen = seen.After(now, proven)
		}
		c.lookForLosses(ctx)
		c.receipts.forget(time.Now())
	}
}

// clock asks the database for the time.
func (c *Chat) clock(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	return c.store.Clock(ctx)
}

func (c *Chat) sweepFailed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		c.log.Warn("rooms not compared", "error", err)
	}
}

// prover has it proven, again and again, until when everything that was written is visible.
func (c *Chat) prover(ctx context.Context) {
	for failing := false; ; {
		err := c.store.Prove(ctx, c.relay.Instance())
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
			c.log.Warn("the database does not store, or slowly", "error", err)
		}
		failing = err != nil
		if !c.pause(ctx, sweepEvery) {
			return
		}
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
		err := r.compareChunk(ctx, chunk, shops)
		if err != nil {
			if ctx.Err() == nil {
				r.c.log.Warn("rooms not compared", "error", err)
			}
			return false // the database is away: the next sweep looks again
		}
	}
	return true
}

// compareChunk gives up soon: a query that hangs in a broken link must not hold up the sweeps after it.
func (r *sweepRound) compareChunk(ctx context.Context, owners []id.ID, shops bool) error {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	err := r.c.store.ChangedHeads(ctx, owners, shops, r.since, func(h *store.Head) {
		r.compare(side(h.BuyerID, h.ShopID, shops), h)
	})
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
func (r *sweepRound) compare(party hub.Party, h *store.Head) {
	// A change that seems to lie ahead was made before the clock was set back, or since the sweep began.
	age := max(0, r.begun.Sub(h.UpdatedAt))
	if age >= sweepGrace {
		r.c.compare(party, h.ID, h.Head)
		return
	}
	room, head := h.ID, h.Head
	time.AfterFunc(sweepGrace-age, func() { r.c.compare(party, room, head) })
}

// compare has the connections of a party here read what they lack of a room.
func (c *Chat) compare(party hub.Party, room id.ID, head int64) {
	start, connections := c.relay.Hub().Reach(party, room, head)
	for _, conn := range connections {
		if s, ok := conn.(*session); ok {
			s.compare(room, head, start)
		}
	}
}

// repairCursor tells the connections of one side here of a cursor whose receipt has not come by: those of the other side
// may have heard of it, since each side's is published by itself.
func (c *Chat) repairCursor(to hub.Party, cur *store.Cursor) {
	if c.receipts.note(to, cur) {
		c.relay.Hub().Push(to, receiptOf(cur), nil)
	}
}

// compare reads what the connection lacks of a room. What had been said when the connection began is not owed to it.
func (s *session) compare(room id.ID, head int64, start hub.Start) {
	s.mu.Lock()
	if !s.stream.Follows(room) && start.Known() && start.After >= head {
		s.mu.Unlock()
		return
	}
	s.beginRoom(room, start)
	behind := s.stream.Behind(room, head)
	s.mu.Unlock()
	if behind {
		s.chat.repaired.Add(1)
		go s.fetch(room)
	}
}

func (c *Chat) epoch() string { return *c.epochNow.Load() }

// checkEpoch notices that an operator has begun a new epoch, after a restore that may have lost
// commits: what we remember of rooms and have sent of them no longer counts, so everybody comes back.
func (c *Chat) checkEpoch(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	now, err := c.store.Epoch(ctx)
	if err != nil || now == c.epoch() {
		return // without an answer the next round asks again
	}
	c.epochNow.Store(&now)
	c.heads.InvalidateAll()
	c.parties.InvalidateAll()
	c.receipts.forgetAll()
	c.moves.forgetAll()
	c.losses.newEpoch()
	c.log.Warn("the database has begun a new epoch; all connections come back", "epoch", now)
	c.relay.Hub().Forget()
	c.each(func(s *session) { s.conn.Close(socket.CloseResync, "the database has begun a new epoch") })
}

// RenewEpoch begins a new epoch, after a restore that may have lost commits, and gives its name.
// Running instances notice within seconds, and clients read their rooms anew.
func RenewEpoch(ctx context.Context, d *db.DB) (string, error) { return store.New(d).RenewEpoch(ctx) }
