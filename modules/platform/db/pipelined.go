package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Statement is one SQL statement. Text may not hold what people wrote: that goes into Args, a `?` each.
type Statement struct {
	Text []byte
	Args []any
}

// Query is a statement that answers rows.
type Query struct {
	Statement

	// Each is called for every row that it answers, and must not keep what it scanned into a sql.RawBytes.
	Each func(rows *sql.Rows) error
}

// Opening is the query that a pipelined transaction begins with; most lock rows.
type Opening struct {
	Query

	// Then is asked in the same packet, once the first query has its rows and locks; without a text: nothing.
	Then Query
	// Patience is how long it may take, locks included; 0: as long as the transaction.
	Patience time.Duration
}

// TxPipelined is Tx for hot paths: two round trips to MySQL, however many statements. BEGIN goes with the opening, and
// COMMIT with the statements that fn returns, in one packet each; the server stops at the first of them that fails.
// Locks are so held for one round trip and not for three or more. fn may run further statements, each a round trip.
// On SQLite, and inside another Tx, it is Tx.
//
// The errors are those of Tx: when it is not ErrOutcomeUnknown, nothing was stored. Here more is unknown, since a
// connection that is lost before an INSERT and one that is lost after COMMIT look the same.
func (d *DB) TxPipelined(ctx context.Context, opening Opening, fn func(ctx context.Context) ([]Statement, error)) error {
	if d.several == nil || d.current(ctx) != nil {
		return d.Tx(ctx, func(ctx context.Context) error { return d.oneByOne(ctx, opening, fn) })
	}
	return Fault(d.txPipelined(ctx, opening, fn))
}

// txPipelined is an outermost TxPipelined on MySQL; its errors are not classified yet.
func (d *DB) txPipelined(ctx context.Context, opening Opening, fn func(ctx context.Context) ([]Statement, error)) error {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	conn, err := d.several.Conn(ctx)
	if err != nil {
		return fmt.Errorf("db: begin: %w", err)
	}
	p := &pinned{Conn: conn}
	t := &transaction{owner: d, sql: p}
	if err := t.runPipelined(context.WithValue(ctx, transactionKey{}, t), p, opening, fn); err != nil {
		return err
	}
	t.afterwards()
	return nil
}

// oneByOne runs the statements of a pipelined transaction in the one that ctx carries.
func (d *DB) oneByOne(ctx context.Context, opening Opening, fn func(context.Context) ([]Statement, error)) error {
	opened, cancel := patient(ctx, opening.Patience)
	defer cancel()
	if err := d.Query(opened, string(opening.Text), opening.Args, opening.Each); err != nil {
		return err
	}
	if then := opening.Then; len(then.Text) > 0 {
		if err := d.Query(opened, string(then.Text), then.Args, then.Each); err != nil {
			return err
		}
	}
	last, err := fn(ctx)
	if err != nil {
		return err
	}
	for _, s := range last {
		if _, err := d.Exec(ctx, string(s.Text), s.Args...); err != nil {
			return err
		}
	}
	return nil
}

func patient(ctx context.Context, patience time.Duration) (context.Context, context.CancelFunc) {
	if patience == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, patience)
}

// runPipelined is run for a pinned connection.
func (t *transaction) runPipelined(ctx context.Context, p *pinned, opening Opening, fn func(context.Context) ([]Statement, error)) error {
	over := false
	defer func() {
		if !over {
			t.rollback()
		}
	}()
	if err := t.open(ctx, opening); err != nil {
		return err
	}
	last, err := fn(ctx)
	if err != nil {
		return t.because(err)
	}
	if err := t.mayCommit(ctx); err != nil {
		return err
	}
	err = t.finish(ctx, last)
	switch {
	case err == nil:
		over = true
		t.committed.Store(true)
		_ = p.Close() // gives it back
	case errors.Is(err, ErrOutcomeUnknown):
		over = true
		p.drop()
	}
	return err
}

// open begins the transaction together with its first query.
func (t *transaction) open(ctx context.Context, opening Opening) error {
	ctx, cancel := patient(ctx, opening.Patience)
	defer cancel()
	const begin = "START TRANSACTION; "
	var text strings.Builder // gives its string without a copy, unlike a slice of bytes
	then := opening.Then
	text.Grow(len(begin) + len(opening.Text) + len("; ") + len(then.Text))
	text.WriteString(begin)
	text.Write(opening.Text)
	if len(then.Text) == 0 {
		return t.owner.Query(ctx, text.String(), opening.Args, opening.Each)
	}
	text.WriteString("; ")
	text.Write(then.Text)
	args := append(slices.Clip(opening.Args), then.Args...)
	return t.owner.query(ctx, text.String(), args, []func(*sql.Rows) error{opening.Each, then.Each})
}

// finish sends the last statements and COMMIT. It waits no longer than CommitTimeout.
func (t *transaction) finish(ctx context.Context, last []Statement) error {
	ctx, cancel := context.WithTimeout(ctx, t.owner.cfg.CommitTimeout)
	defer cancel()
	text, args := joined(last)
	began := time.Now()
	_, err := t.sql.ExecContext(ctx, text, args...)
	t.owner.watchRaw(ctx, nil, text, began, err)
	if err == nil || storedNothing(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
}

// storedNothing says whether an error of the last packet can only be that of a statement before its COMMIT, or of a
// packet that never left. What the server says does not name the statement, so what COMMIT may say as well is unknown,
// and so is a lost connection.
func storedNothing(err error) bool {
	if server := (*mysql.MySQLError)(nil); errors.As(err, &server) {
		return !commitNumbers[server.Number] && (!transientNumbers[server.Number] || rolledBackNumbers[server.Number])
	}
	return errors.Is(err, driver.ErrBadConn)
}

// commitNumbers are errors of COMMIT that do not pass; rolledBackNumbers those that pass and have undone all, whatever
// statement they are of: a cluster's certification, too, says 1213.
var (
	commitNumbers     = map[uint16]bool{1030: true, 1105: true, 1180: true, 1598: true, 3100: true}
	rolledBackNumbers = map[uint16]bool{1205: true, 1213: true, 4031: true}
)

// joined is one text of all the statements and COMMIT.
func joined(statements []Statement) (string, []any) {
	const commit = "COMMIT"
	length, count := len(commit), 0
	for _, s := range statements {
		length += len(s.Text) + 2
		count += len(s.Args)
	}
	var text strings.Builder
	text.Grow(length)
	args := make([]any, 0, count)
	for _, s := range statements {
		text.Write(s.Text)
		text.WriteString("; ")
		args = append(args, s.Args...)
	}
	text.WriteString(commit)
	return text.String(), args
}

// pinned is a connection that has been taken out of its pool for one transaction.
type pinned struct{ *sql.Conn }

// Commit is there for whoever commits by hand; a pipelined transaction does it with its last statements.
func (p *pinned) Commit() error { return p.end("COMMIT") }

// Rollback undoes the transaction and gives the connection back, or closes it when it cannot say so.
func (p *pinned) Rollback() error { return p.end("ROLLBACK") }

func (p *pinned) end(statement string) error {
	_, err := p.ExecContext(context.Background(), statement)
	if errors.Is(err, sql.ErrConnDone) {
		return err
	}
	if err != nil {
		p.drop()
		return err
	}
	return p.Close()
}

// drop closes the connection instead of giving it back: the server then rolls back what it may hold open.
func (p *pinned) drop() {
	_ = p.Raw(func(any) error { return driver.ErrBadConn })
	_ = p.Close()
}
