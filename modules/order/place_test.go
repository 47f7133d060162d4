package order

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
	"mall/modules/product"
)

func TestAnOrderKeepsTheMomentItWasPlaced(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug, cup := m.sell(t, "머그컵", 14900, 10), m.sell(t, "유리컵", 700, 10)
		placed := m.buy(t, product.Line{ProductID: cup, Quantity: 3}, product.Line{ProductID: mug, Quantity: 2})
		price, name := int64(99), "새 이름"
		if _, err := m.goods.Edit(m.owner, mug, product.Edit{Name: &name, PriceWon: &price}); err != nil {
			t.Fatal(err)
		}
		got, err := m.Get(m.buyer, placed.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(placed, got); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		want := []Line{{OrderID: placed.ID, Position: 1, ProductID: cup, Name: "유리컵", UnitPriceWon: 700, Quantity: 3},
			{OrderID: placed.ID, Position: 2, ProductID: mug, Name: "머그컵", UnitPriceWon: 14900, Quantity: 2}}
		if diff := cmp.Diff(want, got.Lines); diff != "" || got.TotalWon != 31900 || got.Status != Placed || got.BuyerID != m.buyerID {
			t.Errorf("%+v\n%s", got, diff)
		}
		if m.stock(t, mug) != 8 || m.stock(t, cup) != 7 {
			t.Errorf("stock %d, %d", m.stock(t, mug), m.stock(t, cup))
		}
		news := []StatusChanged{{OrderID: got.ID, Number: got.Number, ShopID: m.shop, BuyerID: m.buyerID, To: Placed, At: got.CreatedAt}}
		if diff := cmp.Diff(news, m.told(t)); diff != "" {
			t.Errorf("news (-want +got):\n%s", diff)
		}
	})
}

func TestWhatCannotBePlacedLeavesNothingBehind(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug, cup := m.sell(t, "머그컵", 100, 10), m.sell(t, "유리컵", 100, 1)
		_, _, err := m.Place(m.buyer, m.draft(product.Line{ProductID: mug, Quantity: 1}, product.Line{ProductID: cup, Quantity: 2}))
		wantFault(t, err, fault.Conflict, "sold_out", "lines.1.quantity")
		other := m.draft(product.Line{ProductID: mug, Quantity: 1})
		other.ShopID = id.New()
		_, _, err = m.Place(m.buyer, other)
		wantFault(t, err, fault.Conflict, "product_unavailable", "lines.0.product_id")
		_, _, err = m.Place(t.Context(), m.draft(product.Line{ProductID: mug, Quantity: 1}))
		wantFault(t, err, fault.Unauthenticated, "unauthenticated", "")

		// the stock is taken, but the order cannot be written: no number is free
		first := m.buy(t, product.Line{ProductID: mug, Quantity: 1})
		m.number = func(time.Time) string { return first.Number }
		if _, _, err = m.Place(m.buyer, m.draft(product.Line{ProductID: mug, Quantity: 1})); fault.KindOf(err) != fault.Conflict {
			t.Errorf("placed under a number that is taken: %v", err)
		}
		if m.stock(t, mug) != 9 || m.stock(t, cup) != 1 || len(m.told(t)) != 1 {
			t.Errorf("stock %d, %d; news %v", m.stock(t, mug), m.stock(t, cup), m.told(t))
		}
		page, err := m.ListMine(m.buyer, "", 10)
		if err != nil || len(page.Items) != 1 {
			t.Errorf("%d orders, %v", len(page.Items), err)
		}
	})
}

func TestATakenNumberIsReplaced(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug := m.sell(t, "머그컵", 100, 10)
		first := m.buy(t, product.Line{ProductID: mug, Quantity: 1})
		numbers := []string{first.Number, "20261122-00000A"}
		m.number = func(time.Time) string {
			next := numbers[0]
			numbers = numbers[1:]
			return next
		}
		if second := m.buy(t, product.Line{ProductID: mug, Quantity: 1}); second.Number != "20261122-00000A" || m.stock(t, mug) != 8 {
			t.Errorf("%+v, stock %d", second, m.stock(t, mug))
		}
	})
}

