package product

import (
	"strings"
	"testing"

	"mall/modules/platform/fault"
)

func TestDraftsAreRefusedByField(t *testing.T) {
	for name, tc := range map[string]struct {
		change      func(*Draft)
		code, field string
	}{
		"no name":            {func(d *Draft) { d.Name = "" }, "empty", "name"},
		"only spaces":        {func(d *Draft) { d.Name = " \u3000\t" }, "empty", "name"},
		"only invisible":     {func(d *Draft) { d.Name = "\u200b\u200d" }, "empty", "name"},
		"long name":          {func(d *Draft) { d.Name = strings.Repeat("가", MaxName+1) }, "too_long", "name"},
		"two lines":          {func(d *Draft) { d.Name = "가\n나" }, "invalid_text", "name"},
		"NUL":                {func(d *Draft) { d.Name = "가\x00나" }, "invalid_text", "name"},
		"turns the text":     {func(d *Draft) { d.Name = "가\u202e나" }, "invalid_text", "name"},
		"broken UTF-8":       {func(d *Draft) { d.Name = "가\xff" }, "invalid_text", "name"},
		"long description":   {func(d *Draft) { d.Description = strings.Repeat("가", MaxDescription+1) }, "too_long", "description"},
		"escape":             {func(d *Draft) { d.Description = "\x1b[31m" }, "invalid_text", "description"},
		"category":           {func(d *Draft) { d.Category = "FOOD" }, "unknown_category", "category"},
		"negative price":     {func(d *Draft) { d.PriceWon = -1 }, "out_of_range", "price_won"},
		"price":              {func(d *Draft) { d.PriceWon = MaxPriceWon + 1 }, "out_of_range", "price_won"},
		"list price":         {func(d *Draft) { d.ListPriceWon = -5 }, "out_of_range", "list_price_won"},
		"negative stock":     {func(d *Draft) { d.Stock = -1 }, "out_of_range", "stock"},
		"more than a number": {func(d *Draft) { d.Stock = MaxStock + 1 }, "out_of_range", "stock"},
	} {
		t.Run(name, func(t *testing.T) {
			d := Draft{Name: "가", Category: "food"}
			tc.change(&d)
			f, ok := fault.As(d.clean())
			if !ok || f.Kind != fault.Invalid || f.Code != tc.code || f.Field != tc.field {
				t.Errorf("got %+v, want %s of %s", f, tc.code, tc.field)
			}
		})
	}
}

func TestDraftsAtTheLimitPass(t *testing.T) {
	d := Draft{Name: strings.Repeat("각", MaxName), Description: strings.Repeat("🧶", MaxDescription), Category: "hobby",
		PriceWon: MaxPriceWon, ListPriceWon: MaxPriceWon, Stock: MaxStock}
	if err := d.clean(); err != nil {
		t.Error(err)
	}
}
