package member

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
)

const (
	owner   = identity.RoleOwner
	manager = identity.RoleManager
	agent   = identity.RoleAgent
)

func TestOpenShop(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		x := w.member(t, "kim@demo.mall")
		tokens := w.logIn(t, "kim@demo.mall")
		if p := bearer(t, w.Members, tokens.Access); len(p.Shops) != 0 {
			t.Fatal("a shop out of nowhere")
		}
		shop, err := w.OpenShop(t.Context(), x, "  달빛  상점 ")
		if err != nil || shop.Name != "달빛 상점" {
			t.Fatalf("%+v %v", shop, err)
		}
		if role, ok := bearer(t, w.Members, tokens.Access).RoleIn(shop.ID); !ok || role != owner {
			t.Error("the owner must have the shop at once")
		}
		got, err := w.Shop(t.Context(), shop.ID)
		if diff := cmp.Diff(shop, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		names, err := w.ShopNames(t.Context(), []id.ID{shop.ID, id.New()})
		if diff := cmp.Diff(map[id.ID]string{shop.ID: "달빛 상점"}, names); err != nil || diff != "" {
			t.Error(err, diff)
		}
		_, err = w.Shop(t.Context(), id.New())
		wantCode(t, err, fault.NotFound, "not_found")
		_, err = w.OpenShop(t.Context(), x, "\u200b")
		wantCode(t, err, fault.Invalid, "invalid_name")
		_, err = w.OpenShop(t.Context(), id.New(), "귀신상점")
		wantCode(t, err, fault.NotFound, "not_found")
	})
}

// Who may do what to whom. Each case starts with the same staff: owner kim, manager lee, agents park and choi;
// song is a member of none.
func TestStaffRules(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, tc := range []struct {
			does string // actor add|set|remove whom [role]; who is added accepts
			kind fault.Kind
			code string
		}{
			{"kim add song owner", 0, ""},
			{"kim add song manager", 0, ""},
			{"kim add song agent", 0, ""},
			{"lee add song agent", 0, ""},
			{"lee add song manager", fault.Forbidden, "forbidden"},
			{"lee add song owner", fault.Forbidden, "forbidden"},
			{"park add song agent", fault.Forbidden, "forbidden"},
			{"song add song owner", fault.NotFound, "not_found"},
			{"kim add park agent", fault.Conflict, "already_staff"},
			{"kim add song boss", fault.Invalid, "invalid_role"},
			{"kim set park manager", 0, ""},
			{"kim set lee owner", 0, ""},
			{"kim set lee lee", fault.Invalid, "invalid_role"},
			{"kim set kim owner", 0, ""},
			{"kim set kim agent", fault.Conflict, "last_owner"},
			{"kim set song agent", fault.NotFound, "not_found"},
			{"lee set park manager", fault.Forbidden, "forbidden"},
			{"lee set lee owner", fault.Forbidden, "forbidden"},
			{"park set park owner", fault.Forbidden, "forbidden"},
			{"song set kim agent", fault.NotFound, "not_found"},
			{"kim remove lee", 0, ""},
			{"kim remove park", 0, ""},
			{"kim remove kim", fault.Conflict, "last_owner"},
			{"kim remove song", fault.NotFound, "not_found"},
			{"lee remove park", 0, ""},
			{"lee remove lee", 0, ""},
			{"lee remove kim", fault.Forbidden, "forbidden"},
			{"park remove park", 0, ""},
			{"park remove choi", fault.Forbidden, "forbidden"},
			{"park remove kim", fault.Forbidden, "forbidden"},
			{"song remove park", fault.NotFound, "not_found"},
		} {
			t.Run(tc.does, func(t *testing.T) {
				shop, who := w.shop(t, "owner:kim manager:lee agent:park agent:choi :song")
				before := w.roles(t, shop)
				words := append(strings.Fields(tc.does), "")
				email := staffEmail(words[2], shop)
				var err error
				switch words[1] {
				case "add":
					var made Invitation
					if made, err = w.InviteStaff(t.Context(), who[words[0]], shop, email, identity.Role(words[3])); err == nil {
						_, err = w.AcceptInvitation(t.Context(), who[words[2]], made.ID)
					}
				case "set":
					_, err = w.SetStaffRole(t.Context(), who[words[0]], shop, who[words[2]], identity.Role(words[3]))
				default:
					err = w.RemoveStaff(t.Context(), who[words[0]], shop, who[words[2]])
				}
				wantCode(t, err, tc.kind, tc.code)
				want := before
				if tc.code == "" {
					want = map[string]identity.Role{}
					for name, role := range before {
						want[name] = role
					}
					delete(want, words[2])
					if words[1] != "remove" {
						want[words[2]] = identity.Role(words[3])
					}
				}
				if diff := cmp.Diff(want, w.roles(t, shop)); diff != "" {
					t.Error(diff)
				}
			})
		}
		_, kim := w.shop(t, "owner:kim")
		_, err := w.InviteStaff(t.Context(), kim["kim"], id.New(), "x@demo.mall", agent)
		wantCode(t, err, fault.NotFound, "not_found")
		_, err = w.Colleagues(t.Context(), kim["kim"], id.New())
		wantCode(t, err, fault.NotFound, "not_found")
	})
}

