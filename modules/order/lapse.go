package order

import (
	"context"
	"log/slog"

	"mall/modules/order/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// An order takes its stock when it is placed, so one that nobody pays keeps it from everybody else. After UnpaidLife the
// mall cancels it: the stock goes back in the same transaction, and the news goes the way of every other step.
//
// A charge under way may have taken the buyer's money, and is usually known within a minute: such an order is left alone
// for another UnpaidLife. After that it is cancelled all the same, and whatever was charged goes back, or a payment
// service that answers nobody would hold the stock of the whole mall.

// lapse cancels the orders whose time to be paid is over. Instances that find the same order lock it in turn, and the
// second sees that it is done.
func (o *Orders) lapse(ctx context.Context) error {
	after := store.Unpaid{}
	for ctx.Err() == nil {
		late, err := o.rows.Unpaid(ctx, Placed, paymentPending, o.lateness(), after, sweepAtOnce)
		if err != nil {
			return err
		}
		for _, x := range late {
			if err := o.cancelUnpaid(ctx, x.ID); err != nil {
				o.log.WarnContext(ctx, "unpaid order not cancelled, will be tried again", slog.Any("order", x.ID), slog.Any("error", err))
			}
		}
		if len(late) < sweepAtOnce {
			return nil
		}
		after = late[len(late)-1]
	}
	return ctx.Err()
}

func (o *Orders) lateness() store.Lateness {
	return store.Lateness{Unpaid: o.now().Add(-o.cfg.UnpaidLife), Charging: o.now().Add(-2 * o.cfg.UnpaidLife)}
}

// cancelUnpaid cancels an order unless it was paid, cancelled or given to the payment service meanwhile.
func (o *Orders) cancelUnpaid(ctx context.Context, order id.ID) error {
	cancelled := false
	err := o.db.Tx(ctx, func(ctx context.Context) error {
		locked, err := o.rows.Lock(ctx, order)
		if err != nil || locked.Status != Placed {
			return err
		}
		if wait, err := o.charging(ctx, locked); wait || err != nil {
			return err
		}
		_, err = o.move(ctx, locked, Cancelled, viewer{system: true})
		cancelled = err == nil
		return err
	})
	if err == nil && cancelled {
		o.giveBack(ctx, order)
	}
	return err
}

// charging says whether a locked order may have been charged just now.
func (o *Orders) charging(ctx context.Context, order Order) (bool, error) {
	payment, err := o.rows.Payment(ctx, order.ID)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	return payment.State == paymentPending && order.CreatedAt.After(o.lateness().Charging), err
}
