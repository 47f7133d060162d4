package member

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
)

func demo() Seed {
	moon, shop, op := id.Derived("member/moon"), id.Derived("shop/moon"), id.Derived("member/op")
	return Seed{
		Members: []SeedMember{
			{ID: moon, Email: "Moon@demo.mall", Password: pass, Name: "문지기"},
			{ID: op, Email: "operator@demo.mall", Password: pass, Name: "운영자", Operator: true},
		},
		Shops: []SeedShop{{ID: shop, Name: "달빛상점"}},
		Staff: []SeedStaff{{Shop: shop, Member: moon, Role: identity.RoleOwner}},
	}
}

func TestSeedLeavesWhatIsThere(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.seed(t, demo())
		s := demo()
		if err := w.SetOperator(t.Context(), s.Members[1].ID, false); err != nil {
			t.Fatal(err)
		}
		s.Members[0].Name, s.Members[0].Password, s.Shops[0].Name = "다른 이름", "another-password", "다른 상점"
		w.seed(t, s)
		me, err := w.Me(t.Context(), s.Members[0].ID)
		want := []identity.ShopRole{{ShopID: s.Shops[0].ID, Name: "달빛상점", Role: identity.RoleOwner}}
		if err != nil || me.Name != "문지기" || me.Email != "moon@demo.mall" || cmp.Diff(want, me.Shops) != "" {
			t.Errorf("%+v %v", me, err)
		}
		w.logIn(t, "moon@demo.mall")
		if op, err := w.Me(t.Context(), s.Members[1].ID); err != nil || op.Operator {
			t.Errorf("a second seed made an operator again: %+v %v", op, err)
		}
	})
}

func TestSeedAtOnce(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, err := range atOnce(3, func(int) error { return w.instance(t, nil).Seed(t.Context(), demo()) }) {
			wantCode(t, err, 0, "")
		}
		if roles := w.roles(t, id.Derived("shop/moon")); len(roles) != 1 {
			t.Errorf("staff %v", roles)
		}
	})
}

func TestSeedIsAllOrNothing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "operator@demo.mall") // someone else has it
		wantCode(t, w.Seed(t.Context(), demo()), fault.Conflict, "duplicate")
		bad := demo()
		bad.Members[0].Email, bad.Members[1].Email = "other@demo.mall", "other2@demo.mall"
		bad.Staff[0].Role = "boss"
		wantCode(t, w.Seed(t.Context(), bad), fault.Invalid, "invalid_role")
		if names, err := w.Names(t.Context(), memberIDs(bad.Members)); err != nil || len(names) != 0 {
			t.Errorf("half a seed stayed: %v %v", names, err)
		}
	})
}
