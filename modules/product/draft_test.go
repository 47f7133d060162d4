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
		"only invisible":     {func(d *Draft) { d.Name = "\u200b\u200d" }, "invalid_text", "name"},
		"only a joiner":      {func(d *Draft) { d.Name = "\u200d" }, "empty", "name"},
		"only a filler":      {func(d *Draft) { d.Name = "\u3164" }, "invalid_text", "name"},
		"zero width inside":  {func(d *Draft) { d.Name = "머그\u200b컵" }, "invalid_text", "name"},
		"noncharacter":       {func(d *Draft) { d.Name = "가\ufffe" }, "invalid_text", "name"},
		"tower":              {func(d *Draft) { d.Name = "가" + strings.Repeat("\u0301", 5) }, "invalid_text", "name"},
		"tower over joiners": {func(d *Draft) { d.Name = "가" + strings.Repeat("\u0301\u200d", 5) }, "invalid_text", "name"},
		"long name":          {func(d *Draft) { d.Name = strings.Repeat("가", MaxName+1) }, "too_long", "name"},
		"NUL":                {func(d *Draft) { d.Name = "가\x00나" }, "invalid_text", "name"},
		"turns the text":     {func(d *Draft) { d.Name = "가\u202e나" }, "invalid_text", "name"},
		"broken UTF-8":       {func(d *Draft) { d.Name = "가\xff" }, "invalid_text", "name"},
		"long description":   {func(d *Draft) { d.Description = strings.Repeat("가", MaxDescription+1) }, "too_long", "description"},
		"many lines":         {func(d *Draft) { d.Description = strings.Repeat("가\n", MaxLines) }, "too_long", "description"},
		"turned description": {func(d *Draft) { d.Description = "가\u202e나" }, "invalid_text", "description"},
		"description tower":  {func(d *Draft) { d.Description = "가" + strings.Repeat("\u0301", 33) }, "invalid_text", "description"},
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

// A product's name is one line, and written the same way by everybody, or two shops could sell what looks the same.
func TestDraftsAreBroughtIntoOneForm(t *testing.T) {
	d := Draft{Name: " 달빛\u3000\n 머그컵\u2028 ", Description: "첫 줄\r\n둘째\t줄", Category: "home"}
	if err := d.clean(); err != nil || d.Name != "달빛 머그컵" || d.Description != "첫 줄\n둘째\t줄" {
		t.Errorf("%+v, %v", d, err)
	}
	d.Name, d.Description = "\u1109\u116e\u11be", " \u200b\n\u3164 "
	if err := d.clean(); err != nil || d.Name != "숯" || d.Description != "" {
		t.Errorf("%+q %+q, %v", d.Name, d.Description, err)
	}
}
