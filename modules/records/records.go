// Package records is what a member may ask of all that the mall keeps of them: a copy, and to be forgotten.
//
// How long what is kept for the law's sake stays, and who may look at it, is not decided here yet: the rows of
// records_erasures say until when, for the retention that deletes them.
package records

import (
	"context"
	_ "embed"
	"log/slog"
	"time"

	"mall/modules/member"
	"mall/modules/order"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
	"mall/modules/records/internal/store"
)

//go:embed api.yaml
var description []byte

// API is the module's part of the API description, in YAML.
func API() []byte { return description }

// Members knows accounts.
type Members interface {
	Kept(ctx context.Context, member id.ID) (member.Kept, error)
	Erase(ctx context.Context, member id.ID) (member.Member, error)
	SteppedUp(ctx context.Context, p *identity.Principal) error // Forbidden step_up_required
}

// Orders knows orders.
type Orders interface {
	Export(ctx context.Context, each func(item any) error) error
	StandingOf(ctx context.Context, buyer id.ID) (order.Standing, error)
}

// Talks knows rooms and messages.
type Talks interface {
	ExportTalks(ctx context.Context, each func(item any) error) error
	ExportMessages(ctx context.Context, each func(item any) error) error
	ExportReports(ctx context.Context, each func(item any) error) error
	Talked(ctx context.Context, member id.ID) (bool, error)
	Rename(ctx context.Context, buyer id.ID, name string) error
}

// Deps is what the module stands on.
type Deps struct {
	DB       *db.DB
	Members  Members
	Orders   Orders
	Talks    Talks
	Security *securitylog.Log
	Log      *slog.Logger
}

// Records is the module.
type Records struct {
	Deps

	store *store.Store
	clock func() time.Time
}

// New makes the module on an open database.
func New(d Deps) *Records { return &Records{Deps: d, store: store.New(d.DB), clock: time.Now} }

// What the law of electronic commerce makes a mall keep, and for how long (전자상거래법 시행령 제6조).
const (
	keepOrders = 5 // years: contracts, payments and deliveries
	keepTalks  = 3 // years: consumers' complaints and disputes
)

// Remainder is what stays of a member who has left. nil: nothing of that kind does.
type Remainder struct {
	OrdersUntil *time.Time
	TalksUntil  *time.Time
}

// Erase takes the caller's account away: address, name, password, logins, seats in shops; in their talks stands another
// name. Orders and talks stay as long as the law says, and with them, apart from all that the mall reads, who they were.
//
// Errors: Forbidden step_up_required; Conflict open_orders while one is under way, last_owner while a shop would have no
// owner left. An order that is placed in the same moment is kept like the others.
func (r *Records) Erase(ctx context.Context) (left Remainder, err error) {
	p, err := identity.From(ctx)
	if err != nil {
		return Remainder{}, err
	}
	defer func() { r.Security.Write(ctx, securitylog.Event{What: securitylog.Erasure, Err: err}) }()
	if err := r.Members.SteppedUp(ctx, p); err != nil {
		return Remainder{}, err
	}
	left, err = r.remainder(ctx, p.MemberID)
	if err != nil {
		return Remainder{}, err
	}
	return left, r.store.Tx(ctx, func(ctx context.Context) error {
		was, err := r.Members.Erase(ctx, p.MemberID)
		if err != nil {
			return err
		}
		if err := r.Talks.Rename(ctx, p.MemberID, member.ErasedName); err != nil {
			return err
		}
		return r.store.Insert(ctx, r.erasure(was, left))
	})
}

// remainder says what must stay of a member; it refuses while something is under way.
func (r *Records) remainder(ctx context.Context, member id.ID) (left Remainder, err error) {
	orders, err := r.Orders.StandingOf(ctx, member)
	if err != nil {
		return left, err
	}
	if orders.Open > 0 {
		return left, fault.New(fault.Conflict, "open_orders", "An order of yours is under way; it must be completed or cancelled first.")
	}
	talked, err := r.Talks.Talked(ctx, member)
	now := r.clock().UTC().Truncate(time.Microsecond)
	if orders.Any {
		left.OrdersUntil = new(now.AddDate(keepOrders, 0, 0))
	}
	if talked {
		left.TalksUntil = new(now.AddDate(keepTalks, 0, 0))
	}
	return left, err
}

func (r *Records) erasure(was member.Member, left Remainder) store.Erasure {
	e := store.Erasure{MemberID: was.ID, ErasedAt: r.clock().UTC().Truncate(time.Microsecond),
		OrdersUntil: left.OrdersUntil, TalksUntil: left.TalksUntil}
	if left != (Remainder{}) {
		e.Email, e.Name = &was.Email, &was.Name
	}
	return e
}
