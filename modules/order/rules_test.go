package order

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/product"
)

var states = []Status{Placed, Paid, Preparing, Shipped, Delivered, Completed, Cancelled, Refunded}

func TestWhoMayTakeWhichStep(t *testing.T) {
	viewers := map[string]viewer{
		"buyer": {buyer: true}, "agent": {role: identity.RoleAgent}, "manager": {role: identity.RoleManager},
		"owner": {role: identity.RoleOwner}, "both": {buyer: true, role: identity.RoleAgent}, "nobody": {},
	}
	want := map[Status]map[string][]Status{
		Placed: {"buyer": {Paid, Cancelled}, "agent": {Cancelled}, "manager": {Cancelled}, "owner": {Cancelled}, "both": {Paid, Cancelled}},
		Paid: {"buyer": {Cancelled}, "agent": {Preparing}, "manager": {Preparing, Refunded}, "owner": {Preparing, Refunded},
			"both": {Preparing, Cancelled}},
		Preparing: {"agent": {Shipped}, "manager": {Shipped, Refunded}, "owner": {Shipped, Refunded}, "both": {Shipped}},
		Shipped:   {"agent": {Delivered}, "manager": {Delivered, Refunded}, "owner": {Delivered, Refunded}, "both": {Delivered}},
		Delivered: {"buyer": {Completed}, "manager": {Refunded}, "owner": {Refunded}, "both": {Completed}},
	}
	for _, from := range states {
		for name, v := range viewers {
			wanted := want[from][name]
			if wanted == nil {
				wanted = []Status{}
			}
			if diff := cmp.Diff(wanted, v.allowed(from)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", from, name, diff)
			}
		}
	}
}

// The answers and the refusals come from one table.
func TestRefusalsSayWhy(t *testing.T) {
	agent := viewer{role: identity.RoleAgent}
	for _, from := range states {
		for _, to := range states {
			err := agent.check(from, to)
			known := slices.ContainsFunc(steps, func(s step) bool { return s.from == from && s.to == to })
			switch {
			case slices.Contains(agent.allowed(from), to):
				if err != nil {
					t.Errorf("%s to %s is allowed, but %v", from, to, err)
				}
			case known && fault.CodeOf(err) != "forbidden", !known && fault.CodeOf(err) != "illegal_step":
				t.Errorf("%s to %s: %v", from, to, err)
			}
		}
	}
}

func TestEveryStateCanBeReachedAndEveryLifeEnds(t *testing.T) {
	reached := map[Status]bool{Placed: true}
	for range states {
		for _, s := range steps {
			reached[s.to] = reached[s.to] || reached[s.from]
			if ends(s.from) || s.from == Completed {
				t.Errorf("%s is no end: %+v", s.from, s)
			}
		}
	}
	if len(reached) != len(states) {
		t.Errorf("reached %v", reached)
	}
}

func TestNumbersCarryTheDateInKorea(t *testing.T) {
	at := time.Date(2026, 11, 21, 15, 0, 0, 0, time.UTC) // midnight in Seoul
	seen := map[string]bool{}
	for range 1000 {
		n := newNumber(at)
		if !regexp.MustCompile(`^20261122-[0-9A-HJKMNP-TV-Z]{6}$`).MatchString(n) {
			t.Fatalf("number %q", n)
		}
		seen[n] = true
	}
	if len(seen) < 999 {
		t.Errorf("%d of 1000 numbers are different", len(seen))
	}
	if n := newNumber(at.Add(-time.Second)); !strings.HasPrefix(n, "20261121-") {
		t.Errorf("before midnight: %s", n)
	}
}

func TestTotalsNeverOverflow(t *testing.T) {
	for name, tc := range map[string]struct {
		lines []Line
		want  int64 // -1: refused
	}{
		"nothing to pay": {[]Line{{UnitPriceWon: 0, Quantity: 5}}, 0},
		"a sum":          {[]Line{{UnitPriceWon: 14900, Quantity: 2}, {UnitPriceWon: 700, Quantity: 3}}, 31900},
		"the most":       {[]Line{{UnitPriceWon: MaxTotalWon, Quantity: 1}}, MaxTotalWon},
		"one more":       {[]Line{{UnitPriceWon: MaxTotalWon, Quantity: 1}, {UnitPriceWon: 1, Quantity: 1}}, -1},
		"a product wraps around to a small number": {[]Line{{UnitPriceWon: 1 << 33, Quantity: 1 << 31}}, -1},
		"a product wraps around to below zero":     {[]Line{{UnitPriceWon: 1 << 62, Quantity: 2}}, -1},
		"a sum wraps around":                       {[]Line{{UnitPriceWon: 1 << 62, Quantity: 1}, {UnitPriceWon: 1 << 62, Quantity: 1}}, -1},
	} {
		got, err := total(tc.lines)
		if tc.want == -1 {
			if fault.CodeOf(err) != "total_too_large" {
				t.Errorf("%s: %d, %v", name, got, err)
			}
		} else if err != nil || got != tc.want {
			t.Errorf("%s: %d, %v, want %d", name, got, err, tc.want)
		}
	}
	// What the limits of products and orders allow stays far below.
	most := make([]Line, MaxLines)
	for i := range most {
		most[i] = Line{UnitPriceWon: product.MaxPriceWon, Quantity: MaxQuantity}
	}
	if _, err := total(most); err != nil {
		t.Error(err)
	}
}

func TestDraftsAreRefusedByField(t *testing.T) {
	p := id.New()
	for name, tc := range map[string]struct {
		change      func(*Draft)
		code, field string
	}{
		"no key":         {func(d *Draft) { d.ClientOrderID = id.Nil }, "bad_request", "client_order_id"},
		"nothing":        {func(d *Draft) { d.Lines = nil }, "out_of_range", "lines"},
		"too much":       {func(d *Draft) { d.Lines = make([]product.Line, MaxLines+1) }, "out_of_range", "lines"},
		"none of it":     {func(d *Draft) { d.Lines[0].Quantity = 0 }, "out_of_range", "lines.0.quantity"},
		"less":           {func(d *Draft) { d.Lines[0].Quantity = -1 }, "out_of_range", "lines.0.quantity"},
		"many":           {func(d *Draft) { d.Lines[0].Quantity = MaxQuantity + 1 }, "out_of_range", "lines.0.quantity"},
		"the same twice": {func(d *Draft) { d.Lines = append(d.Lines, product.Line{ProductID: p, Quantity: 1}) }, "duplicate_product", "lines.1.product_id"},
	} {
		d := Draft{ShopID: id.New(), ClientOrderID: id.New(), Lines: []product.Line{{ProductID: p, Quantity: 1}}}
		if err := d.check(); err != nil {
			t.Fatal(err)
		}
		tc.change(&d)
		f, ok := fault.As(d.check())
		if !ok || f.Kind != fault.Invalid || f.Code != tc.code || f.Field != tc.field {
			t.Errorf("%s: got %+v, want %s of %s", name, f, tc.code, tc.field)
		}
	}
}
