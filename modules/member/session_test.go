package member

import (
	"strings"
	"testing"
	"time"

	"mall/modules/member/internal/token"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

func (w *world) refresh(t *testing.T, refresh string) Tokens {
	t.Helper()
	next, err := w.Refresh(t.Context(), refresh)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestRefreshGivesANewPairEachTime(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		x := w.member(t, "kim@demo.mall")
		tokens := w.logIn(t, "kim@demo.mall")
		session := bearer(t, w.Members, tokens.Access).SessionID
		for range 5 {
			w.clock.pass(9 * time.Minute)
			next := w.refresh(t, tokens.Refresh)
			if next.Refresh == tokens.Refresh || next.Access == tokens.Access {
				t.Error("a token was given twice")
			}
			if next.AccessLife != 10*time.Minute || next.RefreshLife != config().RefreshIdle {
				t.Errorf("lives %v and %v", next.AccessLife, next.RefreshLife)
			}
			p := bearer(t, w.Members, next.Access)
			if p.MemberID != x || p.SessionID != session || p.Cookie || !p.ExpiresAt.Equal(w.now().Add(10*time.Minute)) {
				t.Errorf("principal %+v", p)
			}
			tokens = next
		}
	})
}

func TestAReusedTokenEndsTheSession(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		first := w.logIn(t, "kim@demo.mall")
		other := w.logIn(t, "kim@demo.mall") // another device
		second := w.refresh(t, first.Refresh)
		third := w.refresh(t, second.Refresh)
		told := 0
		w.OnChanged(func(id.ID) { told++ })
		_, err := w.Refresh(t.Context(), first.Refresh) // within the grace, but its answer has been used
		wantCode(t, err, fault.Unauthenticated, "token_reused")
		_, err = w.Refresh(t.Context(), third.Refresh)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		_, err = w.Bearer(t.Context(), third.Access)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		if told != 1 {
			t.Errorf("hooks were called %d times", told)
		}
		w.refresh(t, other.Refresh)
	})
}

func TestALostAnswerCostsNothing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		first := w.logIn(t, "kim@demo.mall")
		w.refresh(t, first.Refresh) // the answer never arrives
		w.clock.pass(config().RefreshGrace)
		again := w.refresh(t, first.Refresh)
		w.clock.pass(time.Hour)
		last := w.refresh(t, again.Refresh)

		w.refresh(t, last.Refresh) // lost once more, and found too late
		w.clock.pass(config().RefreshGrace + time.Microsecond)
		_, err := w.Refresh(t.Context(), last.Refresh)
		wantCode(t, err, fault.Unauthenticated, "token_reused")
	})
}

// A request that was slow on the way may be answered after its own repetition: the client holds the first answer.
func TestALateTwinDoesNoHarm(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		first := w.logIn(t, "kim@demo.mall")
		held := w.refresh(t, first.Refresh)
		w.refresh(t, first.Refresh) // nobody receives this one
		w.refresh(t, held.Refresh)
	})
}

// A thief who repeats a used token within the grace gets a pair, but cannot use it beside the owner.
func TestTheGraceIsNoGiftToAThief(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		for name, thiefFirst := range map[string]bool{"owner uses theirs first": false, "thief uses theirs first": true} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, d)
				email := strings.ReplaceAll(name, " ", ".") + "@demo.mall"
				w.member(t, email)
				first := w.logIn(t, email)
				owner := w.refresh(t, first.Refresh)
				thief := w.refresh(t, first.Refresh)
				early, late := owner, thief
				if thiefFirst {
					early, late = thief, owner
				}
				next := w.refresh(t, early.Refresh)
				_, err := w.Refresh(t.Context(), late.Refresh)
				wantCode(t, err, fault.Unauthenticated, "token_reused")
				_, err = w.Bearer(t.Context(), next.Access)
				wantCode(t, err, fault.Unauthenticated, "session_ended")
			})
		}
	})
}

// A client that refreshes in two threads gets two answers, of which one goes on; the use of both ends the session.
func TestRefreshTwiceAtOnce(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		for range 25 {
			first := w.logIn(t, "kim@demo.mall")
			answers := make([]Tokens, 2)
			for _, err := range atOnce(2, func(i int) (err error) { answers[i], err = w.Refresh(t.Context(), first.Refresh); return err }) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if answers[0].Refresh == answers[1].Refresh {
				t.Fatal("one token was given twice")
			}
			w.refresh(t, answers[0].Refresh)
			_, err := w.Refresh(t.Context(), answers[1].Refresh)
			wantCode(t, err, fault.Unauthenticated, "token_reused")
		}
	})
}

