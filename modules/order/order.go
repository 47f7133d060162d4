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
	// StaffRole is a member's role as the database has it in the transaction of ctx, "" for who is not of the staff.
	StaffRole(ctx context.Context, shop, member id.ID) (identity.Role, error)
	// SteppedUp says whether a member has proved lately who they are: Forbidden step_up_required.
	SteppedUp(ctx context.Context, p *identity.Principal) error
	Names(ctx context.Context, members []id.ID) (map[id.ID]string, error)
	ShopNames(ctx context.Context, shops []id.ID) (map[id.ID]string, error)
}

// Config is how the mall is paid, and how long it waits.
type Config struct {
	Payments   string        `koanf:"payments" validate:"omitempty,oneof=demo none"` // the program makes the service of it
	UnpaidLife time.Duration `koanf:"unpaid_life" validate:"min=1m,max=168h"`        // an order that nobody pays is cancelled after so long
	UnpaidMost int           `koanf:"unpaid_most" validate:"min=1,max=1000"`         // of one member's orders may wait to be paid at once
	UnpaidPast time.Duration `koanf:"unpaid_past" validate:"min=0,max=168h"`         // for so long those that they let go count with them
}

// Deps is what the module stands on.
type Deps struct {
	DB       *db.DB
	News     *outbox.Outbox // tells of each change of an order's status; see TopicStatusChanged
	Products Products
	Members  Members
	Payments Payments // nil: nobody can pay in this mall
	Log      *slog.Logger
}

// Orders is the module: all orders of the mall.
type Orders struct {
	cfg      Config
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

// New makes the module.
func New(cfg Config, d Deps) *Orders {
	return &Orders{cfg: cfg, db: d.DB, rows: store.New(d.DB), news: d.News, products: d.Products, members: d.Members,
		payments: d.Payments, log: d.Log, now: now, number: newNumber}
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
