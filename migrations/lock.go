package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
)

// lockName is one a database, since GET_LOCK's names belong to the whole server and end at 64 characters. MySQL has SHA2
// alone since 9.6.
const lockName = "CONCAT('mall_migrate_', LEFT(SHA2(DATABASE(), 256), 40))"

// lockMySQL waits until this session alone migrates the database, and makes goose's version table. The lock ends with
// its connection, so a killed instance leaves nothing locked.
//
// It stands around goose rather than inside it (goose.WithSessionLocker) because goose looks for pending migrations,
// and makes its version table in two statements, before it asks its own locker: instances that start together then
// find the table without its first row and give up, and one that is killed between the two leaves it so for good.
func lockMySQL(ctx context.Context, pool *sql.DB, log *slog.Logger) (unlock func(), err error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	if err := getLock(ctx, conn, log); err != nil {
		return nil, err
	}
	if err := ensureVersionTable(ctx, conn); err != nil {
		return nil, err
	}
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK("+lockName+")")
		_ = conn.Close()
	}, nil
}

// getLock asks in turns of a second, so that the end of ctx is noticed.
func getLock(ctx context.Context, conn *sql.Conn, log *slog.Logger) error {
	for turn := 0; ; turn++ {
		var got sql.NullInt64
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK("+lockName+", 1)").Scan(&got); err != nil {
			return fmt.Errorf("migrations: lock: %w", err)
		}
		if got.Int64 == 1 {
			return nil
		}
		if turn == 0 {
			log.Info("waiting for another instance that migrates the database")
		}
	}
}

func ensureVersionTable(ctx context.Context, conn *sql.Conn) error {
	for _, statement := range []string{
		`CREATE TABLE IF NOT EXISTS goose_db_version (
			id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
			version_id BIGINT NOT NULL,
			is_applied BOOLEAN NOT NULL,
			tstamp DATETIME NULL DEFAULT CURRENT_TIMESTAMP,
			PRIMARY KEY (id))`,
		`INSERT INTO goose_db_version (version_id, is_applied)
			SELECT 0, TRUE FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM goose_db_version WHERE version_id = 0)`,
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("migrations: version table: %w", err)
		}
	}
	return nil
}
