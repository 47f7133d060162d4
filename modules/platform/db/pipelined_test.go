package db_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"

	"github.com/go-sql-driver/mysql"
)

// counting is an opening that counts the things, and locks them where the database locks rows.
func counting(d *db.DB, n *int) db.Opening {
	text := "SELECT name FROM things WHERE name <> ?"
	if d.Dialect() == db.MySQL {
		text += " FOR UPDATE"
	}
	return db.Opening{Query: db.Query{Statement: db.Statement{Text: []byte(text), Args: []any{"nobody"}}, Each: func(rows *sql.Rows) error {
		*n++
		return rows.Scan(new(string))
	}}}
}

func adding(name string) db.Statement {
	return db.Statement{Text: []byte("INSERT INTO things (id, name, count, at) VALUES (?, ?, 1, ?)"), Args: []any{id.New(), name, time.Now()}}
}

// pipelined adds things in one transaction.
func pipelined(ctx context.Context, d *db.DB, things ...string) error {
	return d.TxPipelined(ctx, counting(d, new(int)), func(context.Context) (all []db.Statement, err error) {
		for _, name := range things {
			all = append(all, adding(name))
		}
		return all, nil
	})
}

func TestTxPipelinedStoresAllOrNothing(t *testing.T) {
	broken := errors.New("broken")
	onAll(t, func(c *db.Config) { c.MaxOpen = 1 }, func(t *testing.T, d *db.DB) {
		hooked, seen := false, 0
		create(t, d, newThing("a"))
		err := d.TxPipelined(t.Context(), counting(d, &seen), func(ctx context.Context) ([]db.Statement, error) {
			db.AfterCommit(ctx, func() { hooked = true })
			if err := d.Write(ctx).Create(newThing("b")).Error; err != nil {
				return nil, err
			}
			return []db.Statement{adding("what; people? write"), adding("d")}, nil
		})
		if err != nil || !hooked || seen != 1 {
			t.Errorf("%v; hooked %v, %d rows seen", err, hooked, seen)
		}
		err = d.TxPipelined(t.Context(), counting(d, &seen), func(ctx context.Context) ([]db.Statement, error) {
			if err := d.Write(ctx).Create(newThing("lost")).Error; err != nil {
				return nil, err
			}
			return []db.Statement{adding("lost, too")}, broken
		})
		if !errors.Is(err, broken) {
			t.Errorf("error = %v, want the func's own", err)
		}
		for _, last := range [][]string{{"c", "a"}, {"a", "c"}, {"c", "a", "f"}} {
			if err := pipelined(t.Context(), d, last...); !db.IsDuplicate(err) || errors.Is(err, db.ErrOutcomeUnknown) {
				t.Errorf("a taken name = %v", err)
			}
		}
		err = d.TxPipelined(t.Context(), counting(d, &seen), func(ctx context.Context) ([]db.Statement, error) {
			return nil, d.Write(ctx).Create(newThing("e")).Error
		})
		if err != nil {
			t.Error(err)
		}
		if got := names(t, d); got != "a b d e what; people? write" {
			t.Errorf("rows = %q", got)
		}
	})
}

// What is asked behind the opening sees what was committed before it had its locks, in the same round trip.
func TestAnOpeningMayAskASecondQuestion(t *testing.T) {
	onAll(t, func(c *db.Config) { c.MaxOpen = 1 }, func(t *testing.T, d *db.DB) {
		create(t, d, newThing("a"))
		create(t, d, newThing("b"))
		var found []string
		opening := counting(d, new(int))
		opening.Then = db.Query{Statement: db.Statement{Text: []byte("SELECT name FROM things WHERE name = ?"), Args: []any{"b"}},
			Each: func(rows *sql.Rows) error {
				found = append(found, "")
				return rows.Scan(&found[len(found)-1])
			}}
		seen := 0
		opening.Each = func(*sql.Rows) error { seen++; return nil }
		err := d.TxPipelined(t.Context(), opening, func(context.Context) ([]db.Statement, error) { return []db.Statement{adding("c")}, nil })
		if err != nil || seen != 2 || len(found) != 1 || found[0] != "b" {
			t.Errorf("%v: %d rows, then %q", err, seen, found)
		}
		opening.Then.Text = []byte("SELECT nothing FROM things WHERE name = ?")
		err = d.TxPipelined(t.Context(), opening, func(context.Context) ([]db.Statement, error) { return []db.Statement{adding("d")}, nil })
		if err == nil || errors.Is(err, db.ErrOutcomeUnknown) {
			t.Errorf("a second question that is wrong: %v", err)
		}
		if got := names(t, d); got != "a b c" {
			t.Errorf("rows = %q", got)
		}
	})
}

