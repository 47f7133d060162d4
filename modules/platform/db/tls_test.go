package db_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/testservers"
	"mall/modules/platform/tlsfiles"
)

// secured is a server that lets its user in with a certificate only.
type secured struct {
	*testservers.MySQLServer

	cert, key, ca string // files of its own, and of whom it believes
}

func secure(t *testing.T, a *testservers.Authority) (s *secured, dsn string) {
	t.Helper()
	dir := t.TempDir()
	s = &secured{cert: filepath.Join(dir, "server.pem"), key: filepath.Join(dir, "server.key"), ca: filepath.Join(dir, "ca.pem")}
	s.renew(t, a)
	s.MySQLServer = testservers.PrivateMySQL(t, "--ssl-ca="+s.ca, "--ssl-cert="+s.cert, "--ssl-key="+s.key)
	root, err := s.CreateDatabase(t.Context(), "mall")
	if err != nil {
		t.Fatal(err)
	}
	d := testservers.Open(t, db.Config{Driver: db.MySQL, DSN: root})
	for _, statement := range []string{"CREATE USER mall@'%' IDENTIFIED BY 'secret' REQUIRE X509", "GRANT ALL ON mall.* TO mall@'%'"} {
		if _, err := d.SQL().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return s, strings.Replace(root, "root@", "mall:secret@", 1)
}

func (s *secured) renew(t *testing.T, a *testservers.Authority) {
	t.Helper()
	cert, key := a.Issue("db.test")
	testservers.Replace(t, map[string]string{a.File: s.ca, cert: s.cert, key: s.key})
}

// filesOf are files of a mall whose certificate is of the authority.
func filesOf(t *testing.T, a *testservers.Authority) tlsfiles.Config {
	t.Helper()
	dir := t.TempDir()
	c := tlsfiles.Config{CA: filepath.Join(dir, "ca.pem"), ServerName: "db.test", Cert: filepath.Join(dir, "mall.pem"), Key: filepath.Join(dir, "mall.key")}
	renewOwn(t, c, a)
	return c
}

func renewOwn(t *testing.T, c tlsfiles.Config, a *testservers.Authority) {
	t.Helper()
	cert, key := a.Issue("mall.test")
	testservers.Replace(t, map[string]string{a.File: c.CA, cert: c.Cert, key: c.Key})
}

// cipher is what a connection is encrypted with.
func cipher(ctx context.Context, t *testing.T, pool *sql.DB) string {
	t.Helper()
	var name, value string
	if err := pool.QueryRowContext(ctx, "SHOW SESSION STATUS LIKE 'Ssl_cipher'").Scan(&name, &value); err != nil {
		t.Error(err)
	}
	return value
}

func TestTheDatabaseOverTLS(t *testing.T) {
	t.Parallel()
	a := testservers.NewAuthority(t)
	_, dsn := secure(t, a)
	good := db.Config{Driver: db.MySQL, DSN: dsn, TLS: true, TLSFiles: filesOf(t, a), ConnectWait: 2 * time.Second}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	d := testservers.Open(t, good)
	maintenance, end, err := d.Maintenance()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = end() }()
	for name, pool := range map[string]*sql.DB{"mysql": d.Pools()["mysql"], "mysql_pipelined": d.Pools()["mysql_pipelined"], "maintenance": maintenance} {
		if cipher(t.Context(), t, pool) == "" {
			t.Errorf("%s is not encrypted", name)
		}
	}
	if _, err := d.SQL().ExecContext(t.Context(), schemas[db.MySQL]); err != nil {
		t.Fatal(err)
	}
	create(t, d, newThing("a"))
	if err := pipelined(t.Context(), d, "b", "c"); err != nil || names(t, d) != "a b c" {
		t.Errorf("%v, %q is stored", err, names(t, d))
	}
	for name, change := range map[string]func(*db.Config){
		"no TLS":                func(c *db.Config) { c.TLS, c.TLSFiles = false, tlsfiles.Config{} },
		"another server's name": func(c *db.Config) { c.TLSFiles.ServerName = "other.test" },
		"the host's name":       func(c *db.Config) { c.TLSFiles.ServerName = "" },
		"another authority":     func(c *db.Config) { c.TLSFiles.CA = testservers.NewAuthority(t).File },
		"no certificate":        func(c *db.Config) { c.TLSFiles.Cert, c.TLSFiles.Key = "", "" },
		"another's certificate": func(c *db.Config) { c.TLSFiles.Cert, c.TLSFiles.Key = testservers.NewAuthority(t).Issue("mall.test") },
	} {
		bad := good
		change(&bad)
		d, err := db.Open(t.Context(), bad, quiet)
		if err == nil {
			t.Errorf("%s: it is open", name)
			_ = d.Close()
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server that offers no TLS, or from which somebody has taken the offer away, gets nothing, whatever the DSN says.
func TestTheDatabaseIsNotReachedInTheClear(t *testing.T) {
	cfg := testservers.EmptyMySQL(t)
	cfg.TLS, cfg.ConnectWait = true, time.Second
	cfg.DSN += "&allowFallbackToPlaintext=true"
	if !strings.Contains(cfg.DSN, "?") {
		cfg.DSN = strings.Replace(cfg.DSN, "&", "?", 1)
	}
	if d, err := db.Open(t.Context(), cfg, quiet); err == nil {
		_ = d.Close()
		t.Error("it is open")
	}
}

// All certificates are replaced, with the authority that signs them, and all connections end: the mall goes on.
func TestTheDatabaseIsReachedWithReplacedCertificates(t *testing.T) {
	t.Parallel()
	old, renewed := testservers.NewAuthority(t), testservers.NewAuthority(t)
	s, dsn := secure(t, old)
	cfg := db.Config{Driver: db.MySQL, DSN: dsn, TLS: true, TLSFiles: filesOf(t, old)}
	d := testservers.Open(t, cfg)
	if err := d.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.renew(t, renewed)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Ping(t.Context()); err == nil {
		t.Error("the server is believed under an authority that is not known")
	}
	renewOwn(t, cfg.TLSFiles, renewed)
	for name, pool := range d.Pools() {
		if cipher(t.Context(), t, pool) == "" {
			t.Errorf("%s is not encrypted", name)
		}
	}
}

func TestHowTheDatabaseIsReached(t *testing.T) {
	a := testservers.NewAuthority(t)
	for _, tc := range []struct {
		dsn              string
		tls              bool
		ca               string
		refused          string // what Check says; empty: nothing
		readable, likely bool
	}{
		{"u:hidden@tcp(127.0.0.1:3306)/x", false, "", "", false, false},
		{"u:hidden@tcp(localhost:3306)/x", false, "", "", false, false},
		{"u:hidden@unix(/run/mysqld.sock)/x", false, "", "", false, false},
		{"u:hidden@tcp(mysql:3306)/x", false, "", "", true, false},
		{"u:hidden@tcp(10.0.0.5)/x", false, "", "", true, false},
		{"u:hidden@tcp(10.0.0.5)/x?tls=true", false, "", "", false, false},
		{"u:hidden@tcp(10.0.0.5)/x?tls=skip-verify", false, "", "", true, false},
		{"u:hidden@tcp(10.0.0.5)/x?tls=preferred", false, "", "", true, false},
		{"u:hidden@tcp(10.0.0.5)/x?tls=true&allowFallbackToPlaintext=true", false, "", "", true, false},
		{"u:hidden@tcp(db.internal)/x", false, "", "", true, true},
		{"u:hidden@tcp(db.internal)/x", true, "", "", false, false},
		{"u:hidden@tcp(db.internal)/x", true, a.File, "", false, false},
		{"u:hidden@tcp(203.0.113.9)/x", true, "", "", false, false},
		{"u:hidden@tcp(203.0.113.9)/x", false, "", "db.tls: must be set: the way to 203.0.113.9", true, true},
		{"u:hidden@tcp(203.0.113.9)/x?tls=skip-verify", false, "", "db.tls: must be set", true, true},
		{"u:hidden@tcp(127.0.0.1)/x", false, a.File, "db.tls: must be set for", false, false},
		{"u:hidden@tcp(127.0.0.1)/x", true, "nowhere.pem", "db.tls_ca: open nowhere.pem", false, false},
		{"u:hidden@tcp(127.0.0.1)/x?tls=true", true, "", "db.dsn: says tls= itself", false, false},
		{"u:hidden@tcp(127.0.0.1)/x?tls=nothing", false, "", "db.dsn: ", false, false},
	} {
		c := db.Config{Driver: db.MySQL, DSN: tc.dsn, TLS: tc.tls, TLSFiles: tlsfiles.Config{CA: tc.ca}}
		err := c.Check()
		if (err == nil) != (tc.refused == "") || err != nil && (!strings.HasPrefix(err.Error(), tc.refused) || strings.Contains(err.Error(), "hidden")) {
			t.Errorf("%s: %v, want %q", tc.dsn, err, tc.refused)
		}
		if _, readable, likely := c.Readable(); readable != tc.readable || likely != tc.likely {
			t.Errorf("%s: readable %t, likely %t", tc.dsn, readable, likely)
		}
	}
	if err := (db.Config{Driver: db.SQLite, TLS: true}).Check(); err == nil {
		t.Error("a file is encrypted on its way")
	}
}
