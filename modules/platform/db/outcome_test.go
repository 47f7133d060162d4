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
}

func TestCommitWaitsNoLongerThanTheCallersDeadline(t *testing.T) {
	l, d, _ := openThrough(t, func(c *db.Config) { c.ReadTimeout = time.Second })
	l.MeetCommits(testservers.Nth(1, testservers.Silent))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := d.Tx(ctx, func(ctx context.Context) error { return d.Write(ctx).Create(newThing("stored")).Error })
	if took := time.Since(began); !errors.Is(err, db.ErrOutcomeUnknown) || took > 900*time.Millisecond {
		t.Errorf("error = %v after %v", err, took)
	}
}
