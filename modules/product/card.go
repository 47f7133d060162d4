package product

import (
	"context"

	"mall/modules/platform/id"
)

// Card is what orders and talks show of a product. It is there for hidden and deleted ones too, with all that it says: who
// shows one to anybody but the shop's staff shows its Public.
type Card struct {
	ID       id.ID
	ShopID   id.ID
	Name     string
	PriceWon int64
	ImageURL string
	SoldOut  bool
	Hidden   bool
	Deleted  bool
}

// Public is what everybody may see of the card: of a hidden product no more than that it is there.
func (c Card) Public() Card {
	if c.Hidden {
		c.Name, c.PriceWon, c.SoldOut = "", 0, false
	}
	return c
}

// Cards gives the cards of those of the products that exist, in one query.
func (c *Catalogue) Cards(ctx context.Context, products []id.ID) (map[id.ID]Card, error) {
	cards := make(map[id.ID]Card, len(products))
	if len(products) == 0 {
		return cards, nil
	}
	rows, err := c.rows.GetMany(ctx, products)
	for _, p := range rows {
		cards[p.ID] = Card{ID: p.ID, ShopID: p.ShopID, Name: p.Name, PriceWon: p.PriceWon, ImageURL: ImageURL(p.ID),
			SoldOut: p.Stock == 0, Hidden: p.Hidden, Deleted: p.Deleted}
	}
	return cards, err
}

// ImageURL is where the product's picture is served, same origin.
func ImageURL(product id.ID) string { return "/api/v1/products/" + product.String() + "/image.svg" }
