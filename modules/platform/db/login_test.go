package db_test

import (
	"strings"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/testservers"
)

// MySQL's users prove their password by caching_sha2_password: without TLS the driver asks for the server's public key, and
// once the server has it in its cache a hash is enough. MariaDB's users have their own way.
func TestUsersLogInWithAndWithoutTLS(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		server := testservers.PrivateMySQL(t)
		dsn, err := server.CreateDatabase(t.Context(), "mall")
		if err != nil {
			t.Fatal(err)
		}
		root := testservers.Open(t, db.Config{Driver: db.MySQL, DSN: dsn})
		run := func(statement string) {
			t.Helper()
			if _, err := root.SQL().ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		how := ""
		if server.Kind() == testservers.KindMySQL {
			how = "WITH caching_sha2_password "
		}
		run("CREATE USER anyhow@'%' IDENTIFIED " + how + "BY 'first secret'")
		run("CREATE USER guarded@'%' IDENTIFIED " + how + "BY 'other secret' REQUIRE SSL")
		run("GRANT ALL ON mall.* TO anyhow@'%'")
		run("GRANT ALL ON mall.* TO guarded@'%'")

		for _, c := range []struct {
			login, options string
			encrypted      bool
		}{
			{"anyhow:first secret", "", false},
			{"anyhow:first secret", "", false}, // by the server's cache now
			{"anyhow:first secret", "?tls=skip-verify", true},
			{"guarded:other secret", "?tls=skip-verify", true},
			{"guarded:other secret", "?tls=preferred", true},
		} {
			if c.encrypted && server.Kind() == testservers.KindMariaDB {
				continue // it has no certificate before 11.4
			}
			d := testservers.Open(t, db.Config{Driver: db.MySQL, DSN: strings.Replace(dsn, "root@", c.login+"@", 1) + c.options})
			for _, pool := range d.Pools() {
				var name, cipher string
				if err := pool.QueryRowContext(t.Context(), "SHOW SESSION STATUS LIKE 'Ssl_cipher'").Scan(&name, &cipher); err != nil {
					t.Fatal(err)
				}
				if (cipher != "") != c.encrypted {
					t.Errorf("%s%s: cipher %q", c.login, c.options, cipher)
				}
			}
		}
		for _, c := range []string{"anyhow:other secret", "guarded:other secret", "nobody:first secret"} {
			began := time.Now()
			d, err := db.Open(t.Context(), db.Config{Driver: db.MySQL, DSN: strings.Replace(dsn, "root@", c+"@", 1), ConnectWait: time.Minute}, quiet)
			if err == nil {
				_ = d.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "Access denied") || strings.Contains(err.Error(), "secret") || time.Since(began) > 10*time.Second {
				t.Errorf("%s without TLS: %v after %v", c, err, time.Since(began))
			}
		}
	})
}
