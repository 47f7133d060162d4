// Package product is what the mall sells: the catalogue, its search, and the stock.
//
// A product belongs to one shop. Anyone may look at it unless it is hidden; only the shop's staff may change it, and its
// agents only the stock unless the owner lets them.
// Deleting keeps the row, because orders and talks go on showing what they were about.
package product

import (
	"context"
	_ "embed"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/product/internal/store"
)

//go:embed api.yaml
var description []byte

// API is the module's part of the API description, in YAML.
func API() []byte { return description }

// Product is one thing for sale. Money is won; Stock is what can still be ordered. ListPriceWon is the price
// before a sale and means something only while it is above PriceWon.
type Product = store.Product

// Shops knows the shops and who answers for them.
type Shops interface {
	// ShopNames gives the names of shops; one that does not exist has none.
	ShopNames(ctx context.Context, shops []id.ID) (map[id.ID]string, error)
	// StaffRole is a member's role as the database has it in the transaction of ctx, "" for who is not of the staff.
	StaffRole(ctx context.Context, shop, member id.ID) (identity.Role, error)
	// AgentsEditProducts says whether the shop's owner lets agents do with products what managers may.
	AgentsEditProducts(ctx context.Context, shop id.ID) (bool, error)
}

// Catalogue is the module: everything the mall sells.
type Catalogue struct {
	db    *db.DB
	rows  store.Store
	shops Shops
	now   func() time.Time

	pictures Pictures
}

// New makes the catalogue. Without pictures no product has one.
func New(d *db.DB, shops Shops, pictures Pictures) *Catalogue {
	return &Catalogue{db: d, rows: store.New(d), shops: shops, now: now, pictures: pictures}
}

// now is the moment in the precision that both databases keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Get gives one product. A hidden one is found by its shop's staff only, a deleted one by nobody.
func (c *Catalogue) Get(ctx context.Context, product id.ID) (Product, error) {
	p, err := c.rows.Get(ctx, product)
	if err != nil {
		return Product{}, orMissing(err)
	}
	if p.Deleted || p.Hidden && !staffOf(ctx, p.ShopID) {
		return Product{}, fault.Missing("product")
	}
	return p, nil
}

// staffOf says whether the caller, if anyone is logged in, answers for the shop.
func staffOf(ctx context.Context, shop id.ID) bool {
	p, err := identity.From(ctx)
	if err != nil {
		return false
	}
	_, ok := p.RoleIn(shop)
	return ok
}

// orMissing words an absent row the same way as one that the caller may not know of.
func orMissing(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return fault.Missing("product")
	}
	return err
}
