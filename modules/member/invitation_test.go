package member

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/mail"
	"mall/modules/platform/testservers"
)

// invite makes an invitation.
func (w *world) invite(t *testing.T, actor, shop id.ID, email string, role identity.Role) Invitation {
	t.Helper()
	made, err := w.InviteStaff(t.Context(), actor, shop, email, role)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (w *world) own(t *testing.T, member id.ID) (found []id.ID) {
	t.Helper()
	open, err := w.OwnInvitations(t.Context(), member)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range open {
		found = append(found, o.ID)
	}
	return found
}

// An invitation changes nothing for whom it is for, and tells whoever makes it nothing of them.
func TestAnInvitationTellsAndTakesNothing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		shop, who := w.shop(t, "owner:kim")
		song := w.proved(t, "song@demo.mall")
		var changed []id.ID
		w.OnChanged(func(member id.ID) { changed = append(changed, member) })
		there := w.invite(t, who["kim"], shop, " Song@Demo.mall ", owner)
		nobody := w.invite(t, who["kim"], shop, "nobody@demo.mall", owner)
		want := Invitation{ID: nobody.ID, ShopID: shop, ShopName: "달빛상점", Email: "nobody@demo.mall", Role: owner, InvitedBy: "kim",
			CreatedAt: w.now(), ExpiresAt: w.now().Add(7 * 24 * time.Hour)}
		if diff := cmp.Diff(want, nobody); diff != "" {
			t.Error(diff)
		}
		want.ID, want.Email = there.ID, "song@demo.mall"
		if diff := cmp.Diff(want, there); diff != "" {
			t.Errorf("the answer for who has an account differs: %s", diff)
		}
		n, err := w.store.CountShopsOf(t.Context(), song)
		if err != nil || n != 0 || len(changed) != 0 {
			t.Errorf("before it is accepted: %d shops, told %v, %v", n, changed, err)
		}
		if _, err := w.AcceptInvitation(t.Context(), song, there.ID); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]id.ID{song}, changed); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string]identity.Role{"kim": owner, "song": owner}, w.roles(t, shop)); diff != "" {
			t.Error(diff)
		}
	})
}

// Who signs up first with somebody's address does not get what was meant for them.
func TestOnlyAProvedAddressIsInvited(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		shop, who := w.shop(t, "owner:kim")
		thief, other := w.member(t, "boss@shop.kr"), w.proved(t, "other@demo.mall")
		made := w.invite(t, who["kim"], shop, "boss@shop.kr", owner)
		for name, member := range map[string]id.ID{"unproved": thief, "another": other, "its maker": who["kim"], "nobody": id.New()} {
			if found := w.own(t, member); len(found) != 0 {
				t.Errorf("%s sees %v", name, found)
			}
			_, err := w.AcceptInvitation(t.Context(), member, made.ID)
			wantCode(t, err, fault.NotFound, "not_found")
			wantCode(t, w.DeclineInvitation(t.Context(), member, made.ID), fault.NotFound, "not_found")
		}
		if diff := cmp.Diff(map[string]identity.Role{"kim": owner}, w.roles(t, shop)); diff != "" {
			t.Error(diff)
		}
	})
}

