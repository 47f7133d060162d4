package identity_test

import (
	"testing"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

func TestFrom(t *testing.T) {
	if _, err := identity.From(t.Context()); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("nobody logged in: %v", err)
	}
	p := &identity.Principal{MemberID: id.New()}
	if got, err := identity.From(identity.With(t.Context(), p)); err != nil || got != p {
		t.Errorf("From = %v, %v", got, err)
	}
}

func TestRoles(t *testing.T) {
	shop := id.New()
	p := &identity.Principal{Shops: []identity.ShopRole{{ShopID: shop, Role: identity.RoleManager}}}
	role, ok := p.RoleIn(shop)
	if !ok || !role.AtLeast(identity.RoleAgent) || !role.AtLeast(identity.RoleManager) || role.AtLeast(identity.RoleOwner) {
		t.Errorf("manager: %v %v", role, ok)
	}
	if _, ok := p.RoleIn(id.New()); ok {
		t.Error("a role in a foreign shop")
	}
	if identity.Role("").AtLeast("") {
		t.Error("no role includes nothing")
	}
}
