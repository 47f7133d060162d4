package httpserver_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"mall/modules/platform/apidoc"
	"mall/modules/platform/fault"
	"mall/modules/platform/httpserver"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

const limited = `
paths:
  /login: {post: {operationId: a, x-limit: login, security: [], responses: {'200': {description: ok}}}}
  /accounts: {post: {operationId: b, x-limit: sign_up, security: [], responses: {'200': {description: ok}}}}
  /letters: {post: {operationId: c, x-limit: mail, responses: {'200': {description: ok}}}}
  /search: {get: {operationId: d, x-limit: search, security: [], responses: {'200': {description: ok}}}}
  /things: {get: {operationId: e, responses: {'200': {description: ok}}}, post: {operationId: f, responses: {'200': {description: ok}}}}
  /messages: {post: {operationId: g, x-limit: send, responses: {'200': {description: ok}}}}
  /chat/events: {get: {operationId: h, responses: {'200': {description: ok}}}}
  /forgotten: {post: {operationId: i, security: [], responses: {'200': {description: ok}}}}
`

// crowd knows a member for each token.
type crowd struct{ members sync.Map }

func (c *crowd) Bearer(_ context.Context, token string) (*identity.Principal, error) {
	member, _ := c.members.LoadOrStore(token, id.New())
	return &identity.Principal{MemberID: member.(id.ID)}, nil //nolint:forcetypeassert // nothing else is stored
}

func (c *crowd) Cookie(context.Context, string) (*identity.Principal, error) {
	return nil, fault.New(fault.Unauthenticated, "unauthenticated", "There are no sessions.")
}

// slowly is a limit of so many at once, and hardly any after that.
func slowly(burst int) httpserver.Rate { return httpserver.Rate{PerMinute: 1, Burst: burst} }

// limits: an address may do this many at once, and a member one fewer.
func limits(login, signUp, mail, search, read, write, send, connect int) httpserver.Limits {
	rates := func(n int) httpserver.Rates { return httpserver.Rates{IP: slowly(n), Member: slowly(n - 1)} }
	return httpserver.Limits{Scale: 1, Login: rates(login), SignUp: rates(signUp), Mail: rates(mail), Search: rates(search), Read: rates(read),
		Write: rates(write), Send: httpserver.Rates{IP: slowly(send)}, Connect: rates(connect)}
}

