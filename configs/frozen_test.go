package configs_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A frozen instance takes connections, as its kernel does, and says nothing; one that drains says that it is not ready.
// Neither is given a call or a handshake, so that whoever comes is served at once by the one that is left.
func TestNginxPassesByWhoeverIsNotReady(t *testing.T) {
	frozen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = frozen.Close() })
	draining := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("%s %s went to one that drains", r.Method, r.URL.Path)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(draining.Close)
	living := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path == "/readyz" && len(body) > 0 {
			t.Errorf("%s: %d bytes of body, %v", r.URL.Path, len(body), err)
		}
		_, _ = w.Write(append([]byte(r.Method+" "+r.URL.Path+" "), body...)) // nginx notices
	}))
	t.Cleanup(living.Close)
	for name, other := range map[string]string{"frozen": frozen.Addr().String(), "draining": draining.Listener.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			base := balance(t, other, living.Listener.Addr().String())
			began := time.Now()
			const calls = 6
			for range calls {
				for _, path := range []string{"/api/v1/chat/ws", "/api/v1/chat/events", "/api/v1/chat/rooms"} {
					answers(t, http.MethodGet, base+path, "", "GET "+path+" ")
				}
				answers(t, http.MethodPost, base+"/api/v1/chat/rooms", "body", "POST /api/v1/chat/rooms body")
			}
			if took := time.Since(began); took > calls*3*time.Second {
				t.Errorf("%d rounds took %v", calls, took.Round(time.Millisecond))
			}
		})
	}
}

func answers(t *testing.T, method, url, body, want string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || string(text) != want {
		t.Errorf("%s %s: %d %q, %v", method, url, res.StatusCode, text, err)
	}
}

// balance runs nginx with the project's own file before two addresses, and gives its base URL.
func balance(t *testing.T, first, second string) string {
	t.Helper()
	nginx := lookup(t, "nginx")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // nginx started by root works as nobody, and needs its folders
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	conf := strings.NewReplacer("/tmp/", dir+"/", "/dev/stdout", dir+"/access.log", "listen 8000", "listen "+addr, "mall-1:8080", first, "mall-2:8080", second,
		"worker_processes auto", "worker_processes 1").Replace(read(t, "nginx.conf"))
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = said.Close() })
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), nginx, "-p", dir, "-c", file, "-g", "daemon off;") // ended in order, with its workers
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(read(t, said.Name()))
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			return "http://" + addr
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not listen: %v", err)
		}
	}
}
