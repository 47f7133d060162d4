package member

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"mall/modules/member/internal/api"
	"mall/modules/member/internal/factor"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
)

// app is an authenticator app.
type app struct {
	secret []byte
	clock  *clock
}

func (a app) code() string { return factor.TOTPCode(a.secret, a.clock.now().Unix()/30) }

// next is a code that was not used before.
func (a app) next() string {
	a.clock.pass(30 * time.Second)
	return a.code()
}

// wrongCode is one that the app which is being set up does not show now, nor a step before or after.
func (w *world) wrongCode(t *testing.T, member id.ID) string {
	t.Helper()
	row, err := w.store.TOTP(t.Context(), member)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := w.box.Open(row.Pending, member)
	if err != nil {
		t.Fatal(err)
	}
	step := w.clock.now().Unix() / 30
	good := []string{factor.TOTPCode(secret, step-1), factor.TOTPCode(secret, step), factor.TOTPCode(secret, step+1)}
	for _, code := range []string{"000000", "000001", "000002", "000003"} { // of four, three at most are good
		if !slices.Contains(good, code) {
			return code
		}
	}
	t.Fatal("four codes are good at once")
	return ""
}

// withApp sets an authenticator app up.
func (w *world) withApp(t *testing.T, member id.ID) (app, []string) {
	t.Helper()
	s, err := w.BeginTOTP(t.Context(), member)
	if err != nil {
		t.Fatal(err)
	}
	row, err := w.store.TOTP(t.Context(), member)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := w.box.Open(row.Pending, member)
	if err != nil || factor.TOTPText(secret) != s.Text || !strings.Contains(s.URI, s.Text) || !strings.HasPrefix(s.QR, "<svg") {
		t.Fatalf("%+v %v", s, err)
	}
	a := app{secret, w.clock}
	codes, err := w.ConfirmTOTP(t.Context(), member, a.code())
	if err != nil {
		t.Fatal(err)
	}
	return a, codes
}

// asked logs in with the password alone.
func (w *world) asked(t *testing.T, email string) Challenge {
	t.Helper()
	opened, err := w.LogIn(t.Context(), email, pass)
	if err != nil || opened.Challenge == nil || opened.Tokens.Access != "" || opened.Web.Cookie != "" {
		t.Fatalf("%+v %v", opened, err)
	}
	return *opened.Challenge
}

func (w *world) answers(t *testing.T, a Answer) error {
	t.Helper()
	opened, err := w.AnswerLogin(t.Context(), a, false)
	if (err == nil) != (opened.Tokens.Access != "") {
		t.Errorf("%+v %v", opened, err)
	}
	return err
}

// A password alone opens no session of who has an authenticator app; a code does, once.
func TestLoginWithAnAuthenticatorApp(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		kim := w.member(t, "kim@demo.mall")
		a, codes := w.withApp(t, kim)
		if len(codes) != 10 {
			t.Errorf("%d recovery codes", len(codes))
		}
		first := w.asked(t, "kim@demo.mall")
		if !slices.Equal(first.Methods, []string{ByTOTP, ByRecoveryCode}) || first.PasskeyOptions != nil {
			t.Errorf("%+v", first)
		}
		wantCode(t, w.answers(t, Answer{Challenge: first.Token, Code: a.code()}), fault.Forbidden, "wrong_answer") // it turned the app on
		code := a.next()
		wantCode(t, w.answers(t, Answer{Challenge: first.Token, Code: code}), 0, "")
		wantCode(t, w.answers(t, Answer{Challenge: first.Token, Code: a.next()}), fault.Conflict, "challenge_over")
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Code: code}), fault.Forbidden, "wrong_answer")
		web, err := w.OpenWebSession(t.Context(), "kim@demo.mall", pass)
		if err != nil || web.Challenge == nil {
			t.Fatal(err)
		}
		opened, err := w.AnswerLogin(t.Context(), Answer{Challenge: web.Challenge.Token, Code: a.next()}, true)
		if err != nil || opened.Web.Cookie == "" || !opened.Web.Me.SecondFactor {
			t.Errorf("%+v %v", opened, err)
		}
		if p, err := w.Cookie(t.Context(), opened.Web.Cookie); err != nil || p.MemberID != kim {
			t.Errorf("%+v %v", p, err)
		}
		_, err = w.LogIn(t.Context(), "kim@demo.mall", "wrong")
		wantCode(t, err, fault.Unauthenticated, "invalid_credentials")
	})
}

