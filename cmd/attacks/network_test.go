package attacks_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/testprogram"
)

// door is a TCP connection to a mall.
func door(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: soon}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// gone says whether the other side has ended the connection by then, without reading more of it than a few bytes.
func gone(conn net.Conn, limit time.Duration) bool {
	_ = conn.SetReadDeadline(time.Now().Add(limit))
	for {
		one := make([]byte, 1)
		if _, err := conn.Read(one); err != nil {
			return !errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
}

// Who asks and never reads holds nothing for long: not the answers, not the connection.
func TestReadersThatNeverRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, embedded(t, slices.Concat(generous(), known("http.write_timeout", "3s"), known("http.request_timeout", "2s"))...))
	long := strings.Repeat("가나다라마바사아자차", 190)
	for range 60 {
		w.say(w.buyer, w.room, long)
	}
	const readers = 20
	var stalled []net.Conn
	for range readers {
		conn := door(t, w.m.instances[0].Addr)
		_ = conn.(*net.TCPConn).SetReadBuffer(2048)
		go func() { // more than the kernel's buffers hold
			for range 400 {
				if _, err := fmt.Fprintf(conn, "GET /api/v1/chat/rooms/%s/messages?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nX-Forwarded-For: %s\r\n\r\n",
					w.room, w.buyer.token, w.buyer.ip); err != nil {
					return
				}
			}
		}()
		stalled = append(stalled, conn)
	}
	open := func() float64 { return gauge(t, w.m, "mall_http_connections") }
	if !within(5*time.Second, func() bool { return open() >= readers }) {
		t.Fatalf("%v connections are open", open())
	}
	if !within(12*time.Second, func() bool { return open() < readers/2 }) {
		t.Errorf("12 s later %v connections of readers that never read are open", open())
	}
	for _, conn := range stalled {
		_ = conn.Close()
	}
}

// gauge is one number of /metrics.
func gauge(t *testing.T, m *mall, name string) (value float64) {
	t.Helper()
	for line := range strings.Lines(m.metrics(t)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			_, _ = fmt.Sscan(rest, &value)
		}
	}
	return value
}

// A body that comes byte by byte is not waited for: 15 s where nobody sets less, and a head a few.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	if usual := setting("http.read_timeout"); usual != "15s" {
		t.Errorf("http.read_timeout is %v when nobody sets it", usual)
	}
	m := embedded(t, known("http.read_timeout", "4s")...)
	began := time.Now()
	for name, tc := range map[string]struct {
		text  string
		limit time.Duration
	}{
		"a body": {"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", 7 * time.Second},
		"chunks": {"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", 7 * time.Second},
		"a head": {"GET /api/v1/products HTTP/1.1\r\nHost: x\r\nX: ", 8 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := door(t, m.instances[0].Addr)
			fmt.Fprint(conn, tc.text)
			go func() { // a sign of life now and then
				for range 30 {
					if _, err := io.WriteString(conn, " "); err != nil {
						return
					}
					wait(t, time.Second)
				}
			}()
			if !gone(conn, tc.limit) {
				t.Errorf("%v later it is still waited for", time.Since(began))
			}
		})
	}
}

