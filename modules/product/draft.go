package product

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"mall/modules/platform/fault"
	"mall/modules/platform/text"
)

// Limits of a product. Prices are won.
const (
	MaxName        = 120  // code points
	MaxDescription = 4000 // code points
	MaxLines       = 200  // of a description
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
	name, err := text.Name(d.Name, MaxName)
	if err != nil {
		return refused("name", err)
	}
	description, err := describe(d.Description)
	if err != nil {
		return refused("description", err)
	}
	d.Name, d.Description = name, description
	if !slices.Contains(Categories, d.Category) {
		return fault.Invalidf("category", "unknown_category", "There is no such category.")
	}
	return d.checkNumbers()
}

// describe is a description as it is stored; one of which nothing can be seen is none. What turns the direction of a line
// is refused: the text stands among others on the page.
func describe(s string) (string, error) {
	s = norm.NFC.String(strings.ReplaceAll(s, "\r\n", "\n"))
	err := text.Body(s, MaxDescription, MaxLines)
	switch {
	case errors.Is(err, text.ErrEmpty):
		return "", nil
	case err == nil && strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }):
		return "", text.ErrCharacters
	}
	return s, err
}

// refused words what is wrong with a text.
func refused(field string, err error) error {
	switch {
	case errors.Is(err, text.ErrEmpty):
		return fault.Invalidf(field, "empty", "A product needs a name that can be read.")
	case errors.Is(err, text.ErrTooLong):
		return fault.Invalidf(field, "too_long", "It is longer than a %s may be.", field)
	case errors.Is(err, text.ErrLines):
		return fault.Invalidf(field, "too_long", "It has more lines than a %s may have.", field)
	}
	return fault.Invalidf(field, "invalid_text", "It holds characters that cannot be shown.")
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
