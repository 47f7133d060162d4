package product

import (
	"context"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// SeedProduct is a product of the demo catalogue, under an id that never changes.
type SeedProduct struct {
	ID     id.ID
	ShopID id.ID
	Draft
}

// Seed creates those of the products whose id is not there yet, and leaves the others as they have become. It asks
// nobody's leave: it is for demo data, not for requests. Two instances may seed at once.
func (c *Catalogue) Seed(ctx context.Context, products []SeedProduct) error {
	err := c.seed(ctx, products)
	if db.IsDuplicate(err) { // another instance was faster, and has committed by now
		err = c.seed(ctx, products)
	}
	return err
}

func (c *Catalogue) seed(ctx context.Context, products []SeedProduct) error {
	ids := make([]id.ID, len(products))
	for i, p := range products {
		ids[i] = p.ID
	}
	return c.db.Tx(ctx, func(ctx context.Context) error {
		there, err := c.Cards(ctx, ids)
		if err != nil {
			return err
		}
		for _, p := range products {
			if _, ok := there[p.ID]; ok {
				continue
			}
			if _, err := c.create(ctx, p.ID, p.ShopID, p.Draft, func(context.Context) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
}
