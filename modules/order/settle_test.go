package order

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
	"mall/modules/product"
)

var errBank = errors.New("the bank does not answer")

// later makes everything that is unsettled now look left behind.
func (m *market) later() {
	m.now = func() time.Time { return now().Add(2 * settleAfter) }
}

func TestADeclinedPaymentMayBeTriedAgain(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		o := m.buy(t, product.Line{ProductID: m.sell(t, "머그컵", 14900, 10), Quantity: 1})
		m.bank.beforePay = func() error { return ErrDeclined }
		_, err := m.Step(m.buyer, o.ID, Paid)
		wantFault(t, err, fault.Conflict, "payment_declined", "")
		if m.status(t, o.ID) != Placed || m.paymentState(t, o.ID) != paymentDeclined {
			t.Errorf("%s, payment %s", m.status(t, o.ID), m.paymentState(t, o.ID))
		}
		declined, err := m.rows.Payment(t.Context(), o.ID)
		if err != nil {
			t.Fatal(err)
		}
		m.bank.beforePay = nil
		m.walk(t, o.ID, Paid)
		if again, err := m.rows.Payment(t.Context(), o.ID); err != nil || again.Key == declined.Key || again.State != paymentPaid {
			t.Errorf("%+v, %v", again, err)
		}
		if m.bank.held() != 14900 {
			t.Errorf("held %d", m.bank.held())
		}
	})
}

// The answer of the bank is lost: nobody knows whether the buyer was charged. Trying again must not charge twice.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		for name, finish := range map[string]func(m *market, o Order) error{
			"by the buyer": func(m *market, o Order) error { _, err := m.Step(m.buyer, o.ID, Paid); return err },
			"by the mall":  func(m *market, _ Order) error { m.later(); return m.sweep(context.Background()) },
		} {
			t.Run(name, func(t *testing.T) {
				m := newMarket(t, d)
				o := m.buy(t, product.Line{ProductID: m.sell(t, "머그컵", 14900, 10), Quantity: 1})
				m.bank.afterPay = func() error { return errBank }
				_, err := m.Step(m.buyer, o.ID, Paid)
				wantFault(t, err, fault.Unavailable, "payment_unavailable", "")
				if m.status(t, o.ID) != Placed || m.bank.held() != 14900 {
					t.Fatalf("%s, held %d", m.status(t, o.ID), m.bank.held())
				}
				if err := m.sweep(t.Context()); err != nil || m.status(t, o.ID) != Placed {
					t.Fatalf("settled behind the request's back: %v", err)
				}
				m.bank.afterPay = nil
				if err := finish(m, o); err != nil {
					t.Fatal(err)
				}
				if m.status(t, o.ID) != Paid || m.bank.moves != 1 || m.paymentState(t, o.ID) != paymentPaid {
					t.Errorf("%s, money moved %d times", m.status(t, o.ID), m.bank.moves)
				}
			})
		}
	})
}

// The order is cancelled while the bank is charging. Whichever the bank hears of first, the buyer has the money in the end.
func TestCancellingWhileTheBankCharges(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		for name, at := range map[string]func(b *bank, cancel func() error){
			"before the charge": func(b *bank, cancel func() error) { b.beforePay = cancel },
			"after the charge":  func(b *bank, cancel func() error) { b.afterPay = cancel },
		} {
			t.Run(name, func(t *testing.T) {
				m := newMarket(t, d)
				mug := m.sell(t, "머그컵", 14900, 10)
				o := m.buy(t, product.Line{ProductID: mug, Quantity: 1})
				at(m.bank, func() error {
					_, err := m.Step(m.agent, o.ID, Cancelled)
					return err
				})
				_, err := m.Step(m.buyer, o.ID, Paid)
				wantFault(t, err, fault.Conflict, "illegal_step", "to")
				if m.status(t, o.ID) != Cancelled || m.bank.held() != 0 || m.stock(t, mug) != 10 || m.paymentState(t, o.ID) != paymentRefunded {
					t.Errorf("%s, held %d, stock %d, payment %s", m.status(t, o.ID), m.bank.held(), m.stock(t, mug), m.paymentState(t, o.ID))
				}
			})
		}
	})
}

