package order

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
	"mall/modules/product"
)

// wait lets the given time pass for the module.
func (m *market) wait(d time.Duration) {
	m.now = func() time.Time { return now().Add(d) }
}

func TestAnOrderThatNobodyPaysGivesItsStockBack(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug := m.sell(t, "머그컵", 14900, 10)
		late, paid := m.buy(t, product.Line{ProductID: mug, Quantity: 7}), m.buy(t, product.Line{ProductID: mug, Quantity: 2})
		m.walk(t, paid.ID, Paid)
		m.wait(29 * time.Minute)
		young := m.buy(t, product.Line{ProductID: mug, Quantity: 1})
		if err := m.lapse(t.Context()); err != nil || m.status(t, late.ID) != Placed || m.stock(t, mug) != 0 {
			t.Fatalf("before its time: %v, %s, stock %d", err, m.status(t, late.ID), m.stock(t, mug))
		}
		m.wait(31 * time.Minute)
		if err := m.lapse(t.Context()); err != nil {
			t.Fatal(err)
		}
		for order, want := range map[id.ID]Status{late.ID: Cancelled, paid.ID: Paid, young.ID: Placed} {
			if got := m.status(t, order); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		if m.stock(t, mug) != 7 || m.bank.held() != 2*14900 {
			t.Errorf("stock %d, held %d", m.stock(t, mug), m.bank.held())
		}
		news := m.told(t)
		last := news[len(news)-1]
		if len(news) != 5 || last.OrderID != late.ID || last.From != Placed || last.To != Cancelled || last.BuyerID != m.buyerID || last.ShopID != m.shop {
			t.Errorf("%d told, the last %+v", len(news), last)
		}
		_, err := m.Step(m.buyer, late.ID, Paid)
		wantFault(t, err, fault.Conflict, "illegal_step", "to")
	})
}

// More orders than one look takes, one of which cannot be cancelled: the others do not wait for it.
func TestAllLateOrdersLapseInOneSweep(t *testing.T) {
	d := testservers.Open(t, testservers.SQLite(t))
	m := newMarket(t, d)
	m.cfg.UnpaidMost = 1000
	mug, gone := m.sell(t, "머그컵", 100, 1000), m.sell(t, "접시", 100, 1)
	stuck := m.buy(t, product.Line{ProductID: gone, Quantity: 1})
	if _, err := d.SQL().ExecContext(t.Context(), "DELETE FROM product_products WHERE id = ?", gone[:]); err != nil {
		t.Fatal(err)
	}
	for range 2*sweepAtOnce + 5 {
		m.buy(t, product.Line{ProductID: mug, Quantity: 1})
	}
	m.wait(31 * time.Minute)
	if err := m.lapse(t.Context()); err != nil || m.stock(t, mug) != 1000 || m.status(t, stuck.ID) != Placed {
		t.Errorf("%v, stock %d, the one that cannot be cancelled is %s", err, m.stock(t, mug), m.status(t, stuck.ID))
	}
}

// Whether the buyer was charged is not known: the order waits for it, but not for ever.
func TestAChargeUnderWayIsWaitedForOnce(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug := m.sell(t, "머그컵", 14900, 10)
		o := m.buy(t, product.Line{ProductID: mug, Quantity: 1})
		m.bank.afterPay = func() error { return errBank }
		if _, err := m.Step(m.buyer, o.ID, Paid); err == nil {
			t.Fatal("paid")
		}
		m.wait(31 * time.Minute)
		if err := m.lapse(t.Context()); err != nil || m.status(t, o.ID) != Placed {
			t.Fatalf("%v, %s", err, m.status(t, o.ID))
		}
		m.wait(61 * time.Minute)
		if err := m.lapse(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m.status(t, o.ID) != Cancelled || m.bank.held() != 0 || m.stock(t, mug) != 10 || m.paymentState(t, o.ID) != paymentRefunded {
			t.Errorf("%s, held %d, stock %d, payment %s", m.status(t, o.ID), m.bank.held(), m.stock(t, mug), m.paymentState(t, o.ID))
		}
	})
}

