package order

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
	"mall/modules/product"
)

func TestAWholeLifeIsTold(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug := m.sell(t, "머그컵", 14900, 10)
		o := m.buy(t, product.Line{ProductID: mug, Quantity: 2})
		life := []Status{Paid, Preparing, Shipped, Delivered, Completed}
		m.walk(t, o.ID, life...)
		from := Status("")
		want := append([]Status{Placed}, life...)
		news := m.told(t)
		if len(news) != len(want) {
			t.Fatalf("told %d times, want %d", len(news), len(want))
		}
		for i, n := range news {
			if n.OrderID != o.ID || n.Number != o.Number || n.ShopID != m.shop || n.BuyerID != m.buyerID || n.From != from || n.To != want[i] || n.At.IsZero() {
				t.Errorf("news %d: %+v", i, n)
			}
			from = n.To
		}
		got, err := m.Get(m.agent, o.ID)
		if err != nil || got.Status != Completed || !got.UpdatedAt.Equal(news[5].At) || got.UpdatedAt.Before(got.CreatedAt) {
			t.Errorf("%+v, %v", got, err)
		}
		if m.stock(t, mug) != 8 || m.bank.held() != 29800 {
			t.Errorf("stock %d, held %d", m.stock(t, mug), m.bank.held())
		}
	})
}

// Every way to end an order: where the goods and the money are then.
func TestEndsGiveBackWhatTheyOwe(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		for _, tc := range []struct {
			name  string
			life  []Status
			by    context.Context
			end   Status
			stock int64 // of 10, when 4 were ordered
		}{
			{"placed, by the buyer", nil, m.buyer, Cancelled, 10},
			{"placed, by the shop", nil, m.agent, Cancelled, 10},
			{"paid, by the buyer", []Status{Paid}, m.buyer, Cancelled, 10},
			{"paid, by the shop", []Status{Paid}, m.manager, Refunded, 10},
			{"preparing", []Status{Paid, Preparing}, m.manager, Refunded, 10},
			{"lost on the way", []Status{Paid, Preparing, Shipped}, m.owner, Refunded, 6},
			{"delivered", []Status{Paid, Preparing, Shipped, Delivered}, m.owner, Refunded, 6},
		} {
			t.Run(tc.name, func(t *testing.T) {
				mug := m.sell(t, "머그컵", 14900, 10)
				o := m.buy(t, product.Line{ProductID: mug, Quantity: 4})
				m.walk(t, o.ID, tc.life...)
				got, err := m.Step(tc.by, o.ID, tc.end)
				if err != nil || got.Status != tc.end || m.status(t, o.ID) != tc.end {
					t.Fatalf("%s, %v", got.Status, err)
				}
				if m.stock(t, mug) != tc.stock || m.bank.held() != 0 {
					t.Errorf("stock %d, want %d; the bank holds %d", m.stock(t, mug), tc.stock, m.bank.held())
				}
				if state := m.paymentState(t, o.ID); len(tc.life) > 0 && state != paymentRefunded || len(tc.life) == 0 && state != "" {
					t.Errorf("payment %q", state)
				}
				for _, to := range states { // an end is an end
					if _, err := m.Step(m.owner, o.ID, to); fault.CodeOf(err) != "illegal_step" {
						t.Errorf("%s after %s: %v", to, tc.end, err)
					}
				}
			})
		}
	})
}

func TestStockReturnsToADeletedProduct(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug := m.sell(t, "머그컵", 14900, 10)
		o := m.buy(t, product.Line{ProductID: mug, Quantity: 4})
		if err := m.goods.Delete(m.owner, mug); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Step(m.buyer, o.ID, Cancelled); err != nil {
			t.Errorf("the order cannot end: %v", err)
		}
	})
}

func TestStepsOfOthersAreRefused(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		o := m.buy(t, product.Line{ProductID: m.sell(t, "머그컵", 14900, 10), Quantity: 1})
		for _, tc := range []struct {
			name string
			by   context.Context
			to   Status
			kind fault.Kind
			code string
		}{
			{"the shop pays", m.owner, Paid, fault.Forbidden, "forbidden"},
			{"the buyer sends", m.buyer, Shipped, fault.Conflict, "illegal_step"},
			{"back to the start", m.buyer, Placed, fault.Conflict, "illegal_step"},
			{"to no state at all", m.buyer, "lost", fault.Conflict, "illegal_step"},
			{"nobody", t.Context(), Cancelled, fault.Unauthenticated, "unauthenticated"},
		} {
			t.Log(tc.name)
			_, err := m.Step(tc.by, o.ID, tc.to)
			field := ""
			if tc.code == "illegal_step" {
				field = "to"
			}
			wantFault(t, err, tc.kind, tc.code, field)
		}
		m.walk(t, o.ID, Paid)
		_, err := m.Step(m.agent, o.ID, Refunded)
		wantFault(t, err, fault.Forbidden, "forbidden", "")
		_, err = m.Step(m.buyer, o.ID, Preparing)
		wantFault(t, err, fault.Forbidden, "forbidden", "")
		if got := m.status(t, o.ID); got != Paid {
			t.Errorf("refused, but %s", got)
		}
	})
}

