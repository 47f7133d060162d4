package pubsub_test

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
)

// backWithin is how long the Sentinels and the bus may take together, on a busy machine; the Sentinels notice after a second.
const backWithin = 10 * time.Second

func watched(r *testservers.SentinelRedis) pubsub.Config {
	return pubsub.Config{Addr: r.Addr(), SentinelMaster: testservers.SentinelMaster, Prefix: "t"}
}

// talks wants news to go both ways, over the server that writes.
func talks(t *testing.T, r *testservers.SentinelRedis, a, b *station, text string) {
	t.Helper()
	for _, way := range [][2]*station{{a, b}, {b, a}} {
		until(t, text, func() bool {
			way[0].Publish("c", []byte(text))
			select {
			case got := <-way[1].heard:
				return got == "c "+text
			default:
				return false
			}
		})
	}
	until(t, "both listen where is written", func() bool {
		primary, _, err := r.Primary(t.Context())
		if err != nil {
			return false
		}
		client := redis.NewClient(&redis.Options{Addr: primary.Addr()})
		defer client.Close()
		name := pubsub.FullName(client, "t", "c")
		n, err := client.PubSubNumSub(t.Context(), name).Result() // one that is told to write no more ends its connections
		return err == nil && n[name] == 2
	})
}

func TestAnotherRedisTakesOver(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rounds     int // there, and back again
		fail, heal func(t *testing.T, r *testservers.SentinelRedis, primary *testservers.RedisServer)
	}{
		"the primary is killed": {2,
			func(t *testing.T, _ *testservers.SentinelRedis, primary *testservers.RedisServer) {
				check(t, primary.Kill())
			},
			func(t *testing.T, _ *testservers.SentinelRedis, primary *testservers.RedisServer) {
				check(t, primary.Start(t.Context()))
			}},
		"the primary is frozen": {1,
			func(t *testing.T, _ *testservers.SentinelRedis, primary *testservers.RedisServer) {
				check(t, primary.Pause())
			},
			func(t *testing.T, _ *testservers.SentinelRedis, primary *testservers.RedisServer) {
				check(t, primary.Resume())
			}},
		"the primary and a Sentinel are killed": {1,
			func(t *testing.T, r *testservers.SentinelRedis, primary *testservers.RedisServer) {
				check(t, r.Sentinels[0].Kill())
				check(t, primary.Kill())
			},
			func(t *testing.T, r *testservers.SentinelRedis, primary *testservers.RedisServer) {
				check(t, r.Sentinels[0].Start(t.Context()))
				check(t, primary.Start(t.Context()))
			}},
		"an operator switches": {1,
			func(t *testing.T, r *testservers.SentinelRedis, _ *testservers.RedisServer) {
				check(t, r.Switch(t.Context()))
			},
			func(*testing.T, *testservers.SentinelRedis, *testservers.RedisServer) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := testservers.WatchedRedis(t)
			a, b := tune(t, openWith(t, watched(r))), tune(t, openWith(t, watched(r)))
			check(t, a.Subscribe(t.Context(), "c"))
			check(t, b.Subscribe(t.Context(), "c"))
			talks(t, r, a, b, "before")
			for round := range tc.rounds {
				primary, _, err := r.Primary(t.Context())
				check(t, err)
				resumed, rebuilt, began := a.resumed.Load(), a.Stats().Rebuilt, time.Now()
				tc.fail(t, r, primary)
				until(t, "another writes", func() bool {
					now, _, err := r.Primary(t.Context())
					return err == nil && now != primary
				})
				chosen := time.Since(began)
				until(t, "linked again, and told so", func() bool {
					return a.Connected() && b.Connected() && a.Stats().Rebuilt > rebuilt && a.resumed.Load() > resumed
				})
				check(t, a.client.Set(t.Context(), "t:key", round, time.Minute).Err())
				if took := time.Since(began); took > backWithin {
					t.Errorf("back after %v, of which the Sentinels took %v", took, chosen)
				}
				t.Logf("another server was chosen after %v, back after %v", chosen.Round(10*time.Millisecond), time.Since(began).Round(10*time.Millisecond))
				talks(t, r, a, b, "after "+strconv.Itoa(round))
				tc.heal(t, r, primary)
				if round+1 < tc.rounds {
					check(t, r.Settle(t.Context()))
				}
				talks(t, r, a, b, "healed "+strconv.Itoa(round))
			}
		})
	}
}

