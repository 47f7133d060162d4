package httpserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"mall/modules/platform/apidoc"
	"mall/modules/platform/fault"
	"mall/modules/platform/httpserver"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

const part = `
paths:
  /things/{thing_id}:
    parameters: [{name: thing_id, in: path, required: true, schema: {type: string, format: uuid}}]
    post:
      operationId: makeThing
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name, size]
              properties:
                name: {type: string, minLength: 1, maxLength: 5}
                size: {type: integer, minimum: 1}
                lines: {type: array, items: {type: object, required: [n], properties: {n: {type: integer}}}}
      responses:
        '200': {description: ok}
`

const base = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n"

// doorman knows one token and one cookie; "down" stands for a database that is away.
type doorman struct{ p *identity.Principal }

func (d doorman) Bearer(_ context.Context, token string) (*identity.Principal, error) {
	if token != "good" {
		return nil, fault.New(fault.Unauthenticated, "unauthenticated", "That token is not good.")
	}
	return d.p, nil
}

func (d doorman) Cookie(_ context.Context, value string) (*identity.Principal, error) {
	switch value {
	case "good":
		p := *d.p
		p.Cookie = true
		return &p, nil
	case "down":
		return nil, fault.New(fault.Unavailable, "unavailable", "Try again.")
	}
	return nil, fault.New(fault.Unauthenticated, "unauthenticated", "That session has ended.")
}

var someone = id.New()

// settings are those of a test: none of the limits holds.
func settings() httpserver.Config {
	return httpserver.Config{Addr: "127.0.0.1:0", InternalAddr: "127.0.0.1:0", CookieName: "mall_session",
		BodyLimit: 4096, RequestTimeout: time.Second, ShutdownGrace: time.Second}
}

func newServer(t testing.TB) *httpserver.Server {
	t.Helper()
	return newServerWith(t, settings(), httpserver.Deps{})
}

// newServerWith fills in what deps has not.
func newServerWith(t testing.TB, cfg httpserver.Config, deps httpserver.Deps) *httpserver.Server {
	t.Helper()
	spec, err := apidoc.Merge([]byte(base), []byte(part))
	if err != nil {
		t.Fatal(err)
	}
	deps.Members, deps.Log = doorman{&identity.Principal{MemberID: someone}}, slog.New(slog.DiscardHandler)
	if deps.Registry == nil {
		deps.Registry = prometheus.NewRegistry()
	}
	s, err := httpserver.New(cfg, spec, deps)
	if err != nil {
		t.Fatal(err)
	}
	s.API.POST("/things/:thing_id", func(c echo.Context) error {
		if _, err := identity.From(c.Request().Context()); err != nil {
			return err
		}
		if _, err := io.ReadAll(c.Request().Body); err != nil {
			return err
		}
		return c.NoContent(http.StatusOK)
	})
	s.API.GET("/panic", func(echo.Context) error { panic("SELECT secret FROM members") })
	s.API.GET("/broken", func(echo.Context) error { return errors.New("SELECT secret FROM members") })
	s.API.GET("/slow", func(c echo.Context) error {
		<-c.Request().Context().Done()
		return c.Request().Context().Err()
	})
	return s
}

type answer struct {
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Field     string `json:"field"`
	RequestID string `json:"request_id"`
	Retryable bool   `json:"retryable"`
	raw       string
}

func call(t *testing.T, s *httpserver.Server, method, path, body string, header ...string) (int, answer) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Echo.ServeHTTP(w, r)
	a := answer{raw: w.Body.String()}
	if w.Code >= 400 {
		if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("%s %s: content type %q, body %s", method, path, ct, a.raw)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, a.raw)
		}
		if a.RequestID == "" || a.RequestID != w.Header().Get("X-Request-Id") {
			t.Errorf("%s %s: request id %q", method, path, a.RequestID)
		}
	}
	return w.Code, a
}

