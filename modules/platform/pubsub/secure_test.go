package pubsub_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
)

// authority signs the tests' certificates.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	a.key = key
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the tests' authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &key.PublicKey, key)
	check(t, err)
	a.file = a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	file := filepath.Join(a.dir, name)
	check(a.t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return file
}

// issue gives the files of a certificate and its key.
func (a *authority) issue(name string) (cert, key string) {
	a.t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(a.t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, a.cert, &own.PublicKey, a.key)
	check(a.t, err)
	text, err := x509.MarshalECPrivateKey(own)
	check(a.t, err)
	return a.write(name+".pem", "CERTIFICATE", der), a.write(name+".key", "EC PRIVATE KEY", text)
}

// encrypted starts a Redis that speaks TLS besides, asks for a certificate, and has a user with a password.
func encrypted(t *testing.T, a *authority) (addr string) {
	t.Helper()
	testservers.Redis(t) // where there is none, it skips the test, or fails it where that may not be
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	check(t, l.Close())
	cert, key := a.issue("redis.test")
	s, err := testservers.StartRedis(t.Context(), t.TempDir(), "--tls-port", strconv.Itoa(port), "--tls-cert-file", cert,
		"--tls-key-file", key, "--tls-ca-cert-file", a.file, "--tls-auth-clients", "yes",
		"--user", "mall", "on", ">secret", "~t:*", "resetchannels", "&t:*", "+@all")
	check(t, err)
	t.Cleanup(func() { check(t, s.Kill()) })
	return "127.0.0.1:" + strconv.Itoa(port)
}

func TestRedisOverTLS(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue("mall.test")
	good := pubsub.Config{Addr: encrypted(t, a), Prefix: "t", Username: "mall", Password: "secret",
		TLS: true, TLSCA: a.file, TLSServerName: "redis.test", TLSCert: cert, TLSKey: key}
	check(t, good.Check())
	s, speaker := tune(t, openWith(t, good)), tune(t, openWith(t, good))
	check(t, s.Subscribe(t.Context(), "c"))
	speaker.Publish("c", []byte("hello"))
	s.hears(t, "c hello")
	for name, change := range map[string]func(*pubsub.Config){
		"no TLS":                func(c *pubsub.Config) { c.TLS = false; c.TLSCA, c.TLSServerName, c.TLSCert, c.TLSKey = "", "", "", "" },
		"another server's name": func(c *pubsub.Config) { c.TLSServerName = "other.test" },
		"the host's name":       func(c *pubsub.Config) { c.TLSServerName = "" },
		"another authority":     func(c *pubsub.Config) { c.TLSCA = newAuthority(t).file },
		"no certificate":        func(c *pubsub.Config) { c.TLSCert, c.TLSKey = "", "" },
		"another password":      func(c *pubsub.Config) { c.Password = "guess" },
	} {
		bad := good
		change(&bad)
		if err := openWith(t, bad).Ping(t.Context()).Err(); err == nil {
			t.Errorf("%s: it answers", name)
		}
	}
}

func TestConfigOfTLS(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue("mall.test")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	check(t, os.WriteFile(empty, nil, 0o600))
	for _, tc := range []struct {
		cfg  pubsub.Config
		want string // of the error; empty: it is fine
	}{
		{pubsub.Config{Addr: "h:1", TLS: true}, ""},
		{pubsub.Config{Addr: "h:1", TLS: true, TLSCA: a.file, TLSCert: cert, TLSKey: key}, ""},
		{pubsub.Config{TLS: true}, "redis.tls"},
		{pubsub.Config{Addr: "h:1", TLSCA: a.file}, "redis.tls"},
		{pubsub.Config{Addr: "h:1", TLS: true, TLSCA: "nowhere.pem"}, "redis.tls_ca"},
		{pubsub.Config{Addr: "h:1", TLS: true, TLSCA: empty}, "redis.tls_ca"},
		{pubsub.Config{Addr: "h:1", TLS: true, TLSCert: cert}, "redis.tls_cert"},
		{pubsub.Config{Addr: "h:1", TLS: true, TLSCert: a.file, TLSKey: key}, "redis.tls_cert"},
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
