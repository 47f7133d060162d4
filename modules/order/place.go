package order

import (
	"context"
	"fmt"
	"math"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/product"
)

// Limits of an order.
const (
	MaxLines    = 50
	MaxQuantity = 999       // of one product
	MaxTotalWon = 1<<53 - 1 // what a browser still counts exactly
)

// Draft is what a buyer orders from one shop. ClientOrderID is the buyer's own key: placing again with the same key
// gives the same order.
type Draft struct {
	ShopID        id.ID
	ClientOrderID id.ID
	Lines         []product.Line // each product once
}

func (d Draft) check() error {
	if d.ClientOrderID.IsZero() {
		return fault.Invalidf("client_order_id", "bad_request", "It is an id of your own making.")
	}
	if len(d.Lines) == 0 || len(d.Lines) > MaxLines {
		return fault.Invalidf("lines", "out_of_range", "An order has between 1 and %d lines.", MaxLines)
	}
	seen := make(map[id.ID]bool, len(d.Lines))
	for i, l := range d.Lines {
		if l.Quantity < 1 || l.Quantity > MaxQuantity {
			return fault.Invalidf(fmt.Sprintf("lines.%d.quantity", i), "out_of_range", "A quantity is between 1 and %d.", MaxQuantity)
		}
		if seen[l.ProductID] {
			return fault.Invalidf(fmt.Sprintf("lines.%d.product_id", i), "duplicate_product", "A product stands in one line only.")
		}
		seen[l.ProductID] = true
	}
	return nil
}

// Place orders for the caller: the stock is taken and the order written in one transaction, both or neither. placed is
// false when the caller's ClientOrderID had placed this order before; nothing is changed then.
//
// fault.Conflict: "client_order_id_conflict" (the key stands for another draft), "sold_out" or "product_unavailable"
// (Field names the line), "too_many_unpaid". fault.RateLimited: too many were let go unpaid lately. fault.Unavailable: the order may have been placed; the same draft may be sent again.
func (o *Orders) Place(ctx context.Context, d Draft) (order Order, placed bool, err error) {
	p, err := identity.From(ctx)
	if err != nil {
		return Order{}, false, err
	}
	if err := d.check(); err != nil {
		return Order{}, false, err
	}
	if order, found, err := o.earlier(ctx, p.MemberID, d); found || err != nil {
		return order, false, err
	}
	for range 3 { // again only when the number was taken, which hardly ever happens once
		order, err = o.place(ctx, p.MemberID, d)
		if fault.KindOf(err) != fault.Conflict {
			return order, err == nil, err
		}
		// The same draft may have been placed at this very moment, and have taken the key or the last of the stock.
		if order, found, lookup := o.earlier(ctx, p.MemberID, d); found || lookup != nil {
			return order, false, lookup
		}
		if !db.IsDuplicate(err) {
			return Order{}, false, err
		}
	}
	return Order{}, false, err
}

// earlier finds what the draft's key has placed before; an error when that was something else.
func (o *Orders) earlier(ctx context.Context, buyer id.ID, d Draft) (Order, bool, error) {
	order, err := o.rows.GetByClientKey(ctx, buyer, d.ClientOrderID)
	if fault.KindOf(err) == fault.NotFound {
		return Order{}, false, nil
	}
	if err != nil {
		return Order{}, false, err
	}
	if !sameDraft(order, d) {
		return Order{}, false, &fault.Error{Kind: fault.Conflict, Code: "client_order_id_conflict", Field: "client_order_id",
			Message: "This key has placed another order."}
	}
	return order, true, nil
}

func sameDraft(order Order, d Draft) bool {
	if order.ShopID != d.ShopID || len(order.Lines) != len(d.Lines) {
		return false
	}
	quantity := make(map[id.ID]int64, len(order.Lines))
	for _, l := range order.Lines {
		quantity[l.ProductID] = l.Quantity
	}
	for _, l := range d.Lines {
		if quantity[l.ProductID] != l.Quantity {
			return false
		}
	}
	return true
}

func (o *Orders) place(ctx context.Context, buyer id.ID, d Draft) (Order, error) {
	at := o.now()
	order := Order{ID: id.New(), Number: o.number(at), BuyerID: buyer, ClientOrderID: d.ClientOrderID, ShopID: d.ShopID,
		Status: Placed, LineCount: len(d.Lines), CreatedAt: at, UpdatedAt: at}
	err := o.db.Tx(ctx, func(ctx context.Context) error {
		if err := o.mayWait(ctx, buyer); err != nil {
			return err
		}
		reserved, err := o.products.Reserve(ctx, d.ShopID, d.Lines)
		if err != nil {
			return err
		}
		order.Lines = linesOf(order.ID, reserved)
		if order.TotalWon, err = total(order.Lines); err != nil {
			return err
		}
		if err := o.rows.Insert(ctx, order); err != nil {
			return err
		}
		return o.tell(ctx, order, "")
	})
	if err != nil {
		return Order{}, err
	}
	return order, nil
}

// mayWait refuses one more unpaid order to a buyer who has many: each holds stock that nobody else can buy. Those that they
// have let go lately count, too, or who pays nothing would take the same stock again as soon as it is for sale. The buyer's
// row is locked before, so that orders placed at once count each other. One that lapses at this moment may count twice.
func (o *Orders) mayWait(ctx context.Context, buyer id.ID) error {
	if err := o.rows.LockBuyer(ctx, buyer); err != nil {
		return err
	}
	waiting, err := o.rows.CountInStatus(ctx, buyer, Placed)
	if err != nil {
		return err
	}
	free := o.cfg.UnpaidMost - int(waiting)
	if free <= 0 {
		return fault.New(fault.Conflict, "too_many_unpaid",
			fmt.Sprintf("You have %d orders that wait to be paid: pay or cancel one of them first.", waiting))
	}
	now := o.now()
	past, err := o.rows.LastLetGo(ctx, buyer, Cancelled, now.Add(-o.cfg.UnpaidPast), free)
	if err != nil || len(past) < free {
		return err
	}
	return fault.Retry(fault.RateLimited, "rate_limited", "You have let too many orders go without paying; order again later.",
		past[free-1].Add(o.cfg.UnpaidPast).Sub(now))
}

func linesOf(order id.ID, reserved []product.Reserved) []Line {
	lines := make([]Line, len(reserved))
	for i, r := range reserved {
		lines[i] = Line{OrderID: order, Position: i + 1, ProductID: r.ProductID, Name: r.Name,
			UnitPriceWon: r.UnitPriceWon, Quantity: r.Quantity}
	}
	return lines
}

// total adds up the lines; fault.Invalid when the sum would leave the range.
func total(lines []Line) (int64, error) {
	var sum int64
	for _, l := range lines {
		if l.UnitPriceWon > 0 && l.Quantity > math.MaxInt64/l.UnitPriceWon || l.UnitPriceWon*l.Quantity > MaxTotalWon-sum {
			return 0, fault.Invalidf("lines", "total_too_large", "The total is more than %d won.", int64(MaxTotalWon))
		}
		sum += l.UnitPriceWon * l.Quantity
	}
	return sum, nil
}