// One code and one challenge are good once, however many try them at the same time on whichever instance.
func TestACodeOpensOneSession(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a, _ := w.withApp(t, w.member(t, "kim@demo.mall"))
		both := []*Members{w.Members, w.instance(t, nil)}
		for name, one := range map[string]bool{"one challenge": true, "two challenges": false} {
			tokens := []string{w.asked(t, "kim@demo.mall").Token, w.asked(t, "kim@demo.mall").Token}
			if one {
				tokens[1] = tokens[0]
			}
			code := a.next()
			done := 0
			for _, err := range atOnce(6, func(i int) error {
				_, err := both[i%2].AnswerLogin(t.Context(), Answer{Challenge: tokens[i/3], Code: code}, false)
				return err
			}) {
				switch {
				case err == nil:
					done++
				case fault.CodeOf(err) != "challenge_over" && fault.CodeOf(err) != "wrong_answer":
					t.Errorf("%s: %v", name, err)
				}
			}
			if done != 1 {
				t.Errorf("%s: %d sessions", name, done)
			}
		}
	})
}

// Whoever knows the password cannot go on guessing: five tries a challenge, ten codes an hour. The owner comes in by a
// recovery code all the same.
func TestCodesAreNotGuessed(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		kim := w.member(t, "kim@demo.mall")
		a, codes := w.withApp(t, kim)
		wrong := func() string {
			n := 0
			for {
				if code := fmt.Sprintf("%06d", n); !slices.Contains([]string{a.code(), factor.TOTPCode(a.secret, a.clock.now().Unix()/30+1), factor.TOTPCode(a.secret, a.clock.now().Unix()/30-1)}, code) {
					return code
				}
				n++
			}
		}
		for range 2 {
			asked := w.asked(t, "kim@demo.mall")
			for range challengeTries {
				wantCode(t, w.answers(t, Answer{Challenge: asked.Token, Code: wrong()}), fault.Forbidden, "wrong_answer")
			}
			wantCode(t, w.answers(t, Answer{Challenge: asked.Token, Code: a.next()}), fault.Conflict, "challenge_over")
		}
		asked := w.asked(t, "kim@demo.mall")
		wantCode(t, w.answers(t, Answer{Challenge: asked.Token, Code: a.next()}), fault.RateLimited, "rate_limited")
		typed := strings.ToUpper(strings.ReplaceAll(codes[3], "-", ""))
		wantCode(t, w.answers(t, Answer{Challenge: asked.Token, Code: typed}), 0, "")
		asked = w.asked(t, "kim@demo.mall")
		wantCode(t, w.answers(t, Answer{Challenge: asked.Token, Code: codes[3]}), fault.Forbidden, "wrong_answer")
		if f, err := w.Factors(t.Context(), kim); err != nil || f.RecoveryCodes != 9 {
			t.Errorf("%+v %v", f, err)
		}
		w.clock.pass(guessWindow)
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Code: a.next()}), 0, "")
		for range guesses { // a right one begins anew
			asked := w.asked(t, "kim@demo.mall")
			wantCode(t, w.answers(t, Answer{Challenge: asked.Token, Code: wrong()}), fault.Forbidden, "wrong_answer")
			wantCode(t, w.answers(t, Answer{Challenge: asked.Token, Code: a.next()}), 0, "")
		}
	})
}

