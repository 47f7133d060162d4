package main_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/modules/platform/testservers"
)

// socket opens a chat connection and takes its welcome.
func (p *program) socket(token string) *websocket.Conn {
	p.t.Helper()
	ws, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/api/v1/chat/ws",
		http.Header{"Authorization": {"Bearer " + token}, "Sec-WebSocket-Protocol": {"mall.chat.v1"}})
	if err != nil {
		p.t.Fatal(err)
	}
	_ = res.Body.Close()
	p.t.Cleanup(func() { _ = ws.Close() })
	var welcome struct{ Type string }
	if err := ws.ReadJSON(&welcome); err != nil || welcome.Type != "welcome" {
		p.t.Fatalf("%+v %v", welcome, err)
	}
	return ws
}

// ends reads until the connection ends, and gives its code.
func ends(t *testing.T, ws *websocket.Conn, within time.Duration) int {
	t.Helper()
	if err := ws.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	for {
		_, _, err := ws.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			return closed.Code
		}
		if err != nil {
			t.Fatalf("within %v: %v", within, err)
		}
	}
}

// say runs the program with the given words and gives what it says, but for the security log.
func say(t *testing.T, dir string, environ []string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	text, err := command(ctx, dir, environ, args...).CombinedOutput()
	lines := slices.Collect(strings.Lines(string(text)))
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, " log=security ") }), ""), err
}

func (p *program) logInAs(email string) int {
	p.t.Helper()
	return p.call("POST", "/api/v1/auth/login", "", map[string]string{"email": email, "password": "demo-mall-2026"}, nil)
}