// The Sentinels have a login of their own.
func TestSentinelsAndTheirServersHaveTheirOwnLogins(t *testing.T) {
	t.Parallel()
	testservers.Redis(t) // where there is none, it skips the test, or fails it where that may not be
	r, err := testservers.StartSentinelRedis(t.Context(), t.TempDir(), time.Second, "--user", "mall", "on", ">secret", "~t:*", "resetchannels", "&t:*", "+@all")
	check(t, err)
	t.Cleanup(func() { check(t, r.Kill()) })
	good := watched(r)
	good.Username, good.Password = "mall", "secret"
	good.SentinelUsername, good.SentinelPassword = testservers.SentinelUser, testservers.SentinelPassword
	check(t, good.Check())
	until(t, "it answers", func() bool { return openWith(t, good).Set(t.Context(), "t:key", 1, time.Minute).Err() == nil })
	for _, sentinel := range r.Sentinels { // it needs no more than it is allowed
		client := redis.NewClient(&redis.Options{Addr: sentinel.Addr()})
		defer client.Close()
		denied, err := client.ACLLog(t.Context(), 10).Result()
		check(t, err)
		for _, d := range denied {
			t.Errorf("the Sentinels do not allow %s %s", d.Reason, d.Object)
		}
	}
	for name, change := range map[string]func(*pubsub.Config){
		"another password of the server":    func(c *pubsub.Config) { c.Password = "guess" },
		"another password of the Sentinels": func(c *pubsub.Config) { c.SentinelPassword = "guess" },
		"one login for both":                func(c *pubsub.Config) { c.SentinelUsername, c.SentinelPassword = c.Username, c.Password },
		"another name":                      func(c *pubsub.Config) { c.SentinelMaster = "other" },
	} {
		bad := good
		change(&bad)
		if err := openWith(t, bad).Ping(t.Context()).Err(); err == nil {
			t.Errorf("%s: it answers", name)
		}
	}
}

// Sentinels are spoken to as the servers are, with the same certificates.
func TestSentinelsOverTLS(t *testing.T) {
	t.Parallel()
	a := testservers.NewAuthority(t)
	r := secure(t, a)
	c := withFiles(t, r, a)
	_, text, err := net.SplitHostPort(r.addr)
	check(t, err)
	port, err := strconv.Atoi(text)
	check(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	own := l.Addr().(*net.TCPAddr).Port
	check(t, l.Close())
	s, err := testservers.StartSentinel(t.Context(), t.TempDir(), port, time.Second, "tls-port "+strconv.Itoa(own), "tls-replication yes",
		"tls-auth-clients yes", "tls-cert-file "+r.cert, "tls-key-file "+r.key, "tls-ca-cert-file "+r.ca)
	check(t, err)
	t.Cleanup(func() { check(t, s.Kill()) })
	c.Addr, c.SentinelMaster = "127.0.0.1:"+strconv.Itoa(own), testservers.SentinelMaster
	check(t, c.Check())
	station := tune(t, openWith(t, c))
	check(t, station.Subscribe(t.Context(), "c"))
	station.gets(t, "c", "hello")
	c.TLSFiles.CA = testservers.NewAuthority(t).File
	if err := openWith(t, c).Ping(t.Context()).Err(); err == nil {
		t.Error("a Sentinel of a foreign authority is believed")
	}
}

func TestConfigOfSentinels(t *testing.T) {
	for _, tc := range []struct {
		cfg  pubsub.Config
		want string // of the error; empty: it is fine
	}{
		{pubsub.Config{Addr: "h:1,i:1,j:1", SentinelMaster: "mall"}, ""},
		{pubsub.Config{Addr: "h:1", SentinelMaster: "mall", SentinelUsername: "x", SentinelPassword: "y"}, ""},
		{pubsub.Config{Addr: "h:1,i:1"}, "redis.addr: several"},
		{pubsub.Config{SentinelMaster: "mall"}, "redis.addr: must name Sentinels"},
		{pubsub.Config{Addr: "h:1", SentinelMaster: "mall", Cluster: true}, "redis.sentinel_master: "},
		{pubsub.Config{Addr: "h:1", SentinelPassword: "x"}, "redis.sentinel_master: must be set"},
		{pubsub.Config{Addr: "h:1,i", SentinelMaster: "mall"}, "redis.addr: "},
		{pubsub.Config{Addr: "203.0.113.7:1", SentinelMaster: "mall", SentinelPassword: "x"}, "redis.password: would cross"},
	} {
		err := tc.cfg.Check()
		if (err == nil) != (tc.want == "") || err != nil && !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.cfg, err, tc.want)
		}
	}
}

// A password goes to no server on the internet in the clear, whoever names it.
func TestAServerThatSomebodyElseNamesGetsNoPasswordInTheClear(t *testing.T) {
	r := testservers.WatchedRedis(t)
	cfg := watched(r)
	cfg.Password = "secret"
	for _, s := range r.Sentinels {
		direct := redis.NewSentinelClient(&redis.Options{Addr: s.Addr()})
		check(t, direct.Remove(t.Context(), testservers.SentinelMaster).Err())
		check(t, direct.Monitor(t.Context(), testservers.SentinelMaster, "203.0.113.7", "6379", "2").Err())
		check(t, direct.Close())
	}
	if err := openWith(t, cfg).Ping(t.Context()).Err(); err == nil || !strings.Contains(err.Error(), "in the clear") {
		t.Errorf("%v", err)
	}
}
