package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"mall/modules/platform/httpserver"
)

func plain(t *testing.T, s *httpserver.Server, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Echo.ServeHTTP(w, r)
	return w
}

// httptest's requests come from here.
const theProxy = "192.0.2.1/32"

// With the browser's cookie a call must come from a page of the mall's, as whoever is believed says where the mall is.
func TestWhosePagesMayCall(t *testing.T) {
	for _, tc := range []struct {
		name    string
		trusted bool
		header  []string
		refused bool
	}{
		{"a program", false, nil, false},
		{"same origin", false, []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://example.com"}, false},
		{"same origin, old browser", false, []string{"Origin", "http://example.com"}, false},
		{"the public address", false, []string{"Origin", "https://mall.example"}, false},
		{"the public address, another browser", false, []string{"Origin", "https://mall.example", "Sec-Fetch-Site", "cross-site"}, false},
		{"an allowed one", false, []string{"Origin", "https://shop.example", "Sec-Fetch-Site", "cross-site"}, false},
		{"another", false, []string{"Origin", "https://evil.example"}, true},
		{"another, new browser", false, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, true},
		{"a sister", false, []string{"Origin", "https://blog.mall.example", "Sec-Fetch-Site", "same-site"}, true},
		{"another scheme", false, []string{"Origin", "https://example.com"}, true},
		{"the public address, plain", false, []string{"Origin", "http://mall.example"}, true},
		{"no origin that has a name", false, []string{"Origin", "null"}, true},
		{"a stranger's word about the scheme", false, []string{"Origin", "https://example.com", "X-Forwarded-Proto", "https"}, true},
		{"a stranger's word about the host", false, []string{"Origin", "http://evil.example", "X-Forwarded-Host", "evil.example"}, true},
		{"another word for the scheme", true, []string{"Origin", "https://example.com", "X-Url-Scheme", "https", "X-Forwarded-Ssl", "on"}, true},
		{"the proxy's word about the scheme", true, []string{"Origin", "https://example.com", "X-Forwarded-Proto", "https"}, false},
		{"two words of the proxy's", true, []string{"Origin", "https://example.com", "X-Forwarded-Proto", "https", "X-Forwarded-Proto", "http"}, true},
		{"the proxy's word about the host", true, []string{"Origin", "https://m.example", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "m.example"}, false},
		{"no host", true, []string{"Origin", "https://m.example", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "m.example, x"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := settings()
			cfg.PublicURL, cfg.AllowedOrigins = "https://mall.example/", []string{"https://shop.example"}
			if tc.trusted {
				cfg.TrustedProxies = []string{theProxy}
			}
			s := newServerWith(t, cfg, httpserver.Deps{})
			ok := func(c echo.Context) error { return c.NoContent(http.StatusOK) }
			s.API.POST("/act", ok)
			s.API.GET("/look", ok)
			s.API.GET("/chat/events", ok)
			want := map[bool]int{false: 200, true: 403}[tc.refused]
			for _, credential := range []string{"mall_session=good", ""} { // without a login, it may be the login
				if w := plain(t, s, "POST", "/api/v1/act", append(tc.header, "Cookie", credential)...); w.Code != want {
					t.Errorf("an act with %q: %d, want %d", credential, w.Code, want)
				}
				if w := plain(t, s, "GET", "/api/v1/chat/events", append(tc.header, "Cookie", credential)...); w.Code != want {
					t.Errorf("a stream with %q: %d, want %d", credential, w.Code, want)
				}
			}
			if w := plain(t, s, "POST", "/api/v1/act", append(tc.header, "Authorization", "Bearer good")...); w.Code != 200 {
				t.Errorf("with a token, which no browser sends by itself: %d", w.Code)
			}
			if w := plain(t, s, "GET", "/api/v1/look", append(tc.header, "Cookie", "mall_session=good")...); w.Code != 200 {
				t.Errorf("a look: %d", w.Code)
			}
		})
	}
}

// What handlers read of the request's scheme, host and address is what is believed.
func TestHandlersSeeWhatIsBelieved(t *testing.T) {
	for name, tc := range map[string]struct {
		proxies []string
		want    string
	}{
		"a stranger": {nil, "http example.com 192.0.2.1"},
		"a proxy":    {[]string{theProxy}, "https m.example 203.0.113.7"},
	} {
		cfg := settings()
		cfg.TrustedProxies = tc.proxies
		s := newServerWith(t, cfg, httpserver.Deps{})
		s.API.GET("/seen", func(c echo.Context) error {
			return c.String(http.StatusOK, c.Scheme()+" "+c.Request().Host+" "+c.RealIP())
		})
		w := plain(t, s, "GET", "/api/v1/seen", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "m.example", "X-Forwarded-For", "203.0.113.7",
			"X-Real-Ip", "203.0.113.8", "X-Forwarded-Protocol", "https")
		if w.Body.String() != tc.want {
			t.Errorf("%s: %q, want %q", name, w.Body, tc.want)
		}
	}
}

func TestStrictTransportIsSaidWhereItHolds(t *testing.T) {
	for _, tc := range []struct {
		url  string
		hsts time.Duration
		want string
	}{
		{"https://mall.example", 180 * 24 * time.Hour, "max-age=15552000"},
		{"https://mall.example", 0, ""},
		{"http://mall.example", 180 * 24 * time.Hour, ""},
	} {
		cfg := settings()
		cfg.PublicURL, cfg.HSTS = tc.url, tc.hsts
		s := newServerWith(t, cfg, httpserver.Deps{})
		for _, path := range []string{"/healthz", "/api/v1/slow", "/nothing"} {
			if got := plain(t, s, "HEAD", path).Header().Get("Strict-Transport-Security"); got != tc.want {
				t.Errorf("%s %v: %s says %q, want %q", tc.url, tc.hsts, path, got, tc.want)
			}
		}
	}
}

func TestSecurityTxt(t *testing.T) {
	cfg := settings()
	if w := plain(t, newServerWith(t, cfg, httpserver.Deps{}), "GET", "/.well-known/security.txt"); w.Code != http.StatusNotFound {
		t.Errorf("without a contact: %d", w.Code)
	}
	cfg.SecurityContact, cfg.PublicURL = "mailto:security@mall.example", "https://mall.example/"
	w := plain(t, newServerWith(t, cfg, httpserver.Deps{}), "GET", "/.well-known/security.txt")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Fatalf("%d, %s", w.Code, w.Header().Get("Content-Type"))
	}
	fields := map[string]string{}
	for line := range strings.Lines(w.Body.String()) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		fields[name] = value
	}
	if fields["Contact"] != "mailto:security@mall.example" || fields["Canonical"] != "https://mall.example/.well-known/security.txt" {
		t.Errorf("%s", w.Body)
	}
	expires, err := time.Parse(time.RFC3339, fields["Expires"])
	if left := time.Until(expires); err != nil || left < 30*24*time.Hour || left > 365*24*time.Hour {
		t.Errorf("expires %q: %v", fields["Expires"], err)
	}
}
