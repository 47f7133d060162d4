package attacks_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/id"
)

var tokenAttacks = []attack{
	{"forged tokens", "sends access tokens that are nearly right", "401 for each, by REST and at the handshake", forgedTokens},
	{"a used refresh token", "uses a refresh token that its owner has used twice since", "401, and the session is over", usedRefresh},
	{"cross-site calls", "lets a member's browser send calls from another page", "403 cross_origin; reading needs the page's own origin", crossSite},
	{"another member behind the page's back", "lets a page go on for somebody who has logged out", "409 other_member", otherMember},
}

// claims are those of a real token.
func claims(t *testing.T, token string) (head, body map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	for i, out := range []*map[string]any{&head, &body} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, out); err != nil {
			t.Fatal(err)
		}
	}
	return head, body
}

// forge signs claims, as somebody would who knew the key.
func forge(head, body map[string]any, key string, with func() hash.Hash) string {
	text := part(head) + "." + part(body)
	mac := hmac.New(with, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func part(v map[string]any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// changed is a copy with one key set, or taken out.
func changed(m map[string]any, key string, value any) map[string]any {
	m = maps.Clone(m)
	m[key] = value
	if value == nil {
		delete(m, key)
	}
	return m
}

func forgedTokens(t *testing.T, w *world) {
	victim, thief := w.member("victim"), w.member("thief")
	head, body := claims(t, victim.token)
	_, mine := claims(t, thief.token)
	whole := strings.Split(victim.token, ".")
	forged := map[string]string{
		"alg none":            part(changed(head, "alg", "none")) + "." + whole[1] + ".",
		"alg None, signature": part(changed(head, "alg", "None")) + "." + whole[1] + "." + whole[2],
		"no alg":              part(changed(head, "alg", nil)) + "." + whole[1] + "." + whole[2],
		"HS512":               forge(changed(head, "alg", "HS512"), body, secret, sha512.New),
		"RS256":               part(changed(head, "alg", "RS256")) + "." + whole[1] + "." + whole[2],
		"another key":         forge(head, body, "another key of thirty-two bytes..", sha256.New),
		"an empty key":        forge(head, body, "", sha256.New),
		"a path as kid":       forge(changed(head, "kid", "../../../../dev/null"), body, "", sha256.New),
		"SQL as kid":          forge(changed(head, "kid", "x' UNION SELECT 'key' -- "), body, "key", sha256.New),
		"an address as jku":   forge(changed(changed(head, "jku", "http://127.0.0.1:1/keys"), "kid", "1"), body, "key", sha256.New),
		"a key in the head":   forge(changed(head, "jwk", object{"kty": "oct", "k": "a2V5"}), body, "key", sha256.New),
		"another issuer":      forge(head, changed(body, "iss", "elsewhere"), secret, sha256.New),
		"another audience":    forge(head, changed(body, "aud", "elsewhere"), secret, sha256.New),
		"no expiry":           forge(head, changed(body, "exp", nil), secret, sha256.New),
		"expired":             forge(head, changed(body, "exp", time.Now().Add(-time.Hour).Unix()), secret, sha256.New),
		"not yet":             forge(head, changed(body, "nbf", time.Now().Add(time.Hour).Unix()), secret, sha256.New),
		"another's member":    forge(head, changed(mine, "sub", victim.id), secret, sha256.New),
		"nobody":              forge(head, changed(body, "sub", id.New().String()), secret, sha256.New),
		"another's claims":    whole[0] + "." + part(mine) + "." + whole[2],
		"no signature":        whole[0] + "." + whole[1] + ".",
		"half a signature":    whole[0] + "." + whole[1] + "." + whole[2][:len(whole[2])/2],
		"four parts":          victim.token + "." + whole[2],
		"the refresh token":   victim.refresh,
		"nothing":             "x",
		"a token with NUL":    whole[0] + "." + whole[1] + "." + whole[2] + "%00",
	}
	for name, token := range forged {
		p := *thief
		p.token = token
		if a := p.call("GET", "/me", nil); a.status != 401 {
			t.Errorf("%s: %s", name, a)
		}
		if _, status, err := p.handshake(); err == nil || status != http.StatusUnauthorized {
			t.Errorf("%s: the handshake: %d %v", name, status, err)
		}
	}
	victim.call("GET", "/me", nil).want(200, "")
	victim.token = forge(head, body, secret, sha256.New) // the same as the mall's own: what is refused above is refused for what was changed
	victim.call("GET", "/me", nil).want(200, "")
}

func usedRefresh(t *testing.T, w *world) {
	p := w.member("victim")
	stolen := p.refresh
	last := stolen
	for range 2 {
		var next struct {
			Refresh string `json:"refresh_token"`
		}
		p.patient("POST", "/auth/refresh", object{"refresh_token": last}).must(200).into(&next)
		last = next.Refresh
	}
	thief := w.m.stranger(t)
	thief.call("POST", "/auth/refresh", object{"refresh_token": stolen}).want(401, "token_reused")
	thief.call("POST", "/auth/refresh", object{"refresh_token": last}).want(401, "")
	until(t, "the end of the session", func() bool { return p.call("GET", "/me", nil).status == 401 })
}

// browser logs in as the web does and gives its cookie; the calls that follow carry no token.
func (p *person) browser() (*person, header) {
	p.t.Helper()
	other := *p
	other.token = ""
	a := other.patient("POST", "/session", object{"email": p.email, "password": p.password}).must(200)
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return &other, header{"Cookie", cookie}
}

func crossSite(t *testing.T, w *world) {
	p, cookie := w.member("victim").browser()
	host := "http://" + w.m.instances[0].Addr
	p.call("GET", "/me", nil, cookie).want(200, "")
	for name, foreign := range map[string]header{
		"Origin": {"Origin", "https://evil.example"}, "Origin null": {"Origin", "null"},
		"Origin with our name in it": {"Origin", host + ".evil.example"}, "Origin of another scheme": {"Origin", strings.Replace(host, "http", "https", 1)},
		"Sec-Fetch-Site": {"Sec-Fetch-Site", "cross-site"}, "a sibling": {"Sec-Fetch-Site", "same-site"},
	} {
		if name == "Origin of another scheme" {
			continue // for REST the host decides; the handshake compares the whole origin, below
		}
		a := p.call("POST", "/shops", object{"name": "stolen"}, cookie, foreign)
		if a.status != 403 || a.code() != "cross_origin" {
			t.Errorf("%s: %s", name, a)
		}
		a = p.call("DELETE", "/session", nil, cookie, foreign)
		if a.status != 403 {
			t.Errorf("logout by %s: %s", name, a)
		}
	}
	for _, origin := range []string{"https://evil.example", "null", "", strings.Replace(host, "http", "https", 1), host + ".evil.example"} {
		_, status, err := p.handshake(cookie, header{"Origin", origin})
		if err == nil || status != http.StatusForbidden {
			t.Errorf("a handshake from the origin %q: %v", origin, err)
		}
	}
	if _, _, err := p.handshake(cookie, header{"Origin", host}); err != nil {
		t.Errorf("a handshake of the mall's own page: %v", err)
	}
	p.opened("/chat/events", cookie, header{"Sec-Fetch-Site", "same-origin"}).want(200, "")
	p.opened("/chat/events", cookie, header{"Sec-Fetch-Site", "cross-site"}).want(403, "cross_origin")
	p.opened("/chat/events", cookie, header{"Origin", "https://evil.example"}).want(403, "cross_origin")
}

func otherMember(t *testing.T, w *world) {
	before := w.member("before")
	p, cookie := w.member("after").browser()
	room := w.openRoom(before)
	p.call("POST", "/chat/rooms/"+room+"/messages", message("?"), cookie, header{"X-Member", before.id}).want(409, "other_member")
	p.call("GET", "/me", nil, cookie, header{"X-Member", before.id}).want(409, "other_member")
}
