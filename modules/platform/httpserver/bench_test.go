package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"mall/modules/platform/id"
)

// sink is a response that keeps nothing.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

// What the steps before a handler cost.
func BenchmarkChain(b *testing.B) {
	s := newServer(b)
	s.API.GET("/bench", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	for name, tc := range map[string]struct{ method, path, body string }{
		"get": {"GET", "/api/v1/bench", ""}, "post": {"POST", "/api/v1/things/" + id.New().String(), `{"name":"a","size":1,"lines":[{"n":1},{"n":2}]}`},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), tc.method, tc.path, strings.NewReader(tc.body))
				r.Header.Set("Authorization", "Bearer good")
				if tc.body != "" {
					r.Header.Set("Content-Type", "application/json")
				}
				w := &sink{header: http.Header{}}
				s.Echo.ServeHTTP(w, r)
				if w.status >= 300 {
					b.Fatal(w.status)
				}
			}
		})
	}
}
