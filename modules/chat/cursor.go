package chat

import (
	"context"
	"sync"
	"time"

	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// moveCursor says what the caller, and with them their party, has received and read. Lower values than the
// stored ones change nothing; a seq past the room's head is refused as bad_request.
func (c *Chat) moveCursor(ctx context.Context, p *identity.Principal, room id.ID, delivered, read int64) (store.Cursor, error) {
	s, err := c.seatAt(ctx, p, room, max(delivered, read))
	if err != nil {
		return store.Cursor{}, err
	}
	return c.storeMove(ctx, s.parties, store.Move{Room: room, Member: p.MemberID, Party: s.party, Delivered: delivered, Read: read})
}

// seatAt is the caller's place in a room that has a message of that seq.
func (c *Chat) seatAt(ctx context.Context, p *identity.Principal, room id.ID, seq int64) (seat, error) {
	s, err := c.seatIn(ctx, p, room)
	if err != nil {
		return seat{}, err
	}
	if known, ok := c.heads.GetIfPresent(room); ok && seq <= known {
		return s, nil
	}
	heads, err := c.store.Heads(ctx, []id.ID{room})
	if err != nil {
		return seat{}, err
	}
	if len(heads) == 0 || seq > heads[0].Head {
		return seat{}, fault.Invalidf("seq", "bad_request", "The room has no message of that seq yet.")
	}
	c.heads.Set(room, heads[0].Head)
	return s, nil
}

func (c *Chat) storeMove(ctx context.Context, sides parties, m store.Move) (store.Cursor, error) {
	cur, moved, err := c.store.MoveCursor(ctx, m)
	if err != nil || !moved {
		return cur, err
	}
	frame := encodeFrame(receiptFrame{Type: "receipt", RoomID: m.Room, Party: m.Party, DeliveredSeq: cur.DeliveredSeq, ReadSeq: cur.ReadSeq})
	for _, side := range sides.both() {
		c.relay.Push(side, frame, nil)
	}
	return cur, nil
}

// cursorEvery is how often the cursors of one member in one room are written: a client that scrolls through
// a talk says "read" many times a second, and only the last of them matters.
const cursorEvery = time.Second

// moves gathers what sockets say of cursors between two writes.
type moves struct {
	mu      sync.Mutex
	pending map[moveKey]*pendingMove
}

type moveKey struct{ room, member id.ID }

type pendingMove struct {
	who   *identity.Principal
	sides parties
	move  store.Move
	dirty bool
}

// noteCursor is moveCursor for sockets, which get no answer when all is well: the first move of a while is
// written at once, further ones together a second after it. It asks nobody itself: first is what is to be
// done besides, when the move is the first one.
func (c *Chat) noteCursor(p *identity.Principal, room id.ID, delivered, read int64) (first func(context.Context) error) {
	key := moveKey{room, p.MemberID}
	c.moves.mu.Lock()
	defer c.moves.mu.Unlock()
	if m := c.moves.pending[key]; m != nil {
		m.dirty = m.dirty || delivered > m.move.Delivered || read > m.move.Read
		m.move.Delivered, m.move.Read = max(m.move.Delivered, delivered), max(m.move.Read, read)
		return nil
	}
	m := &pendingMove{who: p, move: store.Move{Room: room, Member: p.MemberID, Delivered: delivered, Read: read}}
	c.moves.pending[key] = m
	return func(ctx context.Context) error { return c.firstMove(ctx, key, m, delivered, read) }
}

// firstMove checks and writes; what the caller may not do is forgotten, with what has gathered behind it.
func (c *Chat) firstMove(ctx context.Context, key moveKey, m *pendingMove, delivered, read int64) error {
	s, err := c.seatAt(ctx, m.who, key.room, max(delivered, read))
	if err != nil {
		c.moves.forget(key)
		return err
	}
	c.moves.mu.Lock()
	m.sides, m.move.Party = s.parties, s.party
	first := m.move
	first.Delivered, first.Read = delivered, read
	c.moves.mu.Unlock()
	if _, err := c.storeMove(ctx, s.parties, first); err != nil {
		c.moves.again(m)
	}
	time.AfterFunc(cursorEvery, func() { c.writeMove(key) })
	return nil
}

func (ms *moves) forget(key moveKey) {
	ms.mu.Lock()
	delete(ms.pending, key)
	ms.mu.Unlock()
}

// again has a move written in the next round: this one failed.
func (ms *moves) again(m *pendingMove) {
	ms.mu.Lock()
	m.dirty = true
	ms.mu.Unlock()
}

// writeMove writes what has gathered since the last write; when nothing has, the key is forgotten.
func (c *Chat) writeMove(key moveKey) {
	c.moves.mu.Lock()
	m := c.moves.pending[key]
	if m == nil || !m.dirty {
		delete(c.moves.pending, key)
		c.moves.mu.Unlock()
		return
	}
	m.dirty = false
	move := m.move
	c.moves.mu.Unlock()
	time.AfterFunc(cursorEvery, func() { c.writeMove(key) })
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.lifetime), c.cfg.SendPatience)
	defer cancel()
	_, err := c.seatAt(ctx, m.who, key.room, max(move.Delivered, move.Read)) // what gathered has not been held against the head yet
	if err == nil {
		_, err = c.storeMove(ctx, m.sides, move)
	}
	if fault.KindOf(err).Retryable() {
		c.moves.again(m)
	}
}

// flushMoves writes all that has gathered, at the end.
func (c *Chat) flushMoves(ctx context.Context) {
	c.moves.mu.Lock()
	var due []*pendingMove
	for key, m := range c.moves.pending {
		if m.dirty && m.move.Party != "" {
			due = append(due, m)
		}
		delete(c.moves.pending, key)
	}
	c.moves.mu.Unlock()
	for _, m := range due {
		if _, err := c.storeMove(ctx, m.sides, m.move); err != nil {
			c.log.Warn("cursor lost at the end; the client says it again", "room", m.move.Room, "error", err)
		}
	}
}

// typing tells the other people of the room that the caller is writing, or has stopped. It is never stored.
func (c *Chat) typing(ctx context.Context, p *identity.Principal, room id.ID, on bool, origin hub.Connection) error {
	s, err := c.seatIn(ctx, p, room)
	if err != nil {
		return err
	}
	frame := encodeFrame(typingFrame{Type: "typing", RoomID: room, Party: s.party, MemberID: p.MemberID, Name: p.Name, On: on})
	for _, side := range s.both() {
		c.relay.Push(side, frame, origin)
	}
	return nil
}
