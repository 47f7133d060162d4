package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"mall/modules/mall"
)

// classed are the operations that cost more, or less, than their method says.
var classed = map[string]string{
	"signUp": "sign_up", "logIn": "login", "openWebSession": "login", "refreshTokens": "write", "closeWebSession": "write",
	"answerSecondFactor": "login", "answerWebSecondFactor": "login", "answerStepUp": "login", "changePassword": "login", "resetPassword": "login",
	"proveEmail": "login", "askPasswordReset": "mail", "sendEmailProof": "mail", "inviteStaff": "mail",
	"beginStepUp": "login", "confirmTotp": "login", "openShop": "mail", "exportMe": "mail", "eraseMe": "mail",
	"listProducts": "search", "listShopProducts": "search", "sendMessage": "send", "moveCursor": "send", "streamEvents": "connect",
}

// Each operation has a class of limits: its own, or that of its method. What changes something without a login, and what is
// in the table, must say its class itself.
func TestEveryOperationHasAClassOfLimits(t *testing.T) {
	text, err := mall.API()
	if err != nil {
		t.Fatal(err)
	}
	type operation struct {
		ID       string `json:"operationId"`
		Limit    string `json:"x-limit"`
		Security *[]any `json:"security"`
	}
	var description struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &description); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for path, item := range description.Paths {
		for method, raw := range item {
			if method == "parameters" {
				continue
			}
			var op operation
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatal(err)
			}
			seen++
			want, special := classed[op.ID]
			if special && op.Limit != want {
				t.Errorf("%s %s (%s): x-limit %q, want %s", method, path, op.ID, op.Limit, want)
			}
			if !special && op.Limit != "" {
				t.Errorf("%s %s (%s): x-limit %s is not in this test's table", method, path, op.ID, op.Limit)
			}
			if open := op.Security != nil && len(*op.Security) == 0; open && method != "get" && op.Limit == "" {
				t.Errorf("%s %s (%s) changes something without a login, and does not say its class", method, path, op.ID)
			}
		}
	}
	if seen < 30 {
		t.Errorf("%d operations", seen)
	}
}

// The program as it comes limits an address that tries passwords, makes accounts or searches without end, and says so to
// whoever guards it.
func TestAnAddressIsLimited(t *testing.T) {
	p := start(t, t.TempDir())
	token := p.login("buyer@demo.mall")
	for _, tc := range []struct {
		name, method, path string
		body               func(i int) any
		tries, least, most int
	}{
		{"logins", "POST", "/api/v1/auth/login", func(i int) any { // each for another account, whose own limit they do not meet
			return map[string]string{"email": fmt.Sprintf("nobody-%d@demo.mall", i), "password": "wrong-password"}
		}, 60, 28, 45},
		{"sign-ups", "POST", "/api/v1/members", func(int) any { return map[string]string{"email": "x", "password": "short", "name": "x"} }, 20, 10, 12},
		{"searches", "GET", "/api/v1/products?q=tea", func(int) any { return nil }, 200, 100, 160},
	} {
		passed := 0
		for i := range tc.tries {
			if p.call(tc.method, tc.path, "", tc.body(i), nil) != http.StatusTooManyRequests {
				passed++
			}
		}
		if passed < tc.least || passed > tc.most {
			t.Errorf("%s: %d of %d pass, want %d to %d", tc.name, passed, tc.tries, tc.least, tc.most)
		}
	}
	if status := p.call("GET", "/api/v1/me", token, nil, nil); status != http.StatusOK {
		t.Errorf("whoever is logged in and only reads: %d", status)
	}
	log := p.log.String()
	for _, class := range []string{"login", "sign_up", "search"} {
		if n := strings.Count(log, "event=limit outcome=refused code=rate_limited reason="+class+" "); n != 1 {
			t.Errorf("the security log has %d lines about %s:\n%s", n, class, log)
		}
	}
}

// An event stream lives on after the time in which answers must have been read.
func TestAnEventStreamOutlivesTheDeadlinesOfAnswers(t *testing.T) {
	p := start(t, t.TempDir(), "MALL_HTTP__READ_TIMEOUT=3s", "MALL_HTTP__REQUEST_TIMEOUT=3s", "MALL_HTTP__WRITE_TIMEOUT=3500ms", "MALL_CHAT__PING_EVERY=1s")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/api/v1/chat/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.login("buyer@demo.mall"))
	began := time.Now()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); time.Since(began) < 5*time.Second; {
		if !lines.Scan() {
			t.Fatalf("the stream ended after %v: %v", time.Since(began), lines.Err())
		}
	}
}

// The rule of one reading holds in the program: the subject keeps its state.
func TestAFieldInAnotherCaseChangesNothing(t *testing.T) {
	p := start(t, t.TempDir())
	token := p.login("moon@demo.mall")
	var me struct{ Shops []struct{ ID string } }
	p.call("GET", "/api/v1/me", token, nil, &me)
	var rooms struct {
		Items []struct {
			ID      string
			Inquiry struct{ ID, State string }
		}
	}
	p.call("GET", "/api/v1/chat/rooms?shop_id="+me.Shops[0].ID, token, nil, &rooms)
	path := fmt.Sprintf("/api/v1/chat/rooms/%s/inquiries/%s", rooms.Items[0].ID, rooms.Items[0].Inquiry.ID)
	for _, body := range []string{`{"state":"open","STATE":"hacked!"}`, `{"STATE":"hacked!"}`, `{"state":"open","state":"hacked!"}`, `{"state":"open"}{"state":"hacked!"}`,
		"\xef\xbb\xbf{\"state\":\"open\"}", `{"state":"open","n":"\ud800"}`} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, p.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), `"bad_request"`) {
			t.Errorf("%s: %d %s %v", body, res.StatusCode, text, err)
		}
	}
}