func TestTxPipelinedRollsBackAPanicAndJoins(t *testing.T) {
	onAll(t, func(c *db.Config) { c.MaxOpen = 1 }, func(t *testing.T, d *db.DB) {
		func() {
			defer func() {
				if reason := recover(); reason != "boom" {
					t.Errorf("panic = %v", reason)
				}
			}()
			_ = d.TxPipelined(t.Context(), counting(d, new(int)), func(ctx context.Context) ([]db.Statement, error) {
				if err := d.Write(ctx).Create(newThing("lost")).Error; err != nil {
					t.Error(err)
				}
				panic("boom")
			})
		}()
		broken := errors.New("broken")
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			if err := pipelined(ctx, d, "joined"); err != nil {
				t.Error(err)
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Error(err)
		}
		if err := pipelined(t.Context(), d, "after"); err != nil { // on the one connection that there is
			t.Error(err)
		}
		if got := names(t, d); got != "after" {
			t.Errorf("rows = %q, want after", got)
		}
	})
}

// A lost answer to the packet with COMMIT in it leaves the outcome open, and here the things are there.
func TestLostAnswerToAPipelinedCommitIsUnknown(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		for name, how := range map[string]testservers.Fate{"cut": testservers.Stored, "hang": testservers.Silent} {
			t.Run(name, func(t *testing.T) {
				l, d, direct := openThrough(t, func(c *db.Config) {
					c.CommitTimeout = 300 * time.Millisecond
					c.ReadTimeout = time.Second
				})
				if err := pipelined(t.Context(), d, "a"); err != nil {
					t.Fatal(err)
				}
				l.MeetCommits(testservers.Nth(1, how))
				began := time.Now()
				if err := pipelined(t.Context(), d, "b", "c"); !errors.Is(err, db.ErrOutcomeUnknown) || fault.KindOf(err) != fault.Unavailable {
					t.Errorf("error = %v", err)
				}
				if took := time.Since(began); took > 900*time.Millisecond {
					t.Errorf("answered after %v", took)
				}
				for deadline := time.Now().Add(5 * time.Second); names(t, direct) != "a b c"; { // the server goes on with what it has
					if time.Now().After(deadline) {
						t.Fatalf("rows = %q: the case that this test is about did not happen", names(t, direct))
					}
					<-time.After(time.Millisecond)
				}
				if err := pipelined(t.Context(), d, "d"); err != nil { // on another connection
					t.Error(err)
				}
			})
		}
	})
}

// An opening waits for a lock as long as it has patience; then nothing is stored, and the lock is nobody's.
func TestTxPipelinedHasPatience(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		cfg := testservers.EmptyMySQL(t)
		d, other := testservers.Open(t, cfg), testservers.Open(t, cfg)
		if _, err := d.SQL().ExecContext(t.Context(), schemas[db.MySQL]); err != nil {
			t.Fatal(err)
		}
		x := newThing("x")
		create(t, d, x)
		err := other.Tx(t.Context(), func(ctx context.Context) error {
			if err := lockIn(ctx, other, x); err != nil {
				return err
			}
			opening := counting(d, new(int))
			opening.Patience = 50 * time.Millisecond
			began := time.Now()
			err := d.TxPipelined(t.Context(), opening, func(context.Context) ([]db.Statement, error) { return []db.Statement{adding("y")}, nil })
			if took := time.Since(began); fault.KindOf(err) != fault.Unavailable || errors.Is(err, db.ErrOutcomeUnknown) || took > 900*time.Millisecond {
				t.Errorf("%v after %v", err, took)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if err := pipelined(t.Context(), d, "z"); err != nil {
			t.Error(err)
		}
		if got := names(t, d); got != "x z" {
			t.Errorf("rows = %q", got)
		}
	})
}

// Only transactions of this kind may send several statements at once: elsewhere that is what an injection looks like.
func TestSeveralStatementsAreRefusedElsewhere(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		if d.Dialect() != db.MySQL {
			return
		}
		if _, err := d.Exec(t.Context(), "DELETE FROM things; DELETE FROM things"); err == nil {
			t.Error("two statements were taken for one")
		}
	})
}

func TestWhatAnErrorOfThePacketWithCommitMeans(t *testing.T) {
	for number, nothing := range map[uint16]bool{
		1062: true, 1406: true, 1205: true, 1213: true, 4031: true, // of a statement, or rolled back
		1180: false, 1317: false, 1927: false, 3100: false, // may be COMMIT's
	} {
		if got := db.StoredNothing(&mysql.MySQLError{Number: number}); got != nothing {
			t.Errorf("%d: %v", number, got)
		}
	}
	if db.StoredNothing(mysql.ErrInvalidConn) || db.StoredNothing(context.DeadlineExceeded) || !db.StoredNothing(driver.ErrBadConn) {
		t.Error("lost connections are told apart wrongly")
	}
}
