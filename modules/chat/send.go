package chat

import (
	"context"
	"encoding/json"
	"time"

	"mall/modules/chat/internal/api"
	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/limit"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// The kinds of messages.
const (
	kindText   = "text"
	kindCard   = "card"
	kindNotice = "notice"
)

// Draft is one send as its sender asks for it.
type Draft struct {
	Room, ClientMsgID id.ID // who sends again takes the same ClientMsgID, and it is stored once
	Inquiry           id.ID // nil: the room's newest
	Body              string
	Card              *CardRef
	ExpectSeq         *int64    // of the last message that staff have seen: refused when there is a newer one
	Asked             time.Time // when the request came: its answer is due send_patience later, whatever has to be asked first
}

// CardRef is what a message shows a card of.
type CardRef struct {
	Kind string `json:"kind"`
	ID   id.ID  `json:"id"`
}

// key is the CardKey of the card that is stored for it.
func (r CardRef) key() string {
	if r.Kind == subjectOrder {
		return subjectOrder + ":" + r.ID.String()
	}
	return subjectProduct + ":" + r.ID.String()
}

// send is the one path of every message from a person. done is called exactly once, after the COMMIT or
// with the reason why there was none: the errors of the contract's section 3. origin is the connection
// that sends, which gets its answer through done and not the message; nil for REST.
//
// Before its retry key is looked for a send is refused only where there is none, where the sender has no seat, or where it
// may be tried again: no other refusal is right for what may be stored. What a rule refuses goes the way of what is
// stored, behind a first try that may still wait there, and is refused under the room's lock when its key is not found.
func (c *Chat) send(ctx context.Context, p *identity.Principal, d Draft, origin hub.Connection, done func(store.Outcome)) {
	s, err := c.seatIn(ctx, p, d.Room)
	if err != nil {
		done(store.Outcome{Err: err})
		return
	}
	if after, ok := c.mayWrite(ctx, p.MemberID); !ok {
		done(store.Outcome{Err: fault.Retry(fault.RateLimited, "rate_limited", "You are writing too fast; try again in a moment.", after)})
		return
	}
	if d.ClientMsgID.IsZero() {
		done(store.Outcome{Err: fault.Invalidf("client_msg_id", "bad_request", "A send needs a client_msg_id.")})
		return
	}
	row := rowOf(p, s, d)
	row.Refusal = c.complete(ctx, &row, s, d)
	if fault.KindOf(row.Refusal).Retryable() {
		done(store.Outcome{Err: row.Refusal})
		return
	}
	c.enqueue(row, s.parties, d.Asked, origin, done)
}

// mayWrite counts a send, and waits for Redis where the limit is not known here. after says when, if not now.
func (c *Chat) mayWrite(ctx context.Context, member id.ID) (after time.Duration, ok bool) {
	verdict, after := c.sends.Allow(member, time.Now())
	if verdict == limit.Ask {
		return c.sends.Ask(ctx, member)
	}
	return after, verdict == limit.Yes
}

// rowOf is what will be stored of a draft, but for its card.
func rowOf(p *identity.Principal, s seat, d Draft) store.Draft {
	row := store.Draft{RoomID: d.Room, InquiryID: d.Inquiry, Party: s.party, Staff: s.staff(p), SenderID: p.MemberID, SenderName: p.Name,
		Kind: kindText, Body: d.Body, ClientMsgID: d.ClientMsgID, ExpectSeq: d.ExpectSeq}
	if s.party == store.Buyer {
		row.ExpectSeq = nil // a compare-and-set between colleagues
	}
	if d.Card != nil {
		row.Kind, row.CardKey = kindCard, d.Card.key()
	}
	return row
}

// complete checks a draft and puts its card, as it is today, into what will be stored.
func (c *Chat) complete(ctx context.Context, row *store.Draft, s seat, d Draft) error {
	if err := c.checkBody(d.Body, d.Card != nil); err != nil || d.Card == nil {
		return err
	}
	card, err := c.card(ctx, s, *d.Card)
	if err == nil {
		row.Card = encodeCard(card)
	}
	return err
}

// enqueue has the message stored and then tells both parties, who so hear of it before whatever the sender does next.
// A repetition is told again: the first time may have been lost, and connections drop what they have.
func (c *Chat) enqueue(row store.Draft, sides parties, asked time.Time, origin hub.Connection, done func(store.Outcome)) {
	c.writer.Enqueue(row, asked, func(o store.Outcome) {
		told := o.Err == nil && o.Message.Seq > 0
		if told {
			c.fanOut(&o.Message, sides, origin)
		}
		if told && !o.Dup {
			c.messages.Add(1)
		}
		done(o)
	})
}

func (c *Chat) fanOut(m *store.Message, sides parties, origin hub.Connection) {
	if s, ok := origin.(*session); ok {
		s.follow(m.RoomID, sides)
	}
	c.heads.Set(m.RoomID, m.Seq)
	both := sides.both()
	c.relay.Message(both[:], m.RoomID, m.Seq, messageFrame(m), origin)
	c.traces.published(m)
}

// Ack says where a message has been stored, by this send or, with Dup, by an earlier one with the same ClientMsgID.
type Ack struct {
	Seq       int64
	CreatedAt time.Time
	Dup       bool
}

// Send sends for the caller, and waits until the message is stored. Errors: Unauthenticated, and those of the contract's
// section 3; after Unavailable it may be stored all the same, and the same is to be sent again.
func (c *Chat) Send(ctx context.Context, d Draft) (Ack, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return Ack{}, err
	}
	o, err := c.sendAndWait(ctx, p, d)
	return Ack{o.Message.Seq, o.Message.CreatedAt, o.Dup}, err
}

