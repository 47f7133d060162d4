package chat

import (
	"context"
	"encoding/json"

	"mall/modules/chat/internal/api"
	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
)

// messageView is a message as everybody who may see it sees it.
func messageView(m *store.Message) api.Message {
	v := api.Message{RoomId: m.RoomID, Seq: m.Seq, InquiryId: &m.InquiryID, Kind: api.MessageKind(m.Kind), Body: m.Body,
		Card: cardView(m.Card), CreatedAt: m.CreatedAt, Sender: api.Sender{Party: api.Party(m.Party)}}
	if m.Party != store.System {
		v.ClientMsgId = &m.ClientMsgID
		v.Sender.MemberId, v.Sender.Name = &m.SenderID, &m.SenderName
	}
	return v
}

func cardView(stored *string) *api.Card {
	if stored == nil {
		return nil
	}
	var card api.Card
	if err := json.Unmarshal([]byte(*stored), &card); err != nil {
		return nil // only a hand in the database could have done that; the message stands without it
	}
	return &card
}

// roomViews are rooms as one party sees them; the names of all of them come from two calls.
func (c *Chat) roomViews(ctx context.Context, entries []store.Entry, party string) ([]api.Room, error) {
	members, shops := make([]id.ID, 0, 2*len(entries)), make([]id.ID, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		members, shops = append(members, e.Room.BuyerID), append(shops, e.Room.ShopID)
		if !e.Inquiry.OwnerID.IsZero() {
			members = append(members, e.Inquiry.OwnerID)
		}
	}
	names, err := c.members.Names(ctx, members)
	if err != nil {
		return nil, err
	}
	shopNames, err := c.members.ShopNames(ctx, shops)
	if err != nil {
		return nil, err
	}
	views := make([]api.Room, len(entries))
	for i := range entries {
		views[i] = roomView(&entries[i], party, names, shopNames)
	}
	c.addPresence(ctx, views, party)
	return views, nil
}

func roomView(e *store.Entry, party string, names, shopNames map[id.ID]string) api.Room {
	r := &e.Room
	v := api.Room{Id: r.ID, Buyer: api.Named{Id: r.BuyerID, Name: names[r.BuyerID]}, Shop: api.Named{Id: r.ShopID, Name: shopNames[r.ShopID]},
		Head: r.Head, Unread: e.UnreadFor(party), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		Inquiry: inquiryView(&e.Inquiry, names), Blocked: api.Blocked{ByMe: r.BlockedBy(party), ByOther: r.BlockedBy(otherParty(party))}}
	v.Cursors.Buyer = api.Cursors{DeliveredSeq: e.BuyerDelivered, ReadSeq: e.BuyerRead}
	v.Cursors.Shop = api.Cursors{DeliveredSeq: e.ShopDelivered, ReadSeq: e.ShopRead}
	if r.State == store.Waiting {
		v.WaitingSince = r.WaitingSince
	}
	if r.Head > 0 {
		last := messageView(&e.Last)
		v.LastMessage = &last
	}
	return v
}

func otherParty(party string) string {
	if party == store.Buyer {
		return store.Shop
	}
	return store.Buyer
}

func inquiryView(q *store.Inquiry, names map[id.ID]string) api.Inquiry {
	v := api.Inquiry{Id: q.ID, Number: q.Number, Subject: api.InquirySubject(q.Subject), Card: cardView(q.Card),
		State: api.InquiryState(q.State), CreatedAt: q.CreatedAt}
	if !q.OwnerID.IsZero() {
		owner, name := q.OwnerID, names[q.OwnerID]
		v.OwnerId, v.OwnerName = &owner, &name
	}
	return v
}

// pushRoom shows both parties the room as each sees it. It is news: who misses it reads the list again.
func (c *Chat) pushRoom(ctx context.Context, room id.ID) {
	entries, err := c.store.Entry(ctx, room)
	if err != nil || len(entries) == 0 {
		c.log.Warn("room not shown", "room", room, "error", err)
		return
	}
	for _, side := range []struct {
		party string
		to    hub.Party
	}{{store.Buyer, hub.Buyer(entries[0].Room.BuyerID)}, {store.Shop, hub.Shop(entries[0].Room.ShopID)}} {
		views, err := c.roomViews(ctx, entries, side.party)
		if err != nil {
			c.log.Warn("room not shown", "room", room, "error", err)
			return
		}
		c.relay.Push(side.to, encodeFrame(roomFrame{Type: "room", Room: views[0]}), nil)
	}
}
