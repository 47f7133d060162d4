package client

import (
	"context"
	"net/http"
	"net/url"
)

// Listed is a room as a list of rooms shows it.
type Listed struct {
	ID      string            `json:"id"`
	Unread  int64             `json:"unread"`
	Cursors map[string]Cursor `json:"cursors"` // by party
}

// List reads the rooms of a shop, or those of the buyer where it is empty, and the epoch that they are of.
func (a *Account) List(ctx context.Context, shop string) (all []Listed, epoch string, err error) {
	query := url.Values{"limit": {"100"}}
	if shop != "" {
		query.Set("shop_id", shop)
	}
	for {
		var page struct {
			Items []Listed
			Epoch string
			Next  string `json:"next_cursor"`
		}
		if _, err := a.Call(ctx, http.MethodGet, "/chat/rooms?"+query.Encode(), nil, &page); err != nil {
			return nil, "", err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, page.Epoch, nil
		}
		query.Set("cursor", page.Next)
	}
}
