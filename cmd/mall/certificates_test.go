package main_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/testprogram"
	"mall/modules/platform/testservers"
)

// identity is files of a server or of the mall: who it is, and whom it believes.
type identity struct{ ca, cert, key string }

func identityIn(t *testing.T, name string, a *testservers.Authority) identity {
	t.Helper()
	dir := t.TempDir()
	i := identity{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "own.pem"), filepath.Join(dir, "own.key")}
	i.renew(t, name, a)
	return i
}

func (i identity) renew(t *testing.T, name string, a *testservers.Authority) {
	t.Helper()
	cert, key := a.Issue(name)
	testservers.Replace(t, map[string]string{a.File: i.ca, cert: i.cert, key: i.key})
}

// settings are those of one section of the mall's.
func (i identity) settings(section, server string) []string {
	return []string{"MALL_" + section + "__TLS=true", "MALL_" + section + "__TLS_CA=" + i.ca, "MALL_" + section + "__TLS_SERVER_NAME=" + server,
		"MALL_" + section + "__TLS_CERT=" + i.cert, "MALL_" + section + "__TLS_KEY=" + i.key}
}

// A mall that lives on encrypted connections with a certificate of its own goes on, without a restart, when its servers and
// it get certificates of another authority; and when somebody gives it a file that is none.
func TestAMallGoesOnWithReplacedCertificates(t *testing.T) {
	old, renewed := testservers.NewAuthority(t), testservers.NewAuthority(t)
	ofDB, ofRedis := identityIn(t, "db.test", old), identityIn(t, "redis.test", old)
	toDB, toRedis := identityIn(t, "mall.test", old), identityIn(t, "mall.test", old)
	server := testservers.PrivateMySQL(t, "--ssl-ca="+ofDB.ca, "--ssl-cert="+ofDB.cert, "--ssl-key="+ofDB.key)
	root, err := server.CreateDatabase(t.Context(), "mall")
	if err != nil {
		t.Fatal(err)
	}
	d := testservers.Open(t, db.Config{Driver: db.MySQL, DSN: root})
	for _, statement := range []string{"CREATE USER mall@'%' IDENTIFIED BY 'secret' REQUIRE X509", "GRANT ALL ON mall.* TO mall@'%'"} {
		if _, err := d.SQL().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	secure := testprogram.FreeAddr(t)
	_, port, _ := net.SplitHostPort(secure)
	redis, err := testservers.StartRedis(t.Context(), t.TempDir(), "--tls-port", port, "--tls-auth-clients", "yes",
		"--tls-ca-cert-file", ofRedis.ca, "--tls-cert-file", ofRedis.cert, "--tls-key-file", ofRedis.key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = redis.Kill() })

	addr, internal := testprogram.FreeAddr(t), testprogram.FreeAddr(t)
	environ := []string{"MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN=" + strings.Replace(root, "root@", "mall:secret@", 1),
		"MALL_REDIS__ADDR=" + secure, "MALL_DEMO=true", "MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs",
		"MALL_HTTP__ADDR=" + addr, "MALL_HTTP__INTERNAL_ADDR=" + internal}
	environ = append(append(environ, toDB.settings("DB", "db.test")...), toRedis.settings("REDIS", "redis.test")...)
	p, _ := launch(t, t.TempDir(), environ...)
	p.url = "http://" + addr
	p.await(p.url+"/readyz", http.StatusOK)
	lives := func(when string) {
		t.Helper()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(soon); ; <-tick.C {
			_, text := get(t.Context(), "http://"+internal+"/statusz")
			linked, login := strings.Contains(text, `"connected":true`), p.logInAs("buyer@demo.mall")
			if linked && login == http.StatusOK {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: linked to Redis %t, a login is answered %d: %s", when, linked, login, p.log)
			}
		}
	}
	restart := func() {
		t.Helper()
		for _, s := range []interface {
			Kill() error
			Start(ctx context.Context) error
		}{server, redis} {
			if err := s.Kill(); err != nil { // with all its connections
				t.Fatal(err)
			}
			if err := s.Start(t.Context()); err != nil { // with what its files hold by now
				t.Fatal(err)
			}
		}
	}
	lives("at the start")

	for _, file := range []string{toDB.key, toRedis.ca} {
		if err := os.WriteFile(file, []byte("nothing of the kind\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	restart()
	lives("with files that are none")
	for _, want := range []string{"TLS files cannot be used; what they held before is used on, until the next start\" error=\"db.tls_cert, db.tls_key: ",
		"TLS files cannot be used; what they held before is used on, until the next start\" error=\"redis.tls_ca: holds no certificate"} {
		if log := p.log.String(); strings.Count(log, want) != 1 {
			t.Errorf("the log has %q %d times: %s", want, strings.Count(log, want), log)
		}
	}

	ofDB.renew(t, "db.test", renewed)
	ofRedis.renew(t, "redis.test", renewed)
	toDB.renew(t, "mall.test", renewed)
	toRedis.renew(t, "mall.test", renewed)
	restart()
	lives("with certificates of another authority")
	for _, want := range []string{"section=db", "section=redis"} {
		if log := p.log.String(); !strings.Contains(log, "other TLS files are used from now on\" "+want) {
			t.Errorf("the log has no %s: %s", want, log)
		}
	}
}