// What is no answer to this challenge proves nothing.
func TestOtherPeoplesChallenges(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		kim := w.member(t, "kim@demo.mall")
		w.member(t, "plain@demo.mall")
		a, _ := w.withApp(t, kim)
		b, _ := w.withApp(t, w.member(t, "lee@demo.mall"))
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Code: b.next()}), fault.Forbidden, "wrong_answer")
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Password: pass}), fault.Invalid, "bad_request")
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token}), fault.Invalid, "bad_request")
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Code: a.next(), Password: pass}), fault.Invalid, "bad_request")
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Credential: []byte("{}")}), fault.Forbidden, "wrong_answer")

		token := w.asked(t, "kim@demo.mall").Token
		forged := "A" + token[1:]
		if forged == token {
			forged = "B" + token[1:]
		}
		for _, text := range []string{forged, token[:63], token + "A", "", token[:22] + strings.Repeat("A", 42)} {
			wantCode(t, w.answers(t, Answer{Challenge: text, Code: a.next()}), fault.Conflict, "challenge_over")
		}
		w.clock.pass(challengeLife)
		wantCode(t, w.answers(t, Answer{Challenge: token, Code: a.next()}), fault.Conflict, "challenge_over")

		p := bearer(t, w.Members, w.logIn(t, "plain@demo.mall").Access)
		step, err := w.BeginStepUp(t.Context(), p)
		wantCode(t, err, 0, "")
		wantCode(t, w.answers(t, Answer{Challenge: step.Token, Password: pass}), fault.Conflict, "challenge_over") // it opens no login
		other := bearer(t, w.Members, w.logIn(t, "plain@demo.mall").Access)
		wantCode(t, w.AnswerStepUp(t.Context(), other, Answer{Challenge: step.Token, Password: pass}), fault.Conflict, "challenge_over")

		for name, act := range map[string]func() error{
			"banned": func() error { return w.Ban(t.Context(), kim) },
			"ended":  func() error { return w.store.EndSessionsOf(t.Context(), kim, w.now()) }, // as by a new password
		} {
			waiting := w.asked(t, "kim@demo.mall").Token
			if err := act(); err != nil {
				t.Fatal(err)
			}
			if err := w.answers(t, Answer{Challenge: waiting, Code: a.next()}); err == nil {
				t.Errorf("%s: a login that was waiting goes on", name)
			}
			wantCode(t, w.Unban(t.Context(), kim), 0, "")
		}
	})
}

// phone is a software authenticator on the mall's site.
type phone struct {
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
}

var relyingParty = virtualwebauthn.RelyingParty{Name: "mall", ID: "mall.test", Origin: "https://mall.test"}

func newPhone() *phone {
	return &phone{virtualwebauthn.NewAuthenticator(), passkeyCredential()}
}

func (p *phone) makes(t *testing.T, options []byte) []byte {
	t.Helper()
	parsed, err := virtualwebauthn.ParseAttestationOptions(fmt.Sprintf(`{"publicKey":%s}`, options))
	if err != nil {
		t.Fatal(err)
	}
	answer := virtualwebauthn.CreateAttestationResponse(relyingParty, p.authenticator, p.credential, *parsed)
	p.authenticator.AddCredential(p.credential)
	return []byte(answer)
}

func (p *phone) signs(t *testing.T, options []byte) []byte {
	t.Helper()
	parsed, err := virtualwebauthn.ParseAssertionOptions(fmt.Sprintf(`{"publicKey":%s}`, options))
	if err != nil {
		t.Fatal(err)
	}
	p.credential.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(relyingParty, p.authenticator, p.credential, *parsed))
}

// A passkey is the second half of a login; its answer is good for one challenge.
func TestLoginWithAPasskey(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		kim := w.member(t, "kim@demo.mall")
		p := bearer(t, w.Members, w.logIn(t, "kim@demo.mall").Access)
		mine, second := newPhone(), newPhone()
		add := func(with *phone, name string) (Passkey, []string, error) {
			challenge, options, err := w.BeginPasskey(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			return w.AddPasskey(t.Context(), p, challenge, name, with.makes(t, options))
		}
		made, codes, err := add(mine, " 내  전화 ")
		if err != nil || made.Name != "내 전화" || len(codes) != 10 {
			t.Fatalf("%+v %v %v", made, codes, err)
		}
		if _, codes, err := add(second, "second"); err != nil || len(codes) != 0 {
			t.Errorf("recovery codes come with the first factor: %v %v", codes, err)
		}
		_, _, err = add(mine, "again") // what a phone makes once more is another row's already
		if err == nil {
			t.Error("a passkey was kept twice")
		}
		asked := w.asked(t, "kim@demo.mall")
		if !slices.Equal(asked.Methods, []string{ByPasskey, ByRecoveryCode}) {
			t.Errorf("%v", asked.Methods)
		}
		signed := mine.signs(t, asked.PasskeyOptions)
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Credential: signed}), fault.Forbidden, "wrong_answer")
		wantCode(t, w.answers(t, Answer{Challenge: asked.Token, Credential: newPhone().signs(t, asked.PasskeyOptions)}), fault.Forbidden, "wrong_answer")
		wantCode(t, w.answers(t, Answer{Challenge: asked.Token, Credential: signed}), 0, "")
		wantCode(t, w.answers(t, Answer{Challenge: asked.Token, Credential: signed}), fault.Conflict, "challenge_over")
		f, err := w.Factors(t.Context(), kim)
		if err != nil || len(f.Passkeys) != 2 || f.Passkeys[0].LastUsedAt == nil || f.Passkeys[1].LastUsedAt != nil {
			t.Errorf("%+v %v", f, err)
		}
		asked = w.asked(t, "kim@demo.mall")
		wantCode(t, w.RemovePasskey(t.Context(), kim, made.ID), 0, "")
		wantCode(t, w.answers(t, Answer{Challenge: asked.Token, Credential: mine.signs(t, asked.PasskeyOptions)}), fault.Forbidden, "wrong_answer")
		wantCode(t, w.RemovePasskey(t.Context(), w.member(t, "lee@demo.mall"), f.Passkeys[1].ID), fault.NotFound, "not_found")
		wantCode(t, w.RemovePasskey(t.Context(), kim, f.Passkeys[1].ID), 0, "")
		w.logIn(t, "kim@demo.mall")
		if f, err := w.Factors(t.Context(), kim); err != nil || f.RecoveryCodes != 0 {
			t.Errorf("codes outlive the last factor: %+v %v", f, err)
		}
	})
}

