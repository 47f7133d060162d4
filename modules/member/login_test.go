package member

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"time"

	"mall/modules/member/internal/password"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
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
		for round := range byte(5) {
			tried := 0
			for _, err := range atOnce(40, func(int) error { return w.countAttempt(t.Context(), bytes.Repeat([]byte{round}, 32)) }) {
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
	for range runtime.GOMAXPROCS(0) { // take every slot
		if _, err := w.hasher.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.LogIn(t.Context(), "kim@demo.mall", pass)
	wantCode(t, err, fault.Busy, "busy")
}
