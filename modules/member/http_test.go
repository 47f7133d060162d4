package member

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mall/modules/platform/apidoc"
	"mall/modules/platform/db"
	"mall/modules/platform/httpserver"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// site is the module behind the real server: its checks, its callers, its problem documents.
type site struct {
	*world

	server *httpserver.Server
}

func newSite(t *testing.T, d *db.DB) *site {
	t.Helper()
	base, err := os.ReadFile("../platform/httpserver/api.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := apidoc.Merge(base, API())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, d)
	s, err := httpserver.New(httpserver.Config{
		Addr: "127.0.0.1:0", InternalAddr: "127.0.0.1:0", CookieName: config().Cookie.Name, BodyLimit: 4096,
		RequestTimeout: 30 * time.Second, ShutdownGrace: time.Second,
	}, spec, httpserver.Deps{Members: w.Members, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w.Routes(s.API)
	return &site{w, s}
}

type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// call sends a request; credential is "", "Bearer …" or "mall_session=…".
func (s *site) call(t *testing.T, method, path, body, credential string) reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if strings.HasPrefix(credential, "Bearer ") {
		r.Header.Set("Authorization", credential)
	} else if credential != "" {
		r.Header.Set("Cookie", credential)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	w := httptest.NewRecorder()
	s.server.Echo.ServeHTTP(w, r)
	out := reply{status: w.Code, header: w.Header(), raw: w.Body.String()}
	if out.raw != "" {
		if err := json.Unmarshal([]byte(out.raw), &out.body); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, out.raw)
		}
	}
	return out
}

func (r reply) text(keys ...string) string {
	var at any = r.body
	for _, k := range keys {
		m, _ := at.(map[string]any)
		at = m[k]
	}
	s, _ := at.(string)
	return s
}

func credentials(email string) string { return `{"email":"` + email + `","password":"` + pass + `"}` }

func TestAnAPIClientsDay(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		up := s.call(t, "POST", "/members", `{"email":"Kim@Demo.mall","password":"`+pass+`","name":"김민지"}`, "")
		if up.status != 201 || up.text("email") != "kim@demo.mall" || up.text("name") != "김민지" || up.text("created_at") != "2026-03-01T12:00:00Z" || strings.Contains(up.raw, "password") {
			t.Fatalf("%d %s", up.status, up.raw)
		}
		in := s.call(t, "POST", "/auth/login", credentials("kim@demo.mall"), "")
		if in.status != 200 || in.text("token_type") != "Bearer" || in.body["expires_in"] != 600.0 || in.body["refresh_expires_in"] != 2592000.0 {
			t.Fatalf("%d %s", in.status, in.raw)
		}
		next := s.call(t, "POST", "/auth/refresh", `{"refresh_token":"`+in.text("refresh_token")+`"}`, "")
		token := "Bearer " + next.text("access_token")
		me := s.call(t, "GET", "/me", "", token)
		if me.status != 200 || me.text("member", "id") != up.text("id") || me.body["operator"] != false || !strings.Contains(me.raw, `"shops":[]`) {
			t.Errorf("%d %s", me.status, me.raw)
		}
		if out := s.call(t, "POST", "/auth/logout", "", token); out.status != 204 {
			t.Errorf("%d %s", out.status, out.raw)
		}
		for _, r := range []reply{s.call(t, "GET", "/me", "", token), s.call(t, "POST", "/auth/refresh", `{"refresh_token":"`+next.text("refresh_token")+`"}`, "")} {
			if r.status != 401 || r.text("code") != "session_ended" {
				t.Errorf("after logging out: %d %s", r.status, r.raw)
			}
		}
	})
}

