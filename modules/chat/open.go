package chat

import (
	"context"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// What an inquiry can be about.
const (
	subjectProduct = "product"
	subjectOrder   = "order"
	subjectGeneral = "general"
)

// Subject is what a buyer asks about: a product, an order, or with neither just something.
type Subject struct{ ProductID, OrderID id.ID }

// Open finds or makes the caller's room with a shop and in it the inquiry about the subject; created says whether one of
// them is new. Errors: Unauthenticated; NotFound for a shop, product or order that is not there or not the caller's;
// Forbidden own_shop; RateLimited; Invalid; Unavailable.
func (c *Chat) Open(ctx context.Context, shop id.ID, about Subject) (room id.ID, created bool, err error) {
	p, err := identity.From(ctx)
	if err != nil {
		return id.Nil, false, err
	}
	if !about.ProductID.IsZero() && !about.OrderID.IsZero() {
		return id.Nil, false, fault.Invalidf("order_id", "bad_request", "An inquiry is about a product or an order, not both.")
	}
	if _, own := p.RoleIn(shop); own {
		return id.Nil, false, fault.New(fault.Forbidden, "own_shop", "This is your own shop.")
	}
	if err := c.mayChange(p.MemberID); err != nil {
		return id.Nil, false, err
	}
	names, err := c.members.ShopNames(ctx, []id.ID{shop})
	if err != nil {
		return id.Nil, false, err
	}
	if _, there := names[shop]; !there {
		return id.Nil, false, fault.Missing("shop")
	}
	o := store.Opening{BuyerID: p.MemberID, ShopID: shop, Subject: subjectGeneral}
	switch {
	case !about.ProductID.IsZero():
		o.Subject, o.SubjectID = subjectProduct, about.ProductID
	case !about.OrderID.IsZero():
		o.Subject, o.SubjectID = subjectOrder, about.OrderID
	}
	if !o.SubjectID.IsZero() {
		card, err := c.card(ctx, seat{parties: parties{p.MemberID, shop}, party: store.Buyer}, CardRef{o.Subject, o.SubjectID})
		if err != nil {
			return id.Nil, false, err
		}
		o.Card = encodeCard(card)
	}
	opened, err := c.store.OpenRoom(ctx, o)
	if err != nil {
		return id.Nil, false, err
	}
	if opened.Room.Blocks == 0 {
		c.pushRoom(ctx, opened.Room.ID)
	}
	return opened.Room.ID, opened.New, nil
}
