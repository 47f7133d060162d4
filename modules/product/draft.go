package product

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"mall/modules/platform/fault"
)

// Limits of a product. Prices are won.
const (
	MaxName        = 120  // code points
	MaxDescription = 4000 // code points
	MaxPriceWon    = 1_000_000_000
	MaxStock       = 1_000_000
)

// Categories are the shelves of the mall.
var Categories = []string{"fashion", "beauty", "food", "home", "digital", "hobby"}

// Draft is a product as its seller words it.
type Draft struct {
	Name, Description, Category string
	PriceWon, ListPriceWon      int64 // ListPriceWon 0: never on sale
	Stock                       int64
	Hidden                      bool
}

// Edit holds the fields to change; nil leaves one as it is. Stock is not among them: see AdjustStock.
type Edit struct {
	Name, Description, Category *string
	PriceWon, ListPriceWon      *int64
	Hidden                      *bool
}

// clean brings the texts into the one form that is stored, and refuses what a product cannot be. The API
// description holds most of these limits too, but JSON keys in another case slip past it.
func (d *Draft) clean() error {
	d.Name = strings.TrimSpace(norm.NFC.String(d.Name))
	d.Description = norm.NFC.String(strings.ReplaceAll(d.Description, "\r\n", "\n"))
	switch {
	case !readable(d.Name):
		return fault.Invalidf("name", "empty", "A product needs a name that can be read.")
	case utf8.RuneCountInString(d.Name) > MaxName:
		return fault.Invalidf("name", "too_long", "A name has at most %d characters.", MaxName)
	case !plain(d.Name, ""):
		return fault.Invalidf("name", "invalid_text", "A name is one line of plain text.")
	case utf8.RuneCountInString(d.Description) > MaxDescription:
		return fault.Invalidf("description", "too_long", "A description has at most %d characters.", MaxDescription)
	case !plain(d.Description, "\n\t"):
		return fault.Invalidf("description", "invalid_text", "A description is plain text.")
	case !slices.Contains(Categories, d.Category):
		return fault.Invalidf("category", "unknown_category", "There is no such category.")
	}
	return d.checkNumbers()
}

func (d *Draft) checkNumbers() error {
	for _, n := range []struct {
		field      string
		value, max int64
	}{{"price_won", d.PriceWon, MaxPriceWon}, {"list_price_won", d.ListPriceWon, MaxPriceWon}, {"stock", d.Stock, MaxStock}} {
		if n.value < 0 || n.value > n.max {
			return fault.Invalidf(n.field, "out_of_range", "It is between 0 and %d.", n.max)
		}
	}
	return nil
}

// apply lays the edit over the draft of what the product is now.
func (e Edit) apply(d *Draft) {
	set(&d.Name, e.Name)
	set(&d.Description, e.Description)
	set(&d.Category, e.Category)
	set(&d.PriceWon, e.PriceWon)
	set(&d.ListPriceWon, e.ListPriceWon)
	set(&d.Hidden, e.Hidden)
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// readable says whether there is anything to see.
func readable(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) })
}

// plain refuses broken UTF-8, control characters but the allowed ones, and the marks that turn the direction
// of the text around them.
func plain(s, allowed string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune(allowed, r) || unicode.Is(unicode.Bidi_Control, r)
	})
}
