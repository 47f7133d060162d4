package order

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"mall/modules/order/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// Money is moved by a service that may be slow, so never under a row's lock; and that may answer after we are dead, so
// never without a note of ours that survives. The order of events, for an order and its one row in order_payments:
//
//  1. The buyer pays: one transaction checks that the order waits for money and notes "pending" with a key.
//  2. Outside of it the service charges the buyer under that key.
//  3. Another transaction makes the order paid and the note "paid". If the order was cancelled meanwhile, the note
//     becomes "refund_due" instead.
//  4. A cancelled or refunded order makes a note of "pending" or "paid" into "refund_due" in the very transaction that
//     ends it. Outside of it the service refunds, and the note becomes "refunded".
//
// After a crash at any point the note says what is left to do, and Run does it: the service never acts twice on a key,
// and refuses to charge one that it was told to refund. So money is either with an order that has it, or on its way
// back, and no answer lost on the way changes that.
const (
	paymentPending   = "pending"    // the charge is wanted; it may have happened
	paymentPaid      = "paid"       // the charge happened, and the order has it
	paymentDeclined  = "declined"   // there was no charge; the buyer may try again under another key
	paymentRefundDue = "refund_due" // whatever was charged has to go back
	paymentRefunded  = "refunded"
)

const (
	sweepEvery  = 15 * time.Second // how often Run looks for payments that nobody settles and orders that nobody pays
	settleAfter = 30 * time.Second // how long a payment is left to the request that began it, or to the last try
	sweepAtOnce = 100
)

// pay takes the step to Paid for the buyer.
func (o *Orders) pay(ctx context.Context, p *identity.Principal, order id.ID) (Order, error) {
	var payment store.Payment
	err := o.db.Tx(ctx, func(ctx context.Context) error {
		locked, v, err := o.lockFor(ctx, p, order)
		if err != nil {
			return err
		}
		if err := v.check(locked.Status, Paid); err != nil {
			return err
		}
		if o.payments == nil {
			return fault.New(fault.Conflict, "payment_off", "Nothing can be paid in this mall; ask the shop.")
		}
		payment, err = o.wantPayment(ctx, locked)
		return err
	})
	if err != nil {
		return Order{}, err
	}
	return o.charge(ctx, payment)
}

// wantPayment notes for a locked order that it wants to be paid, and gives the note. A try whose outcome is unknown
// keeps its key, so that it cannot charge twice.
func (o *Orders) wantPayment(ctx context.Context, order Order) (store.Payment, error) {
	next := store.Payment{OrderID: order.ID, Key: id.New(), AmountWon: order.TotalWon, State: paymentPending, UpdatedAt: o.now()}
	last, err := o.rows.Payment(ctx, order.ID)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return next, o.rows.InsertPayment(ctx, next)
	case err == nil && last.State == paymentDeclined:
		return next, o.rows.RestartPayment(ctx, next)
	}
	return last, err
}

// charge asks for the money of a payment that the caller has seen pending, and lets the order have it. Of several
// callers at once one makes the order paid; the others get fault.Conflict "illegal_step".
func (o *Orders) charge(ctx context.Context, payment store.Payment) (Order, error) {
	err := o.payments.Pay(ctx, payment.OrderID, payment.AmountWon, payment.Key)
	if err != nil && !errors.Is(err, ErrDeclined) {
		return Order{}, fault.Wrap(fault.Unavailable, "payment_unavailable", "The payment has not been confirmed yet; try again.", err)
	}
	declined := err != nil
	var after Order
	var refused error
	err = o.db.TxOnce(ctx, func(ctx context.Context) error {
		after, refused, err = o.book(ctx, payment, declined)
		return err
	}, func(ctx context.Context) (bool, error) { return o.stands(ctx, after) })
	if err != nil {
		return Order{}, err
	}
	if refused != nil {
		o.giveBack(ctx, payment.OrderID)
	}
	return after, refused
}

