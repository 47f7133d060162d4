package testservers

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mall/modules/platform/db"

	"github.com/go-sql-driver/mysql"
)

// Fate is what becomes of something that a client sends over a Link.
type Fate int

// The fates. Of a COMMIT, Lost means that nothing is stored, Stored and Silent that all of it is.
const (
	Passes Fate = iota
	Lost        // the server never gets it, and the connection ends
	Stored      // the server gets it, and the connection ends without its answer
	Silent      // the server gets it, its answer is lost, and the connection stays open
)

// Sent is what a client sends at once.
type Sent struct {
	Text        string // as it goes over the wire
	Transaction string // all that its transaction has sent until now, Text included; "" outside of one
}

// Commits says whether a transaction ends with it.
func (s Sent) Commits() bool { return strings.Contains(s.Text, "COMMIT") }

// Link is a TCP hop before a MySQL server on which the connection can be lost around a statement or COMMIT.
type Link struct {
	listener net.Listener
	server   string
	rule     atomic.Pointer[func(Sent) Fate]
}

// Through gives cfg's MySQL database as it is reached over a link, which ends with the test.
func Through(t testing.TB, cfg db.Config) (*Link, db.Config) {
	t.Helper()
	parsed, err := mysql.ParseDSN(cfg.DSN)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Link{listener: listener, server: parsed.Addr}
	l.Meet(func(Sent) Fate { return Passes })
	var serving sync.WaitGroup
	serving.Go(func() { l.accept(&serving) })
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	parsed.Addr = listener.Addr().String()
	cfg.DSN = parsed.FormatDSN()
	return l, cfg
}

// Meet decides what becomes of all that is sent from now on.
func (l *Link) Meet(rule func(Sent) Fate) { l.rule.Store(&rule) }

// MeetCommits decides what becomes of the COMMITs alone.
func (l *Link) MeetCommits(rule func() Fate) {
	l.Meet(func(s Sent) Fate {
		if s.Commits() {
			return rule()
		}
		return Passes
	})
}

// Nth gives the fate to the nth time that it is asked, and lets the others pass.
func Nth(n int64, fate Fate) func() Fate {
	var count atomic.Int64
	return func() Fate {
		if count.Add(1) == n {
			return fate
		}
		return Passes
	}
}

func (l *Link) accept(serving *sync.WaitGroup) {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		serving.Go(func() { l.serve(client) })
	}
}

func (l *Link) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	c := &crossing{client: client, server: server, gone: make(chan struct{})}
	go c.answers()
	c.requests(l)
}

// crossing is one connection over a link.
type crossing struct {
	client, server net.Conn
	deaf           atomic.Bool   // what the server says goes nowhere
	gone           chan struct{} // closed when the server has ended the connection
	said           strings.Builder
}

func (c *crossing) answers() {
	defer close(c.gone)
	defer func() { _ = c.client.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := c.server.Read(buffer)
		if err != nil {
			return
		}
		if c.deaf.Load() {
			continue
		}
		if _, err := c.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (c *crossing) requests(l *Link) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := c.client.Read(buffer)
		if err != nil {
			return
		}
		fate := (*l.rule.Load())(c.sent(string(buffer[:n])))
		if fate == Lost {
			return
		}
		if fate != Passes {
			c.deaf.Store(true)
		}
		if _, err := c.server.Write(buffer[:n]); err != nil {
			return
		}
		if fate == Stored {
			_ = c.server.(*net.TCPConn).CloseWrite() // which it sees once it has done all that came before
			<-c.gone
			return
		}
	}
}

// sent follows the connection's transaction.
func (c *crossing) sent(text string) Sent {
	if c.said.Len() > 0 || strings.Contains(text, "START TRANSACTION") {
		c.said.WriteString(text)
	}
	s := Sent{Text: text, Transaction: c.said.String()}
	if s.Commits() || strings.Contains(text, "ROLLBACK") {
		c.said.Reset()
	}
	return s
}