func TestPasskeysHaveALimitAndNeedAName(t *testing.T) {
	d := testservers.Open(t, testservers.SQLite(t))
	w := newWorld(t, d)
	w.member(t, "kim@demo.mall")
	p := bearer(t, w.Members, w.logIn(t, "kim@demo.mall").Access)
	var late string
	var lateOptions []byte
	for i := range maxPasskeys {
		challenge, options, err := w.BeginPasskey(t.Context(), p)
		wantCode(t, err, 0, "")
		if late, lateOptions, err = w.BeginPasskey(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		_, _, err = w.AddPasskey(t.Context(), p, challenge, fmt.Sprint(i), newPhone().makes(t, options))
		wantCode(t, err, 0, "")
	}
	_, _, err := w.BeginPasskey(t.Context(), p)
	wantCode(t, err, fault.Conflict, "passkey_limit")
	_, _, err = w.AddPasskey(t.Context(), p, late, "late", newPhone().makes(t, lateOptions))
	wantCode(t, err, fault.Conflict, "passkey_limit")
	w.passkeys = nil // as where the mall is reached by an address
	_, _, err = w.BeginPasskey(t.Context(), p)
	wantCode(t, err, fault.Conflict, "passkeys_unavailable")
}

// An app is exchanged without a moment in which neither is good, and what is set up counts from its first code on.
func TestAnAppIsExchanged(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		kim := w.member(t, "kim@demo.mall")
		if _, err := w.BeginTOTP(t.Context(), kim); err != nil {
			t.Fatal(err)
		}
		w.logIn(t, "kim@demo.mall") // nothing is confirmed yet
		_, err := w.ConfirmTOTP(t.Context(), kim, w.wrongCode(t, kim))
		wantCode(t, err, fault.Forbidden, "wrong_answer")
		old, codes := w.withApp(t, kim)
		if _, err := w.BeginTOTP(t.Context(), kim); err != nil {
			t.Fatal(err)
		}
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Code: old.next()}), 0, "")
		next, more := w.withApp(t, kim)
		if len(more) != 0 {
			t.Error("the codes that are written down would be worth nothing")
		}
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Code: old.next()}), fault.Forbidden, "wrong_answer")
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Code: next.next()}), 0, "")
		renewed, err := w.RenewRecoveryCodes(t.Context(), kim)
		if err != nil || len(renewed) != 10 {
			t.Fatal(renewed, err)
		}
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Code: codes[0]}), fault.Forbidden, "wrong_answer")
		wantCode(t, w.answers(t, Answer{Challenge: w.asked(t, "kim@demo.mall").Token, Code: renewed[0]}), 0, "")
		wantCode(t, w.RemoveTOTP(t.Context(), kim), 0, "")
		wantCode(t, w.RemoveTOTP(t.Context(), kim), fault.NotFound, "not_found")
		w.logIn(t, "kim@demo.mall")
	})
}

// Two last factors that go at the same moment leave nobody behind who has none and is asked for one.
func TestTheLastFactorGoesOnce(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		kim := w.member(t, "kim@demo.mall")
		p := bearer(t, w.Members, w.logIn(t, "kim@demo.mall").Access)
		for range 5 {
			w.withApp(t, kim)
			challenge, options, err := w.BeginPasskey(t.Context(), p)
			wantCode(t, err, 0, "")
			k, _, err := w.AddPasskey(t.Context(), p, challenge, "k", newPhone().makes(t, options))
			wantCode(t, err, 0, "")
			for _, err := range atOnce(2, func(i int) error {
				if i == 0 {
					return w.RemoveTOTP(t.Context(), kim)
				}
				return w.RemovePasskey(t.Context(), kim, k.ID)
			}) {
				wantCode(t, err, 0, "")
			}
			w.logIn(t, "kim@demo.mall")
		}
	})
}

