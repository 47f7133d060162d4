package attacks_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

var factorAttacks = []attack{
	{"a password without its second factor", "logs in with a stolen password", "202 and a challenge; no token, no cookie", onlyAPassword},
	{"guessing codes", "guesses the codes of an authenticator app", "refused for good after some", guessedCodes},
	{"a code twice", "uses a code of an app and a recovery code again", "refused", codesTwice},
	{"taking the factor away", "takes the second factor of a stolen login away", "403 step_up_required", factorTakenAway},
	{"another's challenge", "answers a challenge of another login", "refused", anothersChallenge},
	{"an operator by hand", "becomes an operator", "only by the program's own command, for a proved address", operatorByHand},
	{"letters of warning", "logs in from somewhere new, locks an account", "its owner gets a letter", warnings},
}

// code is what an authenticator app shows.
func appCode(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(strings.ToUpper(secret), "="))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	at4 := sum[len(sum)-1] & 0x0f
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at4:])&0x7fffffff)%1_000_000)
}

// guarded is a member with an authenticator app, its secret and the recovery codes.
func (w *world) guarded(name string) (p *person, secret string, codes []string) {
	w.t.Helper()
	p = w.member(name).stepUp()
	var made struct{ Secret string }
	p.patient("POST", "/me/factors/totp", nil).must(200).into(&made)
	var got struct{ Codes []string }
	p.patient("POST", "/me/factors/totp/confirm", object{"code": appCode(w.t.(*testing.T), made.Secret, time.Now())}).must(200).into(&got)
	return p, made.Secret, got.Codes
}

// challenge is the first half of a login.
func (w *world) challenge(p *person) string {
	w.t.Helper()
	var asked struct{ Challenge string }
	w.m.stranger(w.t).patient("POST", "/auth/login", object{"email": p.email, "password": p.password}).must(202).into(&asked)
	return asked.Challenge
}

func (w *world) answer(challenge, code string) answer {
	w.t.Helper()
	return w.m.stranger(w.t).patient("POST", "/auth/second-factor", object{"challenge": challenge, "code": code})
}

func onlyAPassword(t *testing.T, w *world) {
	p, _, codes := w.guarded("guarded")
	thief := w.m.stranger(t)
	for _, path := range []string{"/auth/login", "/session"} {
		a := thief.patient("POST", path, object{"email": p.email, "password": p.password})
		if a.status != 202 || strings.Contains(string(a.body), "token") || a.header.Get("Set-Cookie") != "" || strings.Contains(string(a.body), p.name) {
			t.Errorf("%s: %s, Set-Cookie %q", path, a, a.header.Get("Set-Cookie"))
		}
	}
	challenge := w.challenge(p)
	thief.token = challenge
	thief.call("GET", "/me", nil).want(401, "")
	thief.token = ""
	refused(t, "no code", thief.patient("POST", "/auth/second-factor", object{"challenge": challenge}))
	refused(t, "the password again", thief.patient("POST", "/auth/second-factor", object{"challenge": challenge, "password": p.password}))
	w.answer(w.challenge(p), codes[0]).want(200, "")
}

// refused looks at an answer that must be no success and no mistake of the mall's.
func refused(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status < 400 || a.status >= 500 {
		t.Errorf("%s: %s", what, a)
	}
}

func guessedCodes(t *testing.T, w *world) {
	p, secret, codes := w.guarded("guarded")
	right := appCode(t, secret, time.Now().Add(30*time.Second))
	tries := 0
	for tries < 40 {
		challenge := w.challenge(p)
		over := false
		for range 10 {
			guess := fmt.Sprintf("%06d", 111111+tries)
			if tries++; guess == right {
				continue
			}
			a := w.answer(challenge, guess)
			refused(t, "a guess", a)
			if over = a.status == 429; over {
				break
			}
		}
		if over {
			break
		}
	}
	if tries >= 40 {
		t.Errorf("%d guesses, and none was too many", tries)
	}
	refused(t, "a recovery code guessed then", w.answer(w.challenge(p), strings.Repeat("a", len(codes[0]))))
}

