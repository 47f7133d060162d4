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

const (
	goods  = 4000
	shopNo = 40
)

func shopID(n int) id.ID { return id.Derived(fmt.Sprint("shop", n)) }

// fill writes a catalogue large enough for the optimiser to care: the gram "가나" in every tenth name, "다라" in
// every hundredth, "마바" in every thousandth.
func fill(t *testing.T, s Store) []id.ID {
	t.Helper()
	at := time.Now().UTC().Truncate(time.Microsecond)
	random := rand.New(rand.NewPCG(1, 2))
	categories := []string{"fashion", "beauty", "food", "home", "digital", "hobby"}
	ids := make([]id.ID, goods)
	rows := make([]Product, goods)
	var grams []gram
	for i := range rows {
		ids[i] = id.New()
		name := fmt.Sprintf("물건%d", i)
		for every, word := range map[int]string{10: "가나", 100: "다라", 1000: "마바"} {
			if i%every == 0 {
				name += word
				grams = append(grams, gram{word, ids[i]})
			}
		}
		grams = append(grams, gram{"물건", ids[i]}, gram{"물", ids[i]})
		rows[i] = Product{ID: ids[i], ShopID: shopID(random.IntN(shopNo)), Name: name, SearchName: name,
			Description: strings.Repeat("설명 ", 50), Category: categories[random.IntN(6)], PriceWon: 1000, Stock: 5,
			Hidden: random.IntN(20) == 0, Deleted: random.IntN(10) == 0, CreatedAt: at, UpdatedAt: at}
	}
	err := s.db.Tx(t.Context(), func(ctx context.Context) error {
		if err := s.db.Write(ctx).CreateInBatches(rows, 500).Error; err != nil {
			return err
		}
		return s.db.Write(ctx).CreateInBatches(grams, 2000).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.SQL().ExecContext(t.Context(), "ANALYZE TABLE product_products, product_grams"); err != nil {
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

// Each index of the tables has its query here, and each query is one walk along an index: nothing is sorted, and a
// page that follows starts where the last one ended.
func TestListsWalkOneIndex(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		s := New(d)
		middle := fill(t, s)[goods/2]
		for _, tc := range []struct {
			name, key string
			q         Query
		}{
			{"front", "PRIMARY", Query{}},
			{"category", "product_products_category", Query{Category: "food"}},
			{"shop for anyone", "product_products_shop_front", Query{Shop: shopID(3)}},
			{"shop and category", "product_products_shop_category", Query{Shop: shopID(3), Category: "food"}},
			{"shop for its staff", "product_products_shop", Query{Shop: shopID(3), WithHidden: true}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				tc.q.Limit = 51
				first := explain(t, d, func(tx *gorm.DB) *gorm.DB { return tc.q.on(tx).Find(&[]Product{}) })
				tc.q.Before = middle
				next := explain(t, d, func(tx *gorm.DB) *gorm.DB { return tc.q.on(tx).Find(&[]Product{}) })
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

func TestSearchWalksPostings(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		s := New(d)
		middle := fill(t, s)[goods/2]
		for _, tc := range []struct {
			name  string
			first string // the table that leads, "" when it does not matter
			q     Query
		}{
			{"common gram", "", Query{Probes: []string{"물건"}, Words: []string{"물건"}}},
			{"common gram, next page", "", Query{Probes: []string{"물건"}, Words: []string{"물건"}, Before: middle}},
			{"single character", "", Query{Probes: []string{"물"}, Words: []string{"물"}}},
			{"rare gram", "g0", Query{Probes: []string{"마바"}, Words: []string{"마바"}}},
			{"the rarer of two leads", "g1", Query{Probes: []string{"물건", "마바"}, Words: []string{"물건", "마바"}}},
			{"in a category", "g0", Query{Category: "food", Probes: []string{"다라"}, Words: []string{"다라"}}},
			{"in a shop", "", Query{Shop: shopID(3), Probes: []string{"가나"}, Words: []string{"가나"}}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				tc.q.Limit = 51
				plan := explain(t, d, func(tx *gorm.DB) *gorm.DB { return tc.q.on(tx).Find(&[]Product{}) })
				// MySQL sorts the few rows of a gram that leads, since it does not see that the gram's products are the rows' ids.
				few := testservers.KindOf(t) == testservers.KindMySQL && strings.HasPrefix(plan[0].Table, "g")
				if sorts(plan) && !few || tc.first != "" && plan[0].Table != tc.first {
					t.Errorf("want %q to lead and nothing sorted, got %+v", tc.first, plan)
				}
				for _, r := range plan {
					// MariaDB 11.8 looks a product's gram up by the other key, which is as good.
					if r.Type == "ALL" || r.Table != "p" && r.Key != "PRIMARY" && (r.Key != "product_grams_product" || r.Type != "eq_ref") {
						t.Errorf("%s is not walked by its key: %+v", r.Table, plan)
					}
				}
			})
		}
	})
}

func TestRowsAreFoundByTheirIDs(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		s := New(d)
		ids := fill(t, s)[:20]
		for name, tc := range map[string]struct {
			key   string
			build func(*gorm.DB) *gorm.DB
		}{
			"cards": {"PRIMARY", func(tx *gorm.DB) *gorm.DB { return many(tx, ids).Find(&[]Product{}) }},
			"grams of one product": {"product_grams_product", func(tx *gorm.DB) *gorm.DB {
				return tx.Where("product_id = ?", ids[0]).Delete(&gram{})
			}},
		} {
			plan := explain(t, d, tc.build)
			if len(plan) != 1 || plan[0].Key != tc.key || plan[0].Type == "ALL" || sorts(plan) {
				t.Errorf("%s: want %s, got %+v", name, tc.key, plan)
			}
		}
	})
}

func sorts(plan []testservers.Step) bool {
	return slices.ContainsFunc(plan, testservers.Step.Sorts)
}
