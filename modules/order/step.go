package order

import (
	"context"
	"time"

	"mall/modules/order/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/product"
)

// TopicStatusChanged is the outbox topic that tells of each new status, the first one included. Its payload is a
// StatusChanged; the row is written in the transaction that changes the order.
const TopicStatusChanged = "order.status_changed"

// StatusChanged is the news that an order has moved on.
type StatusChanged struct {
	OrderID id.ID     `json:"order_id"`
	Number  string    `json:"number"`
	ShopID  id.ID     `json:"shop_id"`
	BuyerID id.ID     `json:"buyer_id"`
	From    Status    `json:"from,omitempty"` // none when it was just placed
	To      Status    `json:"to"`
	At      time.Time `json:"at"`
}

// Step takes the order one step further for the caller and gives it as it is then. Paying (to Paid) charges the buyer
// first. Of two steps at once one wins; the other gets fault.Conflict "illegal_step".
//
// fault.NotFound: there is no such order for the caller. fault.Forbidden: somebody else takes this step, or
// "step_up_required" (a refund).
// fault.Conflict: "illegal_step", "payment_declined", "payment_off" (nothing can be paid in this mall). fault.Unavailable: it may have happened, and could not be looked for;
// look, or try again.
func (o *Orders) Step(ctx context.Context, order id.ID, to Status) (Order, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return Order{}, err
	}
	if to == Paid {
		return o.pay(ctx, p, order)
	}
	if to == Refunded { // money leaves the shop: a stolen session must not be enough for that
		if err := o.members.SteppedUp(ctx, p); err != nil {
			return Order{}, err
		}
	}
	var after Order
	err = o.db.TxOnce(ctx, func(ctx context.Context) error {
		before, v, err := o.lockFor(ctx, p, order)
		if err != nil {
			return err
		}
		after, err = o.move(ctx, before, to, v)
		return err
	}, func(ctx context.Context) (bool, error) { return o.stands(ctx, after) })
	if err != nil {
		return Order{}, err
	}
	if ends(to) {
		o.giveBack(ctx, order)
	}
	return after, nil
}

// stands says whether the order is as the step has left it: the moment tells that step from all others.
func (o *Orders) stands(ctx context.Context, after Order) (bool, error) {
	now, err := o.rows.Get(ctx, after.ID)
	return err == nil && now.Status == after.Status && now.UpdatedAt.Equal(after.UpdatedAt), err
}

// lockFor holds the order until the transaction ends, for somebody who may see it. What staff may do the database says in
// the same transaction: who was removed a moment ago refunds nothing more, whatever the principal remembers.
func (o *Orders) lockFor(ctx context.Context, p *identity.Principal, order id.ID) (Order, viewer, error) {
	locked, err := o.rows.Lock(ctx, order)
	if err != nil {
		return Order{}, viewer{}, orMissing(err)
	}
	v := viewerOf(p, locked)
	if v.role != "" {
		if v.role, err = o.members.StaffRole(ctx, locked.ShopID, p.MemberID); err != nil {
			return Order{}, viewer{}, err
		}
	}
	if !v.sees() {
		return Order{}, viewer{}, fault.Missing("order")
	}
	return locked, v, nil
}

// move changes the status of a locked order, with all that has to happen in the same transaction: goods that were not
// sent go back to the stock, money that was taken becomes due to the buyer, the news is written down.
func (o *Orders) move(ctx context.Context, before Order, to Status, v viewer) (Order, error) {
	if err := v.check(before.Status, to); err != nil {
		return Order{}, err
	}
	after := before
	after.Status, after.UpdatedAt = to, o.now()
	moved, err := o.rows.SetStatus(ctx, before.ID, before.Status, to, after.UpdatedAt)
	if err != nil {
		return Order{}, err
	}
	if !moved {
		return Order{}, illegal(before.Status, to)
	}
	if before.Status == Placed && to == Cancelled && (v.buyer || v.system) { // the shop's doing is not held against the buyer
		if err := o.rows.LetGo(ctx, before.ID, after.UpdatedAt); err != nil {
			return Order{}, err
		}
	}
	if ends(to) {
		if err := o.undo(ctx, before); err != nil {
			return Order{}, err
		}
	}
	return after, o.tell(ctx, after, before.Status)
}

// undo gives back what the order had taken.
func (o *Orders) undo(ctx context.Context, before Order) error {
	if unsent(before.Status) {
		if err := o.products.Release(ctx, reservedLines(before)); err != nil {
			return err
		}
	}
	return o.oweBack(ctx, before.ID)
}

func reservedLines(o Order) []product.Line {
	lines := make([]product.Line, len(o.Lines))
	for i, l := range o.Lines {
		lines[i] = product.Line{ProductID: l.ProductID, Quantity: l.Quantity}
	}
	return lines
}

// tell writes the news of the order's status into the outbox.
func (o *Orders) tell(ctx context.Context, order store.Order, from Status) error {
	return o.news.Add(ctx, TopicStatusChanged, StatusChanged{OrderID: order.ID, Number: order.Number, ShopID: order.ShopID,
		BuyerID: order.BuyerID, From: from, To: order.Status, At: order.UpdatedAt})
}
