package attacks_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

var accountAttacks = []attack{
	{"common passwords", "signs up with the passwords that everybody tries first", "400 weak_password", commonPasswords},
	{"reset for a stranger", "asks for a new password for those who have an account and those who have none", "the same answer; a letter to the one who has", resetAnswers},
	{"a reset link", "uses a reset link twice, and the one before it", "one use; all logins are over; the old password is worth nothing", resetLink},
	{"an old reset link", "uses a reset link after its 30 minutes", "refused", oldResetLink},
	{"a changed password", "goes on with a stolen login after its owner has changed the password", "401", changedPassword},
	{"logins of others", "looks at and ends others' logins", "404", foreignLogins},
	{"a lockout of the owner", "tries an account's password until it is locked", "429 for the thief; the owner logs in from elsewhere", lockout},
	{"who has an account", "compares answers and times of logins for those who are there and those who are not", "no difference to see", whoHasAnAccount},
}

func commonPasswords(t *testing.T, w *world) {
	p := w.m.stranger(t)
	for _, common := range []string{
		"password", "Password1", "12345678", "123456789", "qwerty123", "1q2w3e4r", "iloveyou", "sunshine", "football", "princess1", "letmein1", "dragon123",
		"aaaaaaaa", "11111111", "abcd1234", "passw0rd",
	} {
		a := p.patient("POST", "/members", object{"email": someone(), "password": common, "name": "새 사람"})
		if a.status != 400 || a.code() != "weak_password" {
			t.Errorf("%s: %s", common, a)
		}
		p = w.m.stranger(t)
	}
}

func resetAnswers(t *testing.T, w *world) {
	p := w.m.account(t, "victim")
	there := w.m.stranger(t).patient("POST", "/password-resets", object{"email": p.email})
	absent := w.m.stranger(t).patient("POST", "/password-resets", object{"email": someone()})
	there.want(204, "")
	if there.status != absent.status || !bytes.Equal(there.body, absent.body) || len(there.header) != len(absent.header) {
		t.Errorf("who has an account: %s, who has none: %s", there, absent)
	}
	w.mail().token(t, p.email, "reset")
}

// ask asks for a reset link and gives the token in it.
func (w *world) resetToken(p *person) string {
	w.t.Helper()
	before := len(w.mail().to(p.email))
	w.m.stranger(w.t).patient("POST", "/password-resets", object{"email": p.email}).must(204)
	until(w.t, "a letter", func() bool { return len(w.mail().to(p.email)) > before })
	return w.mail().token(w.t, p.email, "reset")
}

func redeem(p *person, token, password string) answer {
	return p.patient("POST", "/password-resets/redeem", object{"token": token, "password": password})
}

func resetLink(t *testing.T, w *world) {
	p := w.member("forgetful")
	l := p.connect()
	first := w.resetToken(p)
	second := w.resetToken(p)
	thief := w.m.stranger(t)
	fresh := "ein neues Passwort 55"
	if a := redeem(thief, second[:len(second)-2]+"AA", fresh); a.status < 400 || a.status >= 500 {
		t.Errorf("a forged link: %s", a)
	}
	redeem(p, second, "password").want(400, "weak_password")
	redeem(p, second, fresh).want(204, "")
	for name, token := range map[string]string{"the same again": second, "the one before": first} {
		if a := redeem(thief, token, "ein Passwort des Diebes 9"); a.status < 400 || a.status >= 500 {
			t.Errorf("%s: %s", name, a)
		}
	}
	until(t, "the end of the logins", func() bool { return p.call("GET", "/me", nil).status == 401 })
	if !l.ends(soon) || l.code() != 4401 {
		t.Errorf("the socket was closed with %d", l.code())
	}
	p.patient("POST", "/auth/refresh", object{"refresh_token": p.refresh}).want(401, "")
	w.m.stranger(t).patient("POST", "/auth/login", object{"email": p.email, "password": password}).want(401, "")
	p.password = fresh
	p.logIn()
}

func oldResetLink(t *testing.T, w *world) {
	p := w.m.account(t, "forgetful")
	token := w.resetToken(p)
	w.m.exec(t, "UPDATE member_links SET expires_at = ?", time.Now().UTC().Add(-time.Second))
	if a := redeem(p, token, "ein neues Passwort 55"); a.status < 400 || a.status >= 500 {
		t.Errorf("an old link: %s", a)
	}
	p.logIn()
}

func changedPassword(t *testing.T, w *world) {
	p := w.member("owner of a password")
	thief := p.again()
	l := thief.connect()
	p.patient("PUT", "/me/password", object{"current": "not it at all", "password": "ein neues Passwort 55"}).want(400, "wrong_password")
	p.patient("PUT", "/me/password", object{"current": password, "password": "ein neues Passwort 55"}).want(204, "")
	until(t, "the end of the thief's login", func() bool { return thief.call("GET", "/me", nil).status == 401 })
	if !l.ends(soon) {
		t.Error("the thief's socket is open")
	}
	p.call("GET", "/me", nil).want(200, "")
}

func foreignLogins(t *testing.T, w *world) {
	victim, thief := w.member("victim"), w.member("thief")
	var list struct{ Items []struct{ ID string } }
	victim.patient("GET", "/me/sessions", nil).must(200).into(&list)
	if len(list.Items) == 0 {
		t.Fatal("no login is listed")
	}
	for _, s := range list.Items {
		thief.patient("DELETE", "/me/sessions/"+s.ID, nil).want(404, "not_found")
	}
	victim.call("GET", "/me", nil).want(200, "")
}

func lockout(t *testing.T, w *world) {
	victim, thief := w.m.account(t, "victim"), w.m.stranger(t)
	stopped := false
	for i := range 40 {
		a := thief.call("POST", "/auth/login", object{"email": victim.email, "password": fmt.Sprintf("try number %d", i)})
		stopped = stopped || a.status == 429
	}
	if !stopped {
		t.Error("40 wrong passwords in a row, and none was too many")
	}
	victim.logIn()
}

func whoHasAnAccount(t *testing.T, w *world) {
	p := w.m.account(t, "victim")
	times := map[bool][]time.Duration{}
	for i := range 16 {
		email, there := p.email, i%2 == 0
		if !there {
			email = someone()
		}
		caller := w.m.stranger(t)
		began := time.Now()
		a := caller.call("POST", "/auth/login", object{"email": email, "password": "not the password"})
		times[there] = append(times[there], time.Since(began))
		if a.status != 401 && a.code() != "busy" {
			t.Errorf("there %t: %s", there, a)
		}
	}
	// The shortest of each, which is the work itself: how long one waits for a core on a busy machine says nothing of it.
	yes, no := slices.Min(times[true]), slices.Min(times[false])
	if yes > 3*no || no > 3*yes {
		t.Errorf("an account's login is refused after %v, nobody's after %v", yes, no)
	}
}

// mail is where the letters of the world's mall go.
func (w *world) mail() *mailbox { return w.m.letters }

// program runs a command of the program beside the instances, with their settings.
func (m *mall) program(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*soon)
	defer cancel()
	cmd := exec.CommandContext(ctx, executable, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = slices.Concat([]string{"HOME=" + cmd.Dir}, m.settings)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("mall %s: %v %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