func codesTwice(t *testing.T, w *world) {
	p, secret, codes := w.guarded("guarded")
	code := appCode(t, secret, time.Now().Add(30*time.Second))
	w.answer(w.challenge(p), code).want(200, "")
	refused(t, "a code twice", w.answer(w.challenge(p), code))
	w.answer(w.challenge(p), codes[0]).want(200, "")
	refused(t, "a recovery code twice", w.answer(w.challenge(p), codes[0]))
	challenge := w.challenge(p)
	w.answer(challenge, codes[1]).want(200, "")
	refused(t, "a challenge twice", w.answer(challenge, codes[2]))
}

func factorTakenAway(t *testing.T, w *world) {
	p, _, codes := w.guarded("guarded")
	challenge := w.challenge(p)
	var got struct {
		Access string `json:"access_token"`
	}
	w.answer(challenge, codes[0]).must(200).into(&got)
	thief := *p
	thief.token = got.Access
	w.longAgo(p)
	for _, call := range [][2]string{{"DELETE", "/me/factors/totp"}, {"POST", "/me/factors/recovery-codes"}, {"POST", "/me/factors/totp"}, {"POST", "/me/factors/passkeys/begin"}} {
		a := thief.patient(call[0], call[1], nil)
		if a.status != 403 || a.code() != "step_up_required" {
			t.Errorf("%s %s: %s", call[0], call[1], a)
		}
	}
}

func anothersChallenge(t *testing.T, w *world) {
	p, _, codes := w.guarded("guarded")
	thief, thiefSecret, _ := w.guarded("thief")
	refused(t, "a code of one's own for another's challenge", w.answer(w.challenge(p), appCode(t, thiefSecret, time.Now().Add(30*time.Second))))
	var asked struct{ Challenge string }
	p.patient("POST", "/me/step-up", nil).must(200).into(&asked)
	refused(t, "another's step-up", thief.patient("POST", "/me/step-up/answer", object{"challenge": asked.Challenge, "code": codes[0]}))
	refused(t, "a step-up's challenge for a login", w.answer(asked.Challenge, codes[0]))
	refused(t, "a login's challenge for a step-up", p.patient("POST", "/me/step-up/answer", object{"challenge": w.challenge(p), "code": codes[1]}))
}

func operatorByHand(t *testing.T, w *world) {
	p := w.member("ambitious")
	operator := func() bool {
		var me struct{ Operator bool }
		p.call("GET", "/me", nil).must(200).into(&me)
		return me.Operator
	}
	for _, body := range []object{{"operator": true, "email": someone(), "password": password, "name": "새 사람"}} {
		a := w.m.stranger(t).patient("POST", "/members", body)
		if a.ok() && strings.Contains(string(a.body), `"operator":true`) {
			t.Errorf("signs up as an operator: %s", a)
		}
	}
	if operator() {
		t.Fatal("everybody is one")
	}
	w.m.prove(p)
	w.m.program(t, "member", "operator", p.email)
	until(t, "the operator", operator)
}

func warnings(t *testing.T, w *world) {
	p := w.m.account(t, "warned")
	w.m.prove(p)
	p.logIn()
	before := len(w.mail().to(p.email))
	p.from("198.51.100.77").call("POST", "/auth/login", object{"email": p.email, "password": p.password}, header{"User-Agent", "a thief's browser"}).must(200)
	until(t, "a letter about a login from somewhere new", func() bool { return len(w.mail().to(p.email)) > before })
	letters := strings.Join(w.mail().to(p.email), "\n")
	for _, secret := range []string{p.password, p.token} {
		if strings.Contains(letters, secret) {
			t.Error("a letter has a secret")
		}
	}
}

// Where a second factor is demanded, no act of staff or operators goes without.
func TestSecondFactorIsDemanded(t *testing.T) {
	t.Parallel()
	m := posted(t, embedded, known("member.second_factor", "staff")...)
	w := &world{m: m, t: t}
	keeper := m.member(t, "keeper")
	m.prove(keeper)
	shop := keeper.patient("POST", "/shops", object{"name": "가게"}).must(201).id()
	keeper = keeper.again().stepUp()
	keeper.patient("POST", "/shops/"+shop+"/invitations", invitation(someone(), "agent")).want(403, "second_factor_demanded")
	buyer := m.member(t, "buyer")
	room := buyer.patient("POST", "/chat/rooms", object{"shop_id": shop}).must(201).id()
	operator := w.makeOperator("operator")
	operator.patient("GET", "/chat/rooms/"+room, nil, header{"X-Access-Reason", "a buyer has complained"}).want(403, "second_factor_demanded")
}