func TestABrowsersDay(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.member(t, "kim@demo.mall")
		open := func(with string) string {
			r := s.call(t, "POST", "/session", credentials("kim@demo.mall"), with)
			c, err := http.ParseSetCookie(r.header.Get("Set-Cookie"))
			if r.status != 200 || r.text("member", "email") != "kim@demo.mall" || err != nil {
				t.Fatalf("%d %s %v", r.status, r.raw, err)
			}
			if c.Name != "mall_session" || !c.HttpOnly || c.Secure || c.Path != "/" || c.SameSite != http.SameSiteLaxMode || c.MaxAge != int(config().SessionMax/time.Second) || c.Domain != "" {
				t.Errorf("cookie %+v", c)
			}
			if strings.Contains(r.raw, c.Value) {
				t.Error("scripts can read the secret in the body")
			}
			return c.Name + "=" + c.Value
		}
		first := open("")
		second := open(first)
		if r := s.call(t, "GET", "/me", "", first); r.status != 401 {
			t.Errorf("a replaced session lives on: %d", r.status)
		}
		if r := s.call(t, "GET", "/me", "", second); r.status != 200 {
			t.Errorf("%d %s", r.status, r.raw)
		}
		for range 2 { // a second time, and with a cookie that is worth nothing
			r := s.call(t, "DELETE", "/session", "", second)
			c, err := http.ParseSetCookie(r.header.Get("Set-Cookie"))
			if r.status != 204 || err != nil || c.Name != "mall_session" || c.Value != "" || c.MaxAge != -1 || c.Path != "/" || !c.HttpOnly {
				t.Errorf("%d %+v %v", r.status, c, err)
			}
			if r.header.Get("Clear-Site-Data") != `"cache"` {
				t.Errorf("what the browser has cached stays: %v", r.header)
			}
		}
		if r := s.call(t, "GET", "/me", "", second); r.status != 401 || r.text("code") != "unauthenticated" {
			t.Errorf("after logging out: %d %s", r.status, r.raw)
		}
		if r := s.call(t, "DELETE", "/session", "", ""); r.status != 204 {
			t.Errorf("nobody logs out: %d", r.status)
		}
	})
}

func TestCookieOfAnHTTPSMall(t *testing.T) {
	c := config()
	c.Cookie = Cookie{Name: "__Host-mall_session", Secure: true}
	got := (&Members{cfg: c}).cookie("v", time.Hour)
	if want := "__Host-mall_session=v; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAShopsDay(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		kim, lee := s.member(t, "kim@demo.mall"), s.proved(t, "lee@demo.mall")
		s.proved(t, "song@demo.mall")
		owner, agent := "Bearer "+s.logIn(t, "kim@demo.mall").Access, "Bearer "+s.logIn(t, "lee@demo.mall").Access
		opened := s.call(t, "POST", "/shops", `{"name":"달빛상점"}`, owner)
		if opened.status != 201 || opened.text("name") != "달빛상점" {
			t.Fatalf("%d %s", opened.status, opened.raw)
		}
		shop := "/shops/" + opened.text("id")
		if r := s.call(t, "GET", shop, "", ""); r.status != 200 || r.text("id") != opened.text("id") {
			t.Errorf("%d %s", r.status, r.raw)
		}
		ask := s.call(t, "POST", shop+"/invitations", `{"email":"Lee@demo.mall","role":"agent"}`, owner)
		if ask.status != 201 || ask.text("shop_name") != "달빛상점" || ask.text("role") != "agent" || ask.text("email") != "lee@demo.mall" ||
			ask.text("invited_by") != "kim" || strings.Contains(ask.raw, lee.String()) {
			t.Errorf("%d %s", ask.status, ask.raw)
		}
		for path, who := range map[string]string{shop + "/invitations": owner, "/me/invitations": agent} {
			list := s.call(t, "GET", path, "", who)
			if items, _ := list.body["items"].([]any); list.status != 200 || len(items) != 1 || !strings.Contains(list.raw, ask.text("id")) {
				t.Errorf("%s: %d %s", path, list.status, list.raw)
			}
		}
		add := s.call(t, "POST", "/me/invitations/"+ask.text("id"), "", agent)
		if add.status != 200 || add.text("member_id") != lee.String() || add.text("role") != "agent" || add.text("email") != "lee@demo.mall" {
			t.Errorf("%d %s", add.status, add.raw)
		}
		for _, path := range []string{"/me/invitations/", shop + "/invitations/"} {
			who := map[bool]string{true: agent, false: owner}[path == "/me/invitations/"]
			again := s.call(t, "POST", shop+"/invitations", `{"email":"song@demo.mall","role":"agent"}`, owner)
			if who == agent {
				who = "Bearer " + s.logIn(t, "song@demo.mall").Access
			}
			if r := s.call(t, "DELETE", path+again.text("id"), "", who); r.status != 204 || r.raw != "" {
				t.Errorf("%s: %d %s", path, r.status, r.raw)
			}
		}
		rules := s.call(t, "PUT", shop+"/rules", `{"agents_edit_products":true}`, owner)
		if r := s.call(t, "GET", shop+"/rules", "", agent); rules.status != 200 || rules.raw != r.raw || r.body["agents_edit_products"] != true {
			t.Errorf("%d %s %d %s", rules.status, rules.raw, r.status, r.raw)
		}
		list := s.call(t, "GET", shop+"/staff", "", agent)
		if items, _ := list.body["items"].([]any); list.status != 200 || len(items) != 2 {
			t.Errorf("%d %s", list.status, list.raw)
		}
		if me := s.call(t, "GET", "/me", "", agent); !strings.Contains(me.raw, `"shops":[{"id":"`+opened.text("id")+`","name":"달빛상점","role":"agent"}]`) {
			t.Errorf("%s", me.raw)
		}
		set := s.call(t, "PUT", shop+"/staff/"+lee.String(), `{"role":"owner"}`, owner)
		if set.status != 200 || set.text("role") != "owner" || set.text("name") != "lee" {
			t.Errorf("%d %s", set.status, set.raw)
		}
		if r := s.call(t, "DELETE", shop+"/staff/"+kim.String(), "", agent); r.status != 204 || r.raw != "" {
			t.Errorf("%d %s", r.status, r.raw)
		}
		if r := s.call(t, "GET", shop+"/staff", "", owner); r.status != 404 {
			t.Errorf("who left still sees the staff: %d %s", r.status, r.raw)
		}
	})
}

