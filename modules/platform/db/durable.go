package db

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Finding is something about the database that what the mall promises may not survive.
type Finding struct {
	What string `json:"what"` // is wrong
	Loss string `json:"loss"` // what may come of it
	Mend string `json:"mend"` // what to do
}

// Key is a primary or unique key that a promise stands on.
type Key struct {
	Table   string
	Columns []string
	Loss    string // what may come of it when it is missing
}

// Inspect looks whether the database keeps what it has committed, and has the keys that promises stand on. It reads the
// server's settings and the catalogue, no data; the order of what it finds is always the same.
func (d *DB) Inspect(ctx context.Context, keys []Key) ([]Finding, error) {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	settings, engines, uniques := d.mysqlSettings, d.mysqlEngines, mysqlUniques
	if d.Dialect() == SQLite {
		settings, engines, uniques = d.sqliteSettings, nil, sqliteUniques
	}
	found, err := settings(ctx)
	if err != nil {
		return nil, fmt.Errorf("db: inspect: %w", err)
	}
	if engines != nil {
		more, err := engines(ctx)
		if err != nil {
			return nil, fmt.Errorf("db: inspect: %w", err)
		}
		found = append(found, more...)
	}
	missing, err := d.missingKeys(ctx, uniques, keys)
	if err != nil {
		return nil, fmt.Errorf("db: inspect: %w", err)
	}
	return append(found, missing...), nil
}

const lostAcks = "what was acked may be lost when the database's machine loses power"

// rule says which values of a setting keep what is committed. A server that has no such setting keeps to the rule.
type rule struct {
	name string
	good []string // in upper case
	loss string
	mend string
}

var mysqlRules = []rule{
	// MariaDB's 3 flushes at each COMMIT as well.
	{"innodb_flush_log_at_trx_commit", []string{"1", "3"}, lostAcks, "SET GLOBAL innodb_flush_log_at_trx_commit = 1, and in the server's options"},
	{"innodb_doublewrite", []string{"ON", "1", "FAST", "DETECT_AND_RECOVER"}, "a page that was half written when the power failed cannot be mended, and takes what was acked along",
		"start the server with innodb_doublewrite=ON"},
	{"innodb_flush_method", nil, lostAcks, "start the server with innodb_flush_method=O_DIRECT or fsync"}, // see good
	{"debug_no_sync", []string{"OFF", "0"}, lostAcks, "start the server without debug_no_sync"},
	{"innodb_redo_log_enabled", []string{"ON", "1"}, "what was acked is lost when the database's server crashes", "ALTER INSTANCE ENABLE INNODB REDO_LOG"},
}

// syncBinlog matters where there is a binary log: after a crash the server undoes what is not in it.
var syncBinlog = rule{"sync_binlog", []string{"1"}, lostAcks, "SET GLOBAL sync_binlog = 1, and in the server's options"}

func (r rule) holds(value string) bool {
	if r.name == "innodb_flush_method" {
		return !slices.Contains([]string{"NOSYNC", "LITTLESYNC"}, strings.ToUpper(value))
	}
	return slices.Contains(r.good, strings.ToUpper(value))
}

func (d *DB) mysqlSettings(ctx context.Context) ([]Finding, error) {
	values := map[string]string{}
	for _, show := range []string{
		"SHOW GLOBAL VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit', 'innodb_doublewrite', 'innodb_flush_method', 'debug_no_sync', 'log_bin', 'sync_binlog')",
		"SHOW GLOBAL STATUS WHERE Variable_name = 'Innodb_redo_log_enabled'",
	} {
		rows, err := pairs(ctx, d.primary, show)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			values[strings.ToLower(row[0])] = row[1]
		}
	}
	rules := mysqlRules
	if binlog := strings.ToUpper(values["log_bin"]); binlog == "ON" || binlog == "1" {
		rules = append(slices.Clone(rules), syncBinlog)
	}
	var found []Finding
	for _, r := range rules {
		if value, has := values[r.name]; has && !r.holds(value) {
			found = append(found, Finding{What: r.name + " is " + value, Loss: r.loss, Mend: r.mend})
		}
	}
	return found, nil
}

// mysqlEngines finds tables whose engine knows no transactions, or that the house was never tried with.
func (d *DB) mysqlEngines(ctx context.Context) ([]Finding, error) {
	rows, err := pairs(ctx, d.primary, `SELECT table_name, engine FROM information_schema.tables
		WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND engine <> 'InnoDB' AND table_name <> 'goose_db_version' ORDER BY table_name`)
	var found []Finding
	for _, row := range rows {
		found = append(found, Finding{What: "table " + row[0] + " is kept by " + row[1],
			Loss: "what is stored together may be stored in part, and what was acked be lost", Mend: "ALTER TABLE " + row[0] + " ENGINE=InnoDB"})
	}
	return found, err
}

// sqliteSettings looks at the writing connection, on which the house itself has set them: a file system may refuse.
func (d *DB) sqliteSettings(ctx context.Context) (found []Finding, err error) {
	var synchronous int
	var journal string
	if err := d.primary.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous); err != nil {
		return nil, err
	}
	if err := d.primary.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
		return nil, err
	}
	if synchronous < 2 {
		found = append(found, Finding{What: "synchronous is " + strconv.Itoa(synchronous), Loss: lostAcks, Mend: "PRAGMA synchronous must be FULL"})
	}
	if journal == "off" || journal == "memory" {
		found = append(found, Finding{What: "journal_mode is " + journal, Loss: lostAcks, Mend: "keep the file on a file system that lets SQLite write a log"})
	}
	return found, nil
}

// Each query gives a table and the columns, in order, of one of its primary or unique keys.
const (
	mysqlUniques = `SELECT table_name, GROUP_CONCAT(column_name ORDER BY seq_in_index) FROM information_schema.statistics
		WHERE table_schema = DATABASE() AND non_unique = 0 GROUP BY table_name, index_name`
	sqliteUniques = `SELECT t.name, (SELECT group_concat(x.name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) x)
		FROM sqlite_master t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND i."unique" = 1 AND i.partial = 0`
)

func (d *DB) missingKeys(ctx context.Context, query string, keys []Key) ([]Finding, error) {
	rows, err := pairs(ctx, d.primary, query)
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, row := range rows {
		have[row[0]+" "+row[1]] = true
	}
	var found []Finding
	for _, k := range keys {
		if columns := strings.Join(k.Columns, ","); !have[k.Table+" "+columns] {
			found = append(found, Finding{What: "table " + k.Table + " has no unique key on (" + strings.Join(k.Columns, ", ") + ")", Loss: k.Loss,
				Mend: "look for rows that are there twice, then make the key as the table's migration has it"})
		}
	}
	return found, nil
}

// pairs reads rows of two texts.
func pairs(ctx context.Context, pool *sql.DB, query string) (all [][2]string, err error) {
	rows, err := pool.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var a, b sql.NullString
		if err := rows.Scan(&a, &b); err != nil {
			return nil, err
		}
		all = append(all, [2]string{a.String, b.String})
	}
	return all, rows.Err()
}
