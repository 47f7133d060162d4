package httpserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"mall/modules/platform/httpserver"
	"mall/modules/platform/id"
)

const soon = 30 * time.Second

// serve opens a server for the time of the test.
func serve(t *testing.T, s *httpserver.Server) {
	t.Helper()
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve() }()
	s.SetReady(true)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// dial opens a connection from an address of this machine.
func dial(t *testing.T, s *httpserver.Server, from string) *net.TCPConn {
	t.Helper()
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(t.Context(), "tcp4", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn) //nolint:forcetypeassert // tcp was dialed
}

func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func status(t *testing.T, from *bufio.Reader) int {
	t.Helper()
	answer, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode
}

// A body that drips is given up, and so is its connection.
func TestASlowBodyIsCutOff(t *testing.T) {
	cfg := settings()
	cfg.ReadTimeout = 300 * time.Millisecond
	s := newServerWith(t, cfg, httpserver.Deps{})
	serve(t, s)
	conn := dial(t, s, "127.0.0.1")
	say(t, conn, "POST /api/v1/things/"+id.New().String()+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n"+
		"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	answers := bufio.NewReader(conn)
	if got := status(t, answers); got != http.StatusRequestTimeout {
		t.Errorf("status %d, want 408", got)
	}
	if _, err := answers.ReadByte(); err == nil {
		t.Error("the connection goes on")
	}
}

// A peer that asks for much and reads nothing holds its answer no longer than it may.
func TestAReaderThatNeverReadsIsCutOff(t *testing.T) {
	cfg := settings()
	cfg.ReadTimeout, cfg.WriteTimeout = time.Second, 300*time.Millisecond
	s := newServerWith(t, cfg, httpserver.Deps{})
	ended := make(chan error, 1)
	s.API.GET("/much", func(c echo.Context) error {
		piece := make([]byte, 64<<10)
		for range 1000 { // 64 MB: more than any buffer on the way
			if _, err := c.Response().Write(piece); err != nil {
				ended <- err
				return nil //nolint:nilerr // the test is told
			}
		}
		ended <- nil
		return nil
	})
	serve(t, s)
	conn := dial(t, s, "127.0.0.1")
	say(t, conn, "GET /api/v1/much HTTP/1.1\r\nHost: x\r\n\r\n")
	select {
	case err := <-ended:
		if err == nil {
			t.Error("all was written to nobody")
		}
	case <-time.After(soon):
		t.Error("the answer waits for its reader for ever")
	}
}

// A stream lives on after the time in which an answer must have been read, with deadlines of its own.
func TestAStreamOutlivesTheDeadlinesOfAnswers(t *testing.T) {
	cfg := settings()
	cfg.ReadTimeout, cfg.WriteTimeout = 200*time.Millisecond, 300*time.Millisecond
	s := newServerWith(t, cfg, httpserver.Deps{})
	s.API.GET("/chat/events", func(c echo.Context) error {
		control := http.NewResponseController(c.Response())
		c.Response().WriteHeader(http.StatusOK)
		for n := range 4 {
			if err := control.SetWriteDeadline(time.Now().Add(soon)); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(c.Response(), "%d\n", n); err != nil {
				return err
			}
			if err := control.Flush(); err != nil {
				return err
			}
			select {
			case <-c.Request().Context().Done():
				return context.Cause(c.Request().Context())
			case <-time.After(250 * time.Millisecond):
			}
		}
		return nil
	})
	serve(t, s)
	conn := dial(t, s, "127.0.0.1")
	say(t, conn, "GET /api/v1/chat/events HTTP/1.1\r\nHost: x\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "0\n1\n2\n3\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// One address takes so many connections; another has its own, and a trusted proxy's are other people's.
func TestConnectionsOfAnAddressAreLimited(t *testing.T) {
	for name, tc := range map[string]struct {
		proxies []string
		want    int
	}{"an address": {nil, 3}, "a proxy": {[]string{"127.0.0.1/32"}, 10}} {
		t.Run(name, func(t *testing.T) {
			cfg := settings()
			cfg.Connections, cfg.Limits, cfg.TrustedProxies = 100, httpserver.Limits{Scale: 1, ConnectionsPerIP: 3}, tc.proxies
			s := newServerWith(t, cfg, httpserver.Deps{})
			serve(t, s)
			open := map[*net.TCPConn]*bufio.Reader{}
			for i := range 10 {
				conn := dial(t, s, "127.0.0.1")
				answers := bufio.NewReader(conn)
				say(t, conn, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
				switch got := status(t, answers); {
				case got == http.StatusNotFound:
					open[conn] = answers
				case got != http.StatusServiceUnavailable || i < tc.want:
					t.Errorf("connection %d is answered %d", i+1, got)
				}
			}
			if len(open) != tc.want {
				t.Errorf("%d connections are open, want %d", len(open), tc.want)
			}
			other := dial(t, s, "127.0.0.2")
			say(t, other, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
			if got := status(t, bufio.NewReader(other)); got != http.StatusNotFound {
				t.Errorf("another address is answered %d", got)
			}
			for conn := range open {
				_ = conn.Close()
			}
			until(t, "the places are given back", func() bool { return s.Connections().Open <= 1 })
			again := dial(t, s, "127.0.0.1")
			say(t, again, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
			if got := status(t, bufio.NewReader(again)); got != http.StatusNotFound {
				t.Errorf("after the others have gone: %d", got)
			}
		})
	}
}

// A flood of connections beyond what an address may have keeps nobody else waiting.
func TestAFloodOfConnectionsHoldsUpNobodyElse(t *testing.T) {
	cfg := settings()
	cfg.Connections, cfg.Limits = 100, httpserver.Limits{Scale: 1, ConnectionsPerIP: 1}
	s := newServerWith(t, cfg, httpserver.Deps{})
	serve(t, s)
	for range 200 { // they say nothing: each would hold one of the 32 who turn people away for half a second
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp4", s.Addr())
		if err == nil { // else it was reset at once
			t.Cleanup(func() { _ = conn.Close() })
		}
	}
	start := time.Now()
	other := dial(t, s, "127.0.0.2")
	say(t, other, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := status(t, bufio.NewReader(other)); got != http.StatusNotFound {
		t.Errorf("another address is answered %d", got)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it waited %v", took)
	}
}

func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !so(); {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
		<-time.After(time.Millisecond)
	}
}

// Who knocks with the wrong method is told which ones the address takes.
func TestAnAddressSaysWhichMethodsItTakes(t *testing.T) {
	s := newServer(t)
	for _, tc := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"PUT", "/api/v1/things/1", 405, "POST"},
		{"GET", "/api/v1/things/1", 405, "POST"},
		{"DELETE", "/api/v1/slow", 405, "GET"},
		{"INVENTED", "/api/v1/slow", 405, "GET"},
		{"OPTIONS", "/api/v1/slow", 204, "GET"},
		{"GET", "/api/v1/nothing", 404, ""},
		{"PUT", "/api/v1/nothing", 404, ""},
		{"GET", "/api/v1", 404, ""},
		{"GET", "/api/v1/", 404, ""},
		{"GET", "/api/v1/things/..%2fslow", 405, "POST"}, // one segment, whatever it decodes to
		{"GET", "/api/v1/things/../slow", 404, ""},
		{"GET", "/api/v1/%73low", 404, ""},
		{"GET", "/api/v1//slow", 404, ""},
		{"POST", "/healthz", 405, "OPTIONS, GET"},
	} {
		w := plain(t, s, tc.method, tc.path)
		if w.Code != tc.status || w.Header().Get("Allow") != tc.allow {
			t.Errorf("%s %s: %d, Allow %q, want %d, %q", tc.method, tc.path, w.Code, w.Header().Get("Allow"), tc.status, tc.allow)
		}
		if tc.status == 405 && !strings.Contains(w.Body.String(), `"code":"method_not_allowed"`) {
			t.Errorf("%s %s: %s", tc.method, tc.path, w.Body)
		}
	}
}
