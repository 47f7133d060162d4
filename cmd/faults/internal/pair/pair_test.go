package pair

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/testservers"
)

const scripts = "../../../../configs/mariadb"

func start(t *testing.T) *Pair {
	t.Helper()
	p, err := Start(t.Context(), t.TempDir(), scripts)
	if err != nil {
		testservers.Missing(t, err)
	}
	t.Cleanup(p.Close)
	do(t, p.First, "CREATE DATABASE x", "CREATE TABLE x.x (id INT PRIMARY KEY)", "INSERT INTO x.x VALUES (1)")
	same(t, p.Second, p.First)
	return p
}

func do(t *testing.T, s *Server, statements ...string) {
	t.Helper()
	if err := s.Exec(t.Context(), statements...); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, replica, primary *Server) {
	t.Helper()
	if err := UntilSame(t.Context(), replica, primary); err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, s *Server) string {
	t.Helper()
	all, err := s.Text(t.Context(), "SELECT GROUP_CONCAT(id ORDER BY id) FROM x.x")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func promote(t *testing.T, p *Pair) {
	t.Helper()
	says, err := p.Promote(t.Context(), p.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(says)
}

// unconfirmed lets the first server store things that the second never hears of, and kills it. stored says whether the
// first has answered that it has.
func unconfirmed(t *testing.T, p *Pair, ids ...int) (stored bool) {
	t.Helper()
	p.Cut()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var err error
	for _, id := range ids {
		err = errors.Join(err, p.First.Exec(ctx, fmt.Sprintf("INSERT INTO x.x VALUES (%d)", id)))
	}
	if err := p.First.Kill(); err != nil {
		t.Fatal(err)
	}
	return err == nil
}

// What the replica has received and not applied is applied before it is the primary, also where somebody had stopped
// that. The old primary throws away what nobody has confirmed, and follows.
func TestAPromotedReplicaHasAllThatWasAcked(t *testing.T) {
	p := start(t)
	do(t, p.Second, "STOP SLAVE SQL_THREAD")
	do(t, p.First, "INSERT INTO x.x VALUES (2)", "INSERT INTO x.x VALUES (3)")
	if got := rows(t, p.Second); got != "1" {
		t.Fatalf("the replica that does not apply has %s", got)
	}
	if unconfirmed(t, p, 4) {
		t.Fatal("a COMMIT that no replica has confirmed was answered")
	}
	promote(t, p)
	do(t, p.Second, "INSERT INTO x.x VALUES (5)")
	if got := rows(t, p.Second); got != "1,2,3,5" {
		t.Errorf("the new primary has %s", got)
	}
	if says, err := p.Promote(t.Context(), p.Second); err == nil {
		t.Errorf("a primary was promoted: %s", says)
	}
	anew, err := p.Rejoin(t.Context(), p.First, p.Second)
	if err != nil || anew {
		t.Fatalf("the old primary was made anew: %v, %v", anew, err)
	}
	do(t, p.Second, "INSERT INTO x.x VALUES (6)")
	same(t, p.First, p.Second)
	if got := rows(t, p.First); got != "1,2,3,5,6" {
		t.Errorf("the old primary has %s", got)
	}
	if only, err := p.First.Text(t.Context(), "SELECT @@read_only"); only != "1" {
		t.Errorf("the old primary takes writes: %s, %v", only, err)
	}
}

// What a primary has acked alone is lost with it; when it is back it is found to have something of its own, and made
// anew.
func TestWhatAPrimaryHasAckedAloneIsLost(t *testing.T) {
	p := start(t)
	do(t, p.First, "SET GLOBAL rpl_semi_sync_master_timeout = 100")
	if !unconfirmed(t, p, 2, 20) { // of one alone the engine would not have kept the COMMIT yet
		t.Fatal("the primary has not gone on alone")
	}
	promote(t, p)
	do(t, p.Second, "INSERT INTO x.x VALUES (3)")
	anew, err := p.Rejoin(t.Context(), p.First, p.Second)
	if err != nil || !anew {
		t.Fatalf("the old primary was made anew: %v, %v", anew, err)
	}
	do(t, p.Second, "INSERT INTO x.x VALUES (4)")
	same(t, p.First, p.Second)
	for name, s := range map[string]*Server{"old": p.First, "new": p.Second} {
		if got := rows(t, s); got != "1,3,4" {
			t.Errorf("the %s primary has %s", name, got)
		}
	}
}

// A replica of which nothing runs would throw away what it has not applied as soon as anybody started it: it is left as
// it is.
func TestAReplicaThatWouldLoseSomethingIsNotPromoted(t *testing.T) {
	p := start(t)
	do(t, p.Second, "STOP SLAVE SQL_THREAD")
	do(t, p.First, "INSERT INTO x.x VALUES (2)")
	before, err := p.Second.Replica(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(t, p.Second, "STOP SLAVE")
	if err := p.First.Kill(); err != nil {
		t.Fatal(err)
	}
	if says, err := p.Promote(t.Context(), p.Second); err == nil || !strings.Contains(says, "mariadb-binlog") {
		t.Errorf("promoted: %s, %v", says, err)
	}
	after, err := p.Second.Replica(t.Context())
	if err != nil || after["Gtid_IO_Pos"] != before["Gtid_IO_Pos"] || rows(t, p.Second) != "1" {
		t.Errorf("%s became %s, %v", before["Gtid_IO_Pos"], after["Gtid_IO_Pos"], err)
	}
	if only, err := p.Second.Text(t.Context(), "SELECT @@read_only"); only != "1" {
		t.Errorf("it takes writes: %s, %v", only, err)
	}
}

func TestSettings(t *testing.T) {
	options, err := settingsOf(filepath.Join(scripts, "pair.cnf"))
	const wait = "--rpl-semi-sync-master-wait-point=AFTER_SYNC --rpl-semi-sync-master-timeout=31536000000"
	if err != nil || !strings.Contains(strings.Join(options, " "), wait) {
		t.Errorf("%q, %v", options, err)
	}
	for _, o := range options {
		if strings.ContainsAny(o, " #") {
			t.Errorf("%q", o)
		}
	}
}
