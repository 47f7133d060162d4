package member

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"mall/modules/member/internal/password"
	"mall/modules/member/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
)

func TestLogInTellsAStrangerNothing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		for _, email := range []string{"kim@demo.mall", " KIM@demo.mall"} {
			if _, err := w.LogIn(t.Context(), email, pass); err != nil {
				t.Errorf("%q: %v", email, err)
			}
		}
		answers := map[string]bool{}
		for _, c := range [][2]string{
			{"kim@demo.mall", "wrong-password"}, {"kim@demo.mall", pass + " "}, {"kim@demo.mall", ""},
			{"lee@demo.mall", pass}, {"kïm@demo.mall", pass}, {"nonsense", pass}, {"kim@demo.mall'--", pass}, {"%", pass}, {"", ""},
		} {
			_, err := w.LogIn(t.Context(), c[0], c[1])
			wantCode(t, err, fault.Unauthenticated, "invalid_credentials")
			answers[fmt.Sprint(err)] = true
			_, err = w.OpenWebSession(t.Context(), c[0], c[1])
			answers[fmt.Sprint(err)] = true
		}
		if len(answers) != 1 {
			t.Errorf("the answers tell cases apart: %v", answers)
		}
	})
}

func TestGuessingIsThrottled(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		other := w.instance(t, nil) // guesses spread over instances count together
		for i := range config().LoginTries {
			_, err := []*Members{w.Members, other}[i%2].LogIn(t.Context(), "Kim@demo.mall", "guess-number")
			wantCode(t, err, fault.Unauthenticated, "invalid_credentials")
		}
		w.clock.pass(5 * time.Minute)
		for range 2 {
			_, err := w.LogIn(t.Context(), "kim@demo.mall", pass) // the right one, too late
			wantCode(t, err, fault.RateLimited, "rate_limited")
			if f, _ := fault.As(err); f.RetryAfter != 10*time.Minute {
				t.Errorf("RetryAfter %v, want what is left of the window", f.RetryAfter)
			}
		}
		w.member(t, "lee@demo.mall")
		w.logIn(t, "lee@demo.mall") // nobody else suffers
		w.clock.pass(10 * time.Minute)
		for range config().LoginTries - 1 { // a window like the first
			_, err := w.LogIn(t.Context(), "kim@demo.mall", "guess-number")
			wantCode(t, err, fault.Unauthenticated, "invalid_credentials")
		}
		w.logIn(t, "kim@demo.mall")
	})
}

func TestALoginClearsTheCount(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		for range 2 {
			for range config().LoginTries - 1 {
				_, err := w.LogIn(t.Context(), "kim@demo.mall", "typo-typo")
				wantCode(t, err, fault.Unauthenticated, "invalid_credentials")
			}
			w.logIn(t, "kim@demo.mall")
		}
	})
}

// Guesses that arrive together get no more tries than those that come one by one. The count is asked directly:
// the slots for hashing would let only a few through at a time.
func TestGuessingAtOnceIsThrottledToo(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for round := range 5 {
			tried := 0
			for _, err := range atOnce(40, func(int) error {
				_, err := w.countLogin(from(t.Context(), "198.51.100.7"), fmt.Sprint("someone", round, "@demo.mall"))
				return err
			}) {
				if err == nil {
					tried++
				} else {
					wantCode(t, err, fault.RateLimited, "rate_limited")
				}
			}
			if tried > config().LoginTries {
				t.Errorf("%d guesses were tried, want at most %d", tried, config().LoginTries)
			}
		}
	})
}

func TestTooManyLoginsAtOnceAreBusy(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	w.hasher = password.NewHasher(time.Nanosecond)
	for range max(1, runtime.GOMAXPROCS(0)-1) { // take every slot
		if _, err := w.hasher.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.LogIn(t.Context(), "kim@demo.mall", pass)
	wantCode(t, err, fault.Busy, "busy")
}

// from is a request's context from an address.
func from(ctx context.Context, ip string) context.Context {
	return fromWith(ctx, ip, "Firefox/140.0 (test)")
}

func fromWith(ctx context.Context, ip, agent string) context.Context {
	return identity.WithOrigin(ctx, identity.Origin{IP: ip, UserAgent: agent})
}

func (w *world) guess(t *testing.T, n int, ip, email string) {
	t.Helper()
	for range n {
		_, err := w.LogIn(from(t.Context(), ip), email, "guess-number")
		wantCode(t, err, fault.Unauthenticated, "invalid_credentials")
	}
}

// The finding: ten wrong tries of anybody, anywhere, kept the owner out.
func TestAStrangersTriesDoNotKeepTheOwnerOut(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		w.guess(t, config().LoginTries, "203.0.113.1", "kim@demo.mall")
		_, err := w.LogIn(from(t.Context(), "203.0.113.1"), "kim@demo.mall", pass)
		wantCode(t, err, fault.RateLimited, "rate_limited") // the guesser's place is closed, for the right one too
		for _, ip := range []string{"198.51.100.7", "2001:db8:1::5"} {
			_, err = w.LogIn(from(t.Context(), ip), "kim@demo.mall", pass)
			wantCode(t, err, 0, "")
		}
		_, err = w.LogIn(from(t.Context(), "203.0.113.1"), "kim@demo.mall", pass)
		wantCode(t, err, fault.RateLimited, "rate_limited") // the owner's login clears only the owner's own count
	})
}

