package db

import (
	"context"
	"database/sql"
	"time"
)

// Exec runs a statement as it is written, past gorm's builder, where Write would run it: for hot paths, which
// write one statement for many rows. The statement may not hold what people wrote but as args. The error is
// unclassified: see Fault.
func (d *DB) Exec(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	began := time.Now()
	t := d.current(ctx)
	var res sql.Result
	var err error
	if t != nil {
		res, err = t.sql.ExecContext(ctx, statement, args...)
	} else {
		res, err = d.primary.ExecContext(ctx, statement, args...)
	}
	d.watchRaw(ctx, t, statement, began, err)
	return res, err
}

// Query is Exec for a statement that answers rows, where Read would run it. each is called for every row and must
// not keep what it scanned into a sql.RawBytes.
func (d *DB) Query(ctx context.Context, statement string, args []any, each func(rows *sql.Rows) error) error {
	return d.query(ctx, statement, args, []func(*sql.Rows) error{each})
}

// query is Query for a text of several statements, with one each for every one that answers rows.
func (d *DB) query(ctx context.Context, statement string, args []any, each []func(*sql.Rows) error) error {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	began := time.Now()
	t := d.current(ctx)
	err := d.rows(ctx, t, statement, args, each)
	d.watchRaw(ctx, t, statement, began, err)
	return err
}

func (d *DB) rows(ctx context.Context, t *transaction, statement string, args []any, each []func(*sql.Rows) error) (err error) {
	var rows *sql.Rows
	if t != nil {
		rows, err = t.sql.QueryContext(ctx, statement, args...)
	} else {
		rows, err = d.reading.QueryContext(ctx, statement, args...)
	}
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // what it could say, Err has said
	for i, one := range each {
		if i > 0 && !rows.NextResultSet() {
			break // an error, which Err says
		}
		for rows.Next() {
			if err := one(rows); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// shownOf is how much of a slow statement the log shows: enough to know it by.
const shownOf = 80

// watchRaw does for statements past gorm what watchTransactions and quietLogger do for the others.
func (d *DB) watchRaw(ctx context.Context, t *transaction, statement string, began time.Time, err error) {
	if took := time.Since(began); took >= d.cfg.SlowQuery {
		d.log.WarnContext(ctx, "slow statement", "took", took, "sql", statement[:min(len(statement), shownOf)])
	}
	if t != nil && err != nil && endsTransaction(err) {
		t.doom(err)
		t.rollback()
	}
}
