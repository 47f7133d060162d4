package member

import (
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// Whoever looks at sockets learns whether their login is over or its member is kept out: the one may log in again.
func TestCheckTellsABanFromALogout(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		troll, far := w.member(t, "troll@demo.mall"), w.instance(t, nil)
		w.member(t, "kim@demo.mall")
		banned, left := bearer(t, far, w.logIn(t, "troll@demo.mall").Access), bearer(t, far, w.logIn(t, "kim@demo.mall").Access)
		if err := w.Ban(t.Context(), troll); err != nil {
			t.Fatal(err)
		}
		if err := w.LogOut(t.Context(), left); err != nil {
			t.Fatal(err)
		}
		logins := []id.ID{banned.SessionID, left.SessionID}
		for _, m := range []*Members{w.Members, far} { // far has heard nothing, and remembers both
			w.clock.pass(recentLife)
			now, err := m.Check(t.Context(), logins)
			if err != nil {
				t.Fatal(err)
			}
			if b := now[banned.SessionID]; !b.Banned || b.Principal != nil {
				t.Errorf("banned: %+v", b)
			}
			if l := now[left.SessionID]; l.Banned || l.Principal != nil {
				t.Errorf("logged out: %+v", l)
			}
		}
	})
}

// Where no news arrives a banned member's token is good for no longer than the memory of sessions.
func TestABanThatNobodyAnnounces(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		x, far := w.member(t, "troll@demo.mall"), w.instance(t, nil)
		tokens := w.logIn(t, "troll@demo.mall")
		bearer(t, far, tokens.Access)
		if err := w.Ban(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		w.clock.pass(recentLife)
		_, err := far.Bearer(t.Context(), tokens.Access)
		wantCode(t, err, fault.Forbidden, "banned")
		if err := w.Unban(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		_, err = w.Bearer(t.Context(), tokens.Access)
		wantCode(t, err, fault.Unauthenticated, "session_ended") // what the ban has ended stays ended
	})
}

// A browser whose member is banned is nobody's: it may still read the shops and log in as somebody else.
func TestABannedMembersBrowser(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		x := s.member(t, "troll@demo.mall")
		s.member(t, "kim@demo.mall")
		shop, _ := s.shop(t, "owner:lee")
		cookie := "mall_session=" + s.openWeb(t, "troll@demo.mall").Cookie
		token := "Bearer " + s.logIn(t, "troll@demo.mall").Access
		if err := s.Ban(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if r := s.call(t, "GET", "/shops/"+shop.String(), "", cookie); r.status != 200 {
			t.Errorf("what everybody may read: %d %s", r.status, r.raw)
		}
		if r := s.call(t, "GET", "/me", "", cookie); r.status != 401 {
			t.Errorf("own account by cookie: %d %s", r.status, r.raw)
		}
		if r := s.call(t, "GET", "/me", "", token); r.status != 403 || r.text("code") != "banned" {
			t.Errorf("own account by token: %d %s", r.status, r.raw)
		}
		if r := s.call(t, "POST", "/session", credentials("kim@demo.mall"), cookie); r.status != 200 {
			t.Errorf("somebody else in the same browser: %d %s", r.status, r.raw)
		}
	})
}

func TestFindKnowsSpellingsAndNobody(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	x := w.member(t, "kim@demo.mall")
	if m, err := w.Find(t.Context(), " KIM@Demo.mall"); err != nil || m.ID != x {
		t.Errorf("%+v %v", m, err)
	}
	for _, nobody := range []string{"lee@demo.mall", "no address", ""} {
		_, err := w.Find(t.Context(), nobody)
		wantCode(t, err, fault.NotFound, "not_found")
	}
}
