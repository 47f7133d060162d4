package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

const sold = 4000

func named(name string) id.ID { return id.Derived(name) }

// fill writes orders enough for the optimiser to care, of 40 shops and 400 buyers.
func fill(t *testing.T, s Store) []id.ID {
	t.Helper()
	at := time.Now().UTC().Truncate(time.Microsecond)
	random := rand.New(rand.NewPCG(1, 2))
	states := []Status{"placed", "paid", "preparing", "shipped", "delivered", "completed", "completed", "completed"}
	ids := make([]id.ID, sold)
	orders, lines, payments := make([]Order, sold), make([]Line, sold), make([]Payment, sold)
	for i := range orders {
		ids[i] = id.New()
		state := "paid"
		if i%500 == 0 {
			state = "pending"
		}
		orders[i] = Order{ID: ids[i], Number: fmt.Sprintf("20261122-%06d", i), BuyerID: named(fmt.Sprint("buyer", random.IntN(400))),
			ClientOrderID: id.New(), ShopID: named(fmt.Sprint("shop", random.IntN(40))), Status: states[random.IntN(len(states))],
			TotalWon: 1000, LineCount: 1, CreatedAt: at, UpdatedAt: at}
		lines[i] = Line{OrderID: ids[i], Position: 1, ProductID: id.New(), Name: "물건", UnitPriceWon: 1000, Quantity: 1}
		payments[i] = Payment{OrderID: ids[i], Key: id.New(), AmountWon: 1000, State: state, UpdatedAt: at.Add(time.Duration(-i) * time.Second)}
	}
	err := s.db.Tx(t.Context(), func(ctx context.Context) error {
		tx := s.db.Write(ctx)
		for _, rows := range []any{orders, lines, payments} {
			if err := tx.CreateInBatches(rows, 500).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.SQL().ExecContext(t.Context(), "ANALYZE TABLE order_orders, order_lines, order_payments"); err != nil {
		t.Fatal(err)
	}
	return ids
}

// explain gives the plan of the statement that build makes.
func explain(t *testing.T, d *db.DB, build func(*gorm.DB) *gorm.DB) []testservers.Step {
	t.Helper()
	stmt := build(d.Read(t.Context()).Session(&gorm.Session{DryRun: true})).Statement
	return testservers.Explain(t, d, stmt.SQL.String(), stmt.Vars...)
}

// Each list is one walk along the index that was made for it, and a page that follows starts where the last one ended.
func TestListsWalkOneIndex(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		middle := fill(t, New(d))[sold/2]
		shop, buyer := named("shop3"), named("buyer3")
		for _, tc := range []struct {
			name, key string
			q         Query
		}{
			{"a buyer's", "order_orders_buyer", Query{Buyer: buyer}},
			{"a shop's", "order_orders_shop", Query{Shop: shop}},
			{"a shop's in one state", "order_orders_shop_status", Query{Shop: shop, Status: "paid"}},
			{"a shop's of one buyer", "order_orders_shop_buyer", Query{Shop: shop, Buyer: buyer}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				tc.q.Limit = 51
				first := explain(t, d, func(tx *gorm.DB) *gorm.DB { return tc.q.on(tx).Find(&[]Order{}) })
				tc.q.Before = middle
				next := explain(t, d, func(tx *gorm.DB) *gorm.DB { return tc.q.on(tx).Find(&[]Order{}) })
				for _, plan := range [][]testservers.Step{first, next} {
					if len(plan) != 1 || plan[0].Key != tc.key || sorts(plan) {
						t.Errorf("want one walk along %s, got %+v", tc.key, plan)
					}
				}
				if next[0].Type != "range" {
					t.Errorf("the next page is not a range: %+v", next)
				}
			})
		}
	})
}

func TestRowsAreFoundByTheirKeys(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		ids := fill(t, New(d))
		wanted := Order{ID: id.New(), Number: "20261123-000000", BuyerID: named("buyer3"), ClientOrderID: named("key"), ShopID: named("shop3"), Status: "placed"}
		if err := d.Write(t.Context()).Create(&wanted).Error; err != nil {
			t.Fatal(err)
		}
		old := time.Now().UTC().Add(-time.Minute)
		for name, tc := range map[string]struct {
			keys  string
			build func(*gorm.DB) *gorm.DB
		}{
			"an order by its buyer's key": {"order_orders_client_key", func(tx *gorm.DB) *gorm.DB {
				return byClientKey(tx, named("buyer3"), named("key")).Find(&[]Order{})
			}},
			"the lines of a page": {"PRIMARY", func(tx *gorm.DB) *gorm.DB { return linesOf(tx, ids[:20]).Find(&[]Line{}) }},
			"cards":               {"PRIMARY PRIMARY", func(tx *gorm.DB) *gorm.DB { return headsOf(tx, ids[:20]).Find(&[]Head{}) }},
			"a buyer's unpaid orders": {"order_orders_status_buyer", func(tx *gorm.DB) *gorm.DB {
				var n int64
				return inStatus(tx, named("buyer3"), "placed").Count(&n)
			}},
			"orders that a buyer has let go": {"order_orders_status_buyer", func(tx *gorm.DB) *gorm.DB {
				return letGo(tx, named("buyer3"), "cancelled", old, 20).Pluck("let_go_at", &[]time.Time{})
			}},
			"orders that nobody pays": {"order_orders_status PRIMARY", func(tx *gorm.DB) *gorm.DB {
				late := Lateness{Unpaid: old, Charging: old}
				return unpaid(tx, "placed", "pending", late, Unpaid{ID: ids[9], CreatedAt: old.Add(-time.Hour)}, 100).Find(&[]Unpaid{})
			}},
			"unsettled payments": {"order_payments_unsettled", func(tx *gorm.DB) *gorm.DB {
				return unsettled(tx, "pending", old, 100).Find(&[]Payment{})
			}},
		} {
			t.Run(name, func(t *testing.T) {
				plan := explain(t, d, tc.build)
				var keys []string
				for _, r := range plan {
					keys = append(keys, r.Key)
					if r.Type == "ALL" || r.Type == "index" {
						t.Errorf("%s is read as a whole: %+v", r.Table, plan)
					}
				}
				if strings.Join(keys, " ") != tc.keys || sorts(plan) {
					t.Errorf("want %s, got %+v", tc.keys, plan)
				}
			})
		}
	})
}

func sorts(plan []testservers.Step) bool {
	return slices.ContainsFunc(plan, testservers.Step.Sorts)
}
