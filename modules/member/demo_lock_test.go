package member

import (
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// A mall that was a demo once: nobody gets in with the passwords that everybody knows, nor stays in.
func TestDemoAccountsAreLockedAndUnlocked(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		demo := []id.ID{w.member(t, "buyer@demo.mall"), w.member(t, "moon@demo.mall"), id.New()} // the last was never there
		w.member(t, "kim@x.kr")
		old, other := w.logIn(t, "buyer@demo.mall"), w.logIn(t, "kim@x.kr")
		browser := w.openWeb(t, "moon@demo.mall")
		if n, err := w.LockDemo(t.Context(), demo); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		_, err := w.Bearer(t.Context(), old.Access)
		wantCode(t, err, fault.Forbidden, "banned")
		_, err = w.Refresh(t.Context(), old.Refresh)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		if _, err := w.Cookie(t.Context(), browser.Cookie); err == nil {
			t.Error("the browser of a locked account stays logged in")
		}
		_, err = w.LogIn(t.Context(), "buyer@demo.mall", pass)
		wantCode(t, err, fault.Forbidden, "banned")
		bearer(t, w.Members, other.Access)
		if n, err := w.LockDemo(t.Context(), demo); n != 0 || err != nil { // the next start, another instance
			t.Error(n, err)
		}
		if err := w.UnlockDemo(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
		w.logIn(t, "buyer@demo.mall")
		if _, err := w.Bearer(t.Context(), old.Access); err == nil {
			t.Error("a login from before is good again")
		}
	})
}

// Whom an operator keeps out stays out, however often the demo is switched off and on.
func TestUnlockingTheDemoUndoesNoBan(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		x := w.member(t, "buyer@demo.mall")
		if err := w.Ban(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if n, err := w.LockDemo(t.Context(), []id.ID{x}); n != 0 || err != nil {
			t.Error(n, err)
		}
		if err := w.UnlockDemo(t.Context(), []id.ID{x}); err != nil {
			t.Fatal(err)
		}
		_, err := w.LogIn(t.Context(), "buyer@demo.mall", pass)
		wantCode(t, err, fault.Forbidden, "banned")
	})
}