// Of whom a factor is demanded, and what that member may not do before there is one.
func TestADemandedFactor(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		for mode, want := range map[string]map[string]bool{ // is it demanded of
			"optional":  {"buyer": false, "agent": false, "operator": false, "both": false},
			"operators": {"buyer": false, "agent": false, "operator": true, "both": true},
			"staff":     {"buyer": false, "agent": true, "operator": true, "both": true},
		} {
			w := newWorld(t, d)
			w.cfg.SecondFactor = mode
			shop, who := w.shop(t, "owner:kim agent:agent agent:both :buyer :operator")
			for _, name := range []string{"operator", "both"} {
				wantCode(t, w.SetOperator(t.Context(), who[name], true), 0, "")
			}
			for name, demanded := range want {
				t.Run(mode+" "+name, func(t *testing.T) { w.demanded(t, shop, who[name], staffEmail(name, shop), demanded) })
			}
		}
	})
}

func (w *world) demanded(t *testing.T, shop, member id.ID, email string, demanded bool) {
	ctx := t.Context()
	me, err := w.Me(ctx, member)
	if err != nil || me.Demanded != demanded || me.SecondFactor {
		t.Errorf("%+v %v", me, err)
	}
	p := bearer(t, w.Members, w.logIn(t, email).Access)
	operator := me.Operator && !demanded
	staff := len(me.Shops) > 0 && (!demanded || w.cfg.SecondFactor == "operators")
	look := func(what string, p *identity.Principal, operator, staff, demanded bool) {
		t.Helper()
		if _, is := p.RoleIn(shop); p.Operator != operator || is != staff || p.FactorDemanded != demanded {
			t.Errorf("%s: %+v, want operator %v staff %v", what, p, operator, staff)
		}
	}
	look("by token", p, operator, staff, demanded)
	living, err := w.Check(ctx, []id.ID{p.SessionID})
	if err != nil {
		t.Fatal(err)
	}
	look("by check", living[p.SessionID].Principal, operator, staff, demanded)
	seen := func() (is bool) {
		t.Helper()
		if err := w.Review(ctx, []id.ID{p.SessionID}, func(_ id.ID, s Standing) { _, is = s.Principal.RoleIn(shop) }); err != nil {
			t.Fatal(err)
		}
		return is
	}
	if seen() != staff {
		t.Errorf("review sees %v, the token %v: sockets would be closed again and again", !staff, staff)
	}
	err = w.MayActForShops(ctx, p)
	if demanded {
		wantCode(t, err, fault.Forbidden, "second_factor_demanded")
	} else {
		wantCode(t, err, 0, "")
	}
	wantCode(t, w.SteppedUp(ctx, p), 0, "") // or nobody could set a factor up
	var changed []id.ID
	w.OnChanged(func(m id.ID) { changed = append(changed, m) })
	defer func() { w.changed = nil }()
	a, _ := w.withApp(t, member)
	if told := slices.Contains(changed, member); told != demanded {
		t.Errorf("told %v", told)
	}
	opened, err := w.AnswerLogin(ctx, Answer{Challenge: w.asked(t, email).Token, Code: a.next()}, false)
	wantCode(t, err, 0, "")
	p = bearer(t, w.Members, opened.Tokens.Access)
	look("with a factor", p, me.Operator, len(me.Shops) > 0, false)
	if seen() != (len(me.Shops) > 0) {
		t.Error("review still leaves the shops out")
	}
	err = w.RemoveTOTP(ctx, member)
	if demanded {
		wantCode(t, err, fault.Conflict, "second_factor_needed")
		wantCode(t, w.ResetFactors(ctx, member), 0, "")
		_, err := w.Bearer(ctx, opened.Tokens.Access)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
	} else {
		wantCode(t, err, 0, "")
	}
	w.logIn(t, email)
}

