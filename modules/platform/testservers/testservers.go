// Package testservers gives tests real servers: private ones on free ports of the loopback, in folders of their own,
// that end with the test binary even when it is killed. Nothing of it touches servers that run already.
//
// Where a server is not installed the test is skipped, with the reason; it fails where CI is set or
// MALL_REQUIRE_SERVERS=1. Unix only.
package testservers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"mall/migrations"
	"mall/modules/platform/db"
)

var (
	databases atomic.Int64
	reusable  migrated
	quiet     = slog.New(slog.DiscardHandler)

	sharedMySQL = sync.OnceValues(func() (*MySQLServer, error) {
		dir, err := os.MkdirTemp("", "mall-mysql-")
		if err != nil {
			return nil, err
		}
		return startMySQL(context.Background(), dir, dir, nil)
	})
	migratedSQLite = sync.OnceValues(migrateSQLite)
)

// MySQL gives the test a migrated and empty database of its own on the MariaDB (or MySQL) that the test binary shares.
// A test that changes the tables themselves takes Migrated(t, EmptyMySQL(t)): this database is another test's next.
func MySQL(t testing.TB) db.Config {
	t.Helper()
	server := shared(t)
	name, ok := reusable.take()
	if !ok {
		name = createDatabase(t, server)
		Migrated(t, db.Config{Driver: db.MySQL, DSN: server.DSN(name)})
	}
	t.Cleanup(func() {
		if err := reusable.put(context.Background(), server, name); err != nil {
			t.Error(err)
		}
	})
	return db.Config{Driver: db.MySQL, DSN: server.DSN(name)}
}

// EmptyMySQL is a new database without tables.
func EmptyMySQL(t testing.TB) db.Config {
	t.Helper()
	server := shared(t)
	name := createDatabase(t, server)
	t.Cleanup(func() {
		if err := server.DropDatabase(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return db.Config{Driver: db.MySQL, DSN: server.DSN(name)}
}

// PrivateMySQL is a server of the test's own, for what would disturb others: options, restarts, faults. It ends with the
// test.
func PrivateMySQL(t testing.TB, options ...string) *MySQLServer {
	t.Helper()
	server, err := StartMySQL(t.Context(), t.TempDir(), options...)
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	return server
}

func shared(t testing.TB) *MySQLServer {
	t.Helper()
	server, err := sharedMySQL()
	if err != nil {
		missing(t, err)
	}
	return server
}

func createDatabase(t testing.TB, server *MySQLServer) (name string) {
	t.Helper()
	name = fmt.Sprintf("test_%d", databases.Add(1))
	if _, err := server.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return name
}

// Migrated migrates a database, such as one on a server that the test started for itself, and gives cfg back.
func Migrated(t testing.TB, cfg db.Config) db.Config {
	t.Helper()
	if err := migrate(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// SQLite gives the test a migrated database in a file of its own.
func SQLite(t testing.TB) db.Config {
	t.Helper()
	content, err := migratedSQLite()
	if err != nil {
		t.Fatal(err)
	}
	cfg := EmptySQLite(t)
	if err := os.WriteFile(cfg.Path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// EmptySQLite is SQLite without the migrations.
func EmptySQLite(t testing.TB) db.Config {
	t.Helper()
	return db.Config{Driver: db.SQLite, Path: filepath.Join(t.TempDir(), "mall.db")}
}

// Open opens the database for the test and closes it afterwards.
func Open(t testing.TB, cfg db.Config) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Databases runs the same tests on both databases, migrated, as subtests "sqlite" and "mysql".
func Databases(t *testing.T, run func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, Open(t, SQLite(t))) })
	t.Run("mysql", func(t *testing.T) { run(t, Open(t, MySQL(t))) })
}

func migrate(ctx context.Context, cfg db.Config) (err error) {
	d, err := db.Open(ctx, cfg, quiet)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return migrations.Up(ctx, d, quiet)
}

// migrateSQLite migrates once and gives the file's bytes for every test to copy.
func migrateSQLite() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "mall-sqlite-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "mall.db")
	if err := migrate(context.Background(), db.Config{Driver: db.SQLite, Path: path}); err != nil {
		return nil, err
	}
	return os.ReadFile(path) // complete: the last connection to close folds the log into it
}

// missing skips the test when a server is not installed, and fails it where that may not be.
func missing(t testing.TB, err error) {
	t.Helper()
	required := os.Getenv("CI") != "" || os.Getenv("MALL_REQUIRE_SERVERS") == "1"
	if !errors.Is(err, ErrAbsent) || required {
		t.Fatal(err)
	}
	t.Skip(err)
}
