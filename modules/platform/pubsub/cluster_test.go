package pubsub_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/id"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
)

// channelOn is a channel that lies on the node.
func channelOn(t *testing.T, c *testservers.RedisCluster, client redis.UniversalClient, node int) string {
	t.Helper()
	for i := range 1000 {
		channel := strconv.Itoa(i)
		_, on, err := c.Owner(t.Context(), pubsub.FullName(client, "t", channel))
		check(t, err)
		if on == node {
			return channel
		}
	}
	t.Fatal("no channel lies there")
	return ""
}

// Each tag lies in a sixteenth of the slots of its own, and channels spread evenly over the tags.
func TestChannelsSpreadOverACluster(t *testing.T) {
	client := openCluster(t, cluster(t))
	for i, tag := range pubsub.Tags() {
		slot, err := client.ClusterKeySlot(t.Context(), "{"+tag+"}").Result()
		check(t, err)
		if int(slot)/1024 != i {
			t.Errorf("tag %d, %s, lies in slot %d", i, tag, slot)
		}
	}
	const n = 16_000
	counts := map[string]int{}
	for range n {
		x := id.New().String()
		counts[pubsub.FullName(client, "t", "chat:b:"+x)[:len("t:s1:{nn}")]]++
	}
	for prefix, count := range counts {
		if count < n/16*8/10 || count > n/16*12/10 {
			t.Errorf("%d of %d channels begin with %s", count, n, prefix)
		}
	}
	if len(counts) != 16 {
		t.Errorf("%d tags are used", len(counts))
	}
}

// Instances of different versions must look for a channel in the same place.
func TestWhereChannelsLieStaysAsItIs(t *testing.T) {
	client := openCluster(t, &testservers.RedisCluster{})
	for channel, want := range map[string]string{
		"member": "t:s1:{43}:member",
		"chat:b:0197d1c5-94f3-7a57-8a0c-3f0d3b2f9f4e": "t:s1:{43}:chat:b:0197d1c5-94f3-7a57-8a0c-3f0d3b2f9f4e",
		"chat:s:0197d1c5-94f3-7a57-8a0c-3f0d3b2f9f4e": "t:s1:{61}:chat:s:0197d1c5-94f3-7a57-8a0c-3f0d3b2f9f4e",
	} {
		if got := pubsub.FullName(client, "t", channel); got != want {
			t.Errorf("%s lies at %s, want %s", channel, got, want)
		}
	}
}

// A node that is gone, or hangs, takes its own channels away for as long, and no other's.
func TestANodeEndsAndComesBack(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		fail, heal func(*testing.T, *testservers.RedisServer) error
	}{
		"killed": {func(_ *testing.T, r *testservers.RedisServer) error { return r.Kill() },
			func(t *testing.T, r *testservers.RedisServer) error { return r.Start(t.Context()) }},
		"frozen": {func(_ *testing.T, r *testservers.RedisServer) error { return r.Pause() },
			func(_ *testing.T, r *testservers.RedisServer) error { return r.Resume() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := testservers.ClusteredRedis(t)
			a, b := tune(t, openCluster(t, c)), tune(t, openCluster(t, c))
			lost, kept := channelOn(t, c, a.client, 0), channelOn(t, c, a.client, 1)
			check(t, a.Subscribe(t.Context(), lost))
			check(t, a.Subscribe(t.Context(), kept))
			links := a.Stats().Links
			check(t, fault.fail(t, c.Nodes[0]))
			until(t, "noticed", func() bool { return !a.Connected() && a.GaveUp() }) // what thaws before that has lost nothing
			began := time.Now()
			for i := range 100 {
				b.Publish(lost, []byte("lost"))
				b.Publish(kept, []byte(strconv.Itoa(i)))
				a.hears(t, kept+" "+strconv.Itoa(i))
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("100 news past the lost node took %v", took)
			}
			before := a.resumed.Load()
			check(t, fault.heal(t, c.Nodes[0]))
			until(t, "back", func() bool { return a.Connected() && b.Connected() && a.resumed.Load() > before })
			if got := a.Stats().Links; got != links {
				t.Errorf("%d links, want %d", got, links)
			}
			began = time.Now()
			until(t, "heard again", func() bool {
				b.Publish(lost, []byte("back"))
				select {
				case got := <-a.heard:
					return got == lost+" back"
				default:
					return false
				}
			})
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("heard again after %v", took)
			}
		})
	}
}

// A slot that an operator gives to another node takes its channels along, and nothing else.
func TestASlotMovesToAnotherNode(t *testing.T) {
	t.Parallel()
	c := testservers.ClusteredRedis(t)
	a, b := tune(t, openCluster(t, c)), tune(t, openCluster(t, c))
	channel := channelOn(t, c, a.client, 2)
	check(t, a.Subscribe(t.Context(), channel))
	check(t, b.Subscribe(t.Context(), channel))
	until(t, "the start is over", func() bool { return a.Stats().Met == 1 && a.steady() && a.resumed.Load() > 0 })
	slot, _, err := c.Owner(t.Context(), pubsub.FullName(a.client, "t", channel))
	check(t, err)
	for round, to := range []int{0, 1, 2} {
		before, resumed := a.Stats().Rebuilt, a.resumed.Load()
		check(t, c.Move(t.Context(), slot, to))
		began := time.Now()
		for _, way := range [][2]*station{{a, b}, {b, a}} {
			text := "round " + strconv.Itoa(round)
			until(t, "heard again", func() bool {
				way[0].Publish(channel, []byte(text))
				select {
				case got := <-way[1].heard:
					return got == channel+" "+text
				default:
					return false
				}
			})
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("heard again after %v", took)
		}
		until(t, "resumed", func() bool { return a.Connected() && a.resumed.Load() > resumed })
		if n := a.Stats().Rebuilt - before; n < 1 || n > 5 {
			t.Errorf("%d links were built for one slot", n)
		}
	}
}

// A link that is deaf is found out and built again alone.
func TestADeafLinkOfACluster(t *testing.T) {
	t.Parallel()
	c := testservers.ClusteredRedis(t)
	link := newWire(t, c.Nodes[0].Addr())
	_, port, err := net.SplitHostPort(link.addr())
	check(t, err)
	direct := open(t, c.Nodes[0].Addr())
	check(t, direct.ConfigSet(t.Context(), "cluster-announce-port", port).Err())
	check(t, c.Settle(t.Context()))
	client := openCluster(t, c)
	channel := channelOn(t, c, client, -1) // its owner is behind the wire, where nobody of ours has that address
	link.only = pubsub.FullName(client, "t", channel)[:len("t:s1:{nn}")]
	s := tune(t, client)
	check(t, s.Subscribe(t.Context(), channel))
	before := s.Stats()
	link.deaf.Store(true)
	until(t, "noticed", func() bool { return !s.Connected() })
	if now := s.Stats(); now.Links != before.Links-1 {
		t.Errorf("%d links of %d are left", now.Links, before.Links)
	}
	link.deaf.Store(false)
	until(t, "rebuilt", s.Connected)
	s.gets(t, channel, "back")
	if n := s.Stats().Rebuilt - before.Rebuilt; n < 1 || n > 5 {
		t.Errorf("%d links were built for a deaf one", n)
	}
}