func TestProblems(t *testing.T) {
	s := newServer(t)
	thing := "/api/v1/things/" + id.New().String()
	good := `{"name":"a","size":1}`
	bearer := []string{"Authorization", "Bearer good"}
	for _, tc := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code, field              string
	}{
		{"fine", "POST", thing, good, bearer, 200, "", ""},
		{"nobody", "POST", thing, good, nil, 401, "unauthenticated", ""},
		{"bad token", "POST", thing, good, []string{"Authorization", "Bearer bad"}, 401, "unauthenticated", ""},
		{"other scheme", "POST", thing, good, []string{"Authorization", "Basic eDp5"}, 401, "unauthenticated", ""},
		{"stale cookie is nobody", "POST", thing, good, []string{"Cookie", "mall_session=old"}, 401, "unauthenticated", ""},
		{"database away is not logged out", "POST", thing, good, []string{"Cookie", "mall_session=down"}, 503, "unavailable", ""},
		{"cookie, same origin", "POST", thing, good, []string{"Cookie", "mall_session=good", "Sec-Fetch-Site", "same-origin"}, 200, "", ""},
		{"cookie, other origin", "POST", thing, good, []string{"Cookie", "mall_session=good", "Sec-Fetch-Site", "cross-site"}, 403, "cross_origin", ""},
		{"cookie, other origin, old browser", "POST", thing, good, []string{"Cookie", "mall_session=good", "Origin", "https://evil.example"}, 403, "cross_origin", ""},
		{"cookie of who is expected", "POST", thing, good, []string{"Cookie", "mall_session=good", "X-Member", someone.String()}, 200, "", ""},
		{"cookie of another member by now", "POST", thing, good, []string{"Cookie", "mall_session=good", "X-Member", id.New().String()}, 409, "other_member", ""},
		{"token of another member", "POST", thing, good, append(bearer[:2:2], "X-Member", id.New().String()), 409, "other_member", ""},
		{"no member's id is expected", "POST", thing, good, append(bearer[:2:2], "X-Member", "me"), 400, "bad_request", "X-Member"},
		{"somebody is expected, nobody is there", "POST", thing, good, []string{"X-Member", someone.String()}, 401, "unauthenticated", ""},
		{"unknown route", "GET", "/api/v1/nothing", "", nil, 404, "not_found", ""},
		{"unknown route outside", "GET", "/api/v2/nothing", "", nil, 404, "not_found", ""},
		{"method nobody takes", "PUT", thing, good, bearer, 405, "method_not_allowed", ""},
		{"no id", "POST", "/api/v1/things/1", good, bearer, 400, "bad_request", "thing_id"},
		{"not JSON", "POST", thing, "{", bearer, 400, "bad_request", "body"},
		{"no body", "POST", thing, "", bearer, 400, "bad_request", "body"},
		{"field missing", "POST", thing, `{"name":"a"}`, bearer, 400, "bad_request", "size"},
		{"field too long", "POST", thing, `{"name":"abcdef","size":1}`, bearer, 400, "bad_request", "name"},
		{"wrong type", "POST", thing, `{"name":"a","size":"1"}`, bearer, 400, "bad_request", "size"},
		{"deep field", "POST", thing, `{"name":"a","size":1,"lines":[{"n":1},{"n":"x"}]}`, bearer, 400, "bad_request", "lines.1.n"},
		{"form", "POST", thing, "a=b", []string{"Authorization", "Bearer good", "Content-Type", "application/x-www-form-urlencoded"}, 400, "bad_request", "body"},
		{"too large", "POST", thing, `{"name":"` + strings.Repeat("x", 5000) + `"}`, bearer, 413, "too_large", ""},
		{"panic", "GET", "/api/v1/panic", "", nil, 500, "internal", ""},
		{"unclassified", "GET", "/api/v1/broken", "", nil, 500, "internal", ""},
		{"too slow", "GET", "/api/v1/slow", "", nil, 503, "unavailable", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, a := call(t, s, tc.method, tc.path, tc.body, tc.header...)
			if status != tc.status || a.Code != tc.code || a.Field != tc.field {
				t.Errorf("got %d %q field %q, want %d %q field %q: %s", status, a.Code, a.Field, tc.status, tc.code, tc.field, a.raw)
			}
			if strings.Contains(a.raw, "SELECT") || strings.Contains(a.raw, "goroutine") {
				t.Errorf("the answer shows our insides: %s", a.raw)
			}
		})
	}
}

// A body whose length nobody announced must meet the same limit.
func TestChunkedBodyMeetsTheLimit(t *testing.T) {
	s := newServer(t)
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/things/"+id.New().String(),
		io.MultiReader(strings.NewReader(`{"name":"`), strings.NewReader(strings.Repeat("x", 5000))))
	r.ContentLength = -1
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer good")
	w := httptest.NewRecorder()
	s.Echo.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, want 413: %s", w.Code, w.Body)
	}
}

func TestReadinessFollowsTheLifeOfTheServer(t *testing.T) {
	s := newServer(t)
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve() }()
	status := func(path string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if got := status("/readyz"); got != 503 {
		t.Errorf("before start: readyz %d", got)
	}
	s.SetReady(true)
	if got := status("/readyz"); got != 200 {
		t.Errorf("started: readyz %d", got)
	}
	if got := status("/healthz"); got != 200 {
		t.Errorf("healthz %d", got)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}
}

func TestConfigNamesTheKeyAtFault(t *testing.T) {
	good := httpserver.Config{Addr: ":1", InternalAddr: ":2"}
	for _, tc := range []struct {
		key    string
		change func(*httpserver.Config)
	}{
		{"http.addr", func(c *httpserver.Config) { c.Addr = "nonsense" }},
		{"http.trusted_proxies", func(c *httpserver.Config) { c.TrustedProxies = []string{"10.0.0.1"} }},
		{"http.trusted_proxies", func(c *httpserver.Config) { c.TrustedProxies = []string{"10.0.0.0/8", "0.0.0.0/0"} }},
		{"http.trusted_proxies", func(c *httpserver.Config) { c.TrustedProxies = []string{"::/0"} }},
		{"http.trusted_proxies", func(c *httpserver.Config) { c.TrustedProxies = []string{"0.0.0.0/1", "128.0.0.0/1"} }},
		{"http.allowed_origins", func(c *httpserver.Config) { c.AllowedOrigins = []string{"shop.example/x"} }},
		{"http.security_contact", func(c *httpserver.Config) { c.SecurityContact = "security@mall.example" }},
		{"http.security_contact", func(c *httpserver.Config) { c.SecurityContact = "mailto:a@b\nPolicy: x" }},
		{"http.security_contact", func(c *httpserver.Config) { c.SecurityContact = "http://mall.example/security" }},
	} {
		bad := good
		tc.change(&bad)
		if err := bad.Check(); err == nil || !strings.HasPrefix(err.Error(), tc.key) {
			t.Errorf("%s: %v", tc.key, err)
		}
	}
	good.TrustedProxies, good.SecurityContact = []string{"10.0.0.0/8", "fc00::/7", "192.0.2.1/32"}, "https://mall.example/security"
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}
