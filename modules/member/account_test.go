package member

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

func TestSignUp(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		got, err := w.SignUp(t.Context(), "  Moon@Demo.Mall ", pass, " 달빛  지기 ")
		if err != nil {
			t.Fatal(err)
		}
		want := Member{ID: got.ID, Email: "moon@demo.mall", Name: "달빛 지기", CreatedAt: w.now()}
		if diff := cmp.Diff(want, got); diff != "" || got.ID.IsZero() {
			t.Error(diff)
		}
		me, err := w.Me(t.Context(), got.ID)
		if diff := cmp.Diff(Me{Member: want}, me); err != nil || diff != "" {
			t.Error(err, diff)
		}
		for _, same := range []string{"moon@demo.mall", "MOON@DEMO.MALL", "moon@demo.mall\u00a0"} {
			_, err := w.SignUp(t.Context(), same, pass, "누구")
			wantCode(t, err, fault.Conflict, "email_taken")
		}
		if _, err := w.SignUp(t.Context(), "moon2@demo.mall", pass, "누구"); err != nil {
			t.Errorf("another e-mail: %v", err)
		}
		names, err := w.Names(t.Context(), []id.ID{got.ID, got.ID, id.New()})
		if diff := cmp.Diff(map[id.ID]string{got.ID: "달빛 지기"}, names); err != nil || diff != "" {
			t.Error(err, diff)
		}
		if names, err := w.Names(t.Context(), nil); err != nil || len(names) != 0 {
			t.Errorf("nobody: %v %v", names, err)
		}
		_, err = w.Me(t.Context(), id.New())
		wantCode(t, err, fault.NotFound, "not_found")
	})
}

func TestSignUpNamesTheFieldAtFault(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	for field, in := range map[string][3]string{
		"email":    {"kim@demo", pass, "김"},
		"password": {"kim@demo.mall", "kim@demo.mall", "김"},
		"name":     {"kim@demo.mall", pass, "\u3164"},
	} {
		_, err := w.SignUp(t.Context(), in[0], in[1], in[2])
		if f, ok := fault.As(err); !ok || f.Kind != fault.Invalid || f.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Two forms sent at once, in two spellings: one account.
func TestSignUpAtOnceMakesOneAccount(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		errs := atOnce(4, func(i int) error {
			_, err := w.SignUp(t.Context(), []string{"twin@demo.mall", "Twin@demo.mall"}[i%2], pass, "쌍둥이")
			return err
		})
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else {
				wantCode(t, err, fault.Conflict, "email_taken")
			}
		}
		if made != 1 {
			t.Errorf("%d accounts, want 1", made)
		}
	})
}

// atOnce calls fn n times at the same time.
func atOnce(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func TestBanEndsEverySessionAndKeepsOut(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		x := w.member(t, "troll@demo.mall")
		tokens := w.logIn(t, "troll@demo.mall")
		web := w.openWeb(t, "troll@demo.mall")
		bearer(t, w.Members, tokens.Access)
		var heard []id.ID
		w.OnChanged(func(member id.ID) { heard = append(heard, member) })
		if err := w.Ban(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]id.ID{x}, heard); diff != "" {
			t.Errorf("hooks: %s", diff)
		}
		_, err := w.Bearer(t.Context(), tokens.Access)
		wantCode(t, err, fault.Forbidden, "banned") // no new token would help
		_, err = w.Cookie(t.Context(), web.Cookie)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		_, err = w.Refresh(t.Context(), tokens.Refresh)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		_, err = w.LogIn(t.Context(), "troll@demo.mall", pass)
		wantCode(t, err, fault.Forbidden, "banned")
		_, err = w.LogIn(t.Context(), "troll@demo.mall", "wrong-password")
		wantCode(t, err, fault.Unauthenticated, "invalid_credentials") // only who knows the password learns of the ban
		if err := w.Unban(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		w.logIn(t, "troll@demo.mall")
		_, err = w.Bearer(t.Context(), tokens.Access)
		wantCode(t, err, fault.Unauthenticated, "session_ended") // what ended stays ended
		wantCode(t, w.Ban(t.Context(), id.New()), fault.NotFound, "not_found")
	})
}

func TestOperatorIsMadeByTheProgramOnly(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		x := w.proved(t, "op@demo.mall")
		tokens := w.logIn(t, "op@demo.mall")
		if bearer(t, w.Members, tokens.Access).Operator {
			t.Fatal("an operator by birth")
		}
		for _, want := range []bool{true, false} {
			if err := w.SetOperator(t.Context(), x, want); err != nil {
				t.Fatal(err)
			}
			if got := bearer(t, w.Members, tokens.Access).Operator; got != want {
				t.Errorf("operator %v at once, want %v", got, want)
			}
		}
		wantCode(t, w.SetOperator(t.Context(), id.New(), true), fault.NotFound, "not_found")
	})
}

func TestSweepLeavesWhatLives(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		old := w.logIn(t, "kim@demo.mall")
		_, err := w.LogIn(t.Context(), "stranger@demo.mall", pass)
		wantCode(t, err, fault.Unauthenticated, "invalid_credentials")
		w.clock.pass(config().RefreshIdle + keepEnded + time.Second)
		young := w.logIn(t, "kim@demo.mall")
		_, err = w.LogIn(t.Context(), "visitor@demo.mall", pass)
		wantCode(t, err, fault.Unauthenticated, "invalid_credentials")
		if err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err = w.Refresh(t.Context(), old.Refresh)
		wantCode(t, err, fault.Unauthenticated, "invalid_token") // the row is gone
		if _, err := w.Refresh(t.Context(), young.Refresh); err != nil {
			t.Error(err)
		}
		var attempts int
		if err := d.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM member_login_attempts").Scan(&attempts); err != nil || attempts != 4 {
			t.Errorf("%d counts left, want the visitor's three and kim's account's, which is at 0: %v", attempts, err)
		}
	})
}