func limitedServer(t testing.TB, cfg httpserver.Config, log *securitylog.Log, registry *prometheus.Registry) *httpserver.Server {
	t.Helper()
	spec, err := apidoc.Merge([]byte(base), []byte(limited))
	if err != nil {
		t.Fatal(err)
	}
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	s, err := httpserver.New(cfg, spec, httpserver.Deps{Members: &crowd{}, Security: log, Registry: registry, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ok := func(c echo.Context) error { return c.NoContent(http.StatusOK) }
	for _, path := range []string{"/login", "/accounts", "/letters", "/things", "/messages", "/forgotten"} {
		s.API.POST(path, ok)
	}
	for _, path := range []string{"/search", "/things", "/chat/events", "/chat/ws"} {
		s.API.GET(path, ok)
	}
	return s
}

// ask sends a request from an address, as a member where token is not empty.
func ask(t testing.TB, s *httpserver.Server, method, path, from, token string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1"+path, http.NoBody)
	r.RemoteAddr = from
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Echo.ServeHTTP(w, r)
	return w
}

// What is no call has a class of its own by address: whoever loads pages without end is held, and neither calls nor the
// balancer's questions are by it, nor pages by calls.
func TestPagesHaveALimitOfTheirOwn(t *testing.T) {
	var log bytes.Buffer
	l := limits(1, 1, 1, 1, 3, 1, 1, 1)
	l.Page = httpserver.Rates{IP: slowly(5)}
	s := limitedServer(t, httpserver.Config{Limits: l}, securitylog.New(slog.New(slog.NewJSONHandler(&log, nil))), nil)
	s.Echo.GET("/*", func(c echo.Context) error { return c.String(http.StatusOK, "a page") })
	get := func(path, from string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		r.RemoteAddr = from
		s.Echo.ServeHTTP(w, r)
		return w
	}
	const one, other = "192.0.2.1:1", "192.0.2.2:1"
	for range 5 {
		ask(t, s, "GET", "/things", one, "") // two more than may be asked
	}
	for i, path := range []string{"/", "/seller", "/assets/a.js", "/openapi.json", "/.well-known/security.txt", "/", "/assets/b.js", "/openapi.json"} {
		w := get(path, one)
		refused := w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "" && strings.Contains(w.Body.String(), `"code":"rate_limited"`)
		if refused != (i >= 5) {
			t.Errorf("page %d, %s: %d %s", i+1, path, w.Code, w.Body)
		}
	}
	for range 20 {
		for _, path := range []string{"/healthz", "/readyz"} {
			if w := get(path, one); w.Code == http.StatusTooManyRequests {
				t.Fatalf("%s is limited", path)
			}
		}
	}
	if w := get("/", other); w.Code != http.StatusOK {
		t.Errorf("another address: %d", w.Code)
	}
	if w := ask(t, s, "GET", "/search", one, ""); w.Code != http.StatusOK {
		t.Errorf("a call of who has loaded too many pages: %d", w.Code)
	}
	if text := log.String(); strings.Count(text, `"reason":"page"`) != 1 {
		t.Errorf("the security log, told once a minute: %s", text)
	}
}

// passes counts how many of the requests, each by another caller, were let through.
func passes(t testing.TB, s *httpserver.Server, method, path string, tries int, caller func(i int) (from, token string)) (n int) {
	t.Helper()
	for i := range tries {
		from, token := caller(i)
		w := ask(t, s, method, path, from, token)
		switch w.Code {
		case http.StatusOK, http.StatusNotFound:
			n++
		case http.StatusTooManyRequests:
			after, err := strconv.Atoi(w.Header().Get("Retry-After"))
			if err != nil || after < 1 || after > 61 || !strings.Contains(w.Body.String(), `"code":"rate_limited"`) ||
				w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s: refused with Retry-After %q and %s", method, path, w.Header().Get("Retry-After"), w.Body)
			}
		default:
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	return n
}

// Each class of calls has its own bucket for an address, and one for a member wherever they call from.
func TestEachClassIsLimitedByAddressAndByMember(t *testing.T) {
	for _, tc := range []struct {
		method, path string
		burst        int
		noMember     bool
	}{
		{"POST", "/login", 3, false}, {"POST", "/accounts", 4, false}, {"POST", "/letters", 5, false}, {"GET", "/search", 6, false},
		{"GET", "/things", 7, false}, {"POST", "/things", 8, false}, {"POST", "/messages", 9, true}, {"GET", "/chat/events", 10, false},
		{"GET", "/chat/ws", 10, false}, {"GET", "/nothing", 7, false}, {"POST", "/nothing", 8, false},
		{"POST", "/forgotten", 3, false}, // what nobody has classed, and everybody may do
	} {
		t.Run(tc.method+tc.path, func(t *testing.T) {
			cfg := settings()
			cfg.Limits = limits(3, 4, 5, 6, 7, 8, 9, 10)
			s := limitedServer(t, cfg, nil, nil)
			if n := passes(t, s, tc.method, tc.path, 20, func(int) (string, string) { return "192.0.2.1:5000", "" }); n != tc.burst {
				t.Errorf("nobody passes %d times from one address, want %d", n, tc.burst)
			}
			if n := passes(t, s, tc.method, tc.path, 20, func(i int) (string, string) { return "192.0.2.2:5000", fmt.Sprint("member", i) }); n != tc.burst {
				t.Errorf("members pass %d times from one address, want %d", n, tc.burst)
			}
			want := tc.burst - 1
			if tc.noMember {
				want = 20
			}
			if n := passes(t, s, tc.method, tc.path, 20, func(i int) (string, string) { return fmt.Sprintf("198.51.100.%d:5000", i), "one" }); n != want {
				t.Errorf("a member passes %d times from many addresses, want %d", n, want)
			}
			if n := passes(t, s, "GET", "/things", 1, func(int) (string, string) { return "203.0.113.9:1", "another" }); n != 1 {
				t.Error("who has asked nothing yet is limited")
			}
		})
	}
}

// The buckets of one class are not those of another.
func TestAClassLeavesTheOthersTheirs(t *testing.T) {
	cfg := settings()
	cfg.Limits = limits(3, 4, 5, 6, 7, 8, 9, 10)
	s := limitedServer(t, cfg, nil, nil)
	from := func(int) (string, string) { return "192.0.2.1:5000", "" }
	passes(t, s, "POST", "/login", 20, from)
	if n := passes(t, s, "GET", "/search", 6, from); n != 6 {
		t.Errorf("after a flood of logins %d searches pass", n)
	}
}

// Who has a /64 has 2^64 addresses, and one bucket.
func TestANetworkOfIPv6IsOneAddress(t *testing.T) {
	cfg := settings()
	cfg.Limits = limits(3, 4, 5, 6, 7, 8, 9, 10)
	s := limitedServer(t, cfg, nil, nil)
	if n := passes(t, s, "POST", "/login", 20, func(i int) (string, string) { return fmt.Sprintf("[2001:db8:1:2:%x::1]:500", i), "" }); n != 3 {
		t.Errorf("%d logins from one /64", n)
	}
	if n := passes(t, s, "POST", "/login", 5, func(i int) (string, string) { return fmt.Sprintf("[2001:db8:1:%x::1]:500", 10+i), "" }); n != 5 {
		t.Errorf("%d of 5 logins from as many /64", n)
	}
	if n := passes(t, s, "POST", "/login", 20, func(i int) (string, string) {
		return []string{"192.0.2.7:1", "[::ffff:192.0.2.7]:1"}[i%2], ""
	}); n != 3 {
		t.Errorf("%d logins from one IPv4 address written in two ways", n)
	}
}

// What X-Forwarded-For says counts when a trusted proxy says it, and is not even read from others.
func TestOnlyTrustedProxiesSayWhoAsks(t *testing.T) {
	for name, tc := range map[string]struct {
		peer string
		said func(i int) []string
		want int
	}{
		"a stranger who changes names": {"192.0.2.1:1", func(i int) []string { return []string{fmt.Sprintf("198.51.100.%d", i)} }, 3},
		"a proxy with many clients":    {"10.0.0.1:1", func(i int) []string { return []string{fmt.Sprintf("198.51.100.%d", i)} }, 20},
		"a proxy with one client":      {"10.0.0.1:1", func(int) []string { return []string{"198.51.100.1"} }, 3},
		"a client behind a proxy who claims more": {"10.0.0.1:1", func(i int) []string {
			return []string{fmt.Sprintf("203.0.113.%d, 198.51.100.1", i)}
		}, 3},
		"the same in lines of its own": {"10.0.0.1:1", func(i int) []string { return []string{fmt.Sprintf("203.0.113.%d", i), "198.51.100.1"} }, 3},
		"two proxies of ours":          {"10.0.0.1:1", func(i int) []string { return []string{fmt.Sprintf("198.51.100.%d, 10.0.0.2", i)} }, 20},
		"what is no address":           {"10.0.0.1:1", func(i int) []string { return []string{fmt.Sprintf("198.51.100.%d, unknown%d", i, i)} }, 3},
		"addresses with ports":         {"10.0.0.1:1", func(i int) []string { return []string{fmt.Sprintf("198.51.100.1:%d", 1000+i)} }, 3},
		"a proxy that says nothing":    {"10.0.0.1:1", func(int) []string { return nil }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := settings()
			cfg.Limits, cfg.TrustedProxies = limits(3, 4, 5, 6, 7, 8, 9, 10), []string{"10.0.0.0/8"}
			s := limitedServer(t, cfg, nil, nil)
			n := 0
			for i := range 20 {
				var header []string
				for _, line := range tc.said(i) {
					header = append(header, "X-Forwarded-For", line)
				}
				header = append(header, "X-Real-Ip", fmt.Sprintf("203.0.113.%d", i), "Forwarded", fmt.Sprintf("for=203.0.113.%d", i))
				if ask(t, s, "POST", "/login", tc.peer, "", header...).Code == http.StatusOK {
					n++
				}
			}
			if n != tc.want {
				t.Errorf("%d of 20 logins pass, want %d", n, tc.want)
			}
		})
	}
}

// So many requests of a member or an address may be under way; a stream that stays has no such place.
func TestRequestsUnderWayAreLimited(t *testing.T) {
	cfg := settings()
	cfg.Limits = httpserver.Limits{Scale: 1, RequestsPerIP: 3, RequestsPerMember: 2}
	s := limitedServer(t, cfg, nil, nil)
	inside, go_on := make(chan struct{}), make(chan struct{})
	wait := func(c echo.Context) error {
		inside <- struct{}{}
		<-go_on
		return c.NoContent(http.StatusOK)
	}
	s.API.GET("/wait", wait)
	var running sync.WaitGroup
	start := func(path, from, token string) {
		running.Go(func() {
			if w := ask(t, s, "GET", path, from, token); w.Code != http.StatusOK {
				t.Errorf("%s from %s: %d", path, from, w.Code)
			}
		})
		<-inside
	}
	start("/wait", "192.0.2.1:1", "a")
	start("/wait", "192.0.2.1:1", "a")
	if w := ask(t, s, "GET", "/wait", "192.0.2.2:1", "a"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
		t.Errorf("a member's third at once: %d", w.Code)
	}
	start("/wait", "192.0.2.1:1", "b")
	if w := ask(t, s, "GET", "/wait", "192.0.2.1:2", ""); w.Code != http.StatusTooManyRequests {
		t.Errorf("an address' fourth at once: %d", w.Code)
	}
	for range 5 {
		if w := ask(t, s, "GET", "/chat/events", "192.0.2.1:3", "a"); w.Code != http.StatusOK {
			t.Errorf("a stream while requests are under way: %d", w.Code)
		}
	}
	close(go_on)
	running.Wait()
	inside = make(chan struct{}, 10)
	if w := ask(t, s, "GET", "/things", "192.0.2.1:2", "a"); w.Code != http.StatusOK {
		t.Errorf("after all have ended: %d", w.Code)
	}
}

// A handler that panics gives its places back.
func TestAPanicGivesItsPlacesBack(t *testing.T) {
	cfg := settings()
	cfg.Limits = httpserver.Limits{Scale: 1, RequestsPerIP: 1, RequestsPerMember: 1}
	s := limitedServer(t, cfg, nil, nil)
	s.API.GET("/panic", func(echo.Context) error { panic("no") })
	for range 3 {
		if w := ask(t, s, "GET", "/panic", "192.0.2.1:1", "a"); w.Code != http.StatusInternalServerError {
			t.Errorf("status %d", w.Code)
		}
	}
}

// Many members ask at once, from many addresses: each gets what is theirs.
func TestNobodysLimitIsAnothers(t *testing.T) {
	cfg := settings()
	cfg.Limits = limits(3, 4, 5, 6, 11, 8, 9, 10)
	s := limitedServer(t, cfg, nil, nil)
	const members = 20
	var got [members]atomic.Int64
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 10 {
				for m := range members {
					if ask(t, s, "GET", "/things", fmt.Sprintf("192.0.2.%d:1", m), fmt.Sprint(m)).Code == http.StatusOK {
						got[m].Add(1)
					}
				}
			}
		})
	}
	running.Wait()
	for m := range got {
		if n := got[m].Load(); n != 10 {
			t.Errorf("member %d passes %d times of 40, want 10", m, n)
		}
	}
}

