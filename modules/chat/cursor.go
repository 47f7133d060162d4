package chat

import (
	"context"
	"slices"
	"sync"
	"time"

	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// Cursor says up to which seq a party has received and read a room.
type Cursor struct{ Delivered, Read int64 }

// MoveCursor says what the caller, and with them their party, has received and read, and gives the party's cursor as it is
// then. Lower values than the stored ones change nothing. Errors: Unauthenticated; NotFound; Invalid bad_request for a seq
// past the room's head; Unavailable.
func (c *Chat) MoveCursor(ctx context.Context, room id.ID, delivered, read int64) (Cursor, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return Cursor{}, err
	}
	s, err := c.seatAt(ctx, p, room, max(delivered, read))
	if err != nil {
		return Cursor{}, err
	}
	now, err := c.storeMoves(ctx, []store.Move{s.move(p, delivered, read)})
	if err != nil {
		return Cursor{}, err
	}
	return Cursor{now[0].DeliveredSeq, now[0].ReadSeq}, nil
}

func (s seat) move(p *identity.Principal, delivered, read int64) store.Move {
	return store.Move{Room: s.room, Member: p.MemberID, Party: s.party, Buyer: s.buyer, Shop: s.shop, Delivered: delivered, Read: read}
}

// seatAt is the caller's place in a room that has a message of that seq.
func (c *Chat) seatAt(ctx context.Context, p *identity.Principal, room id.ID, seq int64) (seat, error) {
	s, err := c.seatIn(ctx, p, room)
	if err != nil {
		return seat{}, err
	}
	if seq < 0 {
		return seat{}, errNoSuchSeq
	}
	if known, ok := c.heads.GetIfPresent(room); ok && seq <= known {
		return s, nil
	}
	heads, err := c.store.Heads(ctx, []id.ID{room})
	if err != nil {
		return seat{}, err
	}
	if len(heads) == 0 || seq > heads[0].Head {
		return seat{}, errNoSuchSeq
	}
	c.heads.Set(room, heads[0].Head)
	return s, nil
}

var errNoSuchSeq = fault.Invalidf("seq", "bad_request", "The room has no message of that seq yet.")

// knowsSeatAt says whether seatAt can answer without asking the database.
func (c *Chat) knowsSeatAt(p *identity.Principal, room id.ID, seq int64) bool {
	head, ok := c.heads.GetIfPresent(room)
	return ok && seq <= head && c.knowsSeat(p, room)
}

