package tlsfiles_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mall/modules/platform/testservers"
	"mall/modules/platform/tlsfiles"
)

// server takes connections of clients with a certificate of its authority, and answers one byte.
type server struct {
	addr string
	now  atomic.Pointer[tls.Config]
}

func serve(t *testing.T, a *testservers.Authority) *server {
	t.Helper()
	s := &server{}
	s.trust(t, a)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = c.Close() }()
				_, _ = tls.Server(c, s.now.Load()).Write([]byte("!")) // the handshake comes first
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return s
}

// trust has the server be one of the authority's, and want clients of it.
func (s *server) trust(t *testing.T, a *testservers.Authority) {
	t.Helper()
	own, err := tls.LoadX509KeyPair(a.Issue("server.test"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(a.File)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	s.now.Store(&tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert})
}

// reach says whether a connection with the files of this moment is made, both ways.
func (s *server) reach(t *testing.T, f *tlsfiles.Files, host string) error {
	t.Helper()
	d := tls.Dialer{Config: f.Client(host)}
	c, err := d.DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_, err = io.ReadFull(c, make([]byte, 1)) // a server's refusal comes after the client's part of the handshake
	return err
}

// folder holds the files that settings name.
func folder(t *testing.T, a *testservers.Authority) tlsfiles.Config {
	t.Helper()
	dir := t.TempDir()
	c := tlsfiles.Config{CA: filepath.Join(dir, "ca.pem"), Cert: filepath.Join(dir, "own.pem"), Key: filepath.Join(dir, "own.key")}
	renew(t, c, a)
	return c
}

func renew(t *testing.T, c tlsfiles.Config, a *testservers.Authority) {
	t.Helper()
	cert, key := a.Issue("client.test")
	testservers.Replace(t, map[string]string{a.File: c.CA, cert: c.Cert, key: c.Key})
}

func open(t *testing.T, c tlsfiles.Config, log io.Writer) *tlsfiles.Files {
	t.Helper()
	f, err := tlsfiles.Open("redis", c, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestReplacedFilesAreUsedFromTheNextConnectionOn(t *testing.T) {
	first, second := testservers.NewAuthority(t), testservers.NewAuthority(t)
	c, s := folder(t, first), serve(t, first)
	var log bytes.Buffer
	f := open(t, c, &log)
	if err := s.reach(t, f, "server.test"); err != nil {
		t.Fatal(err)
	}
	s.trust(t, second)
	if err := s.reach(t, f, "server.test"); err == nil {
		t.Error("a server of a foreign authority is believed")
	}
	renew(t, c, second)
	for range 2 {
		if err := s.reach(t, f, "server.test"); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(log.String(), "other TLS files are used"); n != 1 || strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("said %d times: %s", n, &log)
	}
}

// What cannot be used is told once, and changes nothing; what can be used after it is.
func TestAWrongFileIsToldOfAndTheOldOneIsUsedOn(t *testing.T) {
	a := testservers.NewAuthority(t)
	s := serve(t, a)
	ended, endedKey := a.IssueUntil("ended.test", time.Now().Add(-time.Minute))
	other, _ := a.Issue("other.test")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, c tlsfiles.Config)
		says  string
	}{
		"no key of the certificate": {func(t *testing.T, c tlsfiles.Config) { testservers.Replace(t, map[string]string{other: c.Cert}) },
			"redis.tls_cert, redis.tls_key: tls: private key does not match public key"},
		"no certificate": {func(t *testing.T, c tlsfiles.Config) { testservers.Replace(t, map[string]string{empty: c.Cert}) }, "redis.tls_cert, redis.tls_key: "},
		"no authority":   {func(t *testing.T, c tlsfiles.Config) { testservers.Replace(t, map[string]string{empty: c.CA}) }, "redis.tls_ca: holds no certificate"},
		"no file": {func(t *testing.T, c tlsfiles.Config) {
			if err := os.Remove(c.Key); err != nil {
				t.Fatal(err)
			}
		}, "redis.tls_key: open "},
		"an end that is over": {func(t *testing.T, c tlsfiles.Config) {
			testservers.Replace(t, map[string]string{ended: c.Cert, endedKey: c.Key})
		}, "redis.tls_cert: has ended on "},
	} {
		t.Run(name, func(t *testing.T) {
			c := folder(t, a)
			var log bytes.Buffer
			f := open(t, c, &log)
			tc.spoil(t, c)
			for range 3 {
				if err := s.reach(t, f, "server.test"); err != nil {
					t.Error(err)
				}
			}
			if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), tc.says) {
				t.Errorf("%d errors, want one that says %q: %s", n, tc.says, &log)
			}
			renew(t, c, a)
			if err := s.reach(t, f, "server.test"); err != nil {
				t.Error(err)
			}
			if n := strings.Count(log.String(), "other TLS files are used"); n != 1 {
				t.Errorf("the good ones are told of %d times: %s", n, &log)
			}
			if _, err := tlsfiles.Open("redis", c, nil); err != nil {
				t.Error(err)
			}
			if tc.spoil(t, c); name != "an end that is over" {
				if _, err := tlsfiles.Open("redis", c, nil); err == nil || !strings.HasPrefix(err.Error(), tc.says) || strings.Contains(err.Error(), "\n") {
					t.Errorf("at the start: %v, want %q", err, tc.says)
				}
			}
		})
	}
}

