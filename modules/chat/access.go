package chat

import (
	"context"

	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

// parties are the two sides of a room; they never change.
type parties struct{ buyer, shop id.ID }

func (p parties) both() [2]hub.Party { return [2]hub.Party{hub.Buyer(p.buyer), hub.Shop(p.shop)} }

// seat is a caller's place in a room.
type seat struct {
	parties
	room  id.ID
	party string // store.Buyer or store.Shop
}

// staff is the seat of somebody who acts for the shop; none for a buyer. It must be theirs still when what they do is
// stored, whatever this instance remembers of them.
func (s seat) staff(p *identity.Principal) store.Seat {
	if s.party == store.Buyer {
		return store.Seat{}
	}
	return store.Seat{Shop: s.shop, Member: p.MemberID}
}

// partiesOf finds a room's sides; fault.NotFound when there is no such room.
func (c *Chat) partiesOf(ctx context.Context, room id.ID) (parties, error) {
	if p, ok := c.parties.GetIfPresent(room); ok {
		return p, nil
	}
	r, err := c.store.Room(ctx, room)
	if err != nil {
		return parties{}, err
	}
	p := parties{buyer: r.BuyerID, shop: r.ShopID}
	c.parties.Set(room, p)
	return p, nil
}

// seatOf is the caller's place in a room of these sides; false when they have none.
func seatOf(p *identity.Principal, room id.ID, sides parties) (seat, bool) {
	if p.MemberID == sides.buyer {
		return seat{sides, room, store.Buyer}, true
	}
	_, staff := p.RoleIn(sides.shop)
	return seat{sides, room, store.Shop}, staff
}

// knowsSeat says whether seatIn answers without asking the database. For who has no seat it never does: whether this instance
// remembers a room is nothing that they may learn, neither by the time of the answer nor by what waits for it.
func (c *Chat) knowsSeat(p *identity.Principal, room id.ID) bool {
	sides, known := c.parties.GetIfPresent(room)
	if !known {
		return false
	}
	_, seated := seatOf(p, room, sides)
	return seated
}

// seatIn is the caller's place in a room. Who has none gets the same answer as for a room that does not exist.
func (c *Chat) seatIn(ctx context.Context, p *identity.Principal, room id.ID) (seat, error) {
	_, remembered := c.parties.GetIfPresent(room)
	sides, err := c.partiesOf(ctx, room)
	if err != nil {
		return seat{}, err
	}
	if s, seated := seatOf(p, room, sides); seated {
		return s, nil
	}
	if remembered { // then a room that does not exist would have cost a question, and its answer would come later
		if _, err := c.store.Room(ctx, room); err != nil {
			return seat{}, err
		}
	}
	return seat{}, fault.Missing("room")
}

// authorizeRead gives a seat for reading only: an operator of the mall has one too, with a reason that is recorded
// first.
func (c *Chat) authorizeRead(ctx context.Context, p *identity.Principal, room id.ID, reason string) (seat, error) {
	s, err := c.seatIn(ctx, p, room)
	if err == nil || fault.KindOf(err) != fault.NotFound {
		return s, err
	}
	if p.FactorDemanded && reason != "" { // whichever room it is: who asks learns of themselves only
		return seat{}, fault.New(fault.Forbidden, "second_factor_demanded", "Your role demands a second factor; set one up first.")
	}
	if !p.Operator {
		return seat{}, err
	}
	sides, err := c.partiesOf(ctx, room)
	if err != nil {
		return seat{}, err
	}
	if reason == "" {
		return seat{}, fault.New(fault.Forbidden, "reason_required", "An operator reads a talk only with a reason, in X-Access-Reason.")
	}
	err = c.members.SteppedUp(ctx, p)
	if err == nil {
		err = c.store.RecordAccess(ctx, p.MemberID, room, reason)
	}
	c.security.Write(ctx, securitylog.Event{What: securitylog.OperatorRead, Err: err, Target: room})
	if err != nil {
		return seat{}, err
	}
	return seat{sides, room, store.Shop}, nil
}
