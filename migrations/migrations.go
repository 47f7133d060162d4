// Package migrations brings a database to the schema that this program knows, one numbered SQL file at a time.
//
// The files mysql/NNNN_module_what.sql and sqlite/NNNN_module_what.sql come in pairs and lead to the same logical
// schema. A file for MySQL holds one statement a direction, since DDL commits: what fails leaves nothing half done.
// Each module has its own range of numbers, so a file may be applied after one with a higher number.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"mall/modules/platform/db"

	"github.com/pressly/goose/v3"
)

//go:embed mysql/*.sql sqlite/*.sql
var files embed.FS

// ErrNothingApplied says that there is no migration left to undo.
var ErrNothingApplied = errors.New("migrations: nothing is applied")

// State is one migration of this program and when the database got it.
type State struct {
	Version   int64
	Name      string    // NNNN_module_what
	AppliedAt time.Time // UTC; zero when it is pending
}

// Up applies what the database lacks. Instances that start together wait for one another: each migration runs once.
// ctx should carry no deadline, since a big table takes its time; when it ends, what is applied stays.
func Up(ctx context.Context, d *db.DB, log *slog.Logger) error {
	return locked(ctx, d, log, func(p *goose.Provider) error {
		results, err := p.Up(ctx)
		if partial := new(goose.PartialError); errors.As(err, &partial) {
			results = partial.Applied
		}
		report(log, results)
		if err != nil {
			return fmt.Errorf("migrations: up: %w", err)
		}
		return nil
	})
}

// Down undoes the newest applied migration, with the data it holds. ErrNothingApplied when there is none.
func Down(ctx context.Context, d *db.DB, log *slog.Logger) error {
	return locked(ctx, d, log, func(p *goose.Provider) error {
		result, err := p.Down(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return ErrNothingApplied
		}
		if err != nil {
			return fmt.Errorf("migrations: down: %w", err)
		}
		report(log, []*goose.MigrationResult{result})
		return nil
	})
}

// DownAll undoes everything: for tests.
func DownAll(ctx context.Context, d *db.DB, log *slog.Logger) error {
	for {
		switch err := Down(ctx, d, log); {
		case errors.Is(err, ErrNothingApplied):
			return nil
		case err != nil:
			return err
		}
	}
}

// Status gives this program's migrations in the order of their numbers. It only reads.
func Status(ctx context.Context, d *db.DB) ([]State, error) {
	applied, err := appliedVersions(ctx, d)
	if err != nil {
		return nil, err
	}
	names, err := fs.ReadDir(files, folder(d))
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	list := make([]State, 0, len(names))
	for _, entry := range names { // sorted by name, hence by number
		name := strings.TrimSuffix(entry.Name(), path.Ext(entry.Name()))
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migrations: %s: %w", entry.Name(), err)
		}
		list = append(list, State{Version: version, Name: name, AppliedAt: applied[version]})
	}
	return list, nil
}

// Schema says how a database's schema differs from the one that this program knows.
type Schema struct {
	Pending []string `json:"pending"` // migrations that the database lacks
	Newer   []int64  `json:"newer"`   // versions that it has and the program does not know
}

// Compare looks what the database lacks. One that is newer than this program counts as complete, so that the old
// instances of a rolling deploy stay ready. It only reads.
func Compare(ctx context.Context, d *db.DB) (Schema, error) {
	var s Schema
	list, err := Status(ctx, d)
	if err != nil {
		return s, err
	}
	known := map[int64]bool{0: true} // goose's own first row
	for _, state := range list {
		known[state.Version] = true
		if state.AppliedAt.IsZero() {
			s.Pending = append(s.Pending, state.Name)
		}
	}
	applied, err := appliedVersions(ctx, d)
	for version := range applied {
		if !known[version] {
			s.Newer = append(s.Newer, version)
		}
	}
	slices.Sort(s.Newer)
	return s, err
}

func appliedVersions(ctx context.Context, d *db.DB) (map[int64]time.Time, error) {
	applied := map[int64]time.Time{}
	exists, err := versionTableExists(ctx, d)
	if err != nil || !exists {
		return applied, err
	}
	rows, err := d.SQL().QueryContext(ctx, "SELECT version_id, tstamp FROM goose_db_version")
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var version int64
		var at time.Time
		if err := rows.Scan(&version, &at); err != nil {
			return nil, fmt.Errorf("migrations: %w", err)
		}
		applied[version] = at.UTC()
	}
	return applied, rows.Err()
}

func versionTableExists(ctx context.Context, d *db.DB) (bool, error) {
	query := "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'goose_db_version'"
	if d.Dialect() == db.SQLite {
		query = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'"
	}
	var n int
	if err := d.SQL().QueryRowContext(ctx, query).Scan(&n); err != nil {
		return false, fmt.Errorf("migrations: %w", err)
	}
	return n > 0, nil
}

func folder(d *db.DB) string {
	if d.Dialect() == db.SQLite {
		return "sqlite"
	}
	return "mysql"
}

// locked runs fn while no other instance migrates this database.
func locked(ctx context.Context, d *db.DB, log *slog.Logger, fn func(*goose.Provider) error) (err error) {
	pool, closePool, err := d.Maintenance()
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	defer func() { err = errors.Join(err, closePool()) }()
	dialect := goose.DialectSQLite3 // one process, and one connection that goose holds from reading to writing
	if d.Dialect() == db.MySQL {
		dialect = goose.DialectMySQL
		unlock, err := lockMySQL(ctx, pool, log)
		if err != nil {
			return err
		}
		defer unlock()
	}
	provider, err := newProvider(dialect, pool, folder(d))
	if err != nil {
		return err
	}
	return fn(provider)
}

func newProvider(dialect goose.Dialect, pool *sql.DB, folder string) (*goose.Provider, error) {
	sub, err := fs.Sub(files, folder)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	provider, err := goose.NewProvider(dialect, pool, sub,
		goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return provider, nil
}

func report(log *slog.Logger, results []*goose.MigrationResult) {
	for _, r := range results {
		log.Info("migrated", "file", r.Source.Path, "direction", r.Direction, "took", r.Duration)
	}
}