func TestWhoseNameTheServerMustHave(t *testing.T) {
	a := testservers.NewAuthority(t)
	s, c := serve(t, a), folder(t, a)
	f := open(t, c, io.Discard)
	if err := s.reach(t, f, "another.test"); err == nil {
		t.Error("another host's certificate is believed")
	}
	c.ServerName = "server.test"
	if err := s.reach(t, open(t, c, io.Discard), "127.0.0.1"); err != nil {
		t.Error(err)
	}
	c.Cert, c.Key = "", ""
	if err := s.reach(t, open(t, c, io.Discard), "127.0.0.1"); err == nil {
		t.Error("the server wants no certificate: the test proves nothing")
	}
	old := s.now.Load().Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	s.now.Store(old)
	if err := s.reach(t, f, "server.test"); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

func TestCheck(t *testing.T) {
	a := testservers.NewAuthority(t)
	cert, key := a.Issue("client.test")
	for _, tc := range []struct {
		cfg  tlsfiles.Config
		on   bool
		want string // what the error begins with; empty: it is fine
	}{
		{tlsfiles.Config{}, false, ""},
		{tlsfiles.Config{}, true, ""},
		{tlsfiles.Config{CA: a.File, Cert: cert, Key: key, ServerName: "x"}, true, ""},
		{tlsfiles.Config{ServerName: "x"}, false, "db.tls: must be set"},
		{tlsfiles.Config{CA: "nowhere.pem"}, true, "db.tls_ca: open nowhere.pem"},
		{tlsfiles.Config{Cert: cert}, true, "db.tls_cert, db.tls_key: a certificate and its key go together"},
		{tlsfiles.Config{Key: key}, true, "db.tls_cert, db.tls_key: a certificate and its key go together"},
		{tlsfiles.Config{Cert: a.File, Key: key}, true, "db.tls_cert, db.tls_key: tls: private key does not match"},
		{tlsfiles.Config{CA: key}, true, "db.tls_ca: holds no certificate"},
	} {
		if err := tc.cfg.Check("db", tc.on); (err == nil) != (tc.want == "") || err != nil && !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.cfg, err, tc.want)
		}
	}
}

func TestWhoIsOnTheWay(t *testing.T) {
	for addr, want := range map[string]tlsfiles.Way{
		"127.0.0.1:1": tlsfiles.Machine, "[::1]:1": tlsfiles.Machine, "localhost:1": tlsfiles.Machine, ":1": tlsfiles.Machine,
		"10.0.0.1:1": tlsfiles.Private, "192.168.0.7": tlsfiles.Private, "[fd00::1]:1": tlsfiles.Private, "mysql:3306": tlsfiles.Private,
		"db.internal:3306": tlsfiles.Unknown, "localhost.mall.example:1": tlsfiles.Unknown,
		"203.0.113.7:1": tlsfiles.Public, "[2001:db8::1]:1": tlsfiles.Public,
	} {
		if got := tlsfiles.WayToAddr(addr); got != want {
			t.Errorf("%s: %d, want %d", addr, got, want)
		}
	}
}
