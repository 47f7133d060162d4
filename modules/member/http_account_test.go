package member

import (
	"strings"
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/testservers"
)

// A member's own account over HTTP, from signing up to a password by mail.
func TestAnAccountsDay(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		if r := s.call(t, "POST", "/members", `{"email":"kim@demo.mall","password":"`+pass+`","name":"김하늘"}`, ""); r.status != 201 || r.body["email_proved"] != false {
			t.Fatalf("%d %s", r.status, r.raw)
		}
		log := func(password string) string {
			r := s.call(t, "POST", "/auth/login", `{"email":"kim@demo.mall","password":"`+password+`"}`, "")
			if r.status != 200 {
				t.Fatalf("%d %s", r.status, r.raw)
			}
			return "Bearer " + r.text("access_token")
		}
		want := func(status int, code, method, path, body, credential string) reply {
			t.Helper()
			r := s.call(t, method, path, body, credential)
			if r.status != status || code != "" && r.text("code") != code {
				t.Errorf("%s %s: %d %s, want %d %s", method, path, r.status, r.raw, status, code)
			}
			return r
		}
		me, other := log(pass), log(pass)
		want(204, "", "POST", "/me/email-proof", "", me)
		token := s.lastLink(t, "/prove-email")
		want(204, "", "POST", "/email-proofs", `{"token":"`+token+`"}`, "")
		want(400, "link_invalid", "POST", "/email-proofs", `{"token":"`+token+`"}`, "")
		if r := want(200, "", "GET", "/me", "", me); !strings.Contains(r.raw, `"email_proved":true`) {
			t.Error(r.raw)
		}
		list := want(200, "", "GET", "/me/sessions", "", me)
		items, _ := list.body["items"].([]any)
		if len(items) != 2 || strings.Count(list.raw, `"current":true`) != 1 || !strings.Contains(list.raw, `"kind":"api"`) {
			t.Fatalf("%s", list.raw)
		}
		for _, item := range items {
			if l, _ := item.(map[string]any); l["current"] == false {
				want(204, "", "DELETE", "/me/sessions/"+l["id"].(string), "", me) //nolint:forcetypeassert // a test
			}
		}
		want(401, "session_ended", "GET", "/me", "", other)
		other = log(pass)
		want(404, "not_found", "DELETE", "/me/sessions/0193a000-0000-7000-8000-000000000001", "", me)
		want(204, "", "DELETE", "/me/sessions", "", me)
		want(401, "session_ended", "GET", "/me", "", other)
		other = log(pass)
		want(400, "wrong_password", "PUT", "/me/password", `{"current":"not this one","password":"`+next+`"}`, me)
		want(400, "weak_password", "PUT", "/me/password", `{"current":"`+pass+`","password":"password1"}`, me)
		want(204, "", "PUT", "/me/password", `{"current":"`+pass+`","password":"`+next+`"}`, me)
		want(401, "session_ended", "GET", "/me", "", other)
		want(200, "", "GET", "/me", "", me)
		known := want(204, "", "POST", "/password-resets", `{"email":"kim@demo.mall"}`, "")
		unknown := want(204, "", "POST", "/password-resets", `{"email":"nobody@demo.mall"}`, "")
		if known.raw != unknown.raw || len(known.header) != len(unknown.header) {
			t.Errorf("the answers differ: %v, %v", known, unknown)
		}
		token = s.lastLink(t, "/reset-password")
		want(204, "", "POST", "/password-resets/redeem", `{"token":"`+token+`","password":"moonrise-2028"}`, "")
		want(401, "session_ended", "GET", "/me", "", me)
		want(400, "link_invalid", "POST", "/password-resets/redeem", `{"token":"`+token+`","password":"moonrise-2029"}`, "")
		log("moonrise-2028")
		for _, c := range [][2]string{{"POST", "/me/email-proof"}, {"GET", "/me/sessions"}, {"DELETE", "/me/sessions"}, {"DELETE", "/me/sessions/0193a000-0000-7000-8000-000000000001"}} {
			want(401, "unauthenticated", c[0], c[1], "", "")
		}
		want(401, "unauthenticated", "PUT", "/me/password", `{"current":"`+pass+`","password":"`+next+`"}`, "")
	})
}
