package product_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
	"mall/modules/product"
)

func TestStockNeverGoesBelowZero(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		p := s.make(s.owner, t, s.moon, nil)
		got, err := s.AdjustStock(s.agent, p.ID, 5)
		if err != nil || got.Stock != 15 {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, delta := range []int64{-16, product.MaxStock - 14} {
			_, err = s.AdjustStock(s.agent, p.ID, delta)
			wantFault(t, err, fault.Conflict, "stock_out_of_range", "delta")
		}
		_, err = s.AdjustStock(s.agent, p.ID, product.MaxStock+1)
		wantFault(t, err, fault.Invalid, "out_of_range", "delta")

		taken := make([]bool, 20)
		var g errgroup.Group
		for i := range taken {
			g.Go(func() error {
				_, err := s.AdjustStock(s.agent, p.ID, -1)
				taken[i] = err == nil
				if fault.CodeOf(err) == "stock_out_of_range" {
					err = nil
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if n := count(taken); n != 15 || s.stock(t, p.ID) != 0 {
			t.Errorf("%d of 20 took one of 15, %d are left", n, s.stock(t, p.ID))
		}
	})
}

func count(list []bool) int {
	n := 0
	for _, b := range list {
		if b {
			n++
		}
	}
	return n
}

func TestReserveTakesAllOrNothing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		a := s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Name, d.Stock = "가", 5 })
		b := s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Name, d.Stock, d.PriceWon = "나", 2, 700 })
		hidden := s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Hidden = true })
		gone := s.make(s.owner, t, s.moon, nil)
		if err := s.Delete(s.owner, gone.ID); err != nil {
			t.Fatal(err)
		}
		other := s.make(s.rival, t, s.forest, nil)

		got, err := s.Reserve(s.pub, s.moon, []product.Line{{b.ID, 1}, {a.ID, 3}})
		want := []product.Reserved{{b.ID, "나", 700, 1}, {a.ID, "가", 14900, 3}}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
		for _, tc := range []struct {
			name, code, field string
			kind              fault.Kind
			lines             []product.Line
		}{
			{"too few", "sold_out", "lines.1.quantity", fault.Conflict, []product.Line{{a.ID, 2}, {b.ID, 2}}},
			{"hidden", "product_unavailable", "lines.1.product_id", fault.Conflict, []product.Line{{a.ID, 1}, {hidden.ID, 1}}},
			{"deleted", "product_unavailable", "lines.1.product_id", fault.Conflict, []product.Line{{a.ID, 1}, {gone.ID, 1}}},
			{"of another shop", "product_unavailable", "lines.1.product_id", fault.Conflict, []product.Line{{a.ID, 1}, {other.ID, 1}}},
			{"absent", "product_unavailable", "lines.0.product_id", fault.Conflict, []product.Line{{id.New(), 1}, {a.ID, 1}}},
			{"twice", "duplicate_product", "lines.1.product_id", fault.Invalid, []product.Line{{a.ID, 1}, {a.ID, 1}}},
			{"none of it", "out_of_range", "lines.0.quantity", fault.Invalid, []product.Line{{a.ID, 0}}},
			{"less than none", "out_of_range", "lines.0.quantity", fault.Invalid, []product.Line{{a.ID, -1}}},
			{"nothing", "empty", "lines", fault.Invalid, nil},
		} {
			_, err := s.Reserve(s.pub, s.moon, tc.lines)
			t.Log(tc.name)
			wantFault(t, err, tc.kind, tc.code, tc.field)
		}
		if s.stock(t, a.ID) != 2 || s.stock(t, b.ID) != 1 {
			t.Errorf("refused reservations took stock: %d, %d", s.stock(t, a.ID), s.stock(t, b.ID))
		}
		if err := s.Release(s.pub, []product.Line{{a.ID, 3}, {b.ID, 1}, {gone.ID, 1}}); err != nil {
			t.Fatal(err)
		}
		if s.stock(t, a.ID) != 5 || s.stock(t, b.ID) != 2 {
			t.Errorf("not given back: %d, %d", s.stock(t, a.ID), s.stock(t, b.ID))
		}
	})
}

// The stock belongs to whoever opened the transaction: it comes back when that fails.
func TestReserveJoinsTheCallersTransaction(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		p := s.make(s.owner, t, s.moon, nil)
		broken := errors.New("the order could not be written")
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			if _, err := s.Reserve(ctx, s.moon, []product.Line{{p.ID, 4}}); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) || s.stock(t, p.ID) != 10 {
			t.Errorf("%v, stock %d", err, s.stock(t, p.ID))
		}
	})
}

// Buyers who want the same things in another order must not wait for each other in a circle.
func TestReserveInAnyOrderDoesNotDeadlock(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		var lines []product.Line
		for range 4 {
			p := s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Stock = 1000 })
			lines = append(lines, product.Line{ProductID: p.ID, Quantity: 1})
		}
		back := []product.Line{lines[3], lines[2], lines[1], lines[0]}
		var g errgroup.Group
		for _, want := range [][]product.Line{lines, back, lines, back} {
			g.Go(func() error {
				for range 25 {
					if _, err := s.Reserve(s.pub, s.moon, want); err != nil {
						return err
					}
					if err := s.Release(s.pub, want[1:]); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		for i, want := range []int64{950, 1000, 1000, 950} {
			if got := s.stock(t, lines[i].ProductID); got != want {
				t.Errorf("product %d: %d are left, want %d", i, got, want)
			}
		}
	})
}
