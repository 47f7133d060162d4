package testservers

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
)

// migrated keeps migrated databases between tests: emptying the few tables that a test wrote to takes a fraction of
// the time that making all of them anew does.
type migrated struct {
	mu   sync.Mutex
	free []string
}

// take gives a database that a former test has left empty, if there is one.
func (m *migrated) take() (name string, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.free) == 0 {
		return "", false
	}
	name = m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
	return name, true
}

// put empties the database for the next test, or drops it when that fails: then a connection of the test still holds
// a lock, or the test changed the tables.
func (m *migrated) put(ctx context.Context, server *MySQLServer, name string) error {
	if err := empty(ctx, server, name); err != nil {
		return server.DropDatabase(ctx, name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, name)
	return nil
}

// empty truncates the tables that hold rows: unlike DELETE it leaves no statistics to mislead the next test's plans.
func empty(ctx context.Context, server *MySQLServer, name string) error {
	pool, err := server.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	conn, err := pool.Conn(ctx) // SET below is the session's
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, "SET lock_wait_timeout = 1, foreign_key_checks = 0"); err != nil {
		return err
	}
	full, err := tablesWithRows(ctx, conn)
	if err != nil {
		return err
	}
	for _, table := range full {
		if _, err := conn.ExecContext(ctx, "TRUNCATE TABLE `"+table+"`"); err != nil {
			return err
		}
	}
	return nil
}

// tablesWithRows leaves out goose's own, which says what is migrated.
func tablesWithRows(ctx context.Context, conn *sql.Conn) ([]string, error) {
	tables, err := texts(ctx, conn, `SELECT table_name FROM information_schema.tables
		WHERE table_schema = DATABASE() AND table_name <> 'goose_db_version'`)
	if err != nil || len(tables) == 0 {
		return nil, err
	}
	for i, table := range tables {
		tables[i] = fmt.Sprintf("SELECT '%[1]s' FROM DUAL WHERE EXISTS (SELECT 1 FROM `%[1]s`)", table)
	}
	return texts(ctx, conn, strings.Join(tables, " UNION ALL "))
}

func texts(ctx context.Context, conn *sql.Conn, query string) ([]string, error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}
