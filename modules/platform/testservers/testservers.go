// Package testservers gives tests real servers: private ones on free ports of the loopback, in folders of their own,
// that end with the test binary even when it is killed. Nothing of it touches servers that run already.
//
// The database server is MySQL or MariaDB, as MALL_TEST_DB chooses, or each of them (EveryServer). MySQL is the one that
// .tools/sid.sh has brought, else the machine's own; MALL_MYSQLD, MALL_MARIADBD and MALL_REDIS_SERVER name others.
//
// Where a server is not on the machine the test is skipped, with the reason; it fails where CI is set or
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
	quiet     = slog.New(slog.DiscardHandler)

	// sharing is the servers that the tests of this binary share, one a kind.
	sharing        = map[Kind]*common{KindMySQL: {kind: KindMySQL}, KindMariaDB: {kind: KindMariaDB}}
	migratedSQLite = sync.OnceValues(migrateSQLite)
)

// common is a server with the databases that its tests have left for others.
type common struct {
	kind     Kind
	once     sync.Once
	server   *MySQLServer
	err      error
	reusable migrated
}

func (c *common) start() (*MySQLServer, error) {
	c.once.Do(func() {
		var dir string
		if dir, c.err = os.MkdirTemp("", "mall-mysql-"); c.err == nil {
			c.server, c.err = startMySQL(context.Background(), c.kind, dir, dir, nil)
		}
	})
	return c.server, c.err
}

// MySQL gives the test a migrated and empty database of its own on the MySQL or MariaDB that the test binary shares.
// A test that changes the tables themselves takes Migrated(t, EmptyMySQL(t)): this database is another test's next.
func MySQL(t testing.TB) db.Config {
	t.Helper()
	server, reusable := shared(t)
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

// EmptyMySQL is a new database without tables. It goes with the server: to drop its tables one by one would take MySQL a
// second.
func EmptyMySQL(t testing.TB) db.Config {
	t.Helper()
	server, _ := shared(t)
	name := createDatabase(t, server)
	return db.Config{Driver: db.MySQL, DSN: server.DSN(name)}
}

// PrivateMySQL is a server of the test's own, for what would disturb others: options, restarts, faults. It ends with the
// test.
func PrivateMySQL(t testing.TB, options ...string) *MySQLServer {
	t.Helper()
	server, err := startMySQL(t.Context(), KindOf(t), t.TempDir(), "", options)
	if err != nil {
		missing(t, err)
	}
	runsOn(t, server.String())
	t.Cleanup(func() {
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func shared(t testing.TB) (*MySQLServer, *migrated) {
	t.Helper()
	c := sharing[KindOf(t)]
	server, err := c.start()
	if err != nil {
		missing(t, err)
	}
	runsOn(t, server.String())
	return server, &c.reusable
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

// Databases runs the same tests on embedded SQLite and on the chosen server, migrated, as subtests "sqlite" and "mysql"
// or "mariadb". What the servers may differ in is tested with EveryDatabase or EveryServer.
func Databases(t *testing.T, run func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, Open(t, SQLite(t))) })
	t.Run(string(KindOf(t)), func(t *testing.T) { run(t, Open(t, MySQL(t))) })
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
