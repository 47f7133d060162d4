package order

import (
	"slices"

	"mall/modules/order/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/identity"
)

// Status is where an order is in its life.
type Status = store.Status

// The states of an order.
const (
	Placed    Status = "placed" // its stock is taken, it waits for the money
	Paid      Status = "paid"
	Preparing Status = "preparing"
	Shipped   Status = "shipped"
	Delivered Status = "delivered"
	Completed Status = "completed" // the buyer is content; an end
	Cancelled Status = "cancelled" // nothing was sent; an end
	Refunded  Status = "refunded"  // the shop gave the money back; an end
)

// who takes a step.
type who uint8

const (
	buyer  who = iota
	staff      // with at least the step's role
	system     // the mall itself, for money that has arrived or has not
)

// step is one legal move.
type step struct {
	from, to Status
	who      who
	role     identity.Role // the least role of staff
}

// steps is the whole life of an order: what is not here cannot happen. Paying is the buyer's step, but the order
// becomes paid by the system's, when the money is there (see settle.go).
var steps = []step{
	{Placed, Paid, buyer, ""},
	{Placed, Paid, system, ""},
	{Placed, Cancelled, buyer, ""},
	{Placed, Cancelled, staff, identity.RoleAgent},
	{Placed, Cancelled, system, ""}, // nobody paid in time (see lapse.go)
	{Paid, Preparing, staff, identity.RoleAgent},
	{Paid, Cancelled, buyer, ""}, // until the shop begins its work
	{Paid, Refunded, staff, identity.RoleManager},
	{Preparing, Shipped, staff, identity.RoleAgent},
	{Preparing, Refunded, staff, identity.RoleManager},
	{Shipped, Delivered, staff, identity.RoleAgent},
	{Shipped, Refunded, staff, identity.RoleManager}, // lost on the way
	{Delivered, Completed, buyer, ""},
	{Delivered, Refunded, staff, identity.RoleManager},
}

// unsent says whether the goods are still in the shop, so that ending the order gives them back to the stock. Later
// the shop counts what really came back.
func unsent(s Status) bool { return s == Placed || s == Paid || s == Preparing }

// ends says whether the order ends without the buyer keeping anything, so that money taken for it goes back.
func ends(s Status) bool { return s == Cancelled || s == Refunded }

// viewer is what somebody is to one order; one person may be both its buyer and of its shop.
type viewer struct {
	buyer  bool
	role   identity.Role // "" for anyone but the shop's staff
	system bool
}

func viewerOf(p *identity.Principal, o Order) viewer {
	role, _ := p.RoleIn(o.ShopID)
	return viewer{buyer: p.MemberID == o.BuyerID, role: role}
}

// sees says whether the order exists for the viewer.
func (v viewer) sees() bool { return v.buyer || v.role != "" }

func (v viewer) may(s step) bool {
	switch s.who {
	case buyer:
		return v.buyer
	case staff:
		return v.role.AtLeast(s.role)
	default:
		return v.system
	}
}

// allowed lists what the viewer may do next with an order in that state, in the order of the table.
func (v viewer) allowed(from Status) []Status {
	to := []Status{}
	for _, s := range steps {
		if s.from == from && v.may(s) && !slices.Contains(to, s.to) {
			to = append(to, s.to)
		}
	}
	return to
}

// allowed is what the viewer may do next in this mall: where nothing can be paid, nobody is invited to.
func (o *Orders) allowed(v viewer, from Status) []Status {
	to := v.allowed(from)
	if o.payments == nil {
		to = slices.DeleteFunc(to, func(s Status) bool { return s == Paid })
	}
	return to
}

// check says why the viewer cannot take the step: fault.Conflict "illegal_step" when nobody can, fault.Forbidden when
// others can.
func (v viewer) check(from, to Status) error {
	if slices.Contains(v.allowed(from), to) {
		return nil
	}
	if slices.ContainsFunc(steps, func(s step) bool { return s.from == from && s.to == to }) {
		return fault.New(fault.Forbidden, "forbidden", "Somebody else takes this step.")
	}
	return illegal(from, to)
}

func illegal(from, to Status) error {
	return &fault.Error{Kind: fault.Conflict, Code: "illegal_step", Field: "to",
		Message: "An order that is " + string(from) + " cannot become " + string(to) + "."}
}
