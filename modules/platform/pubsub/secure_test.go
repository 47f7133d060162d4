package pubsub_test

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
	"mall/modules/platform/tlsfiles"
)

// secured is a Redis that speaks TLS besides, asks for a certificate, and has a user with a password.
type secured struct {
	*testservers.RedisServer

	addr      string
	cert, key string // files of its own
	ca        string // of whom it believes
}

func secure(t *testing.T, a *testservers.Authority) *secured {
	t.Helper()
	testservers.Redis(t) // where there is none, it skips the test, or fails it where that may not be
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	check(t, l.Close())
	dir := t.TempDir()
	r := &secured{addr: "127.0.0.1:" + port, ca: filepath.Join(dir, "ca.pem"), cert: filepath.Join(dir, "redis.pem"), key: filepath.Join(dir, "redis.key")}
	r.renew(t, a)
	r.RedisServer, err = testservers.StartRedis(t.Context(), dir, "--tls-port", port, "--tls-cert-file", r.cert,
		"--tls-key-file", r.key, "--tls-ca-cert-file", r.ca, "--tls-auth-clients", "yes",
		"--user", "mall", "on", ">secret", "~t:*", "resetchannels", "&t:*", "+@all")
	check(t, err)
	t.Cleanup(func() { check(t, r.Kill()) })
	return r
}

// renew gives the server other files, which it reads when it is told to.
func (r *secured) renew(t *testing.T, a *testservers.Authority) {
	t.Helper()
	cert, key := a.Issue("redis.test")
	testservers.Replace(t, map[string]string{a.File: r.ca, cert: r.cert, key: r.key})
}

// withFiles are the settings of a mall whose certificates are of the authority.
func withFiles(t *testing.T, r *secured, a *testservers.Authority) pubsub.Config {
	t.Helper()
	dir := t.TempDir()
	c := pubsub.Config{Addr: r.addr, Prefix: "t", Username: "mall", Password: "secret", TLS: true, TLSFiles: tlsfiles.Config{
		CA: filepath.Join(dir, "ca.pem"), ServerName: "redis.test", Cert: filepath.Join(dir, "mall.pem"), Key: filepath.Join(dir, "mall.key")}}
	renewOwn(t, c, a)
	check(t, c.Check())
	return c
}

func renewOwn(t *testing.T, c pubsub.Config, a *testservers.Authority) {
	t.Helper()
	cert, key := a.Issue("mall.test")
	testservers.Replace(t, map[string]string{a.File: c.TLSFiles.CA, cert: c.TLSFiles.Cert, key: c.TLSFiles.Key})
}

func TestRedisOverTLS(t *testing.T) {
	a := testservers.NewAuthority(t)
	good := withFiles(t, secure(t, a), a)
	s, speaker := tune(t, openWith(t, good)), tune(t, openWith(t, good))
	check(t, s.Subscribe(t.Context(), "c"))
	speaker.Publish("c", []byte("hello"))
	s.hears(t, "c hello")
	for name, change := range map[string]func(*pubsub.Config){
		"no TLS":                func(c *pubsub.Config) { c.TLS, c.TLSFiles = false, tlsfiles.Config{} },
		"another server's name": func(c *pubsub.Config) { c.TLSFiles.ServerName = "other.test" },
		"the host's name":       func(c *pubsub.Config) { c.TLSFiles.ServerName = "" },
		"another authority":     func(c *pubsub.Config) { c.TLSFiles.CA = testservers.NewAuthority(t).File },
		"no certificate":        func(c *pubsub.Config) { c.TLSFiles.Cert, c.TLSFiles.Key = "", "" },
		"another's certificate": func(c *pubsub.Config) {
			c.TLSFiles.Cert, c.TLSFiles.Key = testservers.NewAuthority(t).Issue("mall.test")
		},
		"another password": func(c *pubsub.Config) { c.Password = "guess" },
	} {
		bad := good
		change(&bad)
		if err := openWith(t, bad).Ping(t.Context()).Err(); err == nil {
			t.Errorf("%s: it answers", name)
		}
	}
}

