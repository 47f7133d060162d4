package attacks_test

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

var edgeAttacks = []attack{
	{"wrong methods", "calls with methods that a path does not have", "405 with Allow", wrongMethods},
	{"malformed HTTP", "speaks HTTP as no client does", "400, or the end of the connection", malformedHTTP},
	{"who to tell", "looks for whom to tell of a hole", "/.well-known/security.txt with Contact and Expires", securityText},
	{"frames of other pages", "shows the mall inside a page of their own", "no page may be framed; nothing is guessed of types", headers},
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func wrongMethods(t *testing.T, w *world) {
	p := w.member("noise")
	d := describe(t, w.m)
	have := map[string][]string{}
	d.each(func(method, path string, _ schema) { have[path] = append(have[path], method) })
	for _, path := range sorted(have) {
		for _, method := range []string{"PUT", "PATCH", "DELETE", "POST", "TRACE"} {
			if slices.Contains(have[path], method) || method == "DELETE" && path == "/me/factors/passkeys/begin" {
				continue // the call of a passkey of that name
			}
			a := p.patient(method, everyID(path), nil)
			allow := a.header.Get("Allow")
			if a.status != http.StatusMethodNotAllowed || !strings.Contains(allow, have[path][0]) || strings.Contains(allow, method) {
				t.Errorf("%s %s: %d, Allow %q, want 405 with %v", method, path, a.status, allow, have[path])
			}
		}
	}
}

// spoken sends raw bytes and gives the status that is answered; 0 for an end without one.
func (m *mall) spoken(t *testing.T, text string) int {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: soon}).DialContext(t.Context(), "tcp", m.instances[0].Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(soon))
	fmt.Fprint(conn, text)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func malformedHTTP(t *testing.T, w *world) {
	body := `{"email":"a@b.kr","password":"x"}`
	for name, text := range map[string]string{
		"two lengths":             "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 33\r\n\r\n" + body,
		"a length and chunks":     "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 33\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"an unknown coding":       "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"a length that is none":   "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: +33\r\n\r\n" + body,
		"no host":                 "GET /api/v1/products HTTP/1.1\r\n\r\n",
		"two hosts":               "GET /api/v1/products HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"a header without a name": "GET /api/v1/products HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
		"a header with a space":   "GET /api/v1/products HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
		"a header with NUL":       "GET /api/v1/products HTTP/1.1\r\nHost: x\r\nX: y\x00z\r\n\r\n",
		"a head without an end":   "GET /api/v1/products HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 64<<10) + "\r\n\r\n",
		"a line that is none":     "hello\r\n\r\n",
		"HTTP/9":                  "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
		"a path with a space":     "GET /api/v1/pro ducts HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		if status := w.m.spoken(t, text); status != 0 && (status < 400 || status >= 500 && status != 501 && status != 505) {
			t.Errorf("%s: %d", name, status)
		}
	}
}

func securityText(t *testing.T, w *world) {
	a := w.m.stranger(t).call("GET", "//.well-known/security.txt", nil)
	text := string(a.body)
	if a.status != 200 || !strings.Contains(text, "Contact: ") || !strings.Contains(text, "Expires: ") || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Errorf("%s", a)
	}
}

func headers(t *testing.T, w *world) {
	for _, path := range []string{"//", "//seller", "/products", "//openapi.json", "/nothing"} {
		a := w.m.stranger(t).call("GET", path, nil)
		policy := a.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors") || strings.Contains(policy, "unsafe-eval") || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Server") != "" {
			t.Errorf("%s: %v", path, a.header)
		}
	}
}
