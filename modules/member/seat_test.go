package member

import (
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
)

func TestTheRoleOfTheMomentIsTheDatabases(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		shop, who := w.shop(t, "owner:kim agent:lee :song")
		other, _ := w.shop(t, "owner:park")
		is := func(shop, member id.ID, want identity.Role) {
			t.Helper()
			if got, err := w.StaffRole(t.Context(), shop, member); err != nil || got != want {
				t.Errorf("%q, %v, want %q", got, err, want)
			}
		}
		is(shop, who["kim"], identity.RoleOwner)
		is(shop, who["lee"], identity.RoleAgent)
		is(shop, who["song"], "")
		is(other, who["kim"], "")
		is(shop, id.New(), "")
		if err := w.RemoveStaff(t.Context(), who["kim"], shop, who["lee"]); err != nil {
			t.Fatal(err)
		}
		is(shop, who["lee"], "")
		if err := w.Ban(t.Context(), who["kim"]); err != nil {
			t.Fatal(err)
		}
		is(shop, who["kim"], "")
	})
}
