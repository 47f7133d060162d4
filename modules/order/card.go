package order

import (
	"context"

	"mall/modules/platform/id"
	"mall/modules/product"
)

// Card is what a talk shows of an order. Whoever shows it checks first that ShopID and BuyerID are those of the talk.
type Card struct {
	ID            id.ID
	Number        string
	ShopID        id.ID
	BuyerID       id.ID
	Status        Status
	TotalWon      int64
	FirstItemName string
	More          int // further items
	ImageURL      string
}

// Cards gives the cards of those of the orders that exist, in one query.
func (o *Orders) Cards(ctx context.Context, orders []id.ID) (map[id.ID]Card, error) {
	cards := make(map[id.ID]Card, len(orders))
	if len(orders) == 0 {
		return cards, nil
	}
	heads, err := o.rows.Heads(ctx, orders)
	for _, h := range heads {
		cards[h.ID] = Card{ID: h.ID, Number: h.Number, ShopID: h.ShopID, BuyerID: h.BuyerID, Status: h.Status, TotalWon: h.TotalWon,
			FirstItemName: h.Name, More: h.LineCount - 1, ImageURL: product.ImageURL(h.ProductID)}
	}
	return cards, err
}
