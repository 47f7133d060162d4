package product

import (
	"context"
	"encoding/base64"
	"slices"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/product/internal/store"
)

// MaxPage is the most products of one page.
const MaxPage = 100

// Filter chooses products; the zero value chooses all.
type Filter struct {
	Query    string // words or parts of words, all of which the name must contain; spaces and case do not count
	Category string
	Shop     id.ID
}

// Page is a part of a list, newest first. Next is the page token of the following part, "" at the end.
type Page struct {
	Items []Product
	Next  string
}

// List gives what anyone may buy, newest first: after the page token, at most limit (1 to MaxPage) products.
// A page token that List did not give is fault.Invalid.
func (c *Catalogue) List(ctx context.Context, f Filter, token string, limit int) (Page, error) {
	if f.Category != "" && !slices.Contains(Categories, f.Category) {
		return Page{}, fault.Invalidf("category", "unknown_category", "There is no such category.")
	}
	ws, err := words(f.Query)
	if err != nil {
		return Page{}, err
	}
	return c.page(ctx, store.Query{Category: f.Category, Shop: f.Shop, Words: ws, Probes: probes(ws)}, token, limit)
}

// ListShop gives all products of a shop with the hidden ones, newest first; NotFound unless the caller is of its staff.
func (c *Catalogue) ListShop(ctx context.Context, shop id.ID, token string, limit int) (Page, error) {
	if err := staff(ctx, shop, "shop"); err != nil {
		return Page{}, err
	}
	return c.page(ctx, store.Query{Shop: shop, WithHidden: true}, token, limit)
}

// page reads one row more than asked for, to know whether another page follows.
func (c *Catalogue) page(ctx context.Context, q store.Query, token string, limit int) (Page, error) {
	before, err := decodePageToken(token)
	if err != nil {
		return Page{}, err
	}
	limit = min(max(limit, 1), MaxPage)
	q.Before, q.Limit = before, limit+1
	items, err := c.rows.List(ctx, q)
	if err != nil || len(items) <= limit {
		return Page{Items: items}, err
	}
	return Page{Items: items[:limit], Next: encodePageToken(items[limit-1].ID)}, nil
}

// A page token is the id of the last product of a page: ids sort by time of making, so nothing else is needed.
func encodePageToken(last id.ID) string { return base64.RawURLEncoding.EncodeToString(last[:]) }

func decodePageToken(token string) (id.ID, error) {
	var last id.ID
	if token == "" {
		return last, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != len(last) || !id.ID(raw).Timed() {
		return last, fault.Invalidf("cursor", "bad_cursor", "That is no cursor of this list.")
	}
	return id.ID(raw), nil
}

// staff refuses everyone who does not answer for the shop; they learn only that what they asked for is not there.
func staff(ctx context.Context, shop id.ID, what string) error {
	if _, err := identity.From(ctx); err != nil {
		return err
	}
	if !staffOf(ctx, shop) {
		return fault.Missing(what)
	}
	return nil
}
