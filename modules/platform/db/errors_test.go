package db_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

func TestFaultKeepsWhatIsClassified(t *testing.T) {
	if db.Fault(nil) != nil {
		t.Error("nil became an error")
	}
	sold := fault.New(fault.Conflict, "sold_out", "Sold out.")
	if got, ok := fault.As(db.Fault(sold)); !ok || got != sold {
		t.Errorf("got %v", got)
	}
	if got := fault.KindOf(db.Fault(io.ErrShortWrite)); got != fault.Internal {
		t.Errorf("a foreign error = %v", got)
	}
}

func TestFaultOfStatements(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		x := newThing("taken")
		create(t, d, x)
		for what, c := range map[string]struct {
			err       error
			kind      fault.Kind
			code      string
			duplicate bool
		}{
			"no row":      {d.Read(t.Context()).Where("name = 'none'").Take(&thing{}).Error, fault.NotFound, "not_found", false},
			"primary key": {d.Write(t.Context()).Create(&thing{ID: x.ID, Name: "other", At: time.Now()}).Error, fault.Conflict, "duplicate", true},
			"unique key":  {d.Write(t.Context()).Create(newThing("taken")).Error, fault.Conflict, "duplicate", true},
			"too long":    {d.Write(t.Context()).Create(newThing(strings.Repeat("x", 21))).Error, fault.Internal, "internal", false},
			"no id":       {d.Write(t.Context()).Create(&thing{ID: id.Nil, Name: "n", At: time.Now()}).Error, fault.Internal, "internal", false},
			"bad SQL":     {d.Write(t.Context()).Exec("SELEKT 1").Error, fault.Internal, "internal", false},
		} {
			f := db.Fault(c.err)
			if fault.KindOf(f) != c.kind || fault.CodeOf(f) != c.code || db.IsDuplicate(c.err) != c.duplicate {
				t.Errorf("%s: %v (kind %v, code %s, duplicate %v)", what, f, fault.KindOf(f), fault.CodeOf(f), db.IsDuplicate(c.err))
			}
			if text := f.Error(); fault.KindOf(f) == fault.Internal && !strings.HasPrefix(text, "internal: Something") {
				t.Errorf("%s: %s", what, text)
			}
		}
	})
}

// Whatever ends a transaction, its outermost error has a kind and keeps its cause: no caller has to think of it.
func TestTheErrorOfATransactionHasAKind(t *testing.T) {
	onAll(t, nil, func(t *testing.T, d *db.DB) {
		create(t, d, newThing("taken"))
		broken := errors.New("broken")
		for name, tx := range map[string]func(fn func(context.Context) error) error{
			"Tx": func(fn func(context.Context) error) error { return d.Tx(t.Context(), fn) },
			"TxPipelined": func(fn func(context.Context) error) error {
				opening := db.Opening{Query: db.Query{Statement: db.Statement{Text: []byte("SELECT 1")}, Each: func(*sql.Rows) error { return nil }}}
				return d.TxPipelined(t.Context(), opening, func(ctx context.Context) ([]db.Statement, error) { return nil, fn(ctx) })
			},
		} {
			again := func(ctx context.Context) error { return d.Write(ctx).Create(newThing("taken")).Error }
			if err := tx(again); fault.KindOf(err) != fault.Conflict || fault.CodeOf(err) != "duplicate" || !db.IsDuplicate(err) {
				t.Errorf("%s: a taken key: %v", name, err)
			}
			joined := func(ctx context.Context) error { return d.Tx(ctx, again) }
			if err := tx(joined); fault.KindOf(err) != fault.Conflict {
				t.Errorf("%s: a taken key in a joined transaction: %v", name, err)
			}
			err := tx(func(context.Context) error { return broken })
			if _, classified := fault.As(err); !classified || fault.KindOf(err) != fault.Internal || !errors.Is(err, broken) {
				t.Errorf("%s: an error of ours: %v", name, err)
			}
			sold := fault.New(fault.Conflict, "sold_out", "Sold out.")
			if err := tx(func(context.Context) error { return sold }); err != error(sold) { //nolint:errorlint // it stays as it is
				t.Errorf("%s: a refusal: %v", name, err)
			}
		}
	})
}

// lockIn updates one row in ctx's transaction, which locks it.
func lockIn(ctx context.Context, d *db.DB, x *thing) error {
	return d.Write(ctx).Model(&thing{}).Where("id = ?", x.ID).Update("count", 1).Error
}

