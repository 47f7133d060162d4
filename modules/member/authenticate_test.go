package member

import (
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mall/modules/member/internal/store"
	"mall/modules/member/internal/token"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
)

func (w *world) openWeb(t *testing.T, email string) WebSession {
	t.Helper()
	s, err := w.OpenWebSession(t.Context(), email, pass)
	if err != nil {
		t.Fatal(err)
	}
	return s.Web
}

func TestThePrincipalOfACookie(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		shop, who := w.shop(t, "owner:kim agent:lee")
		other, _ := w.shop(t, "owner:park")
		w.seed(t, Seed{Staff: []SeedStaff{{Shop: other, Member: who["kim"], Role: identity.RoleAgent}}})
		email := staffEmail("kim", shop)
		web := w.openWeb(t, email)
		p, err := w.Cookie(t.Context(), web.Cookie)
		if err != nil {
			t.Fatal(err)
		}
		want := &identity.Principal{
			MemberID: who["kim"], SessionID: p.SessionID, Name: "kim", Cookie: true, ExpiresAt: w.now().Add(config().WebIdle),
			Shops: []identity.ShopRole{{ShopID: shop, Name: "달빛상점", Role: identity.RoleOwner}, {ShopID: other, Name: "달빛상점", Role: identity.RoleAgent}},
		}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want.Shops, web.Me.Shops); diff != "" || web.Me.Email != email || web.Life != config().SessionMax {
			t.Errorf("%+v %s", web, diff)
		}
	})
}

func TestOnlyTheRightCredentialOpensASession(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		tokens, web := w.logIn(t, "kim@demo.mall"), w.openWeb(t, "kim@demo.mall")
		good, _ := token.ParseCookie(web.Cookie)
		api, _ := token.ParseRefresh(tokens.Refresh)
		issue := func(member, session id.ID) string {
			text, err := w.access.Issue(member, session)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		me := bearer(t, w.Members, tokens.Access)
		for name, value := range map[string]string{
			"another secret": token.Cookie{SessionID: good.SessionID, Secret: token.NewSecret()}.String(), "an API session": token.Cookie{SessionID: api.SessionID, Secret: api.Family}.String(),
			"empty": "", "text": "x", "unknown": token.Cookie{SessionID: id.New(), Secret: good.Secret}.String(),
		} {
			if _, err := w.Cookie(t.Context(), value); fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("cookie, %s: %v", name, err)
			}
		}
		for name, text := range map[string]string{
			"a web session": issue(me.MemberID, good.SessionID), "another member": issue(id.New(), me.SessionID),
			"unknown session": issue(me.MemberID, id.New()), "refresh token": tokens.Refresh, "cookie": web.Cookie, "empty": "",
		} {
			if _, err := w.Bearer(t.Context(), text); fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("bearer, %s: %v", name, err)
			}
		}
		w.clock.pass(10*time.Minute + 6*time.Second)
		_, err := w.Bearer(t.Context(), tokens.Access)
		wantCode(t, err, fault.Unauthenticated, "token_expired")
	})
}

// Three instances: one logs out, one hears of it, one does not.
func TestLogOutReachesEveryInstance(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		news := &wire{}
		here, near, far := w.instance(t, news), w.instance(t, nil), w.instance(t, nil)
		news.to = []*Members{near}
		tokens, web := w.logIn(t, "kim@demo.mall"), w.openWeb(t, "kim@demo.mall")
		var told [2]atomic.Int64
		for i, m := range []*Members{here, near} {
			m.OnChanged(func(id.ID) { told[i].Add(1) })
		}
		for _, credential := range []func(*Members) (*identity.Principal, error){
			func(m *Members) (*identity.Principal, error) { return m.Bearer(t.Context(), tokens.Access) },
			func(m *Members) (*identity.Principal, error) { return m.Cookie(t.Context(), web.Cookie) },
		} {
			var p *identity.Principal
			for _, m := range []*Members{near, far, here} {
				var err error
				if p, err = credential(m); err != nil {
					t.Fatal(err)
				}
			}
			told[0].Store(0)
			told[1].Store(0)
			for range 2 { // a second time changes nothing
				if err := here.LogOut(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			}
			_, err := credential(here)
			wantCode(t, err, fault.Unauthenticated, "session_ended")
			_, err = credential(near)
			wantCode(t, err, fault.Unauthenticated, "session_ended")
			if told[0].Load() != 2 || told[1].Load() != 2 {
				t.Errorf("hooks were called %d and %d times", told[0].Load(), told[1].Load())
			}
			w.clock.pass(recentLife - time.Microsecond)
			if _, err := credential(far); err != nil {
				t.Errorf("the instance that heard nothing asked the database before its time: %v", err)
			}
			w.clock.pass(time.Microsecond)
			_, err = credential(far)
			wantCode(t, err, fault.Unauthenticated, "session_ended")
		}
	})
}

