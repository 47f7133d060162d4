// Package db opens the mall's database and carries transactions through the context.
//
// Times are UTC with microseconds on both databases: DATETIME(6) on MySQL; on SQLite a column declared exactly
// DATETIME that holds an integer, the microseconds since 1970, so that SQL compares and sorts it rightly. Give
// statements time.Time values. An expression over a time (MAX, COALESCE) comes back from SQLite as that integer:
// select the column itself (ORDER BY … LIMIT 1) instead.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	cfg     Config
	log     *slog.Logger
	writer  *gorm.DB
	reader  *gorm.DB // the same as writer on MySQL
	pools   map[string]*sql.DB
	primary *sql.DB
	reading *sql.DB // what reader reads through
	several *sql.DB // takes several statements in one packet, for TxPipelined alone; nil on SQLite
	aliases bool    // see Taken
	// maintenance opens a pool whose statements may take as long as they need.
	maintenance func() (*sql.DB, func() error, error)
}

// Open opens the database of cfg, waiting up to cfg.ConnectWait for a server that is still starting.
// The error is one line and never holds the DSN's password.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*DB, error) {
	cfg = cfg.withDefaults()
	switch cfg.Driver {
	case MySQL:
		return openMySQL(ctx, cfg, log)
	case SQLite:
		return openSQLite(ctx, cfg, log)
	default:
		return nil, fmt.Errorf("db: unknown driver %q: want mysql or sqlite", cfg.Driver)
	}
}

// Close ends all connections. Transactions under way fail. A MySQL server that has ended one before is no error: there
// is nobody left to say goodbye to, and nothing is lost.
func (d *DB) Close() error {
	var errs []error
	for _, pool := range d.pools {
		errs = append(errs, pool.Close())
	}
	err := errors.Join(errs...)
	if d.cfg.Driver == MySQL && err != nil {
		d.log.Debug("closing the database's connections", "error", err)
		return nil
	}
	return err
}

// Dialect is MySQL or SQLite.
func (d *DB) Dialect() string { return d.cfg.Driver }

// Ping asks the database for a sign of life. The error is unclassified: see Fault.
func (d *DB) Ping(ctx context.Context) error {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	return d.primary.PingContext(ctx)
}

// SQL is the pool that transactions use: for tests and for tools that need database/sql itself.
func (d *DB) SQL() *sql.DB { return d.primary }

// Pools are the connection pools by name: "mysql" and "mysql_pipelined", or "sqlite_writer" and "sqlite_readers".
func (d *DB) Pools() map[string]*sql.DB { return d.pools }

// Stats are the connection pools' figures by the names of Pools.
func (d *DB) Stats() map[string]sql.DBStats {
	stats := make(map[string]sql.DBStats, len(d.pools))
	for name, pool := range d.pools {
		stats[name] = pool.Stats()
	}
	return stats
}

// Maintenance gives a pool for statements that may take minutes (migrations), which the ordinary read timeout
// would cut, and the func that closes it. On SQLite it is the writing connection itself.
func (d *DB) Maintenance() (*sql.DB, func() error, error) { return d.maintenance() }

// Read gives a handle for queries: in the transaction that ctx carries, else on a reading connection.
func (d *DB) Read(ctx context.Context) *gorm.DB { return d.handle(ctx, d.reader) }

// Write gives a handle for statements: in the transaction that ctx carries, else each commits by itself. A statement
// of the latter kind that a timeout or a lost connection ended may be stored all the same; in Tx it never is.
func (d *DB) Write(ctx context.Context) *gorm.DB { return d.handle(ctx, d.writer) }

func (d *DB) handle(ctx context.Context, g *gorm.DB) *gorm.DB {
	t := d.current(ctx)
	if t == nil {
		return g.Session(&gorm.Session{NewDB: true, Context: ctx})
	}
	s := d.writer.Session(&gorm.Session{NewDB: true, Context: ctx})
	s.Statement.ConnPool = t.sql
	return s
}

// bounded gives every call an end: a forgotten deadline must not hold a connection for ever.
func (d *DB) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d.cfg.Timeout)
}

// openGorm wires a pool to gorm with the settings that both databases share.
func openGorm(dialector gorm.Dialector, cfg Config, log *slog.Logger) (*gorm.DB, error) {
	g, err := gorm.Open(dialector, &gorm.Config{
		SkipDefaultTransaction: true,  // one statement is atomic by itself
		PrepareStmt:            false, // its cache can lock up the whole pool (gorm issue 7465)
		TranslateError:         true,
		DisableAutomaticPing:   true,
		DefaultContextTimeout:  cfg.Timeout,
		Logger:                 quietLogger{log: log, slow: cfg.SlowQuery},
		NowFunc:                now,
	})
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	return g, watchTransactions(g)
}

// now is the time as both databases can hold it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
