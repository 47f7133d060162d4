package chat_test

import (
	"testing"

	"mall/modules/platform/testservers"
)

// Two instances over a Redis Cluster, on each of them somebody of either party. A node that ends takes nothing with it:
// what it would have carried comes from the database.
func TestTwoInstancesOverARedisCluster(t *testing.T) {
	redis := testservers.ClusteredRedis(t)
	m := newMall(t, testservers.MySQL(t), redis.Addr(), 2)
	until(t, "linked", func() bool { return m.instances[0].bus.Connected() && m.instances[1].bus.Connected() })
	r := m.openRoom(t, "buyer")
	buyer, tab := m.connect(t, 0, "buyer"), m.connect(t, 1, "buyer")
	owner := m.connect(t, 1, "owner")
	if got := buyer.skipTo("presence"); !got.Online || got.Party != "shop" {
		t.Errorf("the shop has come: %+v", got)
	}
	agent := m.connect(t, 0, "agent")
	all := map[string]*client{"buyer": buyer, "tab": tab, "owner": owner, "agent": agent}
	seq := int64(0)
	talk := func() {
		t.Helper()
		for _, from := range all {
			seq++
			from.say(send(r.ID, "여보세요"))
			for name, to := range all {
				want := "message"
				if to == from {
					want = "ack"
				}
				if got := to.skipTo(want); got.Seq != seq {
					t.Errorf("%s: %+v, want seq %d", name, got, seq)
				}
			}
		}
	}
	talk()
	check(t, redis.Nodes[0].Kill())
	talk()
	check(t, redis.Nodes[0].Start(t.Context()))
	until(t, "back", func() bool { return m.instances[0].bus.Connected() && m.instances[1].bus.Connected() })
	talk()
	for _, in := range m.instances {
		if s := in.bus.Stats(); s.Received == 0 || in.chat.Status().Refused > 0 {
			t.Errorf("stats %+v, %+v", s, in.chat.Status())
		}
	}
}
