package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/testservers"
)

// openThrough gives a database behind a link, and the same database reached directly.
func openThrough(t *testing.T, change func(*db.Config)) (*testservers.Link, *db.DB, *db.DB) {
	t.Helper()
	cfg := testservers.EmptyMySQL(t)
	direct := testservers.Open(t, cfg)
	if _, err := direct.SQL().ExecContext(t.Context(), schemas[db.MySQL]); err != nil {
		t.Fatal(err)
	}
	l, cfg := testservers.Through(t, cfg)
	if change != nil {
		change(&cfg)
	}
	return l, testservers.Open(t, cfg), direct
}

// A COMMIT whose answer is lost may be stored, and here it is: the error must say so and never count as failure.
func TestLostAnswerToCommitIsUnknown(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		for name, how := range map[string]testservers.Fate{"cut": testservers.Stored, "hang": testservers.Silent} {
			t.Run(name, func(t *testing.T) {
				l, d, direct := openThrough(t, func(c *db.Config) {
					c.CommitTimeout = 300 * time.Millisecond
					c.ReadTimeout = time.Second
				})
				hooked := false
				l.MeetCommits(testservers.Nth(1, how))
				began := time.Now()
				err := d.Tx(t.Context(), func(ctx context.Context) error {
					db.AfterCommit(ctx, func() { hooked = true })
					return d.Write(ctx).Create(newThing("stored")).Error
				})
				if !errors.Is(err, db.ErrOutcomeUnknown) || hooked {
					t.Errorf("error = %v, hook ran: %v", err, hooked)
				}
				if fault.KindOf(err) != fault.Unavailable {
					t.Errorf("kind %v of %v", fault.KindOf(err), err)
				}
				if took := time.Since(began); took > 900*time.Millisecond {
					t.Errorf("answered after %v", took)
				}
				if got := names(t, direct); got != "stored" {
					t.Errorf("rows = %q: the case that this test is about did not happen", got)
				}
				create(t, d, newThing("next")) // on another connection
			})
		}
	})
}

func TestCommitWaitsNoLongerThanTheCallersDeadline(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		l, d, _ := openThrough(t, func(c *db.Config) { c.ReadTimeout = time.Second })
		l.MeetCommits(testservers.Nth(1, testservers.Silent))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		err := d.Tx(ctx, func(ctx context.Context) error { return d.Write(ctx).Create(newThing("stored")).Error })
		if took := time.Since(began); !errors.Is(err, db.ErrOutcomeUnknown) || took > 900*time.Millisecond {
			t.Errorf("error = %v after %v", err, took)
		}
	})
}

// What can be recognised need not be tried again: its transaction is looked for, and when it is there nothing has failed.
func TestWhatIsFoundAfterAnUnknownCommitIsDone(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		l, d, _ := openThrough(t, func(c *db.Config) { c.CommitTimeout, c.ReadTimeout = 300*time.Millisecond, time.Second })
		hooked := false
		write := func(fate testservers.Fate, stored func(context.Context) (bool, error)) error {
			hooked = false
			l.MeetCommits(testservers.Nth(1, fate))
			return d.TxOnce(t.Context(), func(ctx context.Context) error {
				db.AfterCommit(ctx, func() { hooked = true })
				return d.Write(ctx).Create(newThing("thing")).Error
			}, stored)
		}
		find := func(ctx context.Context) (bool, error) {
			var n int64
			err := d.Read(ctx).Model(&thing{}).Where("name = 'thing'").Count(&n).Error
			return n == 1, err
		}
		if err := write(testservers.Lost, find); !errors.Is(err, db.ErrOutcomeUnknown) || hooked {
			t.Errorf("not stored: %v, hook ran: %v", err, hooked)
		}
		if err := write(testservers.Stored, find); err != nil || !hooked {
			t.Errorf("stored: %v, hook ran: %v", err, hooked)
		}
		if err := write(testservers.Passes, find); !db.IsDuplicate(err) || hooked { // looked for only when nobody knows
			t.Errorf("a taken name: %v, hook ran: %v", err, hooked)
		}
		if _, err := d.SQL().ExecContext(t.Context(), "DELETE FROM things"); err != nil {
			t.Fatal(err)
		}
		away := errors.New("away")
		if err := write(testservers.Stored, func(context.Context) (bool, error) { return true, away }); !errors.Is(err, db.ErrOutcomeUnknown) || hooked {
			t.Errorf("not looked for: %v, hook ran: %v", err, hooked)
		}
	})
}
