package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"mall/modules/platform/db/internal/sqlite"

	driver "modernc.org/sqlite"
)

func openSQLite(ctx context.Context, cfg Config, log *slog.Logger) (*DB, error) {
	if cfg.Path == "" {
		return nil, errors.New("db: sqlite needs a path")
	}
	if err := makeFile(cfg.Path); err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	writing, err := sqlitePool(ctx, cfg, 1, "_txlock", "immediate")
	if err != nil {
		return nil, err
	}
	reading, err := sqlitePool(ctx, cfg, cfg.Readers, "_query_only", "1")
	if err != nil {
		return nil, errors.Join(err, writing.Close())
	}
	d := &DB{
		cfg: cfg, log: log, primary: writing, reading: reading,
		pools:       map[string]*sql.DB{"sqlite_writer": writing, "sqlite_readers": reading},
		maintenance: func() (*sql.DB, func() error, error) { return writing, func() error { return nil }, nil },
	}
	d.writer, err = openGorm(sqlite.Dialector{Conn: writing}, cfg, log)
	if err == nil {
		d.reader, err = openGorm(sqlite.Dialector{Conn: reading}, cfg, log)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// makeFile makes a missing file, for its owner's eyes alone; the files of its log get the same mode. One that is there
// is not touched: closing it would take away the locks of whoever in this process has it open.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the operator's own setting
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// sqlitePool opens size connections to the file; option names what sets them apart.
func sqlitePool(ctx context.Context, cfg Config, size int, option, value string) (*sql.DB, error) {
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	query := url.Values{
		"_busy_timeout":        {strconv.FormatInt(cfg.LockWait.Milliseconds(), 10)},
		"_journal_mode":        {"WAL"},
		"_synchronous":         {"FULL"}, // a COMMIT that came back is on the disk
		"_foreign_keys":        {"on"},
		"_dqs":                 {"0"}, // "x" is a name, never a text: as on a strict MySQL
		"_time_integer_format": {"unix_micro"},
		"_inttotime":           {"1"},
		option:                 {value},
	}
	location := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	connector, err := driver.NewConnector(location.String())
	if err != nil {
		return nil, fmt.Errorf("db: sqlite %s: %w", cfg.Path, err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("db: sqlite %s: %w", cfg.Path, err), pool.Close())
	}
	return pool, nil
}
