package testservers

import (
	"strings"
	"testing"
)

func TestARedisClusterMovesSlotsAndOutlivesANode(t *testing.T) {
	c := ClusteredRedis(t)
	if n := strings.Count(c.Addr(), ",") + 1; n != 3 {
		t.Fatalf("%d nodes: %s", n, c.Addr())
	}
	slot, from, err := c.Owner(t.Context(), "{x}key")
	if err != nil || from < 0 {
		t.Fatalf("slot %d on node %d: %v", slot, from, err)
	}
	to := (from + 1) % len(c.Nodes)
	if err := c.Move(t.Context(), slot, to); err != nil {
		t.Fatal(err)
	}
	if _, now, err := c.Owner(t.Context(), "{x}another"); err != nil || now != to {
		t.Errorf("the slot was moved from node %d to %d, and is on %d: %v", from, to, now, err)
	}
	if err := c.Nodes[to].Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Nodes[to].Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, now, err := c.Owner(t.Context(), "{x}"); err != nil || now != to {
		t.Errorf("after its restart the slot is on node %d, not %d: %v", now, to, err)
	}
}