// To anyone but the buyer and the shop an order does not exist.
func TestStrangersFindNothing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		o := m.buy(t, product.Line{ProductID: m.sell(t, "머그컵", 14900, 10), Quantity: 1})
		for name, call := range map[string]func(id.ID) error{
			"get":    func(x id.ID) error { _, err := m.Get(m.stranger, x); return err },
			"pay":    func(x id.ID) error { _, err := m.Step(m.stranger, x, Paid); return err },
			"cancel": func(x id.ID) error { _, err := m.Step(m.stranger, x, Cancelled); return err },
		} {
			theirs, absent := call(o.ID), call(id.New())
			wantFault(t, theirs, fault.NotFound, "not_found", "")
			f, _ := fault.As(theirs)
			g, _ := fault.As(absent)
			if f == nil || g == nil || f.Message != g.Message || f.Code != g.Code {
				t.Errorf("%s: %v for theirs, %v for none", name, theirs, absent)
			}
		}
		_, err := m.ListShop(m.stranger, m.shop, Filter{}, "", 10)
		wantFault(t, err, fault.NotFound, "not_found", "")
		_, err = m.ListShop(m.stranger, id.New(), Filter{}, "", 10)
		wantFault(t, err, fault.NotFound, "not_found", "")
		_, err = m.Get(t.Context(), o.ID)
		wantFault(t, err, fault.Unauthenticated, "unauthenticated", "")
		if page, err := m.ListMine(m.stranger, "", 10); err != nil || len(page.Items) != 0 {
			t.Errorf("%v, %v", page, err)
		}
	})
}

// Two people act at once: one wins, the other hears that the step is no longer legal, the stock moves once.
func TestOfTwoStepsAtOnceOneWins(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug := m.sell(t, "머그컵", 14900, 1000)
		type try struct {
			by context.Context
			to Status
		}
		for name, tc := range map[string]struct {
			life []Status
			a, b try
		}{
			"pay twice":             {nil, try{m.buyer, Paid}, try{m.buyer, Paid}},
			"cancel twice":          {nil, try{m.buyer, Cancelled}, try{m.agent, Cancelled}},
			"cancel while it packs": {[]Status{Paid}, try{m.buyer, Cancelled}, try{m.agent, Preparing}},
			"refund twice":          {[]Status{Paid}, try{m.manager, Refunded}, try{m.owner, Refunded}},
			"complete or refund":    {[]Status{Paid, Preparing, Shipped, Delivered}, try{m.buyer, Completed}, try{m.owner, Refunded}},
		} {
			for range 5 {
				before, held, told := m.stock(t, mug), m.bank.held(), len(m.told(t))
				o := m.buy(t, product.Line{ProductID: mug, Quantity: 3})
				m.walk(t, o.ID, tc.life...)
				var g errgroup.Group
				errs := make([]error, 4)
				for i, step := range []try{tc.a, tc.b, tc.a, tc.b} {
					g.Go(func() error {
						_, errs[i] = m.Step(step.by, o.ID, step.to)
						return nil
					})
				}
				_ = g.Wait()
				won := 0
				for _, err := range errs {
					if err == nil {
						won++
					} else if fault.CodeOf(err) != "illegal_step" {
						t.Errorf("%s: %v", name, err)
					}
				}
				ended := m.status(t, o.ID)
				stock, money := before-3, held+o.TotalWon
				if ends(ended) {
					money = held
					if len(tc.life) < 3 {
						stock = before
					}
				}
				if won != 1 || m.stock(t, mug) != stock || m.bank.held() != money || len(m.told(t)) != told+len(tc.life)+2 {
					t.Errorf("%s: %d won, %s, stock %d want %d, held %d want %d, told %d", name, won, ended,
						m.stock(t, mug), stock, m.bank.held(), money, len(m.told(t))-told)
				}
			}
		}
	})
}