// All certificates are replaced, with the authority that signs them, and all connections end: the bus goes on.
func TestRedisIsReachedWithReplacedCertificates(t *testing.T) {
	t.Parallel()
	old, renewed := testservers.NewAuthority(t), testservers.NewAuthority(t)
	r := secure(t, old)
	c := withFiles(t, r, old)
	s := tune(t, openWith(t, c))
	check(t, s.Subscribe(t.Context(), "c"))
	s.gets(t, "c", "before")
	r.renew(t, renewed)
	operator := open(t, r.Addr()) // by its other port, in the open
	for _, file := range [][2]string{{"tls-cert-file", r.cert}, {"tls-key-file", r.key}, {"tls-ca-cert-file", r.ca}} {
		check(t, operator.ConfigSet(t.Context(), file[0], file[1]).Err())
	}
	rebuilt := s.Stats().Rebuilt
	for _, kind := range []string{"normal", "pubsub"} {
		check(t, operator.ClientKillByFilter(t.Context(), "TYPE", kind).Err())
	}
	until(t, "what is of the old authority is refused", func() bool { return s.Stats().Rebuilt > rebuilt+1 && !s.Connected() })
	renewOwn(t, c, renewed)
	until(t, "linked again", s.Connected)
	// A connection that was made with the old certificate may be refused only when it is used, and what it carried is lost.
	until(t, "news come again", func() bool {
		s.other.Publish("c", []byte("after"))
		select {
		case got := <-s.heard:
			return got == "c after"
		default:
			return false
		}
	})
}

func TestConfigOfTLS(t *testing.T) {
	a := testservers.NewAuthority(t)
	for _, tc := range []struct {
		cfg  pubsub.Config
		want string // of the error; empty: it is fine
	}{
		{pubsub.Config{Addr: "h:1", TLS: true}, ""},
		{pubsub.Config{Addr: "h:1", TLS: true, TLSFiles: tlsfiles.Config{CA: a.File}}, ""},
		{pubsub.Config{TLS: true}, "redis.tls"},
		{pubsub.Config{Addr: "h:1", TLSFiles: tlsfiles.Config{CA: a.File}}, "redis.tls"},
		{pubsub.Config{Addr: "h:1", TLS: true, TLSFiles: tlsfiles.Config{CA: "nowhere.pem"}}, "redis.tls_ca"},
		{pubsub.Config{Addr: "10.0.0.1:1", Password: "x"}, ""},
		{pubsub.Config{Addr: "127.0.0.1:1", Password: "x"}, ""},
		{pubsub.Config{Addr: "[fd00::1]:1", Password: "x"}, ""},
		{pubsub.Config{Addr: "203.0.113.7:1", Password: "x"}, "redis.password"},
		{pubsub.Config{Addr: "10.0.0.1:1,203.0.113.7:1", Cluster: true, Password: "x"}, "redis.password"},
		{pubsub.Config{Addr: "203.0.113.7:1", Password: "x", TLS: true}, ""},
	} {
		err := tc.cfg.Check()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.cfg, err, tc.want)
		}
	}
}

func TestDangers(t *testing.T) {
	for _, tc := range []struct {
		cfg  pubsub.Config
		want []string
	}{
		{pubsub.Config{}, nil},
		{pubsub.Config{Addr: "localhost:1"}, nil},
		{pubsub.Config{Addr: "redis:1", Password: "x"}, nil},
		{pubsub.Config{Addr: "redis:1"}, []string{"redis.password"}},
		{pubsub.Config{Addr: "10.0.0.1:1", Password: "x"}, nil},
		{pubsub.Config{Addr: "redis.example.com:1", Password: "x"}, []string{"redis.tls"}},
		{pubsub.Config{Addr: "redis.example.com:1", Password: "x", TLS: true}, nil},
		{pubsub.Config{Addr: "203.0.113.7:1"}, []string{"redis.password", "redis.tls"}},
	} {
		if got := tc.cfg.Dangers(); !slices.Equal(got, tc.want) {
			t.Errorf("%+v: %q, want %q", tc.cfg, got, tc.want)
		}
	}
}
