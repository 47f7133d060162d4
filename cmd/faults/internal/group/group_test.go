package group

import (
	"context"
	"errors"
	"testing"
	"time"

	"mall/modules/platform/testservers"
)

// The harness' own group does what its faults count on: a member that is cut off is voted out, and stores nothing.
func TestACutMemberIsVotedOutAndStoresNothing(t *testing.T) {
	g, err := Start(t.Context(), t.TempDir())
	if err != nil {
		testservers.Missing(t, err)
	}
	defer g.Close()
	if p := g.Primary(t.Context()); p != g.First() {
		t.Fatalf("the primary is %v", p)
	}
	if err := g.First().Exec(t.Context(), "CREATE DATABASE x", "CREATE TABLE x.x (id INT PRIMARY KEY)", "INSERT INTO x.x VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	g.Cut()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := g.First().Exec(ctx, "INSERT INTO x.x VALUES (2)"); err == nil {
		t.Error("it has stored something alone")
	} else {
		t.Logf("a write on it after %v: %v", time.Since(began), err)
	}
	if err := until(t.Context(), "there is another primary", func(ctx context.Context) error {
		if p := g.Primary(ctx); p == nil || p == g.First() {
			return errors.New("none")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("another primary after %v", time.Since(began))
	if err := g.Primary(t.Context()).Exec(t.Context(), "INSERT INTO x.x VALUES (3)"); err != nil {
		t.Error(err)
	}
	through, err := Open(g.Router.Addr(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer through.Close()
	if err := until(t.Context(), "the Router leads to it", func(ctx context.Context) error {
		_, err := through.ExecContext(ctx, "INSERT IGNORE INTO x VALUES (4)")
		return err
	}); err != nil {
		t.Fatal(err, g.Router.LastWords())
	}
	t.Logf("through the Router after %v", time.Since(began))
	g.Mend()
	if err := g.First().Rejoin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.UntilWhole(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sum int
	if err := g.First().SQL.QueryRowContext(t.Context(), "SELECT SUM(id) FROM x.x").Scan(&sum); err != nil || sum != 8 {
		t.Errorf("1, 3 and 4 add up to %d, %v", sum, err)
	}
}

func TestTransactionsOfASetAreCounted(t *testing.T) {
	const uuid = "6d616c6c-0000-4000-8000-000000000001"
	for set, want := range map[string]int{
		"": 0, uuid + ":7": 1, uuid + ":1-5:7": 6, uuid + ":1-5,\n7d616c6c-0000-4000-8000-000000000001:3-4": 7,
	} {
		if got, err := transactions(set); got != want || err != nil {
			t.Errorf("%q: %d, %v; want %d", set, got, err, want)
		}
	}
	if n, err := transactions(uuid + ":some:1-2"); err == nil {
		t.Errorf("a set with a tag, which the harness does not make, was counted: %d", n)
	}
}