func TestAnAPISessionEndsUnusedAndInTheEndAnyway(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		idle := w.logIn(t, "kim@demo.mall")
		w.clock.pass(config().RefreshIdle)
		_, err := w.Refresh(t.Context(), idle.Refresh)
		wantCode(t, err, fault.Unauthenticated, "session_ended")

		busy, opened := w.logIn(t, "kim@demo.mall"), w.now()
		for w.now().Add(20 * 24 * time.Hour).Before(opened.Add(config().SessionMax)) {
			w.clock.pass(20 * 24 * time.Hour)
			busy = w.refresh(t, busy.Refresh)
		}
		if left := opened.Add(config().SessionMax).Sub(w.now()); busy.RefreshLife != left {
			t.Errorf("refresh token lives %v, want the %v that are left", busy.RefreshLife, left)
		}
		w.clock.pass(busy.RefreshLife)
		_, err = w.Refresh(t.Context(), busy.Refresh)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
	})
}

// Who knows a session's id, which is no secret, can neither refresh nor end it.
func TestMadeUpRefreshTokensDoNothing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		tokens := w.logIn(t, "kim@demo.mall")
		web := w.openWeb(t, "kim@demo.mall")
		cookie, _ := token.ParseCookie(web.Cookie)
		session := bearer(t, w.Members, tokens.Access).SessionID
		made := func(session id.ID, family token.Secret) string {
			return token.Refresh{SessionID: session, Family: family, Secret: token.NewSecret()}.String()
		}
		for name, text := range map[string]string{
			"empty": "", "text": "hello", "another family": made(session, token.NewSecret()), "no session": made(id.New(), token.NewSecret()),
			"a web session": made(cookie.SessionID, cookie.Secret), "an access token": tokens.Access, "cut": tokens.Refresh[:100],
		} {
			if _, err := w.Refresh(t.Context(), text); fault.CodeOf(err) != "invalid_token" {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.refresh(t, tokens.Refresh)
		if _, err := w.Cookie(t.Context(), web.Cookie); err != nil {
			t.Error(err)
		}
	})
}

// The secret is replaced on two running instances, one after the other. Nobody is logged out: tokens of the old secret are
// good while it is in the list; without it clients refresh, and their refresh tokens and cookies know nothing of secrets.
func TestReplacingTheSecretLogsNobodyOut(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		const newer = "w8Zc5RjT1uXn6VbM3qKe9LsD7yGh2FpA"
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		instance := func(secrets string) *Members {
			cfg := config()
			cfg.TokenSecret = secrets
			return w.instanceWith(t, cfg, nil)
		}
		access := func(m *Members) string {
			opened, err := m.LogIn(t.Context(), "kim@demo.mall", pass)
			if err != nil {
				t.Fatal(err)
			}
			return opened.Tokens.Access
		}
		web, old := w.openWeb(t, "kim@demo.mall"), w.logIn(t, "kim@demo.mall")
		w.askReset(t, "kim@demo.mall")
		link := w.lastLink(t, "/reset-password")
		running := [][]*Members{
			{instance(secret), instance("old:" + secret + ",new:" + newer)}, // the first restart, half done
			{instance("old:" + secret + ",new:" + newer), instance("new:" + newer + ",old:" + secret)},
			{instance("new:" + newer + ",old:" + secret), instance("new:" + newer + ",old:" + secret)},
		}
		for step, both := range running {
			for _, issuer := range both {
				text := access(issuer)
				for _, reader := range both {
					bearer(t, reader, text)
					bearer(t, reader, old.Access)
				}
			}
			if _, err := both[1].Cookie(t.Context(), web.Cookie); err != nil {
				t.Errorf("step %d: a browser: %v", step, err)
			}
		}
		last := instance("new:" + newer)
		_, err := last.Bearer(t.Context(), old.Access)
		wantCode(t, err, fault.Unauthenticated, "invalid_token")
		again, err := last.Refresh(t.Context(), old.Refresh)
		if err != nil {
			t.Fatalf("a client that refreshes: %v", err)
		}
		bearer(t, last, again.Access)
		if _, err := last.Cookie(t.Context(), web.Cookie); err != nil {
			t.Errorf("a browser, in the end: %v", err)
		}
		wantCode(t, last.ResetPassword(t.Context(), link, next), fault.Invalid, "link_invalid")
		wantCode(t, running[2][0].ResetPassword(t.Context(), link, next), 0, "")
	})
}
