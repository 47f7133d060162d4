package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
)

// transaction travels in the context from Tx to whoever works inside it.
type transaction struct {
	owner     *DB
	sql       sqlTx
	committed atomic.Bool
	doomed    error // why it must not commit
	hooks     []func()
}

// sqlTx is what a transaction's statements go through: a *sql.Tx or a *pinned.
type sqlTx interface {
	gorm.ConnPool
	Commit() error
	Rollback() error
}

type transactionKey struct{}

// current is the transaction of this database that ctx carries, or nil. A committed one counts as none, so that
// hooks may go on with the context they have; a rolled back one is still there and refuses every statement.
func (d *DB) current(ctx context.Context) *transaction {
	t, _ := ctx.Value(transactionKey{}).(*transaction)
	if t == nil || t.owner != d || t.committed.Load() {
		return nil
	}
	return t
}

// Tx runs fn in a transaction and commits it when fn returns nil. READ COMMITTED on MySQL; on SQLite the only writer.
//
// Inside another Tx it joins that transaction: all of it commits or none. A joined Tx that failed makes the outermost
// one roll back even when the error was swallowed; after a deadlock, lock wait or timeout no statement works any more.
// An error or panic of fn rolls back and is passed on. An error that is ErrOutcomeUnknown means that the
// COMMIT may have succeeded; every other error means that nothing was stored. The outermost error is a fault (see Fault)
// with its cause in the chain, whoever it comes from. A context without a deadline gets cfg.Timeout. One transaction is
// for one goroutine.
func (d *DB) Tx(ctx context.Context, fn func(ctx context.Context) error) error {
	return d.TxOnce(ctx, fn, nil)
}

// TxOnce is Tx for what has no key of its own by which the same again would be known. When the outcome of COMMIT is
// unknown, stored looks, on another connection, whether the work is there: then it is done, and not for the caller to try
// again. Inside another Tx it joins that one, and stored is not asked.
func (d *DB) TxOnce(ctx context.Context, fn func(ctx context.Context) error, stored func(ctx context.Context) (bool, error)) error {
	if t := d.current(ctx); t != nil {
		return t.join(ctx, fn)
	}
	return Fault(d.tx(ctx, fn, stored))
}

// tx is an outermost TxOnce; its errors are not classified yet.
func (d *DB) tx(ctx context.Context, fn func(ctx context.Context) error, stored func(ctx context.Context) (bool, error)) error {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	begun, err := d.primary.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("db: begin: %w", err)
	}
	t := &transaction{owner: d, sql: begun}
	err = t.run(context.WithValue(ctx, transactionKey{}, t), fn)
	if errors.Is(err, ErrOutcomeUnknown) && stored != nil {
		if there, lookup := stored(ctx); there && lookup == nil {
			t.committed.Store(true)
			err = nil
		}
	}
	if err != nil {
		return err
	}
	t.afterwards()
	return nil
}

// AfterCommit runs fn once the outermost transaction in ctx has committed, in the order of registering, on the
// goroutine of its Tx; at once when ctx carries none. It does not run after a rollback or an unknown outcome:
// what must happen goes through the outbox. A panic in fn is logged, since the work itself is stored.
func AfterCommit(ctx context.Context, fn func()) {
	t, _ := ctx.Value(transactionKey{}).(*transaction)
	if t == nil || t.committed.Load() {
		fn()
		return
	}
	t.hooks = append(t.hooks, fn)
}

// InTx says whether ctx carries a transaction that is still open.
func InTx(ctx context.Context) bool {
	t, _ := ctx.Value(transactionKey{}).(*transaction)
	return t != nil && !t.committed.Load()
}

// run does fn's work and commits. Whatever else happens, a panic and a test's FailNow included, rolls back.
func (t *transaction) run(ctx context.Context, fn func(context.Context) error) error {
	sent := false
	defer func() {
		if !sent {
			t.rollback()
		}
	}()
	if err := fn(ctx); err != nil {
		return t.because(err)
	}
	if err := t.mayCommit(ctx); err != nil {
		return err
	}
	sent = true
	return t.commit(ctx)
}