// What becomes of an invitation of lee, a manager, or kim, an owner, when something happens before it is accepted.
func TestAnInvitationIsAsGoodAsItsMaker(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		type scene struct {
			shop id.ID
			who  map[string]id.ID
			made Invitation
		}
		set := func(whom string, role identity.Role) func(s scene) error {
			return func(s scene) error {
				_, err := w.SetStaffRole(t.Context(), s.who["park"], s.shop, s.who[whom], role)
				return err
			}
		}
		remove := func(whom string) func(s scene) error {
			return func(s scene) error { return w.RemoveStaff(t.Context(), s.who["park"], s.shop, s.who[whom]) }
		}
		ban := func(whom string) func(s scene) error {
			return func(s scene) error { return w.Ban(t.Context(), s.who[whom]) }
		}
		for name, tc := range map[string]struct {
			maker  string
			role   identity.Role
			before func(s scene) error
			good   bool
		}{
			"nothing":                       {"kim", manager, func(scene) error { return nil }, true},
			"its maker is removed":          {"kim", agent, remove("kim"), false},
			"a manager is removed":          {"lee", agent, remove("lee"), false},
			"its maker may give it no more": {"kim", manager, set("kim", manager), false},
			"its maker still may":           {"kim", agent, set("kim", manager), true},
			"a manager is an agent now":     {"lee", agent, set("lee", agent), false},
			"a manager is an owner now":     {"lee", agent, set("lee", owner), true},
			"its maker is banned":           {"kim", agent, ban("kim"), false},
			"another one of the staff goes": {"kim", agent, remove("lee"), true},
			"it is withdrawn":               {"kim", agent, func(s scene) error { return w.WithdrawInvitation(t.Context(), s.who["park"], s.shop, s.made.ID) }, false},
			"it has expired":                {"kim", agent, func(scene) error { w.clock.pass(invitationLife); return nil }, false},
			"almost":                        {"kim", agent, func(scene) error { w.clock.pass(invitationLife - time.Second); return nil }, true},
			"it has been swept":             {"kim", agent, func(scene) error { w.clock.pass(invitationLife + time.Second); return w.Sweep(t.Context()) }, false},
			"it was declined":               {"kim", agent, func(s scene) error { return w.DeclineInvitation(t.Context(), s.who["song"], s.made.ID) }, false},
			"it was accepted, and ended":    {"kim", agent, func(s scene) error { return w.acceptAndLeave(t, s.who["song"], s.shop, s.made.ID) }, false},
		} {
			t.Run(name, func(t *testing.T) {
				shop, who := w.shop(t, "owner:park owner:kim manager:lee :song")
				s := scene{shop, who, w.invite(t, who[tc.maker], shop, staffEmail("song", shop), tc.role)}
				if err := tc.before(s); err != nil {
					t.Fatal(err)
				}
				if found := w.own(t, who["song"]); slices.Contains(found, s.made.ID) != tc.good {
					t.Errorf("it is shown: %v, it is good: %v", found, tc.good)
				}
				_, err := w.AcceptInvitation(t.Context(), who["song"], s.made.ID)
				_, joined := w.roles(t, shop)["song"]
				if joined != tc.good || (err == nil) != tc.good {
					t.Errorf("joined %v: %v", joined, err)
				}
				if !tc.good {
					wantCode(t, err, fault.NotFound, "not_found")
				}
			})
		}
	})
}

func (w *world) acceptAndLeave(t *testing.T, member, shop, invitation id.ID) error {
	t.Helper()
	if _, err := w.AcceptInvitation(t.Context(), member, invitation); err != nil {
		t.Fatal(err)
	}
	return w.RemoveStaff(t.Context(), member, shop, member)
}

// Who may see and withdraw what: owners everything, managers see all and withdraw agents', the rest nothing.
func TestWhoseInvitationsTheyAre(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		shop, who := w.shop(t, "owner:kim manager:lee agent:park :song")
		elsewhere, boss := w.shop(t, "owner:boss")
		high := w.invite(t, who["kim"], shop, "high@demo.mall", manager)
		low := w.invite(t, who["kim"], shop, "low@demo.mall", agent)
		foreign := w.invite(t, boss["boss"], elsewhere, "low@demo.mall", agent)
		for name, code := range map[string]string{"kim": "", "lee": "", "park": "forbidden", "song": "not_found"} {
			kind := map[string]fault.Kind{"forbidden": fault.Forbidden, "not_found": fault.NotFound}[code]
			open, err := w.Invitations(t.Context(), who[name], shop)
			wantCode(t, err, kind, code)
			if code == "" && (len(open) != 2 || open[0].ID != high.ID || open[1].ID != low.ID) {
				t.Errorf("%s sees %v", name, open)
			}
			if name != "kim" && name != "lee" {
				wantCode(t, w.WithdrawInvitation(t.Context(), who[name], shop, low.ID), kind, code)
			}
		}
		wantCode(t, w.WithdrawInvitation(t.Context(), who["lee"], shop, high.ID), fault.Forbidden, "forbidden")
		wantCode(t, w.WithdrawInvitation(t.Context(), who["kim"], shop, foreign.ID), fault.NotFound, "not_found")
		wantCode(t, w.WithdrawInvitation(t.Context(), who["kim"], shop, id.New()), fault.NotFound, "not_found")
		wantCode(t, w.WithdrawInvitation(t.Context(), who["lee"], shop, low.ID), 0, "")
		wantCode(t, w.WithdrawInvitation(t.Context(), who["kim"], shop, high.ID), 0, "")
		wantCode(t, w.WithdrawInvitation(t.Context(), who["kim"], shop, high.ID), fault.NotFound, "not_found")
	})
}