// The bank is away when an order is cancelled: the cancellation stands, and the refund follows.
func TestARefundIsOwedUntilItIsDone(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		o := m.buy(t, product.Line{ProductID: m.sell(t, "머그컵", 14900, 10), Quantity: 1})
		m.walk(t, o.ID, Paid)
		m.bank.beforeRefund = func() error { return errBank }
		if got, err := m.Step(m.buyer, o.ID, Cancelled); err != nil || got.Status != Cancelled {
			t.Fatalf("%s, %v", got.Status, err)
		}
		if m.paymentState(t, o.ID) != paymentRefundDue || m.bank.held() != 14900 {
			t.Fatalf("payment %s, held %d", m.paymentState(t, o.ID), m.bank.held())
		}
		m.later()
		if err := m.sweep(t.Context()); err != nil || m.paymentState(t, o.ID) != paymentRefundDue {
			t.Fatalf("the bank is still away: %v, %s", err, m.paymentState(t, o.ID))
		}
		m.bank.beforeRefund = nil
		if err := m.sweep(t.Context()); err != nil || m.paymentState(t, o.ID) != paymentRefundDue {
			t.Fatalf("a failed try is not repeated at once: %v, %s", err, m.paymentState(t, o.ID))
		}
		m.now = func() time.Time { return now().Add(4 * settleAfter) }
		if err := m.sweep(t.Context()); err != nil || m.paymentState(t, o.ID) != paymentRefunded || m.bank.held() != 0 {
			t.Errorf("%v, payment %s, held %d", err, m.paymentState(t, o.ID), m.bank.held())
		}
	})
}

// A crash between the charge and its booking, and a cancellation after that: the note that the charge was wanted is
// enough to give the money back.
func TestACrashAfterTheChargeLosesNothing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		o := m.buy(t, product.Line{ProductID: m.sell(t, "머그컵", 14900, 10), Quantity: 1})
		dying, die := context.WithCancel(m.buyer)
		m.bank.afterPay = func() error { die(); return nil }
		if _, err := m.Step(dying, o.ID, Paid); err == nil {
			t.Fatal("booked after the crash")
		}
		if m.bank.held() != 14900 || m.paymentState(t, o.ID) != paymentPending {
			t.Fatalf("held %d, payment %s", m.bank.held(), m.paymentState(t, o.ID))
		}
		if _, err := m.Step(m.agent, o.ID, Cancelled); err != nil {
			t.Fatal(err)
		}
		if m.bank.held() != 0 || m.paymentState(t, o.ID) != paymentRefunded {
			t.Errorf("held %d, payment %s", m.bank.held(), m.paymentState(t, o.ID))
		}
	})
}

// Instances that find the same payment left behind settle it once.
func TestInstancesSettleOnce(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug := m.sell(t, "머그컵", 100, 100)
		m.bank.afterPay = func() error { return errBank }
		var left []id.ID
		for range 5 {
			o := m.buy(t, product.Line{ProductID: mug, Quantity: 1})
			if _, err := m.Step(m.buyer, o.ID, Paid); err == nil {
				t.Fatal("paid")
			}
			left = append(left, o.ID)
		}
		m.bank.afterPay = nil
		m.later()
		var g errgroup.Group
		for range 4 {
			g.Go(func() error { return m.sweep(t.Context()) })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		for _, o := range left {
			if m.status(t, o) != Paid {
				t.Errorf("%s", m.status(t, o))
			}
		}
		if m.bank.held() != 500 || m.bank.moves != 5 || len(m.told(t)) != 10 {
			t.Errorf("held %d, moved %d times, told %d", m.bank.held(), m.bank.moves, len(m.told(t)))
		}
	})
}

func TestRunSettlesAndEnds(t *testing.T) {
	d := testservers.Open(t, testservers.SQLite(t))
	m := newMarket(t, d)
	o := m.buy(t, product.Line{ProductID: m.sell(t, "머그컵", 100, 100), Quantity: 1})
	m.bank.afterPay = func() error { return errBank }
	if _, err := m.Step(m.buyer, o.ID, Paid); err == nil {
		t.Fatal("paid")
	}
	settled := make(chan struct{}, 1)
	m.bank.afterPay = func() error { settled <- struct{}{}; return nil }
	m.later()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	<-settled
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
