package testservers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"mall/modules/platform/db"
)

// Kind is a make of server that speaks MySQL's protocol.
type Kind string

// The two that the mall runs on.
const (
	KindMySQL   Kind = "mysql"
	KindMariaDB Kind = "mariadb"
)

// kinds are all of them, the one first that tests run on when nobody chooses.
var kinds = []Kind{KindMySQL, KindMariaDB}

// Name is the server's name in prose.
func (k Kind) Name() string {
	if k == KindMariaDB {
		return "MariaDB"
	}
	return "MySQL"
}

// Chosen is the kind that MALL_TEST_DB names. Without a choice it is MySQL, or MariaDB on a machine that has no other.
var Chosen = sync.OnceValues(func() (Kind, error) {
	switch k := Kind(os.Getenv("MALL_TEST_DB")); k {
	case KindMySQL, KindMariaDB:
		return k, nil
	case "":
		for _, k := range kinds {
			if _, err := find(context.Background(), k); err == nil {
				return k, nil
			}
		}
		return KindMySQL, nil
	default:
		return "", fmt.Errorf("testservers: MALL_TEST_DB is %q: want mysql or mariadb", k)
	}
})

// given are the kinds of tests that do not run on the chosen one, by name.
var given sync.Map

// KindOf is the kind that EveryServer gave the test, or one above it, else the chosen one.
func KindOf(t testing.TB) Kind {
	t.Helper()
	for name := t.Name(); name != ""; name = name[:max(0, strings.LastIndexByte(name, '/'))] {
		if k, ok := given.Load(name); ok {
			return k.(Kind)
		}
	}
	k, err := Chosen()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// EveryServer runs the same test on MySQL and on MariaDB, as subtests "mysql" and "mariadb": MySQL, EmptyMySQL and
// PrivateMySQL give a subtest what belongs to its kind.
func EveryServer(t *testing.T, run func(t *testing.T)) {
	t.Helper()
	for _, k := range kinds {
		t.Run(string(k), func(t *testing.T) {
			given.Store(t.Name(), k)
			t.Cleanup(func() { given.Delete(t.Name()) })
			run(t)
		})
	}
}

// EveryDatabase is Databases on both servers: subtests "sqlite", "mysql" and "mariadb".
func EveryDatabase(t *testing.T, run func(t *testing.T, d *db.DB)) {
	t.Helper()
	EveryConfig(t, SQLite, MySQL, func(t *testing.T, cfg db.Config) { run(t, Open(t, cfg)) })
}

// EveryConfig is EveryDatabase for tests that open their databases themselves: sqlite and mysql make them.
func EveryConfig(t *testing.T, sqlite, mysql func(testing.TB) db.Config, run func(t *testing.T, cfg db.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, sqlite(t)) })
	EveryServer(t, func(t *testing.T) { run(t, mysql(t)) })
}

// distribution is a server that this machine has.
type distribution struct {
	kind    Kind
	server  string // path of the server's program
	install string // path of MariaDB's program that makes the data; MySQL's server makes its own
	version string
}

func (d distribution) String() string { return d.kind.Name() + " " + d.version }

var (
	foundMu sync.Mutex
	found   = map[Kind]distribution{}
)

// find looks the server up once a kind. The error is ErrAbsent when it is not on this machine.
func find(ctx context.Context, k Kind) (distribution, error) {
	foundMu.Lock()
	defer foundMu.Unlock()
	if d, ok := found[k]; ok {
		return d, nil
	}
	d, err := lookFor(ctx, k)
	if err == nil {
		found[k] = d
	}
	return d, err
}

func lookFor(ctx context.Context, k Kind) (distribution, error) {
	names := []string{os.Getenv("MALL_MYSQLD"), fetched("mysql/bin/mysqld"), "mysqld"}
	if k == KindMariaDB {
		names = []string{os.Getenv("MALL_MARIADBD"), "mariadbd", "mysqld"}
	}
	if names[0] != "" {
		names = names[:1] // the named one or none
	}
	for _, name := range names {
		path, err := lookUp(name)
		if err != nil {
			continue
		}
		output, err := exec.CommandContext(ctx, path, "--no-defaults", "--version").Output()
		if err != nil {
			return distribution{}, fmt.Errorf("testservers: %s --version: %w", path, err)
		}
		d := distribution{kind: KindMySQL, server: path, version: version(output)}
		if strings.Contains(string(output), "MariaDB") {
			d.kind = KindMariaDB
		}
		if d.kind != k { // a distribution may call MariaDB's server mysqld
			continue
		}
		if k == KindMariaDB {
			beside := filepath.Join(filepath.Dir(path), "mariadb-install-db")
			d.install, err = lookUp(beside, "mariadb-install-db", "mysql_install_db")
		}
		return d, err
	}
	return distribution{}, fmt.Errorf("%w: %s", ErrAbsent, k.Name())
}

var numbers = regexp.MustCompile(`\b\d+\.\d+\.\d+\b`)

// version is the number in what a server says of its version.
func version(output []byte) string {
	_, said, _ := strings.Cut(string(output), "Ver") // before it is the program's path
	if said == "" {
		said = string(output)
	}
	return numbers.FindString(said)
}

// fetched is the path of a program that .tools/sid.sh has brought; "" when it has not.
func fetched(program string) string {
	if place := os.Getenv("MALL_SERVERS"); place != "" {
		return filepath.Join(place, program)
	}
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".cache", "servers", program)
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

// runsOn writes into the test's log what it runs on: the summary of `make test` counts these lines.
func runsOn(t testing.TB, server string) {
	t.Helper()
	if t, ok := t.(*testing.T); ok { // a benchmark's log is its result
		t.Log("runs on " + server)
	}
}
