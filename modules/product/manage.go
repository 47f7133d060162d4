package product

import (
	"context"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// Create puts a new product into a shop. fault.NotFound: the caller is not of its staff. fault.Forbidden: an agent, whom
// the owner does not let.
func (c *Catalogue) Create(ctx context.Context, shop id.ID, d Draft) (Product, error) {
	if err := staff(ctx, shop, "shop"); err != nil {
		return Product{}, err
	}
	return c.create(ctx, id.New(), shop, d, func(ctx context.Context) error { return c.authorize(ctx, shop, "shop", wholeProduct) })
}

// create writes a product if may, asked in the same transaction, has nothing against it.
func (c *Catalogue) create(ctx context.Context, product, shop id.ID, d Draft, may func(context.Context) error) (Product, error) {
	at := c.now()
	p := Product{ID: product, ShopID: shop, Stock: d.Stock, CreatedAt: at, UpdatedAt: at}
	err := c.db.TxOnce(ctx, func(ctx context.Context) error {
		if err := may(ctx); err != nil {
			return err
		}
		if err := d.clean(); err != nil {
			return err
		}
		d.fill(&p)
		return c.rows.Insert(ctx, p, grams(p.SearchName))
	}, c.stands(&p))
	return p, err
}

// Edit changes the given fields of a product. Like every change of a product it answers fault.NotFound to anyone
// but the shop's staff, whether the product exists or not. fault.Forbidden: an agent, whom the owner does not let.
func (c *Catalogue) Edit(ctx context.Context, product id.ID, e Edit) (Product, error) {
	return c.change(ctx, product, wholeProduct, func(ctx context.Context, p *Product) error {
		d := draftOf(*p)
		e.apply(&d)
		if err := d.clean(); err != nil {
			return err
		}
		before := p.SearchName
		d.fill(p)
		p.UpdatedAt = c.now()
		if err := c.rows.Update(ctx, *p); err != nil || p.SearchName == before {
			return err
		}
		return c.rows.ReplaceGrams(ctx, p.ID, grams(p.SearchName))
	})
}

// Delete takes the product out of the mall. Orders and talks keep what they show of it, and stock that comes back
// from a cancelled order is still counted. Errors: as Edit.
func (c *Catalogue) Delete(ctx context.Context, product id.ID) error {
	_, err := c.change(ctx, product, wholeProduct, func(ctx context.Context, p *Product) error {
		p.UpdatedAt = c.now()
		return c.rows.Delete(ctx, p.ID, p.UpdatedAt)
	})
	return err
}

// AdjustStock adds delta to the stock. Since it is a difference, an order that goes through at the same moment is
// not undone by it. Agents may: they count what comes back and what is broken. fault.Conflict "stock_out_of_range" when the
// result would be below 0 or above MaxStock.
func (c *Catalogue) AdjustStock(ctx context.Context, product id.ID, delta int64) (Product, error) {
	return c.change(ctx, product, onlyStock, func(ctx context.Context, p *Product) error {
		if delta < -MaxStock || delta > MaxStock {
			return fault.Invalidf("delta", "out_of_range", "It is between %d and %d.", -MaxStock, MaxStock)
		}
		if after := p.Stock + delta; after < 0 || delta > 0 && after > MaxStock {
			return conflict("delta", "stock_out_of_range", "The stock would leave the range from 0 to 1,000,000.")
		}
		p.Stock += delta
		p.UpdatedAt = c.now()
		return c.rows.AddStock(ctx, p.ID, delta, p.UpdatedAt)
	})
}

// act is what somebody wants to do with a product.
type act bool

const (
	onlyStock    act = false
	wholeProduct act = true // what people read and pay; agents need the owner's leave
)

// authorize refuses who may not act for the shop now. It asks the database within the change's own transaction: who was
// removed a moment ago changes nothing more, whatever the principal remembers and whether or not news arrive.
func (c *Catalogue) authorize(ctx context.Context, shop id.ID, what string, a act) error {
	p, err := identity.From(ctx)
	if err != nil {
		return err
	}
	if _, acts := p.RoleIn(shop); !acts { // a role that does not count now, as for want of a second factor, is not here
		return fault.Missing(what)
	}
	role, err := c.shops.StaffRole(ctx, shop, p.MemberID)
	if err != nil {
		return err
	}
	if !role.AtLeast(identity.RoleAgent) {
		return fault.Missing(what)
	}
	if a == onlyStock || role.AtLeast(identity.RoleManager) {
		return nil
	}
	lets, err := c.shops.AgentsEditProducts(ctx, shop)
	if err == nil && !lets {
		return fault.New(fault.Forbidden, "forbidden", "In this shop only owners and managers change products.")
	}
	return err
}

// change lets fn work on a locked product of a shop for which the caller may act, and gives what fn made of it.
func (c *Catalogue) change(ctx context.Context, product id.ID, a act, fn func(context.Context, *Product) error) (Product, error) {
	if _, err := identity.From(ctx); err != nil {
		return Product{}, err
	}
	var p Product
	err := c.db.TxOnce(ctx, func(ctx context.Context) error {
		locked, err := c.rows.Lock(ctx, product)
		if err != nil {
			return err
		}
		if len(locked) == 0 || locked[0].Deleted || !staffOf(ctx, locked[0].ShopID) {
			return fault.Missing("product")
		}
		if err := c.authorize(ctx, locked[0].ShopID, "product", a); err != nil {
			return err
		}
		p = locked[0]
		p.SearchName = folded(p.Name)
		return fn(ctx, &p)
	}, c.stands(&p))
	return p, err
}

// stands says whether a product is as p has it: the moment of its last change tells that from all others.
func (c *Catalogue) stands(p *Product) func(ctx context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		found, err := c.rows.GetMany(ctx, []id.ID{p.ID})
		return len(found) == 1 && found[0].UpdatedAt.Equal(p.UpdatedAt), err
	}
}

// draftOf is the product as its seller worded it, but for the stock.
func draftOf(p Product) Draft {
	return Draft{Name: p.Name, Description: p.Description, Category: p.Category, PriceWon: p.PriceWon,
		ListPriceWon: p.ListPriceWon, Hidden: p.Hidden}
}

// fill puts the draft's words into the product; the stock is left alone.
func (d Draft) fill(p *Product) {
	p.Name, p.SearchName, p.Description, p.Category = d.Name, folded(d.Name), d.Description, d.Category
	p.PriceWon, p.ListPriceWon, p.Hidden = d.PriceWon, d.ListPriceWon, d.Hidden
}
