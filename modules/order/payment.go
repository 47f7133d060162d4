package order

import (
	"context"
	"errors"

	"mall/modules/platform/id"
)

// Payments moves money. It is called outside transactions and may be called again with the same key at any time, also
// by two instances at once: the same key never moves money twice.
type Payments interface {
	// Pay charges the order's buyer. ErrDeclined: nothing was charged, and nothing will be under this key. Any other
	// error: it may have been charged; calling again with the same key finds out.
	Pay(ctx context.Context, order id.ID, amountWon int64, key id.ID) error
	// Refund gives back what was charged under the key. If that is nothing, it bars the key: a Pay that comes later is
	// declined. Any error: it may have been given back; call again.
	Refund(ctx context.Context, order id.ID, amountWon int64, key id.ID) error
}

// ErrDeclined says that a charge was refused for good.
var ErrDeclined = errors.New("order: payment declined")

// DemoPayments stands where a payment service would. It approves everything and moves no money.
type DemoPayments struct{}

// Pay approves.
func (DemoPayments) Pay(ctx context.Context, _ id.ID, _ int64, _ id.ID) error { return ctx.Err() }

// Refund approves.
func (DemoPayments) Refund(ctx context.Context, _ id.ID, _ int64, _ id.ID) error { return ctx.Err() }
