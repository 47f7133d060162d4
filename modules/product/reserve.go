package product

import (
	"context"
	"fmt"
	"slices"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// Line asks for a quantity of one product.
type Line struct {
	ProductID id.ID
	Quantity  int64 // at least 1
}

// Reserved is a line that was taken from the stock, with the name and the price of that moment.
type Reserved struct {
	ProductID    id.ID
	Name         string
	UnitPriceWon int64
	Quantity     int64
}

// Reserve takes the lines from the stock of one shop: all of them or, with any error, none. It joins the caller's
// transaction and holds the products' rows until that ends, so whoever comes second sees what is really left.
// The answer is in the order of the lines. A product may stand in one line only.
//
// fault.Conflict "sold_out": less is left than asked for. fault.Conflict "product_unavailable": the product is not,
// or no longer, for sale in this shop. fault.Invalid: a line makes no sense. All name the line in Field.
func (c *Catalogue) Reserve(ctx context.Context, shop id.ID, lines []Line) ([]Reserved, error) {
	if err := checkLines(lines); err != nil {
		return nil, err
	}
	reserved := make([]Reserved, len(lines))
	err := c.db.Tx(ctx, func(ctx context.Context) error {
		stock, err := c.lock(ctx, lines)
		if err != nil {
			return err
		}
		for i, l := range lines {
			p, ok := stock[l.ProductID]
			if err := available(p, ok, shop, l, i); err != nil {
				return err
			}
			reserved[i] = Reserved{ProductID: p.ID, Name: p.Name, UnitPriceWon: p.PriceWon, Quantity: l.Quantity}
		}
		for _, l := range lines {
			if err := c.rows.AddStock(ctx, l.ProductID, -l.Quantity, c.now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return reserved, nil
}

// Release gives back what Reserve took, also to a product that was hidden or deleted since. It joins the caller's
// transaction, and locks in the same order as Reserve.
func (c *Catalogue) Release(ctx context.Context, lines []Line) error {
	if err := checkLines(lines); err != nil {
		return err
	}
	return c.db.Tx(ctx, func(ctx context.Context) error {
		stock, err := c.lock(ctx, lines)
		if err != nil {
			return err
		}
		for _, l := range lines {
			if _, ok := stock[l.ProductID]; !ok {
				return fault.Missing("product")
			}
			if err := c.rows.AddStock(ctx, l.ProductID, l.Quantity, c.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// lock holds the lines' products until the transaction ends.
func (c *Catalogue) lock(ctx context.Context, lines []Line) (map[id.ID]Product, error) {
	ids := make([]id.ID, len(lines))
	for i, l := range lines {
		ids[i] = l.ProductID
	}
	slices.SortFunc(ids, id.ID.Compare)
	rows, err := c.rows.Lock(ctx, ids...)
	found := make(map[id.ID]Product, len(rows))
	for _, p := range rows {
		found[p.ID] = p
	}
	return found, err
}

func checkLines(lines []Line) error {
	if len(lines) == 0 {
		return fault.Invalidf("lines", "empty", "Nothing is asked for.")
	}
	seen := make(map[id.ID]bool, len(lines))
	for i, l := range lines {
		if l.Quantity < 1 || l.Quantity > MaxStock {
			return fault.Invalidf(lineField(i, "quantity"), "out_of_range", "A quantity is between 1 and %d.", MaxStock)
		}
		if seen[l.ProductID] {
			return fault.Invalidf(lineField(i, "product_id"), "duplicate_product", "A product stands in one line only.")
		}
		seen[l.ProductID] = true
	}
	return nil
}

// available says why a line cannot be had. What is not for sale reads the same whether it never existed, belongs to
// another shop, or is hidden.
func available(p Product, found bool, shop id.ID, l Line, i int) error {
	if !found || p.ShopID != shop || p.Hidden || p.Deleted {
		return conflict(lineField(i, "product_id"), "product_unavailable", "This product is not for sale in this shop.")
	}
	if p.Stock < l.Quantity {
		return conflict(lineField(i, "quantity"), "sold_out", fmt.Sprintf("Of %q only %d are left.", p.Name, p.Stock))
	}
	return nil
}

func lineField(i int, name string) string { return fmt.Sprintf("lines.%d.%s", i, name) }

func conflict(field, code, message string) error {
	e := fault.New(fault.Conflict, code, message)
	e.Field = field
	return e
}