// A session proves for ten minutes who its member is; then they prove it again, with the factor if they have one.
func TestStepUp(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		kim := w.member(t, "kim@demo.mall")
		p := bearer(t, w.Members, w.logIn(t, "kim@demo.mall").Access)
		ctx := context.Background()
		up := func(a Answer) error {
			t.Helper()
			asked, err := w.BeginStepUp(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			a.Challenge = asked.Token
			return w.AnswerStepUp(ctx, p, a)
		}
		w.clock.pass(config().StepUpLife - time.Second)
		wantCode(t, w.SteppedUp(ctx, p), 0, "")
		w.clock.pass(time.Second)
		wantCode(t, w.SteppedUp(ctx, p), fault.Forbidden, "step_up_required")
		wantCode(t, up(Answer{Password: "wrong"}), fault.Forbidden, "wrong_answer")
		wantCode(t, w.SteppedUp(ctx, p), fault.Forbidden, "step_up_required")
		wantCode(t, up(Answer{Password: pass}), 0, "")
		wantCode(t, w.SteppedUp(ctx, p), 0, "")
		other := bearer(t, w.Members, w.logIn(t, "kim@demo.mall").Access)
		w.clock.pass(config().StepUpLife)
		wantCode(t, up(Answer{Password: pass}), 0, "")
		wantCode(t, w.SteppedUp(ctx, other), fault.Forbidden, "step_up_required") // it was this session's

		a, _ := w.withApp(t, kim)
		w.clock.pass(config().StepUpLife)
		asked, err := w.BeginStepUp(ctx, p)
		if err != nil || !slices.Equal(asked.Methods, []string{ByTOTP, ByRecoveryCode}) {
			t.Errorf("%v %v", asked.Methods, err)
		}
		wantCode(t, up(Answer{Password: pass}), fault.Invalid, "bad_request") // who has a factor needs it
		wantCode(t, up(Answer{Code: a.next()}), 0, "")
		wantCode(t, w.SteppedUp(ctx, p), 0, "")
		wantCode(t, w.RemoveTOTP(ctx, kim), 0, "")
		for range guesses {
			wantCode(t, up(Answer{Password: "wrong"}), fault.Forbidden, "wrong_answer")
		}
		wantCode(t, up(Answer{Password: pass}), fault.RateLimited, "rate_limited") // a thief with the session cannot guess it
		if err := w.LogOut(ctx, p); err != nil {
			t.Fatal(err)
		}
		wantCode(t, w.SteppedUp(ctx, p), fault.Unauthenticated, "session_ended")
	})
}

// Every act that a stolen session must not be enough for asks for a step-up; who must have a factor sets one up first.
func TestActsThatAskForAStepUp(t *testing.T) {
	s := newSite(t, testservers.Open(t, testservers.SQLite(t)))
	shopID, who := s.shop(t, "owner:kim agent:lee")
	shop, token := "/shops/"+shopID.String(), "Bearer "+s.logIn(t, staffEmail("kim", shopID)).Access
	some := id.New().String()
	acts := []struct {
		method, path, body string
		forShop            bool
	}{
		{"POST", shop + "/invitations", `{"email":"song@demo.mall","role":"agent"}`, true},
		{"DELETE", shop + "/invitations/" + some, "", true},
		{"PUT", shop + "/staff/" + who["lee"].String(), `{"role":"owner"}`, true},
		{"DELETE", shop + "/staff/" + who["lee"].String(), "", true},
		{"PUT", shop + "/rules", `{"agents_edit_products":true}`, true},
		{"POST", "/me/factors/totp", "", false},
		{"POST", "/me/factors/totp/confirm", `{"code":"123456"}`, false},
		{"DELETE", "/me/factors/totp", "", false},
		{"POST", "/me/factors/recovery-codes", "", false},
		{"POST", "/me/factors/passkeys/begin", "", false},
		{"POST", "/me/factors/passkeys", `{"challenge":"` + strings.Repeat("A", 64) + `","name":"k","credential":{}}`, false},
		{"DELETE", "/me/factors/passkeys/" + some, "", false},
	}
	s.cfg.SecondFactor = "staff"
	s.recent.ForgetMembers(map[id.ID]struct{}{who["kim"]: {}})
	for _, a := range acts {
		r := s.call(t, a.method, a.path, a.body, token)
		if demanded := r.status == 403 && r.text("code") == "second_factor_demanded"; demanded != a.forShop {
			t.Errorf("%s %s while a factor is demanded: %d %s", a.method, a.path, r.status, r.raw)
		}
	}
	for _, path := range []string{"/staff", "/invitations", "/rules"} {
		if r := s.call(t, "GET", shop+path, "", token); r.status != 403 || r.text("code") != "second_factor_demanded" {
			t.Errorf("%s: %d %s", path, r.status, r.raw)
		}
	}
	s.cfg.SecondFactor = "optional"
	s.clock.pass(config().StepUpLife)
	token = "Bearer " + s.refreshed(t, token, staffEmail("kim", shopID))
	for _, a := range acts {
		if r := s.call(t, a.method, a.path, a.body, token); r.status != 403 || r.text("code") != "step_up_required" {
			t.Errorf("%s %s: %d %s", a.method, a.path, r.status, r.raw)
		}
	}
	asked := s.call(t, "POST", "/me/step-up", "", token)
	if methods, _ := json.Marshal(asked.body["methods"]); asked.status != 200 || string(methods) != `["password"]` {
		t.Errorf("%d %s", asked.status, asked.raw)
	}
	answer := s.call(t, "POST", "/me/step-up/answer", `{"challenge":"`+asked.text("challenge")+`","password":"`+pass+`"}`, token)
	if answer.status != 204 {
		t.Errorf("%d %s", answer.status, answer.raw)
	}
	if r := s.call(t, "PUT", shop+"/rules", `{"agents_edit_products":true}`, token); r.status != 200 {
		t.Errorf("%d %s", r.status, r.raw)
	}
}

