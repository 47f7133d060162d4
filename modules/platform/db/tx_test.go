package db_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
)

func TestTxCommitsOrRollsBack(t *testing.T) {
	broken := errors.New("broken")
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		err := d.Tx(t.Context(), func(ctx context.Context) error { return d.Write(ctx).Create(newThing("kept")).Error })
		if err != nil {
			t.Fatal(err)
		}
		err = d.Tx(t.Context(), func(ctx context.Context) error {
			if err := d.Write(ctx).Create(newThing("lost")).Error; err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Errorf("error = %v, want the func's own", err)
		}
		if got := names(t, d); got != "kept" {
			t.Errorf("rows = %q, want kept", got)
		}
	})
}

func TestPanicRollsBack(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		func() {
			defer func() {
				if reason := recover(); reason != "boom" {
					t.Errorf("panic = %v", reason)
				}
			}()
			_ = d.Tx(t.Context(), func(ctx context.Context) error {
				if err := d.Write(ctx).Create(newThing("lost")).Error; err != nil {
					t.Error(err)
				}
				panic("boom")
			})
		}()
		create(t, d, newThing("after")) // the connection is free again
		if got := names(t, d); got != "after" {
			t.Errorf("rows = %q, want after", got)
		}
	})
}

func TestReadInsideSeesTheTransactionAndOutsideDoesNot(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			if err := d.Write(ctx).Create(newThing("new")).Error; err != nil {
				return err
			}
			var inside int64
			if err := d.Read(ctx).Model(&thing{}).Count(&inside).Error; err != nil {
				return err
			}
			if outside := names(t, d); inside != 1 || outside != "" {
				t.Errorf("inside %d rows, outside %q", inside, outside)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestNestedTxJoinsAndAFailedOneDoomsTheWhole(t *testing.T) {
	broken := errors.New("broken")
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			return d.Tx(ctx, func(ctx context.Context) error { return d.Write(ctx).Create(newThing("joined")).Error })
		})
		if got := names(t, d); err != nil || got != "joined" {
			t.Errorf("rows = %q, %v; want joined", got, err)
		}
		hooked := false
		err = d.Tx(t.Context(), func(ctx context.Context) error {
			db.AfterCommit(ctx, func() { hooked = true })
			inner := d.Tx(ctx, func(ctx context.Context) error {
				if err := d.Write(ctx).Create(newThing("half")).Error; err != nil {
					return err
				}
				return broken
			})
			if !errors.Is(inner, broken) {
				t.Errorf("inner = %v", inner)
			}
			return nil // swallowed
		})
		if got := names(t, d); !errors.Is(err, broken) || got != "joined" || hooked {
			t.Errorf("after a swallowed failure: rows %q, hook ran %v, error %v", got, hooked, err)
		}
	})
}

func TestHooksRunAfterTheOutermostCommitAndMayUseTheirContext(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		var order []string
		db.AfterCommit(t.Context(), func() { order = append(order, "at once") })
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			err := d.Tx(ctx, func(ctx context.Context) error {
				db.AfterCommit(ctx, func() {
					order = append(order, "first sees "+names(t, d))
					if err := d.Tx(ctx, func(ctx context.Context) error { return d.Write(ctx).Create(newThing("hook")).Error }); err != nil {
						t.Error(err)
					}
				})
				return d.Write(ctx).Create(newThing("row")).Error
			})
			db.AfterCommit(ctx, func() { panic("a broken hook must not look like a failed commit") })
			db.AfterCommit(ctx, func() { order = append(order, "last") })
			order = append(order, "inside")
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if want := []string{"at once", "inside", "first sees row", "last"}; !slices.Equal(order, want) {
			t.Errorf("order = %q, want %q", order, want)
		}
		if got := names(t, d); got != "hook row" {
			t.Errorf("rows = %q", got)
		}
	})
}

func TestContextOfARolledBackTransactionIsRefused(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		var leaked context.Context
		_ = d.Tx(t.Context(), func(ctx context.Context) error {
			leaked = context.WithoutCancel(ctx)
			return errors.New("rolled back")
		})
		if err := d.Write(leaked).Create(newThing("late")).Error; !errors.Is(err, sql.ErrTxDone) {
			t.Errorf("error = %v, want ErrTxDone", err)
		}
	})
}

func TestExpiredContextIsAFailureAndNotUnknown(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Tx(ctx, func(ctx context.Context) error {
			defer cancel()
			return d.Write(ctx).Create(newThing("lost")).Error
		})
		if err == nil || errors.Is(err, db.ErrOutcomeUnknown) || fault.KindOf(db.Fault(err)) != fault.Unavailable {
			t.Errorf("error = %v", err)
		}
		if got := names(t, d); got != "" {
			t.Errorf("rows = %q", got)
		}
	})
}

// A call that forgets the transaction's context blocks on SQLite's one writer, or leaves the transaction on MySQL:
// the deadline that every transaction has ends it.
func TestForgottenDeadlineEnds(t *testing.T) {
	onAll(t, func(c *db.Config) { c.Timeout = 200 * time.Millisecond }, func(t *testing.T, d *db.DB) {
		if d.Dialect() == db.MySQL {
			err := d.Write(t.Context()).Exec("SELECT SLEEP(5)").Error
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error = %v, want the deadline", err)
			}
			return
		}
		err := d.Tx(t.Context(), func(context.Context) error { return d.Write(t.Context()).Create(newThing("stuck")).Error })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want the deadline", err)
		}
	})
}
