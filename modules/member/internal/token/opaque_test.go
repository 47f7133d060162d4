package token

import (
	"strings"
	"testing"

	"mall/modules/platform/id"
)

func TestCookieRoundTrip(t *testing.T) {
	c := Cookie{id.New(), NewSecret()}
	got, ok := ParseCookie(c.String())
	if !ok || got != c {
		t.Errorf("ParseCookie = %v, %v", got, ok)
	}
	if !got.Secret.Is(c.Secret.Hash()) || NewSecret().Is(c.Secret.Hash()) {
		t.Error("Is must know its own hash and no other")
	}
}

func TestRefreshRoundTrip(t *testing.T) {
	r := Refresh{id.New(), NewSecret(), NewSecret()}
	got, ok := ParseRefresh(r.String())
	if !ok || got != r {
		t.Errorf("ParseRefresh = %v, %v", got, ok)
	}
	if n := len(r.String()); n < 20 || n > 200 {
		t.Errorf("%d characters do not fit the API's 20..200", n)
	}
}

func TestParseRefusesEverythingElse(t *testing.T) {
	cookie, refresh := Cookie{id.New(), NewSecret()}.String(), Refresh{id.New(), NewSecret(), NewSecret()}.String()
	for name, s := range map[string]string{
		"empty": "", "short": cookie[:40], "long": refresh + "A", "padding": cookie[:63] + "=", "other alphabet": "+/" + cookie[2:],
		"newline": cookie[:32] + "\n" + cookie[32:], "nil session": strings.Repeat("A", 64),
	} {
		if _, ok := ParseCookie(s); ok {
			t.Errorf("cookie %s was accepted", name)
		}
		if _, ok := ParseRefresh(s); ok {
			t.Errorf("refresh %s was accepted", name)
		}
	}
	if _, ok := ParseRefresh(cookie); ok {
		t.Error("a cookie was accepted as a refresh token")
	}
	if _, ok := ParseCookie(refresh); ok {
		t.Error("a refresh token was accepted as a cookie")
	}
}