// storeMoves writes moves, tells both parties of those that changed something, and answers the parties' cursors in
// the order of the moves.
func (c *Chat) storeMoves(ctx context.Context, moves []store.Move) ([]store.Cursor, error) {
	var now []store.Cursor
	var moved []bool
	err := c.store.InEpoch(ctx, c.epoch(), func(ctx context.Context) (err error) {
		now, moved, err = c.store.MoveCursors(ctx, moves)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range moves {
		if moved[i] {
			c.publishReceipt(parties{moves[i].Buyer, moves[i].Shop}, &now[i])
		}
	}
	return now, nil
}

func (c *Chat) publishReceipt(sides parties, cur *store.Cursor) {
	frame := receiptOf(cur)
	for _, side := range sides.both() {
		c.receipts.note(side, cur)
		c.relay.Receipt(side, frame)
	}
}

func receiptOf(cur *store.Cursor) []byte {
	return encodeFrame(receiptFrame{Type: "receipt", RoomID: cur.RoomID, Party: cur.Party, DeliveredSeq: cur.DeliveredSeq, ReadSeq: cur.ReadSeq})
}

const (
	// cursorEvery is how often the cursors of one member in one room are written: a client that scrolls through
	// a talk says "read" many times a second, and only the last of them matters.
	cursorEvery = time.Second
	// cursorTick is how often it is looked for those whose time has come.
	cursorTick = 100 * time.Millisecond
	// cursorBatch is how many moves one transaction writes: whatever has gathered while the last one was on its way.
	cursorBatch = 200
)

// moves gathers what sockets say of cursors between two writes.
type moves struct {
	mu      sync.Mutex
	pending map[moveKey]*pendingMove
	fresh   []moveKey     // those that need not wait
	wake    chan struct{} // holds a token when there are some

	writing sync.Mutex      // one round of writes at a time
	rounds  context.Context // the mover's: they end when the last one begins
	endThem context.CancelFunc
}

type moveKey struct{ room, member id.ID }

type pendingMove struct {
	move  store.Move
	dirty bool
	due   time.Time // when it may be written
}

func newMoves() *moves {
	ms := &moves{pending: map[moveKey]*pendingMove{}, wake: make(chan struct{}, 1)}
	ms.rounds, ms.endThem = context.WithCancel(context.Background())
	return ms
}

// note takes a move that its sender may make. The first one of a while is written at once, further ones together a
// second after it.
func (ms *moves) note(m store.Move) {
	key := moveKey{m.Room, m.Member}
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if p := ms.pending[key]; p != nil {
		p.dirty = p.dirty || m.Delivered > p.move.Delivered || m.Read > p.move.Read
		p.move.Delivered, p.move.Read = max(p.move.Delivered, m.Delivered), max(p.move.Read, m.Read)
		return
	}
	ms.pending[key] = &pendingMove{move: m, dirty: true}
	ms.fresh = append(ms.fresh, key)
	select {
	case ms.wake <- struct{}{}:
	default:
	}
}

// takeFresh takes the moves that need not wait.
func (ms *moves) takeFresh(now time.Time) []store.Move {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	taken := make([]store.Move, 0, len(ms.fresh))
	for _, key := range ms.fresh {
		if p := ms.pending[key]; p != nil && p.dirty {
			p.dirty, p.due = false, now.Add(cursorEvery)
			taken = append(taken, p.move)
		}
	}
	ms.fresh = ms.fresh[:0]
	return taken
}

// takeDue takes the moves whose second is over, and forgets those to which nothing has been added in it.
func (ms *moves) takeDue(now time.Time) []store.Move {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	var taken []store.Move
	for key, p := range ms.pending {
		switch {
		case now.Before(p.due):
		case p.dirty:
			p.dirty, p.due = false, now.Add(cursorEvery)
			taken = append(taken, p.move)
		default:
			delete(ms.pending, key)
		}
	}
	return taken
}

// takeAll takes what is not written, due or not.
func (ms *moves) takeAll() []store.Move {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	var taken []store.Move
	for _, p := range ms.pending {
		if p.dirty {
			p.dirty = false
			taken = append(taken, p.move)
		}
	}
	return taken
}

// forgetAll is for a new epoch, of which nobody has said anything yet.
func (ms *moves) forgetAll() {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	clear(ms.pending)
	ms.fresh = ms.fresh[:0]
}

// again has moves written in the next round: this time they failed.
func (ms *moves) again(failed []store.Move) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for _, m := range failed {
		if p := ms.pending[moveKey{m.Room, m.Member}]; p != nil {
			p.dirty = true
		}
	}
}

// mover writes what has gathered until ctx ends.
func (c *Chat) mover(ctx context.Context) {
	tick := time.NewTicker(cursorTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.moves.wake:
			c.writeRound(func() []store.Move { return c.moves.takeFresh(time.Now()) })
		case now := <-tick.C:
			c.writeRound(func() []store.Move { return c.moves.takeDue(now) })
		}
	}
}

func (c *Chat) writeRound(take func() []store.Move) {
	c.moves.writing.Lock()
	defer c.moves.writing.Unlock()
	c.writeMoves(c.moves.rounds, take())
}

// writeMoves writes moves in batches until ctx ends. What the database does not take now is written in the next round;
// what it will never take is dropped, and the client says it again with its next one.
func (c *Chat) writeMoves(ctx context.Context, due []store.Move) {
	for batch := range slices.Chunk(due, cursorBatch) {
		if ctx.Err() != nil {
			c.moves.again(batch)
			continue
		}
		limited, cancel := context.WithTimeout(ctx, c.cfg.SendPatience)
		_, err := c.storeMoves(limited, batch)
		cancel()
		if err == nil {
			continue
		}
		if ctx.Err() != nil || fault.KindOf(err).Retryable() {
			c.moves.again(batch)
		} else {
			c.log.Warn("cursors not written", "moves", len(batch), "error", err)
		}
	}
}

// flushPatience is how long the writing of the last cursors may take of a drain's time: a database that answers
// takes thousands of them in less.
const flushPatience = 3 * time.Second

// flushMoves writes all that has gathered, at the end. What the mover was about to write is written here. What cannot be
// written in time is dropped: clients say what they have read again, to whichever instance they come to.
func (c *Chat) flushMoves(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushPatience)
	defer cancel()
	c.moves.endThem()
	c.moves.writing.Lock()
	defer c.moves.writing.Unlock()
	c.writeMoves(ctx, c.moves.takeAll())
	if left := len(c.moves.takeAll()); left > 0 {
		c.log.Warn("cursors dropped at the end: the database did not take them in time; clients say them again", "moves", left)
	}
}

// typing tells the other people of the room that the caller is writing, or has stopped. It is never stored.
func (c *Chat) typing(ctx context.Context, p *identity.Principal, room id.ID, on bool, origin hub.Connection) error {
	s, err := c.seatIn(ctx, p, room)
	if err != nil {
		return err
	}
	if blocked, err := c.quiet.is(ctx, room); err != nil || blocked {
		return err
	}
	frame := encodeFrame(typingFrame{Type: "typing", RoomID: room, Party: s.party, MemberID: p.MemberID, Name: p.Name, On: on})
	for _, side := range s.both() {
		c.relay.Push(side, frame, origin)
	}
	return nil
}