// Redis being away must not keep anyone from logging out.
func TestLogOutWithoutAnybodyToTell(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	w.member(t, "kim@demo.mall")
	alone := w.instance(t, &wire{})
	tokens := w.logIn(t, "kim@demo.mall")
	if err := alone.LogOut(t.Context(), bearer(t, alone, tokens.Access)); err != nil {
		t.Fatal(err)
	}
	_, err := alone.Bearer(t.Context(), tokens.Access)
	wantCode(t, err, fault.Unauthenticated, "session_ended")
}

func TestAWebSessionLivesWhileUsed(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		used, left, opened := w.openWeb(t, "kim@demo.mall"), w.openWeb(t, "kim@demo.mall"), w.now()
		step := config().WebIdle - time.Minute
		for w.now().Add(step).Before(opened.Add(config().SessionMax)) {
			w.clock.pass(step)
			p, err := w.Cookie(t.Context(), used.Cookie)
			if err != nil {
				t.Fatalf("used, after %v: %v", w.now().Sub(opened), err)
			}
			if want := w.expiry(opened, config().WebIdle); !p.ExpiresAt.Equal(want) {
				t.Errorf("expires %v, want %v", p.ExpiresAt, want)
			}
		}
		w.clock.pass(step)
		_, err := w.Cookie(t.Context(), used.Cookie)
		wantCode(t, err, fault.Unauthenticated, "session_ended") // nothing lives for ever
		_, err = w.Cookie(t.Context(), left.Cookie)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
	})
}

func TestCheckAnswersTheLiving(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		shop, who := w.shop(t, "owner:kim :lee")
		email := staffEmail("lee", shop)
		web, api, gone := w.openWeb(t, email), w.logIn(t, email), w.logIn(t, email)
		cookie, _ := token.ParseCookie(web.Cookie)
		apiSession, goneSession := bearer(t, w.Members, api.Access), bearer(t, w.Members, gone.Access)
		if err := w.LogOut(t.Context(), goneSession); err != nil {
			t.Fatal(err)
		}
		w.hire(t, who["kim"], shop, email, identity.RoleAgent)
		living, err := w.Check(t.Context(), []id.ID{cookie.SessionID, apiSession.SessionID, goneSession.SessionID, id.New()})
		if err != nil || len(living) != 2 {
			t.Fatalf("%v %v", living, err)
		}
		for _, s := range living {
			if role, ok := s.Principal.RoleIn(shop); !ok || role != identity.RoleAgent || s.Banned {
				t.Errorf("present roles: %+v", s)
			}
		}
		if !living[cookie.SessionID].Principal.Cookie || living[apiSession.SessionID].Principal.Cookie {
			t.Error("kinds are mixed up")
		}
		if living, err := w.Check(t.Context(), nil); err != nil || len(living) != 0 {
			t.Errorf("nobody: %v %v", living, err)
		}
	})
}