// One address does not take all connections.
func TestConnectionsOfOneAddress(t *testing.T) {
	t.Parallel()
	m := embedded(t, append(known("http.limits.connections_per_ip", "20"), "MALL_HTTP__TRUSTED_PROXIES=10.9.8.0/24")...)
	refused := 0
	for range 60 {
		conn := door(t, m.instances[0].Addr)
		_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
		fmt.Fprintf(conn, "GET /api/v1/products HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			refused++
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable {
			refused++
		}
	}
	if refused == 0 {
		t.Error("60 connections of one address are open")
	}
}

// What a proxy says of a caller is believed of the proxies that are trusted, and of nobody else.
func TestClaimsOfAProxy(t *testing.T) {
	t.Parallel()
	m := embedded(t, "MALL_HTTP__TRUSTED_PROXIES=10.9.8.0/24", "MALL_HTTP__PUBLIC_URL=https://mall.example", "MALL_HTTP__ADDR=127.0.0.1:0")
	p := m.member(t, "victim")
	p, cookie := p.browser()
	own := m.instances[0].Addr
	for name, headers := range map[string][]header{
		"X-Forwarded-Proto":          {{"Origin", "https://" + own}, {"X-Forwarded-Proto", "https"}},
		"X-Forwarded-Host":           {{"Origin", "http://evil.example"}, {"X-Forwarded-Host", "evil.example"}},
		"X-Forwarded-Host and Proto": {{"Origin", "https://evil.example"}, {"X-Forwarded-Host", "evil.example"}, {"X-Forwarded-Proto", "https"}},
		"Forwarded":                  {{"Origin", "https://evil.example"}, {"Forwarded", "host=evil.example;proto=https"}},
		"X-Forwarded-Ssl":            {{"Origin", "https://" + own}, {"X-Forwarded-Ssl", "on"}},
		"X-Url-Scheme":               {{"Origin", "https://" + own}, {"X-Url-Scheme", "https"}},
	} {
		_, status, err := p.handshake(append(headers, cookie)...)
		if err == nil || status != http.StatusForbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := p.handshake(cookie, header{"Origin", "https://mall.example"}); err != nil {
		t.Errorf("a page of the public_url may not open a socket: %v", err)
	}
	a := p.call("POST", "/chat/rooms", object{"shop_id": nobody}, cookie, header{"Origin", "https://mall.example"}, header{"Sec-Fetch-Site", "same-origin"})
	a.want(404, "not_found")
	p.call("POST", "/chat/rooms", object{"shop_id": nobody}, cookie, header{"Origin", "https://evil.example"}).want(403, "cross_origin")
	if hsts := a.header.Get("Strict-Transport-Security"); !strings.Contains(hsts, "max-age=") {
		t.Errorf("Strict-Transport-Security is %q", hsts)
	}
	fresh := m.account(t, "another")
	if cookies := fresh.patient("POST", "/session", object{"email": fresh.email, "password": fresh.password}).header.Get("Set-Cookie"); !strings.Contains(cookies, "Secure") || !strings.Contains(cookies, "HttpOnly") || !strings.Contains(cookies, "SameSite=") {
		t.Errorf("Set-Cookie: %s", cookies)
	}
	refused := false
	for i := range 200 { // the limits by address see through what a stranger claims
		a := m.stranger(t).from(fmt.Sprintf("203.0.113.%d", i)).call("POST", "/auth/login", object{"email": someone(), "password": "not it"})
		refused = refused || a.status == http.StatusTooManyRequests
	}
	if !refused {
		t.Error("200 logins of one address, each with another X-Forwarded-For, and none was refused")
	}
}

// Behind nginx as it is configured in this project, what a client claims is dropped.
func TestClaimsBehindNginx(t *testing.T) {
	t.Parallel()
	m := embedded(t)
	front := nginx(t, m.instances[0].Addr)
	refused := false
	for i := range 200 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+front+"/api/v1/auth/login", reader(object{"email": someone(), "password": "not it"}))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		refused = refused || res.StatusCode == http.StatusTooManyRequests
	}
	if !refused {
		t.Error("200 logins of one address, each with another X-Forwarded-For, and none was refused")
	}
}

// nginx runs the project's own configuration before one instance, and gives its address.
func nginx(t *testing.T, mall string) string {
	t.Helper()
	path := ""
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Fatal("nginx is not installed; 'make setup' installs it or says how")
	}
	text, err := os.ReadFile("../../configs/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	addr := testprogram.FreeAddr(t)
	conf := strings.NewReplacer("/tmp/", dir+"/", "listen 8000;", "listen "+addr+";", "mall-1:8080", mall, "mall-2:8080", mall,
		"worker_processes auto", "worker_processes 1", "worker_rlimit_nofile 65536;", "", "worker_connections 32768", "worker_connections 1024",
		"access_log /dev/stdout mall", "access_log off").Replace(string(text))
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-p", dir, "-c", file, "-g", "daemon off;")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	until(t, "nginx", func() bool {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return addr
}