func TestPlacingAgainGivesTheSameOrder(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug, cup := m.sell(t, "머그컵", 100, 10), m.sell(t, "유리컵", 100, 2)
		draft := m.draft(product.Line{ProductID: mug, Quantity: 1}, product.Line{ProductID: cup, Quantity: 2})
		first, placed, err := m.Place(m.buyer, draft)
		if err != nil || !placed {
			t.Fatal(placed, err)
		}
		turned := draft
		turned.Lines = []product.Line{draft.Lines[1], draft.Lines[0]}
		for _, again := range []Draft{draft, turned} { // also though the cups are sold out by now
			got, placed, err := m.Place(m.buyer, again)
			if diff := cmp.Diff(first, got); err != nil || placed || diff != "" {
				t.Errorf("%v, %v\n%s", placed, err, diff)
			}
		}
		for name, change := range map[string]func(*Draft){
			"another quantity": func(d *Draft) { d.Lines = []product.Line{{ProductID: mug, Quantity: 2}, draft.Lines[1]} },
			"another product":  func(d *Draft) { d.Lines = []product.Line{{ProductID: id.New(), Quantity: 1}, draft.Lines[1]} },
			"fewer products":   func(d *Draft) { d.Lines = draft.Lines[:1] },
			"another shop":     func(d *Draft) { d.ShopID = id.New() },
		} {
			other := draft
			change(&other)
			_, _, err := m.Place(m.buyer, other)
			t.Log(name)
			wantFault(t, err, fault.Conflict, "client_order_id_conflict", "client_order_id")
		}
		if _, placed, err := m.Place(m.stranger, m.sameKey(draft, mug)); err != nil || !placed {
			t.Errorf("another buyer's key is their own: %v, %v", placed, err)
		}
		if m.stock(t, mug) != 8 || m.stock(t, cup) != 0 {
			t.Errorf("stock %d, %d", m.stock(t, mug), m.stock(t, cup))
		}
	})
}

func (m *market) sameKey(d Draft, p id.ID) Draft {
	return Draft{ShopID: d.ShopID, ClientOrderID: d.ClientOrderID, Lines: []product.Line{{ProductID: p, Quantity: 1}}}
}

// An impatient buyer presses the button many times, and it is the last of the stock.
func TestManyTriesAtOncePlaceOneOrder(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug := m.sell(t, "머그컵", 100, 1)
		draft := m.draft(product.Line{ProductID: mug, Quantity: 1})
		var g errgroup.Group
		orders, placed := make([]Order, 12), make([]bool, 12)
		for i := range orders {
			g.Go(func() (err error) {
				orders[i], placed[i], err = m.Place(m.buyer, draft)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		news := 0
		for i, o := range orders {
			if o.ID != orders[0].ID {
				t.Errorf("try %d gave another order", i)
			}
			if placed[i] {
				news++
			}
		}
		if news != 1 || m.stock(t, mug) != 0 || len(m.told(t)) != 1 {
			t.Errorf("placed %d times, stock %d, news %v", news, m.stock(t, mug), m.told(t))
		}
	})
}

// A hundred buyers want the last ten of two things that are only sold together.
func TestAHundredBuyersRaceForTheLastTen(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug, cup := m.sell(t, "머그컵", 100, 10), m.sell(t, "유리컵", 100, 1000)
		got := make([]bool, 100)
		var g errgroup.Group
		for i := range got {
			g.Go(func() error {
				ctx := identity.With(t.Context(), &identity.Principal{MemberID: id.New()})
				lines := []product.Line{{ProductID: mug, Quantity: 1}, {ProductID: cup, Quantity: 2}}
				if i%2 == 0 {
					lines[0], lines[1] = lines[1], lines[0]
				}
				_, placed, err := m.Place(ctx, m.draft(lines...))
				got[i] = placed
				if fault.CodeOf(err) == "sold_out" {
					err = nil
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		winners := 0
		for _, won := range got {
			if won {
				winners++
			}
		}
		page, err := m.ListShop(m.agent, m.shop, Filter{}, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		if winners != 10 || len(page.Items) != 10 || m.stock(t, mug) != 0 || m.stock(t, cup) != 980 || len(m.told(t)) != 10 {
			t.Errorf("%d won, %d orders, %d and %d left, %d told", winners, len(page.Items), m.stock(t, mug), m.stock(t, cup), len(m.told(t)))
		}
	})
}

// Placing joins a transaction of its caller, whole.
func TestPlacingJoinsTheCallersTransaction(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug := m.sell(t, "머그컵", 100, 10)
		full := errors.New("the caller's transaction fails after all")
		err := d.Tx(m.buyer, func(ctx context.Context) error {
			if _, _, err := m.Place(ctx, m.draft(product.Line{ProductID: mug, Quantity: 4})); err != nil {
				return err
			}
			return full
		})
		if !errors.Is(err, full) || m.stock(t, mug) != 10 || len(m.told(t)) != 0 {
			t.Errorf("%v, stock %d, news %v", err, m.stock(t, mug), m.told(t))
		}
	})
}
