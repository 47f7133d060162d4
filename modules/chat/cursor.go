package chat

import (
	"context"

	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// moveCursor says what the caller's party has received and read. Lower values than the stored ones change
// nothing; a seq past the room's head is refused as bad_request.
func (c *Chat) moveCursor(ctx context.Context, p *identity.Principal, room id.ID, delivered, read int64) (store.Cursor, error) {
	s, err := c.seatIn(ctx, p, room)
	if err != nil {
		return store.Cursor{}, err
	}
	heads, err := c.store.Heads(ctx, []id.ID{room})
	if err != nil {
		return store.Cursor{}, err
	}
	if len(heads) == 0 || max(delivered, read) > heads[0].Head {
		return store.Cursor{}, fault.Invalidf("seq", "bad_request", "The room has no message of that seq yet.")
	}
	cur, moved, err := c.store.MoveCursor(ctx, room, s.party, delivered, read)
	if err != nil {
		return store.Cursor{}, err
	}
	if moved {
		frame := encodeFrame(receiptFrame{Type: "receipt", RoomID: room, Party: s.party, DeliveredSeq: cur.DeliveredSeq, ReadSeq: cur.ReadSeq})
		for _, side := range s.both() {
			c.relay.Push(side, frame, nil)
		}
	}
	return cur, nil
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
