package mall

import "testing"

func TestTheSessionCookieHasTheStrongestNameThatBrowsersTake(t *testing.T) {
	for url, want := range map[string]string{"https://mall.example": "__Host-mall_session", "http://127.0.0.1:8080": "mall_session"} {
		s, err := Load("", []string{"MALL_DATA=" + t.TempDir(), "MALL_HTTP__PUBLIC_URL=" + url})
		if err != nil {
			t.Fatal(err)
		}
		if c := s.Member.Cookie; c.Name != want || s.HTTP.CookieName != want || c.Secure != (want != "mall_session") {
			t.Errorf("%s: cookie %+v, read as %s; want %s", url, c, s.HTTP.CookieName, want)
		}
	}
}