func (w *world) roles(t *testing.T, shop id.ID) map[string]identity.Role {
	t.Helper()
	staff, err := w.StaffOf(t.Context(), shop)
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string]identity.Role{}
	for _, s := range staff {
		roles[s.Name] = s.Role
	}
	return roles
}

// Two owners who remove each other, or step down together, at the same moment: one of them stays.
func TestAShopKeepsAnOwnerUnderConcurrency(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		other := w.instance(t, nil)
		for name, act := range map[string]func(m *Members, shop, actor, whom id.ID) error{
			"remove each other": func(m *Members, shop, actor, whom id.ID) error { return m.RemoveStaff(t.Context(), actor, shop, whom) },
			"leave":             func(m *Members, shop, actor, _ id.ID) error { return m.RemoveStaff(t.Context(), actor, shop, actor) },
			"step down": func(m *Members, shop, actor, _ id.ID) error {
				_, err := m.SetStaffRole(t.Context(), actor, shop, actor, agent)
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				for range 5 {
					shop, who := w.shop(t, "owner:kim owner:lee")
					pair := []id.ID{who["kim"], who["lee"]}
					errs := atOnce(2, func(i int) error {
						return act([]*Members{w.Members, other}[i], shop, pair[i], pair[1-i])
					})
					if (errs[0] == nil) == (errs[1] == nil) {
						t.Errorf("want one to succeed: %v", errs)
					}
					owners := 0
					for _, role := range w.roles(t, shop) {
						if role == owner {
							owners++
						}
					}
					if owners != 1 {
						t.Errorf("%d owners are left", owners)
					}
				}
			})
		}
	})
}

func TestARemovedAgentLosesTheShopAtOnce(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		shop, who := w.shop(t, "owner:kim agent:lee")
		news := &wire{}
		here, near, far := w.instance(t, news), w.instance(t, nil), w.instance(t, nil)
		news.to = []*Members{near}
		tokens := w.logIn(t, staffEmail("lee", shop))
		has := func(m *Members) bool { _, ok := bearer(t, m, tokens.Access).RoleIn(shop); return ok }
		if !has(here) || !has(near) || !has(far) {
			t.Fatal("an agent without a shop")
		}
		var changed []id.ID
		near.OnChanged(func(member id.ID) { changed = append(changed, member) })
		if err := here.RemoveStaff(t.Context(), who["kim"], shop, who["lee"]); err != nil {
			t.Fatal(err)
		}
		if has(here) || has(near) {
			t.Error("here and where it was heard, at once")
		}
		if diff := cmp.Diff([]id.ID{who["lee"]}, changed); diff != "" {
			t.Error(diff)
		}
		w.clock.pass(recentLife)
		if has(far) {
			t.Error("everywhere after 3 s")
		}
		// What the far instance still believed would not have helped: rights to staff are read under the lock.
		_, err := far.InviteStaff(t.Context(), who["lee"], shop, "song@demo.mall", agent)
		wantCode(t, err, fault.NotFound, "not_found")
	})
}

func TestLimitsOfStaffAndShops(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		shop, who := w.shop(t, "owner:kim")
		var s Seed
		for i := range maxStaff - 2 {
			s.Members = append(s.Members, SeedMember{ID: id.New(), Email: fmt.Sprintf("a%d@demo.mall", i), Password: pass, Name: "a"})
			s.Staff = append(s.Staff, SeedStaff{Shop: shop, Member: s.Members[i].ID, Role: agent})
		}
		w.seed(t, s)
		early, err := w.InviteStaff(t.Context(), who["kim"], shop, "late@demo.mall", agent)
		wantCode(t, err, 0, "")
		last := w.member(t, "last@demo.mall")
		w.seed(t, Seed{Staff: []SeedStaff{{Shop: shop, Member: last, Role: agent}}})
		_, err = w.InviteStaff(t.Context(), who["kim"], shop, "later@demo.mall", agent)
		wantCode(t, err, fault.Conflict, "staff_limit")
		_, err = w.AcceptInvitation(t.Context(), w.proved(t, "late@demo.mall"), early.ID)
		wantCode(t, err, fault.Conflict, "staff_limit")

		busy := w.proved(t, "busy@demo.mall")
		var many Seed
		for range maxShops - 1 {
			x := id.New()
			many.Shops = append(many.Shops, SeedShop{ID: x, Name: "분점"})
			many.Staff = append(many.Staff, SeedStaff{Shop: x, Member: busy, Role: owner})
		}
		w.seed(t, many)
		room, boss := w.shop(t, "owner:boss")
		asked, err := w.InviteStaff(t.Context(), boss["boss"], room, "busy@demo.mall", agent)
		wantCode(t, err, 0, "")
		joined := 0
		for _, err := range atOnce(4, func(i int) (err error) {
			if i%2 == 0 {
				_, err = w.OpenShop(t.Context(), busy, "한도상점")
			} else {
				_, err = w.AcceptInvitation(t.Context(), busy, asked.ID)
			}
			return err
		}) {
			if err == nil {
				joined++
			} else if code := fault.CodeOf(err); code != "shop_limit" && code != "already_staff" && code != "not_found" {
				t.Error(err)
			}
		}
		if joined != 1 {
			t.Errorf("%d shops more, want the one that was allowed", joined)
		}
	})
}