func TestRefusals(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.member(t, "kim@demo.mall")
		stranger := "Bearer " + s.logIn(t, "kim@demo.mall").Access
		shopID, who := s.shop(t, "owner:owner agent:agent")
		as := func(name string) string {
			return "Bearer " + s.logIn(t, staffEmail(name, shopID)).Access
		}
		owner, agent, shop := as("owner"), as("agent"), "/shops/"+shopID.String()
		expired := "Bearer " + func() string {
			s.clock.pass(-time.Hour)
			defer s.clock.pass(time.Hour)
			return s.logIn(t, "kim@demo.mall").Access
		}()
		for _, tc := range []struct {
			name, method, path, body, credential string
			status                               int
			code, field                          string
		}{
			{"sign up: no body", "POST", "/members", "", "", 400, "bad_request", "body"},
			{"sign up: not JSON", "POST", "/members", "{", "", 400, "bad_request", "body"},
			{"sign up: no name", "POST", "/members", `{"email":"a@b.kr","password":"12345678"}`, "", 400, "bad_request", "name"},
			{"sign up: number", "POST", "/members", `{"email":7,"password":"12345678","name":"a"}`, "", 400, "bad_request", "email"},
			{"sign up: no address", "POST", "/members", `{"email":"a","password":"12345678","name":"a"}`, "", 400, "bad_request", "email"},
			{"sign up: short password", "POST", "/members", `{"email":"a@b.kr","password":"1234567","name":"a"}`, "", 400, "bad_request", "password"},
			{"sign up: weak password", "POST", "/members", `{"email":"a@b.kr","password":"11111111","name":"a"}`, "", 400, "weak_password", "password"},
			{"sign up: blank name", "POST", "/members", `{"email":"a@b.kr","password":"12345678","name":"\u3164"}`, "", 400, "invalid_name", "name"},
			{"sign up: lone surrogate", "POST", "/members", `{"email":"a@b.kr","password":"12345678","name":"a\ud800"}`, "", 400, "bad_request", "body"},
			{"sign up: foreign address", "POST", "/members", `{"email":"김@b.kr","password":"12345678","name":"a"}`, "", 400, "invalid_email", "email"},
			{"sign up: taken", "POST", "/members", `{"email":"KIM@demo.mall","password":"moonlight-2026","name":"a"}`, "", 409, "email_taken", "email"},
			{"sign up: too large", "POST", "/members", `{"email":"` + strings.Repeat("a", 5000) + `"}`, "", 413, "too_large", ""},
			{"log in: wrong", "POST", "/auth/login", `{"email":"kim@demo.mall","password":"x"}`, "", 401, "invalid_credentials", ""},
			{"log in: nobody", "POST", "/session", `{"email":"x","password":"x"}`, "", 401, "invalid_credentials", ""},
			{"log in: no password", "POST", "/session", `{"email":"x"}`, "", 400, "bad_request", "password"},
			{"log in: from a form of another site", "POST", "/session", "", "", 400, "bad_request", "body"},
			{"refresh: short", "POST", "/auth/refresh", `{"refresh_token":"x"}`, "", 400, "bad_request", "refresh_token"},
			{"refresh: made up", "POST", "/auth/refresh", `{"refresh_token":"` + strings.Repeat("A", 107) + `"}`, "", 401, "invalid_token", ""},
			{"log out: nobody", "POST", "/auth/logout", "", "", 401, "unauthenticated", ""},
			{"me: nobody", "GET", "/me", "", "", 401, "unauthenticated", ""},
			{"me: nonsense", "GET", "/me", "", "Bearer x.y.z", 401, "invalid_token", ""},
			{"me: expired", "GET", "/me", "", expired, 401, "token_expired", ""},
			{"me: old cookie", "GET", "/me", "", "mall_session=x", 401, "unauthenticated", ""},
			{"shop: nobody", "POST", "/shops", `{"name":"a"}`, "", 401, "unauthenticated", ""},
			{"shop: no name", "POST", "/shops", `{}`, owner, 400, "bad_request", "name"},
			{"shop: long name", "POST", "/shops", `{"name":"` + strings.Repeat("가", 61) + `"}`, owner, 400, "bad_request", "name"},
			{"shop: no id", "GET", "/shops/7", "", "", 400, "bad_request", "shop_id"},
			{"shop: unknown", "GET", "/shops/" + id.New().String(), "", "", 404, "not_found", ""},
			{"staff: nobody", "GET", shop + "/staff", "", "", 401, "unauthenticated", ""},
			{"staff: not yours", "GET", shop + "/staff", "", stranger, 404, "not_found", ""},
			{"staff: unknown shop", "GET", "/shops/" + id.New().String() + "/staff", "", owner, 404, "not_found", ""},
			{"invite: nobody", "POST", shop + "/invitations", `{"email":"kim@demo.mall","role":"agent"}`, "", 401, "unauthenticated", ""},
			{"invite: not yours", "POST", shop + "/invitations", `{"email":"kim@demo.mall","role":"agent"}`, stranger, 404, "not_found", ""},
			{"invite: an agent may not", "POST", shop + "/invitations", `{"email":"kim@demo.mall","role":"agent"}`, agent, 403, "forbidden", ""},
			{"invite: no such role", "POST", shop + "/invitations", `{"email":"kim@demo.mall","role":"boss"}`, owner, 400, "bad_request", "role"},
			{"invite: no address", "POST", shop + "/invitations", `{"email":"kim at demo","role":"agent"}`, owner, 400, "invalid_email", "email"},
			{"invite: of the staff", "POST", shop + "/invitations", `{"email":"` + staffEmail("agent", shopID) + `","role":"agent"}`, owner, 409, "already_staff", ""},
			{"invitations: nobody", "GET", shop + "/invitations", "", "", 401, "unauthenticated", ""},
			{"invitations: not yours", "GET", shop + "/invitations", "", stranger, 404, "not_found", ""},
			{"invitations: an agent may not", "GET", shop + "/invitations", "", agent, 403, "forbidden", ""},
			{"withdraw: an agent may not", "DELETE", shop + "/invitations/" + id.New().String(), "", agent, 403, "forbidden", ""},
			{"withdraw: none", "DELETE", shop + "/invitations/" + id.New().String(), "", owner, 404, "not_found", ""},
			{"own invitations: nobody", "GET", "/me/invitations", "", "", 401, "unauthenticated", ""},
			{"accept: nobody", "POST", "/me/invitations/" + id.New().String(), "", "", 401, "unauthenticated", ""},
			{"accept: none", "POST", "/me/invitations/" + id.New().String(), "", stranger, 404, "not_found", ""},
			{"decline: none", "DELETE", "/me/invitations/" + id.New().String(), "", stranger, 404, "not_found", ""},
			{"rules: nobody", "GET", shop + "/rules", "", "", 401, "unauthenticated", ""},
			{"rules: not yours", "GET", shop + "/rules", "", stranger, 404, "not_found", ""},
			{"rules: an agent may not", "PUT", shop + "/rules", `{"agents_edit_products":true}`, agent, 403, "forbidden", ""},
			{"second factor: no challenge", "POST", "/auth/second-factor", `{"challenge":"` + strings.Repeat("A", 64) + `","code":"123456"}`, "", 409, "challenge_over", ""},
			{"second factor: another spelling", "POST", "/session/second-factor", `{"challenge":"` + strings.Repeat("=", 64) + `","code":"123456"}`, "", 409, "challenge_over", ""},
			{"step up: nobody", "POST", "/me/step-up", "", "", 401, "unauthenticated", ""},
			{"factors: nobody", "GET", "/me/factors", "", "", 401, "unauthenticated", ""},
			{"totp: nobody", "POST", "/me/factors/totp", "", "", 401, "unauthenticated", ""},
			{"totp: not begun", "POST", "/me/factors/totp/confirm", `{"code":"123456"}`, owner, 409, "totp_not_begun", ""},
			{"totp: none", "DELETE", "/me/factors/totp", "", owner, 404, "not_found", ""},
			{"passkey: none", "DELETE", "/me/factors/passkeys/" + id.New().String(), "", owner, 404, "not_found", ""},
			{"passkey: no name", "POST", "/me/factors/passkeys", `{"challenge":"` + strings.Repeat("A", 64) + `","name":"\u3164","credential":{}}`, owner, 400, "invalid_name", "name"},
			{"passkey: no challenge", "POST", "/me/factors/passkeys", `{"challenge":"` + strings.Repeat("A", 64) + `","name":"phone","credential":{}}`, owner, 409, "challenge_over", ""},
			{"recovery codes: no factor", "POST", "/me/factors/recovery-codes", "", owner, 409, "no_second_factor", ""},
			{"set: nobody", "PUT", shop + "/staff/" + who["agent"].String(), `{"role":"owner"}`, "", 401, "unauthenticated", ""},
			{"set: not yours", "PUT", shop + "/staff/" + who["agent"].String(), `{"role":"owner"}`, stranger, 404, "not_found", ""},
			{"set: an agent may not", "PUT", shop + "/staff/" + who["agent"].String(), `{"role":"owner"}`, agent, 403, "forbidden", ""},
			{"set: the last owner", "PUT", shop + "/staff/" + who["owner"].String(), `{"role":"agent"}`, owner, 409, "last_owner", ""},
			{"set: no id", "PUT", shop + "/staff/7", `{"role":"agent"}`, owner, 400, "bad_request", "member_id"},
			{"set: not of the staff", "PUT", shop + "/staff/" + id.New().String(), `{"role":"agent"}`, owner, 404, "not_found", ""},
			{"remove: nobody", "DELETE", shop + "/staff/" + who["agent"].String(), "", "", 401, "unauthenticated", ""},
			{"remove: not yours", "DELETE", shop + "/staff/" + who["agent"].String(), "", stranger, 404, "not_found", ""},
			{"remove: an agent may not", "DELETE", shop + "/staff/" + who["owner"].String(), "", agent, 403, "forbidden", ""},
			{"remove: the last owner", "DELETE", shop + "/staff/" + who["owner"].String(), "", owner, 409, "last_owner", ""},
		} {
			t.Run(tc.name, func(t *testing.T) {
				r := s.call(t, tc.method, tc.path, tc.body, tc.credential)
				if r.status != tc.status || r.text("code") != tc.code || r.text("field") != tc.field {
					t.Errorf("got %d %q field %q: %s", r.status, r.text("code"), r.text("field"), r.raw)
				}
				if ct := r.header.Get("Content-Type"); ct != "application/problem+json" || r.text("request_id") == "" {
					t.Errorf("no problem document: %s %s", ct, r.raw)
				}
				if strings.Contains(r.raw, "member_members") || strings.Contains(r.raw, "goroutine") {
					t.Errorf("the answer shows our insides: %s", r.raw)
				}
			})
		}
	})
}

func TestThrottlingSaysWhenToComeBack(t *testing.T) {
	s := newSite(t, testservers.Open(t, testservers.SQLite(t)))
	for range config().LoginTries {
		s.call(t, "POST", "/auth/login", `{"email":"kim@demo.mall","password":"x"}`, "")
	}
	r := s.call(t, "POST", "/auth/login", `{"email":"kim@demo.mall","password":"x"}`, "")
	if r.status != 429 || r.text("code") != "rate_limited" || r.header.Get("Retry-After") != "900" || r.body["retry_after_ms"] != 900000.0 {
		t.Errorf("%d %v %s", r.status, r.header, r.raw)
	}
}

// Another site's page cannot use the browser's cookie.
func TestOtherOriginsAreKeptOut(t *testing.T) {
	s := newSite(t, testservers.Open(t, testservers.SQLite(t)))
	s.member(t, "kim@demo.mall")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/auth/logout", http.NoBody)
	r.Header.Set("Cookie", "mall_session="+s.openWeb(t, "kim@demo.mall").Cookie)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	s.server.Echo.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
