// Package order is the life of an order: placing it, paying, sending, and every way in which it can end.
//
// An order belongs to one buyer and one shop. They alone see it; to anyone else it does not exist.
package order

import (
	"context"
	_ "embed"
	"log/slog"
	"time"

	"mall/modules/order/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/outbox"
	"mall/modules/product"
)

//go:embed api.yaml
var description []byte

// API is the module's part of the API description, in YAML.
func API() []byte { return description }

// Order is one order with its lines. Names and prices are those of the moment it was placed; money is won.
type Order = store.Order

// Line is a product in an order.
type Line = store.Line

// Products holds the stock. Both calls join the transaction in ctx.
type Products interface {
	Reserve(ctx context.Context, shop id.ID, lines []product.Line) ([]product.Reserved, error)
	Release(ctx context.Context, lines []product.Line) error
}

// Members gives the names of members and of shops; one that does not exist has none.
type Members interface {
	Names(ctx context.Context, members []id.ID) (map[id.ID]string, error)
	ShopNames(ctx context.Context, shops []id.ID) (map[id.ID]string, error)
}

// Orders is the module: all orders of the mall.
type Orders struct {
	db       *db.DB
	rows     store.Store
	news     *outbox.Outbox
	products Products
	members  Members
	payments Payments
	log      *slog.Logger
	now      func() time.Time
	number   func(time.Time) string
}

// New makes the module. Each change of an order's status is told through news; see TopicStatusChanged.
func New(d *db.DB, news *outbox.Outbox, products Products, members Members, payments Payments, log *slog.Logger) *Orders {
	return &Orders{db: d, rows: store.New(d), news: news, products: products, members: members, payments: payments,
		log: log, now: now, number: newNumber}
}

// now is the moment in the precision that both databases keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Get gives one order to its buyer and the shop's staff; NotFound to anyone else.
func (o *Orders) Get(ctx context.Context, order id.ID) (Order, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return Order{}, err
	}
	got, err := o.rows.Get(ctx, order)
	if err != nil {
		return Order{}, orMissing(err)
	}
	if !viewerOf(p, got).sees() {
		return Order{}, fault.Missing("order")
	}
	return got, nil
}

// orMissing words an absent row the same way as one that the caller may not know of.
func orMissing(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return fault.Missing("order")
	}
	return err
}
