package migrations_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"mall/migrations"
	"mall/modules/platform/db"
	"mall/modules/platform/testservers"

	"github.com/google/go-cmp/cmp"
)

var quiet = slog.New(slog.DiscardHandler)

// onAll runs the test on every database, empty.
func onAll(t *testing.T, run func(t *testing.T, d *db.DB)) {
	t.Helper()
	testservers.EveryConfig(t, testservers.EmptySQLite, testservers.EmptyMySQL, func(t *testing.T, cfg db.Config) { run(t, testservers.Open(t, cfg)) })
}

func up(t *testing.T, d *db.DB) {
	t.Helper()
	if err := migrations.Up(t.Context(), d, quiet); err != nil {
		t.Fatal(err)
	}
}

func pending(t *testing.T, d *db.DB) int {
	t.Helper()
	schema, err := migrations.Compare(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return len(schema.Pending)
}

func TestUpDownToNothingAndUpAgain(t *testing.T) {
	onAll(t, func(t *testing.T, d *db.DB) {
		all := pending(t, d) // on a database that has never seen a migration
		up(t, d)
		first := readSchema(t, d)
		if len(first) < 1 || pending(t, d) != 0 {
			t.Fatalf("after Up: %d tables, %d pending", len(first), pending(t, d))
		}
		up(t, d) // nothing to do
		if err := migrations.Down(t.Context(), d, quiet); err != nil || pending(t, d) != 1 {
			t.Fatalf("one step down: %v, %d pending", err, pending(t, d))
		}
		if err := migrations.DownAll(t.Context(), d, quiet); err != nil {
			t.Fatal(err)
		}
		if left := readSchema(t, d); len(left) != 0 || pending(t, d) != all {
			t.Errorf("after going down: tables %v, %d of %d pending", left, pending(t, d), all)
		}
		if err := migrations.Down(t.Context(), d, quiet); !errors.Is(err, migrations.ErrNothingApplied) {
			t.Errorf("one more step down = %v", err)
		}
		up(t, d)
		if diff := cmp.Diff(first, readSchema(t, d)); diff != "" {
			t.Errorf("the second way up led elsewhere (-first +second):\n%s", diff)
		}
	})
}

func TestStatusNamesEachMigrationAndItsTime(t *testing.T) {
	onAll(t, func(t *testing.T, d *db.DB) {
		up(t, d)
		if err := migrations.Down(t.Context(), d, quiet); err != nil {
			t.Fatal(err)
		}
		list, err := migrations.Status(t.Context(), d)
		if err != nil || len(list) == 0 || list[0].Version != 1 || list[0].Name != "0001_platform_outbox" {
			t.Fatalf("status = %+v, %v", list, err)
		}
		for i, state := range list {
			if last := i == len(list)-1; state.AppliedAt.IsZero() != last {
				t.Errorf("%s applied at %v, last %v", state.Name, state.AppliedAt, last)
			}
		}
	})
}

// Instances of a deploy start together: each migration runs once and nobody fails.
func TestConcurrentInstancesMigrateOnce(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		cfg := testservers.EmptyMySQL(t)
		cfg.MaxOpen = 2
		var wait sync.WaitGroup
		for range 10 {
			d := testservers.Open(t, cfg)
			wait.Go(func() {
				if err := migrations.Up(t.Context(), d, quiet); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		d := testservers.Open(t, cfg)
		var rows, versions int
		err := d.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*), COUNT(DISTINCT version_id) FROM goose_db_version").Scan(&rows, &versions)
		if err != nil || rows != versions || pending(t, d) != 0 {
			t.Errorf("%d rows for %d versions, %d pending, %v", rows, versions, pending(t, d), err)
		}
	})
}

// Data is the program's to make at its start: tests get databases back by emptying every table.
func TestMigrationsWriteNoRows(t *testing.T) {
	onAll(t, func(t *testing.T, d *db.DB) {
		up(t, d)
		for name := range readSchema(t, d) {
			var n int
			if err := d.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+name).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s: %d rows, %v", name, n, err)
			}
		}
	})
}

// An instance that was killed after making goose's table, before its first row, must not block all later ones.
func TestUpHealsAHalfMadeVersionTable(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.EmptyMySQL(t))
		up(t, d)
		for _, statement := range []string{"DELETE FROM goose_db_version", "DROP TABLE platform_outbox"} {
			if _, err := d.SQL().ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for name := range readSchema(t, d) {
			if _, err := d.SQL().ExecContext(t.Context(), "DROP TABLE "+name); err != nil {
				t.Fatal(err)
			}
		}
		up(t, d)
		if n := pending(t, d); n != 0 {
			t.Errorf("%d pending", n)
		}
	})
}

func TestWaitingForTheLockEndsWithTheContext(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.EmptyMySQL(t))
		holder, err := d.SQL().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = holder.Close() }()
		if _, err := holder.ExecContext(t.Context(), "DO GET_LOCK(CONCAT('mall_migrate_', LEFT(SHA2(DATABASE(), 256), 40)), 0)"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		log := slog.New(onMessage{slog.DiscardHandler, "waiting for another instance that migrates the database", cancel})
		if err := migrations.Up(ctx, d, log); !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v", err)
		}
	})
}

// onMessage calls a func when a message is logged.
type onMessage struct {
	slog.Handler
	message string
	call    func()
}

func (h onMessage) Enabled(context.Context, slog.Level) bool { return true }

func (h onMessage) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.call()
	}
	return nil
}

// In a rolling deploy the old program meets the new one's schema.
func TestADatabaseAheadOfTheProgramIsComplete(t *testing.T) {
	onAll(t, func(t *testing.T, d *db.DB) {
		up(t, d)
		_, err := d.SQL().ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
		if err != nil {
			t.Fatal(err)
		}
		up(t, d)
		schema, err := migrations.Compare(t.Context(), d)
		if diff := cmp.Diff(migrations.Schema{Newer: []int64{9999}}, schema); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

// Modules have ranges of numbers: a file may come after one with a higher number was applied.
func TestALowerNumberMayComeLate(t *testing.T) {
	onAll(t, func(t *testing.T, d *db.DB) {
		up(t, d)
		for _, statement := range []string{"DELETE FROM goose_db_version WHERE version_id = 1", "DROP TABLE platform_outbox"} {
			if _, err := d.SQL().ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		up(t, d)
		if n := pending(t, d); n != 0 {
			t.Errorf("%d pending", n)
		}
	})
}

func TestFilesComeInPairsAndMySQLTakesOneStatementEach(t *testing.T) {
	names := map[string][]string{}
	for _, folder := range []string{"mysql", "sqlite"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.sql"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			names[folder] = append(names[folder], filepath.Base(file))
		}
	}
	if diff := cmp.Diff(names["mysql"], names["sqlite"]); diff != "" {
		t.Errorf("files (-mysql +sqlite):\n%s", diff)
	}
	for _, name := range names["mysql"] {
		text, err := os.ReadFile(filepath.Join("mysql", name))
		if err != nil {
			t.Fatal(err)
		}
		up, down, _ := strings.Cut(string(text), "-- +goose Down")
		if statements(up) != 1 || statements(down) != 1 {
			t.Errorf("%s: %d statements up, %d down; want one each, since DDL commits", name, statements(up), statements(down))
		}
	}
}

// statements counts those that end in a semicolon at the end of a line.
func statements(text string) int {
	return len(slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool {
		line = strings.TrimSpace(line)
		return strings.HasPrefix(line, "--") || !strings.HasSuffix(line, ";")
	}))
}