// book writes down how a charge ended. refused is for the buyer and does not undo what is written.
func (o *Orders) book(ctx context.Context, payment store.Payment, declined bool) (after Order, refused, err error) {
	order, err := o.rows.Lock(ctx, payment.OrderID)
	if err != nil {
		return Order{}, nil, err
	}
	outcome := paymentPaid
	if declined {
		outcome = paymentDeclined
	}
	booked, err := o.rows.SetPaymentState(ctx, payment, outcome, o.now())
	switch {
	case err != nil:
		return Order{}, nil, err
	case !booked: // another caller has booked it, or the order ended and the money is on its way back
		return Order{}, illegal(order.Status, Paid), nil
	case declined:
		return Order{}, fault.New(fault.Conflict, "payment_declined", "The payment was declined."), nil
	}
	after, err = o.move(ctx, order, Paid, viewer{system: true})
	return after, nil, err
}

// oweBack notes in the transaction that ends an order that whatever was charged for it has to go back.
func (o *Orders) oweBack(ctx context.Context, order id.ID) error {
	payment, err := o.rows.Payment(ctx, order)
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err != nil || payment.State != paymentPending && payment.State != paymentPaid {
		return err
	}
	_, err = o.rows.SetPaymentState(ctx, payment, paymentRefundDue, o.now())
	return err
}

// giveBack refunds an order's payment if that is due. What fails here is noted, and tried again by Run.
func (o *Orders) giveBack(ctx context.Context, order id.ID) {
	if o.payments == nil {
		return
	}
	payment, err := o.rows.Payment(ctx, order)
	if fault.KindOf(err) == fault.NotFound || err == nil && payment.State != paymentRefundDue {
		return
	}
	if err == nil {
		err = o.refund(ctx, payment)
	}
	if err != nil {
		o.log.WarnContext(ctx, "refund not confirmed, will be tried again", slog.Any("order", order), slog.Any("error", err))
	}
}

func (o *Orders) refund(ctx context.Context, payment store.Payment) error {
	if err := o.payments.Refund(ctx, payment.OrderID, payment.AmountWon, payment.Key); err != nil {
		return err
	}
	_, err := o.rows.SetPaymentState(ctx, payment, paymentRefunded, o.now())
	return err
}

// Run finishes the payments and refunds that a crash or a failing service left behind, and cancels the orders that
// nobody paid in time, until ctx ends. Any number of instances may run it.
func (o *Orders) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := o.sweep(ctx); err != nil && ctx.Err() == nil {
			o.log.WarnContext(ctx, "unsettled payments not read", slog.Any("error", err))
		}
		if err := o.lapse(ctx); err != nil && ctx.Err() == nil {
			o.log.WarnContext(ctx, "unpaid orders not read", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sweep takes up the payments that have been unsettled for long. Where nothing can be paid, what an earlier service left
// unsettled stays noted until there is one again.
func (o *Orders) sweep(ctx context.Context) error {
	if o.payments == nil {
		return nil
	}
	for _, state := range []string{paymentPending, paymentRefundDue} {
		left, err := o.rows.Unsettled(ctx, state, o.now().Add(-settleAfter), sweepAtOnce)
		if err != nil {
			return err
		}
		for _, payment := range left {
			if err := o.resume(ctx, payment); err != nil {
				o.log.WarnContext(ctx, "payment not settled, will be tried again", slog.Any("order", payment.OrderID), slog.Any("error", err))
			}
		}
	}
	return nil
}

// resume settles a payment that was left behind, unless another instance has taken it up.
func (o *Orders) resume(ctx context.Context, payment store.Payment) error {
	ctx, cancel := context.WithTimeout(ctx, settleAfter)
	defer cancel()
	mine, err := o.rows.ClaimPayment(ctx, payment, o.now())
	if err != nil || !mine {
		return err
	}
	if payment.State == paymentRefundDue {
		return o.refund(ctx, payment)
	}
	_, err = o.charge(ctx, payment)
	if fault.KindOf(err) == fault.Conflict { // declined, or settled by somebody else: either way settled
		return nil
	}
	return err
}