// because adds the reason to an error that is only its echo: the transaction was over already. The reason's kind counts,
// whatever the echo was taken for on its way.
func (t *transaction) because(err error) error {
	if t.doomed != nil && (errors.Is(err, sql.ErrTxDone) || errors.Is(err, sql.ErrConnDone)) {
		return fmt.Errorf("%w: %w", Fault(t.doomed), err)
	}
	return err
}

func (t *transaction) mayCommit(ctx context.Context) error {
	if t.doomed != nil {
		return fmt.Errorf("db: transaction cannot commit: %w", t.doomed)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("db: commit: %w", err)
	}
	return nil
}

func (t *transaction) join(ctx context.Context, fn func(context.Context) error) error {
	finished := false
	defer func() {
		if !finished { // a panic that somebody above may recover from
			t.doom(errors.New("db: a joined transaction panicked"))
		}
	}()
	err := fn(ctx)
	finished = true
	if err != nil {
		t.doom(err)
	}
	return err
}

func (t *transaction) doom(err error) {
	if t.doomed == nil {
		t.doomed = err
	}
}

// commit waits for the answer to COMMIT, which no context can cut short, no longer than CommitTimeout or the
// context's deadline. The connection that still waits is freed by the driver's read timeout.
func (t *transaction) commit(ctx context.Context) error {
	answer := make(chan error, 1)
	go func() { answer <- t.sql.Commit() }()
	limit := time.NewTimer(t.commitLimit(ctx))
	defer limit.Stop()
	select {
	case err := <-answer:
		if err == nil {
			t.committed.Store(true)
			return nil
		}
		if neverSent(err) {
			return fmt.Errorf("db: commit: %w", err)
		}
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	case <-limit.C:
		return fmt.Errorf("%w: no answer to COMMIT in time", ErrOutcomeUnknown)
	}
}

func (t *transaction) commitLimit(ctx context.Context) time.Duration {
	limit := t.owner.cfg.CommitTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline))
	}
	return limit
}

// neverSent says whether COMMIT failed before a byte of it left: database/sql refuses when the context has ended or
// the transaction is over, the driver when the connection was already gone. The server then rolls back.
func neverSent(err error) bool {
	return errors.Is(err, sql.ErrTxDone) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, driver.ErrBadConn)
}

// rollback waits as long as a commit would: a frozen server must not hold the caller.
func (t *transaction) rollback() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = t.sql.Rollback() // failing, it closes the connection, which rolls back too
	}()
	limit := time.NewTimer(t.owner.cfg.CommitTimeout)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
	}
}

func (t *transaction) afterwards() {
	for _, hook := range t.hooks {
		t.owner.guarded(hook)
	}
}

func (d *DB) guarded(hook func()) {
	defer func() {
		if reason := recover(); reason != nil {
			d.log.Error("hook after commit panicked", "reason", reason, "stack", string(debug.Stack()))
		}
	}()
	hook()
}

// watchTransactions rolls back the transaction of a statement whose failure ended it. Whoever swallows the error would
// write the rest outside it: after a deadlock MySQL goes on with each statement committed by itself.
func watchTransactions(g *gorm.DB) error {
	watch := func(s *gorm.DB) {
		if s.Error == nil || !endsTransaction(s.Error) {
			return
		}
		if t, _ := s.Statement.Context.Value(transactionKey{}).(*transaction); t != nil && s.Statement.ConnPool == gorm.ConnPool(t.sql) {
			t.doom(s.Error)
			t.rollback()
		}
	}
	const name = "db:watch_transactions"
	c := g.Callback()
	return errors.Join(
		c.Create().After("gorm:create").Register(name, watch),
		c.Query().After("gorm:query").Register(name, watch),
		c.Update().After("gorm:update").Register(name, watch),
		c.Delete().After("gorm:delete").Register(name, watch),
		c.Row().After("gorm:row").Register(name, watch),
		c.Raw().After("gorm:raw").Register(name, watch),
	)
}
