package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// sqlMode is strict whatever the server's own setting: a text that does not fit is an error, never cut.
const sqlMode = "'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"

func openMySQL(ctx context.Context, cfg Config, log *slog.Logger) (*DB, error) {
	driverConfig, err := mysqlConfig(cfg)
	if err != nil {
		return nil, err
	}
	if err := encrypt(driverConfig, cfg, log); err != nil {
		return nil, err
	}
	pool, err := boundedPool(driverConfig, cfg)
	if err != nil {
		return nil, err
	}
	if err := awaitServer(ctx, pool, cfg.ConnectWait); err != nil {
		return nil, errors.Join(fmt.Errorf("db: mysql at %s/%s did not answer within %v: %w",
			driverConfig.Addr, driverConfig.DBName, cfg.ConnectWait, err), pool.Close())
	}
	aliases, err := knowsAliases(ctx, pool)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("db: mysql at %s/%s: %w", driverConfig.Addr, driverConfig.DBName, err), pool.Close())
	}
	g, err := openGorm(mysqlDialector{gormmysql.Dialector{Config: &gormmysql.Config{
		Conn: pool,
		// The same SQL for MySQL and MariaDB, so that what is tested on one runs on the other.
		SkipInitializeWithVersion: true,
		DisableWithReturning:      true,
		DontSupportForShareClause: true,
	}}}, cfg, log)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	if aliases {
		useAliases(g)
	}
	// Connections on which several statements may come in one packet are apart, so that no other statement of the
	// house can be made into two by what somebody writes into it.
	multi := driverConfig.Clone()
	multi.MultiStatements = true
	several, err := boundedPool(multi, cfg)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &DB{
		cfg: cfg, log: log, writer: g, reader: g, primary: pool, reading: pool, several: several, aliases: aliases,
		pools:       map[string]*sql.DB{"mysql": pool, "mysql_pipelined": several},
		maintenance: func() (*sql.DB, func() error, error) { return mysqlMaintenance(driverConfig) },
	}, nil
}

// mysqlConfig reads the DSN and forces what the house relies on.
func mysqlConfig(cfg Config) (*mysql.Config, error) {
	c, err := mysql.ParseDSN(cfg.DSN)
	if err != nil {
		return nil, fmt.Errorf("db: dsn: %w", err)
	}
	if c.DBName == "" {
		return nil, errors.New("db: dsn names no database")
	}
	c.InterpolateParams = true // one round trip a statement
	c.ParseTime = true
	c.Loc = time.UTC
	c.ClientFoundRows = true               // an UPDATE counts the rows it matched, as on SQLite
	c.Collation = "utf8mb4_unicode_520_ci" // both servers have it; unicode_ci holds all emoji for equal
	c.RejectReadOnly = true                // after a failover look for the new primary
	c.MultiStatements = false
	c.Timeout, c.ReadTimeout, c.WriteTimeout = cfg.DialTimeout, cfg.ReadTimeout, cfg.WriteTimeout
	c.Logger = &mysql.NopLogger{} // it repeats what the returned error says
	if err := c.Apply(mysql.TimeTruncate(time.Microsecond)); err != nil {
		return nil, fmt.Errorf("db: dsn: %w", err)
	}
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	c.Params["sql_mode"] = sqlMode
	c.Params["time_zone"] = "'+00:00'"
	c.Params["innodb_lock_wait_timeout"] = seconds(cfg.LockWait)
	return c, nil
}

func mysqlPool(c *mysql.Config) (*sql.DB, error) {
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("db: dsn: %w", err)
	}
	return sql.OpenDB(readCommitted{connector}), nil
}

// boundedPool is a pool whose connections the server ends when they are silent for too long.
func boundedPool(c *mysql.Config, cfg Config) (*sql.DB, error) {
	c = c.Clone()
	c.Params["wait_timeout"] = seconds(cfg.Silence)
	pool, err := mysqlPool(c)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(cfg.MaxOpen)
	pool.SetMaxIdleConns(cfg.MaxOpen) // a burst must not pay for connections again and again
	pool.SetConnMaxLifetime(cfg.MaxLifetime)
	pool.SetConnMaxIdleTime(cfg.Silence * 3 / 4)
	return pool, nil
}

// seconds is a time as the server's settings have it.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(d.Round(time.Second)/time.Second)))
}

// maintenanceConns is how many connections a pool of Maintenance has.
const maintenanceConns = 3

// mysqlMaintenance opens a small pool without a read timeout: an ALTER TABLE answers when it is done.
func mysqlMaintenance(c *mysql.Config) (*sql.DB, func() error, error) {
	patient := c.Clone()
	patient.ReadTimeout = 0
	pool, err := mysqlPool(patient)
	if err != nil {
		return nil, nil, err
	}
	pool.SetMaxOpenConns(maintenanceConns)
	return pool, pool.Close, nil
}

// awaitServer pings until the server answers, ctx ends or wait is over; the last error says why not.
func awaitServer(ctx context.Context, pool *sql.DB, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var last error
	for {
		err := pool.PingContext(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil { // the end of our own patience is not the reason
			last = err
		}
		if refused := new(mysql.MySQLError); errors.As(err, &refused) && !isTransient(err) {
			return last // a wrong password or database does not mend itself; too many connections, or a group without a primary, may
		}
		select {
		case <-ctx.Done():
			return last
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// readCommitted sets the isolation of each new connection: once, not once a transaction. It is a statement of its
// own because the variable is called transaction_isolation on MySQL and tx_isolation on MariaDB before 11.1.
type readCommitted struct{ driver.Connector }

func (r readCommitted) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("db: the MySQL driver cannot execute"), conn.Close())
	}
	if _, err := execer.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// mysqlDialector keeps the driver's error beside gorm's translation, which alone would lose the number.
type mysqlDialector struct{ gormmysql.Dialector }

func (d mysqlDialector) Translate(err error) error {
	translated := d.Dialector.Translate(err)
	if translated == err { //nolint:errorlint // the question is whether Translate changed it
		return err
	}
	return fmt.Errorf("%w: %w", translated, err)
}

var _ gorm.ErrorTranslator = mysqlDialector{}
