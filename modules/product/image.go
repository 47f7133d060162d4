package product

import (
	"context"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// Pictures draws products, which nobody has photographed. The pictures are SVG, the same on every instance for the same
// product, and hold no text and nothing that anyone typed.
type Pictures interface {
	Draw(product id.ID, category string) []byte
	DrawHidden(product id.ID) []byte // which tells nothing of it
}

// Picture gives the product's picture, also of a deleted one, since orders and talks go on showing it. Of a hidden one it
// is the same for everybody: what the shop keeps back is not told by a picture, and one address has one picture, whoever
// asks. settled is false while it may be another one soon.
func (c *Catalogue) Picture(ctx context.Context, product id.ID) (svg []byte, settled bool, err error) {
	p, err := c.rows.Get(ctx, product)
	if err != nil {
		return nil, false, orMissing(err)
	}
	if c.pictures == nil {
		return nil, false, fault.Missing("picture")
	}
	if p.Hidden {
		return c.pictures.DrawHidden(p.ID), false, nil
	}
	return c.pictures.Draw(p.ID, p.Category), true, nil
}