// An operator keeps a member out: within 5 s every connection ends with 4403, on whichever instance; nobody else's does.
func TestABanReachesEveryInstance(t *testing.T) {
	cfg, redis := testservers.MySQL(t), testservers.Redis(t)
	environ := []string{"MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN=" + cfg.DSN, "MALL_REDIS__ADDR=" + redis.Addr(), "MALL_DEMO=true",
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs"}
	first := start(t, t.TempDir(), environ...)
	second := start(t, t.TempDir(), environ...)
	token := first.login("buyer@demo.mall")
	here, there, other := first.socket(token), second.socket(token), second.socket(second.login("buyer2@demo.mall"))
	text, err := say(t, t.TempDir(), environ, "member", "ban", "Buyer@demo.mall")
	if err != nil || text != "banned: buyer@demo.mall, 김하늘\n" {
		t.Fatalf("%v: %q", err, text)
	}
	const limit = 5 * time.Second
	for name, ws := range map[string]*websocket.Conn{"first": here, "second": there} {
		if code := ends(t, ws, limit); code != 4403 {
			t.Errorf("the connection with the %s instance was closed with %d, want 4403", name, code)
		}
	}
	if status := second.call("GET", "/api/v1/me", token, nil, nil); status != 403 {
		t.Errorf("the token is answered %d, want 403", status)
	}
	if status := first.logInAs("buyer@demo.mall"); status != 403 {
		t.Errorf("a login is answered %d, want 403", status)
	}
	var answer struct{ Type, Code string }
	err = other.WriteJSON(map[string]string{"type": "dance"})
	if err == nil {
		err = other.ReadJSON(&answer)
	}
	for err == nil && answer.Type == "hb" { // on a slow machine heartbeats come before it
		err = other.ReadJSON(&answer)
	}
	if err != nil || answer.Code != "unknown_type" {
		t.Errorf("somebody else's connection: %v %+v", err, answer)
	}
	if text, err := say(t, t.TempDir(), environ, "member", "unban", "buyer@demo.mall"); err != nil || text != "let in again: buyer@demo.mall, 김하늘\n" {
		t.Errorf("%v: %q", err, text)
	}
	if status := second.logInAs("buyer@demo.mall"); status != 200 {
		t.Errorf("let in again, a login is answered %d", status)
	}
}

// Where no news can arrive the command says what that means.
func TestABanOfAnEmbeddedMall(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	token := p.login("buyer@demo.mall")
	text, err := say(t, dir, nil, "member", "ban", "buyer@demo.mall")
	if err != nil || !strings.Contains(text, "banned: buyer@demo.mall") || !strings.Contains(text, "within 30 s") {
		t.Errorf("%v: %q", err, text)
	}
	if status := p.logInAs("buyer@demo.mall"); status != 403 {
		t.Errorf("a login is answered %d, want 403", status)
	}
	for deadline := time.Now().Add(soon); p.call("GET", "/api/v1/me", token, nil, nil) != 403; {
		if time.Now().After(deadline) {
			t.Fatal("the token stays good")
		}
	}
	text, err = say(t, dir, nil, "member", "ban", "nobody@demo.mall")
	if err == nil || !strings.HasPrefix(text, "mall: nobody@demo.mall: ") {
		t.Errorf("nobody: %v %q", err, text)
	}
}

// Operators are made by whoever has the database, of members whose address is proved; their sessions learn of it.
func TestOperatorsAreMadeByCommand(t *testing.T) {
	cfg, redis := testservers.MySQL(t), testservers.Redis(t)
	environ := []string{"MALL_DB__DRIVER=mysql", "MALL_DB__DSN=" + cfg.DSN, "MALL_REDIS__ADDR=" + redis.Addr(), "MALL_DEMO=true", "MALL_ORDER__PAYMENTS=demo",
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs"}
	p := start(t, t.TempDir(), environ...)
	tell := func(want string, words ...string) {
		t.Helper()
		text, err := say(t, t.TempDir(), environ, append([]string{"member"}, words...)...)
		if failed := strings.HasPrefix(want, "mall: "); (err != nil) != failed || !strings.Contains(text, want) {
			t.Errorf("%v: %v: %q, want %q", words, err, text, want)
		}
	}
	me := func(token string) (operator, demanded bool) {
		t.Helper()
		var me struct {
			Operator bool
			Demanded bool `json:"second_factor_demanded"`
		}
		if status := p.call("GET", "/api/v1/me", token, nil, &me); status != 200 {
			t.Fatalf("me: %d", status)
		}
		return me.Operator, me.Demanded
	}
	tell("operator@demo.mall, 운영자, no second factor\n", "list-operators")
	token := p.login("buyer@demo.mall")
	tell("operator from now on: buyer@demo.mall, 김하늘\n", "operator", "Buyer@demo.mall")
	if operator, demanded := me(token); !operator || !demanded {
		t.Errorf("operator %v, a second factor is demanded: %v", operator, demanded)
	}
	tell("buyer@demo.mall, 김하늘, no second factor\n", "list-operators")
	log := bytes.Buffer{}
	again := command(t.Context(), t.TempDir(), environ, "member", "operator", "buyer@demo.mall")
	again.Stderr = &log
	if err := again.Run(); err != nil || !strings.Contains(log.String(), "event=operator_change outcome=done") {
		t.Errorf("%v: the security log has %s", err, &log)
	}
	tell("operator no longer: buyer@demo.mall, 김하늘\n", "operator", "-remove", "buyer@demo.mall")
	if operator, _ := me(token); operator {
		t.Error("an operator stays one")
	}
	tell("mall: nobody@demo.mall: ", "operator", "nobody@demo.mall")
	signUp := map[string]string{"email": "boss@shop.kr", "password": "moonlight-2026", "name": "누구"}
	if status := p.call("POST", "/api/v1/members", "", signUp, nil); status != 201 {
		t.Fatalf("sign up: %d", status)
	}
	tell("mall: boss@shop.kr: email_unproved", "operator", "boss@shop.kr")
	tell("second factors taken away: buyer@demo.mall, 김하늘\n", "reset-factors", "buyer@demo.mall")
	if status := p.call("GET", "/api/v1/me", token, nil, nil); status != 401 {
		t.Errorf("after the factors were taken away the old login is answered %d", status)
	}
}