func (c *Chat) sendAndWait(ctx context.Context, p *identity.Principal, d Draft) (store.Outcome, error) {
	ctx, cancel := context.WithDeadline(ctx, d.Asked.Add(c.cfg.SendPatience))
	defer cancel()
	return await(ctx, func(done func(store.Outcome)) { c.send(ctx, p, d, nil, done) })
}

// await turns an answer that is called into one that is returned. When ctx ends first the outcome is unknown.
func await(ctx context.Context, start func(done func(store.Outcome))) (store.Outcome, error) {
	answer := make(chan store.Outcome, 1)
	start(func(o store.Outcome) { answer <- o })
	select {
	case o := <-answer:
		return o, o.Err
	case <-ctx.Done():
		return store.Outcome{}, fault.Wrap(fault.Unavailable, "unavailable", "The answer took too long; send the same again.", ctx.Err())
	}
}

// card shows a product or an order as it is now; only those of the room's shop, and orders only of its buyer. A product that
// the shop hides is there for its staff alone: to a buyer who knows its id it is as if there were none.
func (c *Chat) card(ctx context.Context, s seat, ref CardRef) (api.Card, error) {
	if ref.Kind == subjectOrder {
		return c.orderCard(ctx, s.parties, ref.ID)
	}
	cards, err := c.products.Cards(ctx, []id.ID{ref.ID})
	if err != nil {
		return api.Card{}, err
	}
	p, ok := cards[ref.ID]
	if !ok || p.ShopID != s.shop || p.Deleted || p.Hidden && s.party != store.Shop {
		return api.Card{}, fault.Missing("product")
	}
	return api.Card{Kind: api.CardKindProduct, Id: p.ID, Title: p.Name, PriceWon: &p.PriceWon, ImageUrl: &p.ImageURL}, nil
}

func (c *Chat) orderCard(ctx context.Context, sides parties, orderID id.ID) (api.Card, error) {
	cards, err := c.orders.Cards(ctx, []id.ID{orderID})
	if err != nil {
		return api.Card{}, err
	}
	o, ok := cards[orderID]
	if !ok || o.ShopID != sides.shop || o.BuyerID != sides.buyer {
		return api.Card{}, fault.Missing("order")
	}
	status := string(o.Status)
	return api.Card{Kind: api.CardKindOrder, Id: o.ID, Title: o.Number, PriceWon: &o.TotalWon, ImageUrl: &o.ImageURL,
		Status: &status, Summary: &o.FirstItemName, More: &o.More}, nil
}

func encodeCard(card api.Card) *string {
	b, err := json.Marshal(card)
	if err != nil { // strings, numbers and ids always encode
		panic(err)
	}
	s := string(b)
	return &s
}
