package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/testservers"
)

// What servers and the Router before them say while a group looks for a primary passes, and so does what a node of Galera says
// that has lost the others; what they say to a COMMIT does not tell whether it is stored.
func TestWhatAGroupWithoutAPrimarySaysPasses(t *testing.T) {
	for _, number := range []uint16{1047, 1290, 1836, 2003, 2006, 2013, 3032, 3100, 3101} {
		err := &mysql.MySQLError{Number: number}
		if got := fault.KindOf(db.Fault(err)); got != fault.Unavailable {
			t.Errorf("%d: %v", number, got)
		}
		if number != 1290 && number != 1836 && db.StoredNothing(err) { // of those the driver makes a connection to look for anew
			t.Errorf("%d of COMMIT is taken for a failure", number)
		}
	}
}

// A server that takes no more writes is left at once: the next attempt is on a new connection, which may lead elsewhere. What
// it has refused is known not to be stored.
func TestAReadOnlyServerIsLeft(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		server := testservers.PrivateMySQL(t)
		dsn, err := server.CreateDatabase(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		root := testservers.Open(t, db.Config{Driver: db.MySQL, DSN: dsn})
		for _, statement := range []string{schemas[db.MySQL], "CREATE USER plain@'%'", "GRANT ALL ON x.* TO plain@'%'"} {
			if _, err := root.SQL().ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		d := testservers.Open(t, db.Config{Driver: db.MySQL, DSN: strings.Replace(dsn, "root", "plain", 1), MaxOpen: 1})
		inTx := func() error {
			return d.Tx(t.Context(), func(ctx context.Context) error { return d.Write(ctx).Create(newThing("by tx")).Error })
		}
		alone := func() error { return db.Fault(d.Write(t.Context()).Create(newThing("alone")).Error) }
		for name, write := range map[string]func() error{
			"Tx": inTx, "TxPipelined": func() error { return pipelined(t.Context(), d, "pipelined") }, "alone": alone,
		} {
			pool := "mysql"
			if name == "TxPipelined" {
				pool = "mysql_pipelined"
			}
			before := connection(t, d.Pools()[pool])
			setReadOnly(t, root, true)
			if err := write(); fault.KindOf(err) != fault.Unavailable || errors.Is(err, db.ErrOutcomeUnknown) {
				t.Errorf("%s: %v", name, err)
			}
			if after := connection(t, d.Pools()[pool]); after == before {
				t.Errorf("%s: still on connection %d", name, after)
			}
			setReadOnly(t, root, false)
			if err := write(); err != nil {
				t.Errorf("%s: once it takes writes again: %v", name, err)
			}
		}
	})
}

func setReadOnly(t *testing.T, root *db.DB, on bool) {
	t.Helper()
	if _, err := root.SQL().ExecContext(t.Context(), fmt.Sprintf("SET GLOBAL read_only = %t", on)); err != nil {
		t.Fatal(err)
	}
}

func connection(t *testing.T, pool *sql.DB) (n int64) {
	t.Helper()
	if err := pool.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A Router that has nobody to lead to yet says so in the server's name, and is waited for as a server is.
func TestOpenWaitsForAPrimary(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			text := "Can't connect to remote MySQL server for client connected to '127.0.0.1:6446'"
			_, _ = c.Write(append([]byte{byte(3 + len(text)), 0, 0, 0, 0xff, 0xd3, 0x07}, text...)) // 2003
			_ = c.Close()
			if asked++; asked == 2 {
				cancel() // asked again: that is what is looked for
			}
		}
	}()
	d, err := db.Open(ctx, db.Config{Driver: db.MySQL, DSN: "u@tcp(" + ln.Addr().String() + ")/x", ConnectWait: time.Minute}, slog.New(slog.DiscardHandler))
	if err == nil {
		_ = d.Close()
		t.Fatal("nothing was opened")
	}
	_ = ln.Close()
	if <-done; asked < 2 || !strings.Contains(err.Error(), "2003") {
		t.Errorf("asked %d times: %v", asked, err)
	}
}