// refreshed is a token of a login that is older than its step-up.
func (s *site) refreshed(t *testing.T, _, email string) string {
	t.Helper()
	tokens := s.logIn(t, email)
	s.clock.pass(config().StepUpLife)
	next, err := s.Refresh(t.Context(), tokens.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	return next.Access
}

// The second half of a login, as a browser and as an API client play it.
func TestTheSecondHalfOfALogin(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		kim := s.member(t, "kim@demo.mall")
		token := "Bearer " + s.logIn(t, "kim@demo.mall").Access
		begun := s.call(t, "POST", "/me/factors/totp", "", token)
		row, err := s.store.TOTP(t.Context(), kim)
		if err != nil || begun.status != 200 {
			t.Fatalf("%d %s %v", begun.status, begun.raw, err)
		}
		secret, err := s.box.Open(row.Pending, kim)
		if err != nil || strings.Contains(string(row.Pending), string(secret)) {
			t.Fatal("the secret is kept as it is", err)
		}
		a := app{secret, s.clock}
		confirmed := s.call(t, "POST", "/me/factors/totp/confirm", `{"code":"`+a.code()+`"}`, token)
		if codes, _ := confirmed.body["codes"].([]any); confirmed.status != 200 || len(codes) != 10 {
			t.Fatalf("%d %s", confirmed.status, confirmed.raw)
		}
		if r := s.call(t, "GET", "/me/factors", "", token); r.raw != `{"passkeys":[],"recovery_codes_left":10,"totp":true}`+"\n" {
			t.Errorf("%q", r.raw)
		}
		half := s.call(t, "POST", "/auth/login", credentials("kim@demo.mall"), "")
		if half.status != 202 || strings.Contains(half.raw, "token") || half.text("challenge") == "" {
			t.Fatalf("%d %s", half.status, half.raw)
		}
		if r := s.call(t, "GET", "/me", "", "Bearer "+half.text("challenge")); r.status != 401 {
			t.Errorf("half a login is one: %d", r.status)
		}
		whole := s.call(t, "POST", "/auth/second-factor", `{"challenge":"`+half.text("challenge")+`","code":"`+a.next()+`"}`, "")
		if r := s.call(t, "GET", "/me", "", "Bearer "+whole.text("access_token")); r.status != 200 || r.body["second_factor"] != true {
			t.Errorf("%d %s", r.status, r.raw)
		}
		half = s.call(t, "POST", "/session", credentials("kim@demo.mall"), "")
		if half.status != 202 || half.header.Get("Set-Cookie") != "" {
			t.Fatalf("%d %s", half.status, half.raw)
		}
		whole = s.call(t, "POST", "/session/second-factor", `{"challenge":"`+half.text("challenge")+`","code":"`+a.next()+`"}`, "")
		if whole.status != 200 || !strings.HasPrefix(whole.header.Get("Set-Cookie"), "mall_session=") || whole.text("member", "id") != kim.String() {
			t.Errorf("%d %s", whole.status, whole.raw)
		}
	})
}