func TestListsAndCards(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug, cup := m.sell(t, "머그컵", 14900, 100), m.sell(t, "유리컵", 700, 100)
		var mine []id.ID // newest first
		for i := range 7 {
			o := m.buy(t, product.Line{ProductID: cup, Quantity: 1}, product.Line{ProductID: mug, Quantity: 1})
			if i%2 == 0 {
				m.walk(t, o.ID, Paid)
			}
			mine = append([]id.ID{o.ID}, mine...)
		}
		theirs, _, err := m.Place(m.stranger, m.draft(product.Line{ProductID: mug, Quantity: 1}))
		if err != nil {
			t.Fatal(err)
		}
		all := append([]id.ID{theirs.ID}, mine...)
		for name, tc := range map[string]struct {
			list func(token string) (Page, error)
			want []id.ID
		}{
			"mine": {func(c string) (Page, error) { return m.ListMine(m.buyer, c, 2) }, mine},
			"shop": {func(c string) (Page, error) { return m.ListShop(m.agent, m.shop, Filter{}, c, 3) }, all},
			"paid": {func(c string) (Page, error) { return m.ListShop(m.agent, m.shop, Filter{Status: Paid}, c, 3) }, []id.ID{mine[0], mine[2], mine[4], mine[6]}},
			"of buyer": {func(c string) (Page, error) {
				return m.ListShop(m.agent, m.shop, Filter{BuyerID: theirs.BuyerID}, c, 3)
			}, all[:1]},
			"of buyer, paid": {func(c string) (Page, error) {
				return m.ListShop(m.agent, m.shop, Filter{BuyerID: theirs.BuyerID, Status: Paid}, c, 3)
			}, nil},
		} {
			var got []id.ID
			for token, more := "", true; more; {
				page, err := tc.list(token)
				if err != nil {
					t.Fatal(name, err)
				}
				for _, o := range page.Items {
					got = append(got, o.ID)
					if len(o.Lines) != o.LineCount {
						t.Errorf("%s: %d of %d lines", name, len(o.Lines), o.LineCount)
					}
				}
				token, more = page.Next, page.Next != ""
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		_, err = m.ListMine(m.buyer, "nonsense", 2)
		wantFault(t, err, fault.Invalid, "bad_cursor", "cursor")

		first, err := m.Get(m.buyer, mine[0])
		if err != nil {
			t.Fatal(err)
		}
		cards, err := m.Cards(t.Context(), []id.ID{mine[0], theirs.ID, id.New()})
		want := map[id.ID]Card{
			mine[0]: {ID: mine[0], Number: first.Number, ShopID: m.shop, BuyerID: m.buyerID, Status: Paid, TotalWon: 15600,
				FirstItemName: "유리컵", More: 1, ImageURL: product.ImageURL(cup)},
			theirs.ID: {ID: theirs.ID, Number: theirs.Number, ShopID: m.shop, BuyerID: theirs.BuyerID, Status: Placed, TotalWon: 14900,
				FirstItemName: "머그컵", ImageURL: product.ImageURL(mug)},
		}
		if diff := cmp.Diff(want, cards); err != nil || diff != "" {
			t.Errorf("cards: %v (-want +got):\n%s", err, diff)
		}
		if cards, err := m.Cards(t.Context(), nil); err != nil || len(cards) != 0 {
			t.Errorf("%v, %v", cards, err)
		}
	})
}

// Who was taken off the staff a moment ago refunds nothing more, though the principal still remembers the role: no news of
// it need have arrived.
func TestARemovedManagerTakesNoStep(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		o := m.buy(t, product.Line{ProductID: m.sell(t, "머그컵", 100, 10), Quantity: 1})
		m.walk(t, o.ID, Paid)
		p, err := identity.From(m.manager)
		if err != nil {
			t.Fatal(err)
		}
		m.seats.roles[[2]id.ID{m.shop, p.MemberID}] = identity.RoleAgent
		_, err = m.Step(m.manager, o.ID, Refunded)
		wantFault(t, err, fault.Forbidden, "forbidden", "")
		delete(m.seats.roles, [2]id.ID{m.shop, p.MemberID})
		for _, to := range []Status{Refunded, Preparing} {
			_, err = m.Step(m.manager, o.ID, to)
			wantFault(t, err, fault.NotFound, "not_found", "")
		}
		if m.status(t, o.ID) != Paid || m.bank.held() != 100 {
			t.Errorf("%s, held %d", m.status(t, o.ID), m.bank.held())
		}
	})
}

// A refund takes money from the shop: it asks who one is again. Other steps do not.
func TestARefundAsksForAStepUp(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		mug := m.sell(t, "머그", 12_000, 10)
		o := m.buy(t, product.Line{ProductID: mug, Quantity: 1})
		if _, err := m.Step(m.buyer, o.ID, Paid); err != nil {
			t.Fatal(err)
		}
		manager, err := identity.From(m.manager)
		if err != nil {
			t.Fatal(err)
		}
		m.seats.stale = map[id.ID]bool{manager.MemberID: true}
		if _, err := m.Step(m.manager, o.ID, Refunded); fault.CodeOf(err) != "step_up_required" || m.status(t, o.ID) != Paid {
			t.Errorf("refunded without a proof: %v", err)
		}
		if _, err := m.Step(m.manager, o.ID, Preparing); err != nil {
			t.Errorf("a step that moves no money: %v", err)
		}
		m.seats.stale = nil
		if _, err := m.Step(m.manager, o.ID, Refunded); err != nil || m.status(t, o.ID) != Refunded {
			t.Errorf("with a proof: %v", err)
		}
	})
}
