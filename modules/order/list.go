package order

import (
	"context"
	"encoding/base64"

	"mall/modules/order/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// MaxPage is the most orders of one page.
const MaxPage = 100

// Page is a part of a list, newest first. Next is the page token of the following part, "" at the end.
type Page struct {
	Items []Order
	Next  string
}

// Filter chooses among a shop's orders; the zero value chooses all.
type Filter struct {
	Status  Status
	BuyerID id.ID
}

// ListMine gives the caller's own orders, newest first: after the page token, at most limit (1 to MaxPage).
func (o *Orders) ListMine(ctx context.Context, token string, limit int) (Page, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return Page{}, err
	}
	return o.page(ctx, store.Query{Buyer: p.MemberID}, token, limit)
}

// ListShop gives a shop's orders, newest first; NotFound unless the caller is of its staff.
func (o *Orders) ListShop(ctx context.Context, shop id.ID, f Filter, token string, limit int) (Page, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return Page{}, err
	}
	if _, ok := p.RoleIn(shop); !ok {
		return Page{}, fault.Missing("shop")
	}
	return o.page(ctx, store.Query{Shop: shop, Buyer: f.BuyerID, Status: f.Status}, token, limit)
}

// page reads one order more than asked for, to know whether another page follows.
func (o *Orders) page(ctx context.Context, q store.Query, token string, limit int) (Page, error) {
	before, err := decodePageToken(token)
	if err != nil {
		return Page{}, err
	}
	limit = min(max(limit, 1), MaxPage)
	q.Before, q.Limit = before, limit+1
	items, err := o.rows.List(ctx, q)
	if err != nil || len(items) <= limit {
		return Page{Items: items}, err
	}
	return Page{Items: items[:limit], Next: encodePageToken(items[limit-1].ID)}, nil
}

// A page token is the id of the last order of a page: ids sort by time of making, so nothing else is needed.
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