// Review sees what Check sees, without remembering it.
func TestReviewTellsEverySessionOnce(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		shop, who := w.shop(t, "owner:kim :lee")
		other, _ := w.shop(t, "owner:choi")
		email := staffEmail("lee", shop)
		troll := w.member(t, "troll@demo.mall")
		web, api, gone, kept := w.openWeb(t, email), w.logIn(t, email), w.logIn(t, email), w.logIn(t, "troll@demo.mall")
		cookie, _ := token.ParseCookie(web.Cookie)
		apiSession, goneSession, trollSession := bearer(t, w.Members, api.Access), bearer(t, w.Members, gone.Access), bearer(t, w.Members, kept.Access)
		if err := w.LogOut(t.Context(), goneSession); err != nil {
			t.Fatal(err)
		}
		w.hire(t, who["kim"], shop, email, identity.RoleAgent)
		w.seed(t, Seed{Staff: []SeedStaff{{Shop: other, Member: who["lee"], Role: identity.RoleManager}}})
		if err := w.Ban(t.Context(), troll); err != nil {
			t.Fatal(err)
		}
		w.clock.pass(time.Hour) // the web session's end is to move
		got := map[id.ID]string{}
		err := w.Review(t.Context(), []id.ID{cookie.SessionID, apiSession.SessionID, goneSession.SessionID, trollSession.SessionID, id.New()}, func(session id.ID, s Standing) {
			if _, twice := got[session]; twice {
				t.Errorf("%s is told twice", session)
			}
			text := fmt.Sprint(s.Banned, s.Principal != nil)
			if p := s.Principal; p != nil {
				_, one := p.RoleIn(shop)
				_, two := p.RoleIn(other)
				text += fmt.Sprint(" ", len(p.Shops), one, two, p.Cookie)
			}
			got[session] = text
		})
		want := map[id.ID]string{cookie.SessionID: "false true 2 true true true", apiSession.SessionID: "false true 2 true true false",
			goneSession.SessionID: "false false", trollSession.SessionID: "true false"}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		moved := time.Time{}
		if err := w.Review(t.Context(), []id.ID{cookie.SessionID}, func(_ id.ID, s Standing) { moved = s.Principal.ExpiresAt }); err != nil {
			t.Fatal(err)
		}
		if want := w.clock.now().UTC().Truncate(time.Microsecond).Add(w.cfg.WebIdle); !moved.Equal(want) {
			t.Errorf("looking does not keep a web session alive: it ends at %v, want %v", moved, want)
		}
	})
}

// What looking at the logins behind ten thousand sockets allocates.
func BenchmarkReview(b *testing.B) {
	d := testservers.Open(b, testservers.MySQL(b))
	m, err := New(config(), Deps{DB: d, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	const n = 10_000
	rows, ids := make([]store.Member, n), make([]id.ID, n)
	for i := range rows {
		ids[i] = id.New()
		rows[i] = store.Member{ID: ids[i], Email: ids[i].String() + "@x.kr", Name: "kim", PasswordHash: "x", CreatedAt: m.now()}
	}
	for some := range slices.Chunk(rows, 1000) {
		if err := m.store.InsertMembers(b.Context(), some...); err != nil {
			b.Fatal(err)
		}
	}
	for some := range slices.Chunk(ids, 1000) {
		opened := make([]store.Session, len(some))
		for i, who := range some {
			opened[i] = store.NewAPISession(who, token.NewSecret().Hash(), token.NewSecret().Hash(), m.now(), m.cfg.RefreshIdle)
		}
		if err := m.store.InsertSessions(b.Context(), opened...); err != nil {
			b.Fatal(err)
		}
	}
	var sessions []id.ID
	if err := d.Read(b.Context()).Raw("SELECT id FROM member_sessions").Scan(&sessions).Error; err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var passed time.Duration
	m.clock = func() time.Time { return time.Now().Add(passed) }
	for b.Loop() {
		passed += 20 * time.Second // between two looks: what was remembered is of no use
		seen := 0
		for some := range slices.Chunk(sessions, 500) {
			if err := m.Review(b.Context(), some, func(_ id.ID, s Standing) {
				if s.Principal != nil {
					seen++
				}
			}); err != nil {
				b.Fatal(err)
			}
		}
		if seen != n {
			b.Fatalf("%d of %d", seen, n)
		}
	}
}

// What every request of an API client pays before its handler runs.
func BenchmarkBearer(b *testing.B) {
	d := testservers.Open(b, testservers.SQLite(b))
	m, err := New(config(), Deps{DB: d, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	if err := m.Seed(b.Context(), Seed{Members: []SeedMember{{ID: id.New(), Email: "kim@demo.mall", Password: pass, Name: "kim"}}}); err != nil {
		b.Fatal(err)
	}
	opened, err := m.LogIn(b.Context(), "kim@demo.mall", pass)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := m.Bearer(b.Context(), opened.Tokens.Access); err != nil {
			b.Fatal(err)
		}
	}
}

// A database that is away is not a logged out member.
func TestADatabaseAwayIsUnavailable(t *testing.T) {
	d := testservers.Open(t, testservers.SQLite(t))
	w := newWorld(t, d)
	w.member(t, "kim@demo.mall")
	tokens := w.logIn(t, "kim@demo.mall")
	m, err := New(config(), Deps{DB: d, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	m.clock = w.clock.now
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Bearer(t.Context(), tokens.Access); err == nil || fault.KindOf(err) == fault.Unauthenticated {
		t.Errorf("got %v", err)
	}
}
