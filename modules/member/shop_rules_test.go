package member

import (
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// What agents may do is the owners' to say; the rest of the staff may look.
func TestShopRules(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		shop, who := w.shop(t, "owner:kim manager:lee agent:park :song")
		if may, err := w.AgentsEditProducts(t.Context(), shop); may || err != nil {
			t.Fatalf("a new shop's agents: %v %v", may, err)
		}
		for name, code := range map[string]string{"kim": "", "lee": "forbidden", "park": "forbidden", "song": "not_found"} {
			kind := map[string]fault.Kind{"forbidden": fault.Forbidden, "not_found": fault.NotFound}[code]
			err := w.SetShopRules(t.Context(), who[name], shop, ShopRules{AgentsEditProducts: true})
			wantCode(t, err, kind, code)
			may, err := w.AgentsEditProducts(t.Context(), shop)
			if err != nil || may != (name == "kim") {
				t.Errorf("after %s: %v %v", name, may, err)
			}
			if name == "kim" {
				wantCode(t, w.SetShopRules(t.Context(), who["kim"], shop, ShopRules{}), 0, "")
			}
		}
		wantCode(t, w.SetShopRules(t.Context(), who["kim"], shop, ShopRules{AgentsEditProducts: true}), 0, "")
		for name, code := range map[string]string{"kim": "", "lee": "", "park": "", "song": "not_found"} {
			rules, err := w.ShopRules(t.Context(), who[name], shop)
			wantCode(t, err, fault.NotFound, code)
			if rules.AgentsEditProducts != (code == "") {
				t.Errorf("%s sees %+v", name, rules)
			}
		}
		_, err := w.AgentsEditProducts(t.Context(), id.New())
		wantCode(t, err, fault.NotFound, "not_found")
	})
}
