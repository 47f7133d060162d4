package main

import (
	"strings"
	"testing"
	"time"

	"mall/cmd/faults/internal/proxy"
)

func TestAMomentIsNamedShortly(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Hour: "+1h", -time.Hour: "-1h", -20 * time.Second: "-20s", 30 * time.Minute: "+30m", 0: "+0s"} {
		if got := signed(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// Each kind of wrong clock is played with and without Redis, and those of an instance with tokens that last.
func TestClocksAreWrongWithAndWithoutRedis(t *testing.T) {
	names := map[string]fault{}
	for _, f := range clockFaults() {
		names[f.name] = f
	}
	for name, f := range names {
		if strings.HasPrefix(name, "only reads") || strings.HasSuffix(name, ", no redis") {
			continue
		}
		without, there := names[name+", no redis"]
		if !there || without.heal == nil || f.heal != nil {
			t.Errorf("%s: its other half is there %v", name, there)
		}
		if own := strings.HasPrefix(name, "own"); f.clocked != own || without.clocked != own || (len(f.settings) > 0) != own {
			t.Errorf("%s: built with a clock %v, settings %v", name, f.clocked, f.settings)
		}
	}
}

// Only what is read outside of a transaction hangs.
func TestReadsHangOutsideOfTransactions(t *testing.T) {
	rule := hangReads()
	packet := func(sql string) []byte { return append([]byte{byte(1 + len(sql)), 0, 0, 0, 3}, sql...) }
	one, other := &proxy.Link{}, &proxy.Link{}
	for _, step := range []struct {
		link *proxy.Link
		sql  string
		want proxy.Verdict
	}{
		{one, "START TRANSACTION; SELECT 1 FOR UPDATE", proxy.Forward},
		{one, "SELECT 1", proxy.Forward},
		{other, "SELECT 1", proxy.Hush},
		{one, "INSERT INTO t VALUES (1); COMMIT", proxy.Forward},
		{one, "UPDATE t SET a = 1", proxy.Forward},
		{one, "SELECT 1", proxy.Hush},
	} {
		if got, _ := rule(step.link, proxy.ToServer, packet(step.sql)); got != step.want {
			t.Errorf("%s: %v, want %v", step.sql, got, step.want)
		}
	}
	if got, _ := rule(other, proxy.ToClient, packet("SELECT 1")); got != proxy.Forward {
		t.Error("an answer is not passed on")
	}
}