// One customer of a provider has a whole /64: its addresses are one guesser.
func TestAnIPv6NetworkIsOneGuesser(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	w.member(t, "kim@demo.mall")
	for i := range config().LoginTries {
		w.guess(t, 1, fmt.Sprintf("2001:db8:1:2:%x::%x", i, i+1), "kim@demo.mall")
	}
	_, err := w.LogIn(from(t.Context(), "2001:db8:1:2:ffff::1"), "kim@demo.mall", pass)
	wantCode(t, err, fault.RateLimited, "rate_limited")
	w.guess(t, 1, "2001:db8:1:3::1", "kim@demo.mall")
}

func TestOneAddressMayNotTryManyAccounts(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	w.cfg.LoginTriesPerIP = 30
	for i := range 15 { // right passwords are not counted: many people come from one address
		email := fmt.Sprintf("right%d@demo.mall", i)
		w.member(t, email)
		for range 3 {
			_, err := w.LogIn(from(t.Context(), "203.0.113.1"), email, pass)
			wantCode(t, err, 0, "")
		}
	}
	for i := range 30 {
		w.guess(t, 1, "203.0.113.1", fmt.Sprintf("spray%d@demo.mall", i))
	}
	_, err := w.LogIn(from(t.Context(), "203.0.113.1"), "right1@demo.mall", pass)
	wantCode(t, err, fault.RateLimited, "rate_limited")
	_, err = w.LogIn(from(t.Context(), "203.0.113.2"), "right1@demo.mall", pass)
	wantCode(t, err, 0, "")
}

// Who has many addresses gets login_tries_per_account tries; the owner comes in from a place they came from before, and
// from anywhere with a new password by mail.
func TestManyAddressesNeverLockTheOwnerOut(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.cfg.LoginTriesPerAccount = 20
		w.proved(t, "kim@demo.mall")
		home, cafe := from(t.Context(), "198.51.100.7"), from(t.Context(), "192.0.2.9")
		_, err := w.LogIn(home, "kim@demo.mall", pass)
		wantCode(t, err, 0, "")
		for i := range 20 {
			w.guess(t, 1, fmt.Sprintf("203.0.113.%d", i), "kim@demo.mall")
		}
		_, err = w.LogIn(from(t.Context(), "203.0.113.99"), "kim@demo.mall", pass)
		wantCode(t, err, fault.RateLimited, "login_guarded")
		_, err = w.LogIn(home, "kim@demo.mall", pass)
		wantCode(t, err, 0, "")
		_, err = w.LogIn(cafe, "kim@demo.mall", pass)
		wantCode(t, err, fault.RateLimited, "login_guarded")
		wantCode(t, w.AskPasswordReset(cafe, "kim@demo.mall"), 0, "")
		const next = "starlight-2027"
		wantCode(t, w.ResetPassword(cafe, w.lastLink(t, "/reset-password"), next), 0, "")
		_, err = w.LogIn(cafe, "kim@demo.mall", next)
		wantCode(t, err, 0, "")
		for i := range 21 { // an address that nobody has is answered alike
			_, err = w.LogIn(from(t.Context(), fmt.Sprintf("203.0.113.%d", i)), "nobody@demo.mall", pass)
		}
		wantCode(t, err, fault.RateLimited, "login_guarded")
	})
}

// A member has so many logins at once; the one that was used longest ago makes room, and nobody else's.
func TestOneLoginTooManyEndsTheOldest(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		kim, lee := w.member(t, "kim@demo.mall"), w.member(t, "lee@demo.mall")
		other := w.logIn(t, "lee@demo.mall")
		first := w.logIn(t, "kim@demo.mall")
		w.clock.pass(time.Second)
		second := w.logIn(t, "kim@demo.mall")
		for range maxLogins - 2 {
			w.clock.pass(time.Millisecond)
			if _, err := w.openAPI(t.Context(), store.Member{ID: kim}); err != nil {
				t.Fatal(err)
			}
		}
		bearer(t, w.Members, first.Access)
		if _, err := w.openAPI(t.Context(), store.Member{ID: kim}); err != nil {
			t.Fatal(err)
		}
		_, err := w.Bearer(t.Context(), first.Access)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		bearer(t, w.Members, second.Access)
		if p := bearer(t, w.Members, other.Access); p.MemberID != lee {
			t.Errorf("%v", p)
		}
	})
}
