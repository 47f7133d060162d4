package attacks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/testprogram"
	"mall/modules/platform/testservers"
)

// A Redis that knows who comes: a user of the mall's own with a password and nothing but the mall's keys and channels, and
// TLS with a certificate that is checked.
func TestRedisWithPasswordAndTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca := certify(t, dir)
	addr := testprogram.FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	server, err := testservers.StartRedis(t.Context(), dir, "--tls-port", port, "--tls-auth-clients", "no",
		"--tls-cert-file", filepath.Join(dir, "redis.crt"), "--tls-key-file", filepath.Join(dir, "redis.key"), "--tls-ca-cert-file", ca,
		"--aclfile", acl(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	cfg := testservers.MySQL(t)
	base := without(stores(cfg, server), "MALL_REDIS__ADDR")
	m := &mall{t: t, cfg: cfg, redis: server, settings: slices.Concat(base, believing(), []string{"MALL_REDIS__ADDR=" + addr,
		"MALL_REDIS__USERNAME=mall", "MALL_REDIS__PASSWORD=a-password-for-Redis"}, known("redis.tls", "true"), known("redis.tls_ca", ca),
		known("mail.off", "true"), generous())}
	m.start(dir)
	m.start(dir)
	m.db = testservers.Open(t, cfg)
	w := newWorld(t, m)
	l := w.buyer.connect()
	w.say(w.owner.at(1), w.room, "암호가 있는 길로")
	l.await("the message from the other instance", func(f frame) bool { return f.text("type") == "message" && f.text("body") == "암호가 있는 길로" })
	until(t, "news over Redis", func() bool { return gauge(t, m, "mall_pubsub_received_total") > 0 })
}

// acl is the file of users that configs/compose.yaml gives Redis, with a password. Its default user may say here that the
// server is there, and no more.
func acl(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile("../../configs/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	user := regexp.MustCompile(`(?m)^\s+(user mall on) >\S*\$\{MALL_REDIS_PASSWORD[^}]*\}(.*)$`).FindSubmatch(text)
	if user == nil {
		t.Fatal("configs/compose.yaml gives Redis no user of the mall's own")
	}
	file := filepath.Join(dir, "redis.acl")
	rules := fmt.Sprintf("user default on nopass -@all +info\n%s >a-password-for-Redis%s\n", user[1], user[2])
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// certify makes a certificate for the loopback, signed by an authority whose file it gives.
func certify(t *testing.T, dir string) (ca string) {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "attacks"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature}
	caKey, leafKey := key(), key()
	caDER, err := x509.CreateCertificate(rand.Reader, authority, authority, caKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, leafKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	write("redis.crt", "CERTIFICATE", leafDER)
	write("redis.key", "PRIVATE KEY", keyDER)
	return write("ca.crt", "CERTIFICATE", caDER)
}

// A secret is replaced while people are logged in; one that is gone is worth nothing.
func TestTokenSecretsAreRotated(t *testing.T) {
	t.Parallel()
	const next = "qX4mV8nB2cZ6kL0jH5gF9dS3aP7oI1uY"
	dir := t.TempDir()
	m := &mall{t: t, cfg: db.Config{Driver: db.SQLite}}
	with := func(secrets string) {
		if n := len(m.instances); n > 0 {
			if err := m.instances[n-1].Stop(); err != nil {
				t.Fatal(err)
			}
		}
		m.instances, m.logs = nil, nil
		m.settings = slices.Concat([]string{"MALL_DATA=" + dir, "MALL_DEMO=false", "MALL_MEMBER__TOKEN_SECRET=" + secrets}, believing())
		m.start(dir)
	}
	with(secret)
	early := m.account(t, "early")
	early.logIn()
	_, cookie := early.browser()
	with("new:" + next + ",old:" + secret)
	early.call("GET", "/me", nil).want(200, "")
	late := m.account(t, "late")
	late.logIn()
	with("new:" + next)
	late.call("GET", "/me", nil).want(200, "")
	early.call("GET", "/me", nil).want(401, "")
	early.token = ""
	var fresh struct {
		Access string `json:"access_token"`
	}
	early.call("POST", "/auth/refresh", object{"refresh_token": early.refresh}).must(200).into(&fresh)
	early.token = fresh.Access
	early.call("GET", "/me", nil).want(200, "")
	early.token = ""
	early.call("GET", "/me", nil, cookie).want(200, "")
}