// The guard's log hears of limits, of foreign pages and of what a role does not allow; once a minute of each, where a
// stranger could make it the flood.
func TestTheSecurityLogHearsOfRefusals(t *testing.T) {
	var out bytes.Buffer
	cfg := settings()
	cfg.Limits = limits(3, 4, 5, 6, 7, 8, 9, 10)
	s := limitedServer(t, cfg, securitylog.New(slog.New(slog.NewTextHandler(&out, nil))), nil)
	s.API.GET("/forbidden", func(echo.Context) error { return fault.New(fault.Forbidden, "forbidden", "You may not.") })
	for range 30 {
		ask(t, s, "POST", "/login", "192.0.2.1:1", "")
		ask(t, s, "POST", "/login", "192.0.2.2:1", "")
		ask(t, s, "POST", "/things", "192.0.2.3:1", "", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	}
	for range 3 {
		ask(t, s, "GET", "/forbidden", "192.0.2.4:1", "a")
	}
	for pattern, want := range map[string]int{
		`event=limit outcome=refused code=rate_limited reason=login ip=192.0.2.1 request_id=\S+\n`:       1,
		`event=limit outcome=refused code=rate_limited reason=login ip=192.0.2.2 `:                       1,
		`event=limit .*reason=write ip=192.0.2.3 `:                                                       1, // foreign pages are limited, too
		`event=cross_origin outcome=refused code=cross_origin reason=/api/v1/things ip=192.0.2.3 `:       1,
		`event=refused outcome=refused code=forbidden member=\S+ reason=/api/v1/forbidden ip=192.0.2.4 `: 3,
		`event=`:        7,
		`evil\.example`: 0,
	} {
		if n := len(regexp.MustCompile(pattern).FindAllString(out.String(), -1)); n != want {
			t.Errorf("%s: %d lines, want %d in\n%s", pattern, n, want, out.String())
		}
	}
}

// Strangers cannot make series: neither by methods, nor by paths, nor by refusals.
func TestStrangersMakeNoSeries(t *testing.T) {
	registry := prometheus.NewRegistry()
	cfg := settings()
	cfg.Limits = limits(3, 4, 5, 6, 7, 8, 9, 10)
	s := limitedServer(t, cfg, nil, registry)
	for i := range 500 {
		from := fmt.Sprintf("10.1.%d.%d:1", i/250, i%250)
		ask(t, s, fmt.Sprint("INVENT", i), "/things", from, "")
		ask(t, s, "GET", fmt.Sprint("/invented/", i), from, "")
		ask(t, s, "POST", "/login", "192.0.2.1:1", "")
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := 0
	for _, f := range families {
		series += len(f.GetMetric())
	}
	if series > 20 {
		t.Errorf("%d series: %v", series, families)
	}
}

// The scale is of everything.
func TestTheScaleRaisesEveryLimit(t *testing.T) {
	cfg := settings()
	cfg.Limits = limits(3, 4, 5, 6, 7, 8, 9, 10)
	cfg.Limits.RequestsPerIP, cfg.Limits.Scale = 1, 10
	s := limitedServer(t, cfg, nil, nil)
	if n := passes(t, s, "POST", "/login", 50, func(int) (string, string) { return "192.0.2.1:5000", "" }); n != 30 {
		t.Errorf("%d logins, want 30", n)
	}
}

// An operation with a class that does not exist, and a body that no check reads, are mistakes of the description.
func TestMistakesOfTheDescription(t *testing.T) {
	const answers = "responses: {'200': {description: ok}}"
	body := func(media, schema string) string {
		return fmt.Sprintf("requestBody: {content: {%s: {schema: %s}}}", media, schema)
	}
	for name, tc := range map[string]struct{ part, says string }{
		"unknown class":  {"x-limit: often", "x-limit"},
		"class no word":  {"x-limit: 5", "x-limit"},
		"a form":         {body("application/x-www-form-urlencoded", "{type: object}"), "application/json"},
		"parts of a sum": {body("application/json", "{allOf: [{type: object}]}"), "allOf"},
	} {
		tc.part = "paths: {/a: {post: {operationId: a, " + tc.part + ", " + answers + "}}}"
		spec, err := apidoc.Merge([]byte(base), []byte(tc.part))
		if err != nil {
			t.Fatal(err)
		}
		_, err = httpserver.New(settings(), spec, httpserver.Deps{Members: &crowd{}, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