// An answer is one proof that says something. Anything else is refused before it uses up a try: here more often than a challenge
// has tries, and the right code is taken after it.
func TestAnAnswerIsOneProof(t *testing.T) {
	s := newSite(t, testservers.Open(t, testservers.SQLite(t)))
	a, _ := s.withApp(t, s.member(t, "kim@demo.mall"))
	open := "Bearer " + s.logInWith(t, "kim@demo.mall", a)
	for _, c := range []struct{ name, begin, answer, credential string }{
		{"a login", "/auth/login", "/auth/second-factor", ""},
		{"a login of the web", "/session", "/session/second-factor", ""},
		{"a step-up", "/me/step-up", "/me/step-up/answer", open},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := ""
			if c.credential == "" {
				body = credentials("kim@demo.mall")
			}
			challenge := s.call(t, "POST", c.begin, body, c.credential).text("challenge")
			for _, proofs := range []string{
				``, `,"password":""`, `,"code":""`, `,"credential":null`,
				`,"code":"123456","password":""`, `,"code":"","password":"` + pass + `"`, `,"code":"","credential":{"id":"k"}`,
				`,"code":"123456","password":"` + pass + `"`, `,"code":"123456","credential":{"id":"k"}`, `,"password":"` + pass + `","credential":{"id":"k"}`,
			} {
				if r := s.call(t, "POST", c.answer, `{"challenge":"`+challenge+`"`+proofs+`}`, c.credential); r.status != 400 || r.text("code") != "bad_request" {
					t.Errorf("%s: %d %s", proofs, r.status, r.raw)
				}
			}
			if r := s.call(t, "POST", c.answer, `{"challenge":"`+challenge+`","code":"`+a.next()+`"}`, c.credential); r.status/100 != 2 {
				t.Errorf("the right one after them: %d %s", r.status, r.raw)
			}
		})
	}
	some, nothing, passkey := pass, "", api.WebAuthn(`{"id":"k"}`)
	for name, b := range map[string]api.ChallengeAnswer{ // which the description lets nobody send
		"an empty password beside a code":       {Code: &some, Password: &nothing},
		"an empty code beside a password":       {Code: &nothing, Password: &some},
		"an empty code beside a passkey":        {Code: &nothing, Credential: &passkey},
		"an empty password beside a passkey":    {Password: &nothing, Credential: &passkey},
		"an empty password":                     {Password: &nothing},
		"an empty passkey beside a code":        {Code: &some, Credential: &api.WebAuthn{}},
		"an empty passkey":                      {Credential: &api.WebAuthn{}},
		"nothing at all, but for the challenge": {Challenge: "c"},
	} {
		if a, err := answerOf(b); fault.CodeOf(err) != "bad_request" {
			t.Errorf("%s is taken for an answer by %q", name, a.method())
		}
	}
}

// logInWith is a token of who has an authenticator app.
func (s *site) logInWith(t *testing.T, email string, a app) string {
	t.Helper()
	opened, err := s.AnswerLogin(t.Context(), Answer{Challenge: s.asked(t, email).Token, Code: a.next()}, false)
	if err != nil {
		t.Fatal(err)
	}
	return opened.Tokens.Access
}

// Whoever changes a member's factors, the member hears of it.
func TestAChangeOfFactorsIsTold(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	kim := w.proved(t, "kim@demo.mall")
	for what, change := range map[string]func(){
		"an app":    func() { w.withApp(t, kim) },
		"new codes": func() { _, err := w.RenewRecoveryCodes(t.Context(), kim); wantCode(t, err, 0, "") },
	} {
		if what == "new codes" {
			w.withApp(t, kim)
			w.posted(t)
		}
		change()
		letters := w.posted(t)
		if len(letters) != 1 || letters[0].To != "kim@demo.mall" || !strings.Contains(letters[0].Subject, "second factor") {
			t.Errorf("%s: %v", what, letters)
		}
	}
	if log := w.mail.events.String(); !strings.Contains(log, `"event":"factor_change"`) || !strings.Contains(log, `"reason":"totp_added"`) {
		t.Errorf("the security log has %s", log)
	}
}

// passkeyCredential is a new key. The library leaves out zeros that a coordinate begins with, as one key of 128 has them, which no
// authenticator does: such a key is not used.
func passkeyCredential() virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		const whole = "\x58\x20" // a string of 32 bytes, in CBOR
		if bytes.Count(c.Key.AttestationData(), []byte(whole)) >= 2 {
			return c
		}
	}
}