// Nobody floods an address, and no shop the mail.
func TestLimitsOfInvitations(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		shop, who := w.shop(t, "owner:kim")
		w.invite(t, who["kim"], shop, "same@demo.mall", agent)
		_, err := w.InviteStaff(t.Context(), who["kim"], shop, "same@demo.mall", owner)
		wantCode(t, err, fault.Conflict, "already_invited")
		for i := range w.cfg.InvitationsPerDay - 1 {
			w.invite(t, who["kim"], shop, fmt.Sprintf("a%d@demo.mall", i), agent)
		}
		_, err = w.InviteStaff(t.Context(), who["kim"], shop, "late@demo.mall", agent)
		wantCode(t, err, fault.RateLimited, "rate_limited")
		if e, _ := fault.As(err); e.RetryAfter != day {
			t.Errorf("come back in %v", e.RetryAfter)
		}
		w.clock.pass(day)
		for i := range 3 { // each day has its own
			for j := range w.cfg.InvitationsPerDay {
				w.invite(t, who["kim"], shop, fmt.Sprintf("b%d.%d@demo.mall", i, j), agent)
			}
			w.clock.pass(day)
		}
		_, err = w.InviteStaff(t.Context(), who["kim"], shop, "one@demo.mall", agent)
		wantCode(t, err, fault.Conflict, "invitation_limit")
		w.clock.pass(4 * day) // the first of them expire
		w.invite(t, who["kim"], shop, "same@demo.mall", agent)

		for range addressInvites {
			shop, who := w.shop(t, "owner:kim")
			w.invite(t, who["kim"], shop, "victim@demo.mall", agent)
		}
		shop, who = w.shop(t, "owner:kim")
		_, err = w.InviteStaff(t.Context(), who["kim"], shop, "victim@demo.mall", agent)
		wantCode(t, err, fault.RateLimited, "rate_limited")
		again, err := w.InviteStaff(t.Context(), who["kim"], shop, "other@demo.mall", agent)
		wantCode(t, err, 0, "")
		for range addressInvites - 1 { // nor by withdrawing and inviting anew
			wantCode(t, w.WithdrawInvitation(t.Context(), who["kim"], shop, again.ID), 0, "")
			again = w.invite(t, who["kim"], shop, "other@demo.mall", agent)
		}
		wantCode(t, w.WithdrawInvitation(t.Context(), who["kim"], shop, again.ID), 0, "")
		_, err = w.InviteStaff(t.Context(), who["kim"], shop, "other@demo.mall", agent)
		wantCode(t, err, fault.RateLimited, "rate_limited")
	})
}

// An invitation that is accepted on two instances, and withdrawn, all at once, comes to one end.
func TestAnInvitationIsAcceptedOnce(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		other := w.instance(t, nil)
		for range 10 {
			shop, who := w.shop(t, "owner:kim :song")
			made := w.invite(t, who["kim"], shop, staffEmail("song", shop), agent)
			errs := atOnce(3, func(i int) (err error) {
				switch i {
				case 0:
					_, err = w.AcceptInvitation(t.Context(), who["song"], made.ID)
				case 1:
					_, err = other.AcceptInvitation(t.Context(), who["song"], made.ID)
				default:
					err = other.WithdrawInvitation(t.Context(), who["kim"], shop, made.ID)
				}
				return err
			})
			done := 0
			for _, err := range errs {
				switch {
				case err == nil:
					done++
				case fault.CodeOf(err) != "not_found" && fault.CodeOf(err) != "already_staff":
					t.Error(err)
				}
			}
			if _, joined := w.roles(t, shop)["song"]; done != 1 || joined != (errs[2] != nil) {
				t.Errorf("joined %v: %v", joined, errs)
			}
		}
	})
}

// The letter says who invites to what, in words that lead nowhere but to the mall; it goes to whoever has the address.
func TestTheLetterOfAnInvitation(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		kim := w.proved(t, "kim@demo.mall")
		w.exec(t, "UPDATE member_members SET name = ? WHERE id = ?", "Win at http://evil.example", kim[:])
		shop, err := w.OpenShop(t.Context(), kim, "달빛 www.evil.example/log-in")
		wantCode(t, err, 0, "")
		made := w.invite(t, kim, shop.ID, "nobody@demo.mall", manager)
		gone := w.invite(t, kim, shop.ID, "gone@demo.mall", manager)
		wantCode(t, w.WithdrawInvitation(t.Context(), kim, shop.ID, gone.ID), 0, "")
		for _, m := range w.waiting(t) {
			if strings.Contains(string(m.Payload), "nobody") {
				t.Errorf("an address waits in the outbox: %s", m.Payload)
			}
		}
		letters := w.posted(t)
		if len(letters) != 1 || letters[0].To != "nobody@demo.mall" {
			t.Fatalf("%v", letters)
		}
		if links := mail.Links(letters[0].Text); len(links) == 0 || links[0] != "https://mall.test/invitations" {
			t.Errorf("links %v", links)
		}
		for _, part := range []string{"Win at http evil example", "달빛 www evil example log-in", "매니저로 초대했습니다", "as manager", "7일 동안", "for 7 days"} {
			if !strings.Contains(letters[0].Text, part) {
				t.Errorf("no %q in %s", part, letters[0].Text)
			}
		}
		if strings.Contains(letters[0].Text, "evil.") || strings.Contains(letters[0].Text, made.ID.String()) {
			t.Errorf("%s", letters[0].Text)
		}
	})
}