func TestLockWaitIsRetryableAndSwallowingItDoomsTheTransaction(t *testing.T) {
	onAllWithConfig(t, func(c *db.Config) { c.LockWait = time.Second }, func(t *testing.T, d *db.DB, cfg db.Config) {
		x, y := newThing("x"), newThing("y")
		create(t, d, x, y)
		other := testservers.Open(t, cfg)
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			if err := lockIn(ctx, d, x); err != nil {
				return err
			}
			inner := other.Tx(t.Context(), func(ctx context.Context) error {
				if d.Dialect() == db.MySQL {
					if err := lockIn(ctx, other, y); err != nil {
						return err
					}
				}
				if err := lockIn(ctx, other, x); fault.KindOf(db.Fault(err)) != fault.Unavailable {
					t.Errorf("a lock wait = %v", err)
				}
				return nil // swallowed
			})
			if inner == nil || fault.KindOf(inner) != fault.Unavailable {
				t.Errorf("the transaction that waited in vain = %v", inner)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		var got thing
		if err := d.Read(t.Context()).Where("name = 'y'").Take(&got).Error; err != nil || got.Count != 0 {
			t.Errorf("y = %+v, %v: half of the doomed transaction was stored", got, err)
		}
	})
}

func TestDeadlockIsRetryableAndDoomsItsVictim(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		cfg := testservers.EmptyMySQL(t)
		d := testservers.Open(t, cfg)
		if _, err := d.SQL().ExecContext(t.Context(), schemas[db.MySQL]); err != nil {
			t.Fatal(err)
		}
		x, y := newThing("x"), newThing("y")
		create(t, d, x, y)
		locked := make(chan struct{}, 2)
		results := make(chan error, 2)
		step := func(first, then *thing) {
			results <- d.Tx(t.Context(), func(ctx context.Context) error {
				if err := lockIn(ctx, d, first); err != nil {
					return err
				}
				locked <- struct{}{}
				for len(locked) < 2 {
					if err := ctx.Err(); err != nil {
						return err
					}
				}
				_ = lockIn(ctx, d, then) // one of the two is the victim, and swallows it
				return db.Fault(d.Write(ctx).Create(newThing("after" + first.Name)).Error)
			})
		}
		go step(x, y)
		go step(y, x)
		var failed []error
		for range 2 {
			if err := <-results; err != nil {
				failed = append(failed, err)
			}
		}
		if len(failed) != 1 || fault.KindOf(failed[0]) != fault.Unavailable {
			t.Errorf("failed = %v, want one retryable victim", failed)
		}
		if got := names(t, d); got != "afterx x y" && got != "aftery x y" {
			t.Errorf("rows = %q: the victim wrote outside its transaction", got)
		}
	})
}

func TestServerAwayIsUnavailableAndComesBack(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		server := testservers.PrivateMySQL(t)
		d, err := db.Open(t.Context(), db.Config{Driver: db.MySQL, DSN: database(t, server)}, quiet)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = d.Close() }()
		if _, err := d.SQL().ExecContext(t.Context(), schemas[db.MySQL]); err != nil {
			t.Fatal(err)
		}
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for _, err := range []error{
				d.Write(t.Context()).Create(newThing("x")).Error,
				d.Read(t.Context()).Find(&[]thing{}).Error,
				d.Tx(t.Context(), func(context.Context) error { return nil }),
				d.Ping(t.Context()),
			} {
				if fault.KindOf(db.Fault(err)) != fault.Unavailable {
					t.Errorf("with the server gone: %v", err)
				}
			}
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		create(t, d, newThing("back"))

		if err := server.Pause(); err != nil { // a frozen server answers nothing, not even a refusal
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		err = d.Tx(ctx, func(ctx context.Context) error { return d.Write(ctx).Create(newThing("y")).Error })
		if fault.KindOf(db.Fault(err)) != fault.Unavailable {
			t.Errorf("with the server frozen: %v", err)
		}
		if err := server.Resume(); err != nil {
			t.Fatal(err)
		}
		create(t, d, newThing("again"))
	})
}

var quiet = slog.New(slog.DiscardHandler)

func database(t *testing.T, server *testservers.MySQLServer) string {
	t.Helper()
	dsn, err := server.CreateDatabase(t.Context(), "mall")
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

func TestOpenWaitsForAServerAndElseSaysWhyInOneLine(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		server := testservers.PrivateMySQL(t)
		dsn := database(t, server)
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
		_, err := db.Open(t.Context(), db.Config{
			Driver: db.MySQL, DSN: strings.Replace(dsn, "root@", "root:secret@", 1), ConnectWait: 300 * time.Millisecond,
		}, quiet)
		if err == nil || !strings.Contains(err.Error(), server.Addr()+"/mall did not answer") ||
			strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
			t.Errorf("error = %v", err)
		}
		opened := make(chan error, 1)
		go func() {
			d, err := db.Open(t.Context(), db.Config{Driver: db.MySQL, DSN: dsn}, quiet)
			if err == nil {
				err = d.Close()
			}
			opened <- err
		}()
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-opened; err != nil {
			t.Errorf("a server that came late: %v", err)
		}
		began := time.Now()
		_, err = db.Open(t.Context(), db.Config{Driver: db.MySQL, DSN: server.DSN("nowhere")}, quiet)
		if err == nil || time.Since(began) > 5*time.Second {
			t.Errorf("a database that does not exist: %v after %v", err, time.Since(began))
		}
	})
}

func TestOpenRefusesNonsense(t *testing.T) {
	for _, cfg := range []db.Config{
		{}, {Driver: "postgres"}, {Driver: db.MySQL}, {Driver: db.MySQL, DSN: "root@tcp(127.0.0.1:1)/"}, {Driver: db.SQLite},
		{Driver: db.SQLite, Path: t.TempDir()},
	} {
		if d, err := db.Open(t.Context(), cfg, quiet); err == nil {
			_ = d.Close()
			t.Errorf("%+v was accepted", cfg)
		}
	}
}
