package db_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/testservers"

	"github.com/go-sql-driver/mysql"
)

// link is a TCP hop before MySQL that can lose what the server says from the next COMMIT on.
type link struct {
	listener net.Listener
	server   string

	mu     sync.Mutex
	onNext string // "", "cut" or "hang"
}

func newLink(t *testing.T, server string) *link {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{listener: listener, server: server}
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			wait.Go(func() { l.serve(client) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); wait.Wait() })
	return l
}

func (l *link) loseNextCommit(how string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onNext = how
}

func (l *link) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	how := l.onNext
	l.onNext = ""
	return how
}

// serve passes bytes on until a COMMIT that is to be lost: the server gets it, its answer goes nowhere.
func (l *link) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", l.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	lost := make(chan string, 1)
	answers := make(chan []byte)
	go func() {
		defer close(answers)
		for {
			buffer := make([]byte, 64<<10)
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			answers <- buffer[:n]
		}
	}()
	go func() {
		defer func() { _ = server.Close() }()
		buffer := make([]byte, 64<<10)
		for {
			n, err := client.Read(buffer)
			if err != nil {
				return
			}
			if bytes.Contains(buffer[:n], []byte("COMMIT")) {
				if how := l.take(); how != "" {
					lost <- how
				}
			}
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	how := ""
	for answer := range answers {
		select {
		case how = <-lost:
		default:
		}
		switch how {
		case "cut":
			_ = client.Close()
		case "":
			_, _ = client.Write(answer)
		}
	}
}

// openThrough gives a database behind a link, and the same database reached directly.
func openThrough(t *testing.T, change func(*db.Config)) (*link, *db.DB, *db.DB) {
	t.Helper()
	cfg := testservers.EmptyMySQL(t)
	direct := testservers.Open(t, cfg)
	if _, err := direct.SQL().ExecContext(t.Context(), schemas[db.MySQL]); err != nil {
		t.Fatal(err)
	}
	parsed, err := mysql.ParseDSN(cfg.DSN)
	if err != nil {
		t.Fatal(err)
	}
	l := newLink(t, parsed.Addr)
	parsed.Addr = l.listener.Addr().String()
	cfg.DSN = parsed.FormatDSN()
	if change != nil {
		change(&cfg)
	}
	return l, testservers.Open(t, cfg), direct
}

// A COMMIT whose answer is lost may be stored, and here it is: the error must say so and never count as failure.
func TestLostAnswerToCommitIsUnknown(t *testing.T) {
	for _, how := range []string{"cut", "hang"} {
		t.Run(how, func(t *testing.T) {
			l, d, direct := openThrough(t, func(c *db.Config) {
				c.CommitTimeout = 300 * time.Millisecond
				c.ReadTimeout = time.Second
			})
			hooked := false
			l.loseNextCommit(how)
			began := time.Now()
			err := d.Tx(t.Context(), func(ctx context.Context) error {
				db.AfterCommit(ctx, func() { hooked = true })
				return d.Write(ctx).Create(newThing("stored")).Error
			})
			if !errors.Is(err, db.ErrOutcomeUnknown) || hooked {
				t.Errorf("error = %v, hook ran: %v", err, hooked)
			}
			if f := db.Fault(err); fault.KindOf(f) != fault.Unavailable || !errors.Is(f, db.ErrOutcomeUnknown) {
				t.Errorf("fault = %v", f)
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
	l.loseNextCommit("hang")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := d.Tx(ctx, func(ctx context.Context) error { return d.Write(ctx).Create(newThing("stored")).Error })
	if took := time.Since(began); !errors.Is(err, db.ErrOutcomeUnknown) || took > 900*time.Millisecond {
		t.Errorf("error = %v after %v", err, took)
	}
}