// Buyers pay at the moment at which their time is over, and several instances look: of each order exactly one thing
// becomes, and its stock, its money and its news say the same.
func TestPayingAtTheMomentOfLapsing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		const n = 16
		mug := m.sell(t, "머그컵", 100, n)
		orders := make([]Order, n)
		for i := range orders {
			orders[i] = m.buy(t, product.Line{ProductID: mug, Quantity: 1})
		}
		m.wait(31 * time.Minute)
		said := make([]error, n)
		start := make(chan struct{})
		var g errgroup.Group
		for i, o := range orders {
			g.Go(func() error {
				<-start
				_, said[i] = m.Step(m.buyer, o.ID, Paid)
				return nil
			})
		}
		for range 3 {
			g.Go(func() error { <-start; return m.lapse(context.Background()) })
		}
		close(start)
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		m.bank.beforePay = nil
		paid := int64(0)
		for i, o := range orders {
			switch got := m.status(t, o.ID); {
			case got == Paid && said[i] == nil:
				paid++
			case got == Cancelled && fault.CodeOf(said[i]) == "illegal_step":
			default:
				t.Errorf("order %d is %s, and its buyer was told %v", i, got, said[i])
			}
		}
		if m.stock(t, mug) != n-paid || m.bank.held() != 100*paid || len(m.told(t)) != 2*n {
			t.Errorf("%d paid: stock %d, held %d, told %d", paid, m.stock(t, mug), m.bank.held(), len(m.told(t)))
		}
		t.Logf("%d of %d paid", paid, n)
	})
}

func TestABuyerHasFewUnpaidOrders(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		m.cfg.UnpaidMost = 3
		mug := m.sell(t, "머그컵", 100, 100)
		line := product.Line{ProductID: mug, Quantity: 1}
		first := m.draft(line)
		placed, _, err := m.Place(m.buyer, first)
		if err != nil {
			t.Fatal(err)
		}
		m.buy(t, line)
		m.buy(t, line)
		_, _, err = m.Place(m.buyer, m.draft(line))
		wantFault(t, err, fault.Conflict, "too_many_unpaid", "")
		if m.stock(t, mug) != 97 {
			t.Errorf("a refused order took stock: %d", m.stock(t, mug))
		}
		if again, fresh, err := m.Place(m.buyer, first); err != nil || fresh || again.ID != placed.ID {
			t.Errorf("placing again what stands: %v %v %v", again.ID, fresh, err)
		}
		if _, _, err := m.Place(m.stranger, m.draft(line)); err != nil {
			t.Errorf("somebody else's order: %v", err)
		}
		m.walk(t, placed.ID, Paid)
		m.buy(t, line)
		_, _, err = m.Place(m.buyer, m.draft(line))
		wantFault(t, err, fault.Conflict, "too_many_unpaid", "")
	})
}

// Who lets orders lapse, or cancels them before their time is over, does not take the stock again right after: they count with
// those that wait until they are of the past. What the shop ended, and what was paid, is not held against the buyer.
func TestOrdersThatWereLetGoCountForAWhile(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		m.cfg.UnpaidMost, m.cfg.UnpaidPast = 3, 6*time.Hour
		mug := m.sell(t, "머그컵", 100, 100)
		line := product.Line{ProductID: mug, Quantity: 1}
		refusedFor := func(want time.Duration) {
			t.Helper()
			before := m.stock(t, mug)
			_, _, err := m.Place(m.buyer, m.draft(line))
			wantFault(t, err, fault.RateLimited, "rate_limited", "")
			if f, is := fault.As(err); !is || f.RetryAfter > want || f.RetryAfter < want-time.Minute {
				t.Errorf("got %v, want to come back in %v", err, want)
			}
			if m.stock(t, mug) != before {
				t.Error("a refused order took stock")
			}
		}
		cancel := func(by context.Context, order id.ID) {
			t.Helper()
			if _, err := m.Step(by, order, Cancelled); err != nil {
				t.Fatal(err)
			}
		}
		paid := m.buy(t, line).ID
		m.walk(t, paid, Paid)
		cancel(m.buyer, paid)
		cancel(m.agent, m.buy(t, line).ID)
		first := m.draft(line)
		if _, _, err := m.Place(m.buyer, first); err != nil {
			t.Fatal(err)
		}
		m.buy(t, line)
		third := m.buy(t, line).ID
		m.wait(10 * time.Minute)
		cancel(m.buyer, third)
		refusedFor(6 * time.Hour)
		m.wait(31 * time.Minute)
		if err := m.lapse(t.Context()); err != nil || m.stock(t, mug) != 100 {
			t.Fatalf("%v, stock %d", err, m.stock(t, mug))
		}
		refusedFor(5*time.Hour + 39*time.Minute)
		if _, _, err := m.Place(m.stranger, m.draft(line)); err != nil {
			t.Errorf("somebody else's order: %v", err)
		}
		if _, fresh, err := m.Place(m.buyer, first); err != nil || fresh {
			t.Errorf("placing again what was there: %v %v", fresh, err)
		}
		m.wait(6*time.Hour + 10*time.Minute)
		m.buy(t, line) // for the one that was cancelled
		refusedFor(21 * time.Minute)
		m.wait(6*time.Hour + 31*time.Minute)
		m.buy(t, line)
		m.buy(t, line)
		_, _, err := m.Place(m.buyer, m.draft(line))
		wantFault(t, err, fault.Conflict, "too_many_unpaid", "")
	})
}

