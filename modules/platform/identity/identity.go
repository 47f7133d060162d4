// Package identity carries who is calling through the context.
package identity

import (
	"context"
	"time"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// Role is what a member may do for a shop.
type Role string

// The roles of a shop's staff, from the widest to the narrowest.
const (
	RoleOwner   Role = "owner"
	RoleManager Role = "manager"
	RoleAgent   Role = "agent"
)

// AtLeast says whether the role includes what min may do.
func (r Role) AtLeast(min Role) bool { return rank(r) >= rank(min) && rank(r) > 0 }

func rank(r Role) int {
	switch r {
	case RoleOwner:
		return 3
	case RoleManager:
		return 2
	case RoleAgent:
		return 1
	}
	return 0
}

// ShopRole is one shop a member answers for.
type ShopRole struct {
	ShopID id.ID
	Name   string
	Role   Role
}

// Principal is an authenticated member in one session. It is shared between requests: never change one.
type Principal struct {
	MemberID  id.ID
	SessionID id.ID
	Name      string
	Operator  bool // runs the mall; may read talks with a recorded reason
	Shops     []ShopRole

	// FactorDemanded says that the member has roles that are left out here until they have a second factor.
	FactorDemanded bool

	ExpiresAt time.Time // when the credential ends by itself
	Cookie    bool      // came by the browser's cookie, so other origins must be kept out
}

// RoleIn is the member's role in a shop; false when they are not of its staff.
func (p *Principal) RoleIn(shop id.ID) (Role, bool) {
	for _, s := range p.Shops {
		if s.ShopID == shop {
			return s.Role, true
		}
	}
	return "", false
}

type key struct{}

// With returns a context that carries p.
func With(ctx context.Context, p *Principal) context.Context { return context.WithValue(ctx, key{}, p) }

// From gives the caller, or fault.Unauthenticated when nobody is logged in.
func From(ctx context.Context) (*Principal, error) {
	if p, ok := ctx.Value(key{}).(*Principal); ok && p != nil {
		return p, nil
	}
	return nil, fault.New(fault.Unauthenticated, "unauthenticated", "Log in first.")
}