// Orders placed at the same moment count each other, or the limit would be as wide as a buyer has connections.
func TestOrdersAtOnceCountEachOther(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		m.cfg.UnpaidMost = 3
		mug := m.sell(t, "머그컵", 100, 100)
		fresh := identity.With(t.Context(), &identity.Principal{MemberID: id.New()}) // has no row to lock yet
		start := make(chan struct{})
		said := make([]error, 12)
		var g errgroup.Group
		for i := range said {
			g.Go(func() error {
				<-start
				_, _, said[i] = m.Place(fresh, m.draft(product.Line{ProductID: mug, Quantity: 1}))
				return nil
			})
		}
		close(start)
		_ = g.Wait()
		placed := 0
		for _, err := range said {
			switch {
			case err == nil:
				placed++
			case fault.CodeOf(err) != "too_many_unpaid":
				t.Error(err)
			}
		}
		if placed != 3 || m.stock(t, mug) != 97 {
			t.Errorf("%d placed, stock %d", placed, m.stock(t, mug))
		}
	})
}

// Where there is no payment service nobody pays, and nobody is asked to.
func TestAMallWithoutPayments(t *testing.T) {
	s := newSite(t)
	s.payments = nil
	mug := s.sell(t, "머그컵", 14900, 10)
	o := s.buy(t, product.Line{ProductID: mug, Quantity: 1})
	path := "/orders/" + o.ID.String()
	status, answer := s.call(t, "buyer", "POST", path+"/steps", `{"to":"paid"}`)
	if status != 409 || answer["code"] != "payment_off" || s.status(t, o.ID) != Placed || s.paymentState(t, o.ID) != "" {
		t.Errorf("%d %v, %s", status, answer, s.status(t, o.ID))
	}
	if _, shown := s.call(t, "buyer", "GET", path, ""); len(shown["allowed_steps"].([]any)) != 1 || shown["allowed_steps"].([]any)[0] != "cancelled" {
		t.Errorf("offered: %v", shown["allowed_steps"])
	}
	if status, _ := s.call(t, "stranger", "POST", path+"/steps", `{"to":"paid"}`); status != 404 {
		t.Errorf("a stranger learns of the order: %d", status)
	}
	s.wait(31 * time.Minute)
	if err := s.sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.lapse(t.Context()); err != nil || s.status(t, o.ID) != Cancelled || s.stock(t, mug) != 10 {
		t.Errorf("%v, %s", err, s.status(t, o.ID))
	}
}

// What a refund owes when the mall stops taking payments stays noted, and is given back when there is a service again.
func TestWhatIsOwedOutlivesThePaymentService(t *testing.T) {
	m := newMarket(t, testservers.Open(t, testservers.SQLite(t)))
	o := m.buy(t, product.Line{ProductID: m.sell(t, "머그컵", 14900, 10), Quantity: 1})
	m.walk(t, o.ID, Paid)
	m.payments = nil
	m.walk(t, o.ID, Refunded)
	m.later()
	if err := m.sweep(t.Context()); err != nil || m.paymentState(t, o.ID) != paymentRefundDue {
		t.Fatalf("%v, %s", err, m.paymentState(t, o.ID))
	}
	m.payments = m.bank
	if err := m.sweep(t.Context()); err != nil || m.paymentState(t, o.ID) != paymentRefunded || m.bank.held() != 0 {
		t.Errorf("%v, %s, held %d", err, m.paymentState(t, o.ID), m.bank.held())
	}
}

// What the program may never write, the database does not keep either.
func TestTheDatabaseKnowsTheStates(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		o := m.buy(t, product.Line{ProductID: m.sell(t, "머그컵", 100, 10), Quantity: 1})
		m.walk(t, o.ID, Paid)
		for _, statement := range []string{
			"UPDATE order_orders SET status = 'given'", "UPDATE order_orders SET status = 'PAID'", "UPDATE order_orders SET status = ''",
			"UPDATE order_payments SET state = 'given'", "UPDATE order_payments SET state = 'Paid'",
		} {
			if _, err := d.SQL().ExecContext(t.Context(), statement); err == nil || !strings.Contains(strings.ToLower(err.Error()), "constraint") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		if m.status(t, o.ID) != Paid || m.paymentState(t, o.ID) != paymentPaid {
			t.Errorf("%s, %s", m.status(t, o.ID), m.paymentState(t, o.ID))
		}
	})
}
