package chat_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/testservers"
)

// allowed is what compose.yaml lets the mall do in Redis, with the password of the tests.
func allowed(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../configs/compose.yaml")
	check(t, err)
	line := regexp.MustCompile(`user (mall on .*)`).FindSubmatch(text)
	if line == nil {
		t.Fatal("compose.yaml lets nobody do anything in Redis")
	}
	return regexp.MustCompile(`>\S*\$\{[^}]*\}`).ReplaceAllString(string(line[1]), ">secret")
}

// denied are the commands that a server has refused for want of a right.
func denied(t *testing.T, addr string) (all []string) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	entries, err := client.ACLLog(t.Context(), 128).Result()
	check(t, err)
	for _, e := range entries {
		all = append(all, e.Reason+" "+e.Object)
	}
	return all
}

// The mall needs no more of Redis than compose.yaml allows it, on one server and on a cluster, and gets no further.
func TestRedisAllowsTheMallWhatItNeedsAndNoMore(t *testing.T) {
	t.Run("one server", func(t *testing.T) {
		testservers.Redis(t) // where there is none, it skips the test, or fails it where that may not be
		s, err := testservers.StartRedis(t.Context(), t.TempDir(), append([]string{"--user"}, strings.Fields(allowed(t))...)...)
		check(t, err)
		t.Cleanup(func() { check(t, s.Kill()) })
		limitedRedis(t, s.Addr(), []*testservers.RedisServer{s})
		client := redis.NewClient(&redis.Options{Addr: s.Addr(), Username: "mall", Password: "secret"})
		defer client.Close()
		for name, err := range map[string]error{
			"another's key":     client.Set(t.Context(), "other:x", 1, 0).Err(),
			"another's channel": client.Publish(t.Context(), "other:x", 1).Err(),
			"all channels":      client.PSubscribe(t.Context(), "mall:*").Ping(t.Context()),
			"all keys":          client.Keys(t.Context(), "mall:*").Err(),
			"flush":             client.FlushAll(t.Context()).Err(),
			"config":            client.ConfigGet(t.Context(), "*").Err(),
		} {
			if name != "all channels" && (err == nil || !strings.HasPrefix(err.Error(), "NOPERM")) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("cluster", func(t *testing.T) {
		c := testservers.ClusteredRedis(t)
		for _, n := range c.Nodes {
			client := redis.NewClient(&redis.Options{Addr: n.Addr()})
			rules := append([]any{"ACL", "SETUSER"}, words(allowed(t))...)
			check(t, client.Do(t.Context(), rules...).Err())
			check(t, client.Close())
		}
		limitedRedis(t, c.Addr(), c.Nodes)
	})
}

func words(text string) (all []any) {
	for w := range strings.FieldsSeq(text) {
		all = append(all, w)
	}
	return all
}

// limitedRedis has two instances do all that they do in Redis, as a user of few rights.
func limitedRedis(t *testing.T, addr string, nodes []*testservers.RedisServer) {
	t.Helper()
	cfg := testservers.MySQL(t)
	m := &mall{tokens: map[string]string{}}
	for range 2 {
		m.instances = append(m.instances, startInstance(t, cfg, addr, func(p *parts) {
			p.Redis.Username, p.Redis.Password = "mall", "secret"
			p.Chat.SendsPerSecond, p.Chat.SendsBurst = 1, 8
		}))
	}
	until(t, "linked", func() bool { return m.instances[0].bus.Connected() && m.instances[1].bus.Connected() })
	r := m.openRoom(t, "buyer")
	buyer := m.connect(t, 0, "buyer")
	owner := m.connect(t, 1, "owner")
	if got := buyer.skipTo("presence"); !got.Online {
		t.Errorf("presence %+v", got)
	}
	buyer.say(send(r.ID, "안녕하세요"))
	buyer.skipTo("ack")
	owner.skipTo("message")
	m.rest(t, 1, "owner", "GET", "/chat/rooms?shop_id="+shopID.String(), nil, 200, nil) // looks who is there
	m.rest(t, 0, "owner", "POST", "/auth/logout", nil, 204, nil)
	if code := owner.closed(); code != 4401 {
		t.Errorf("closed with %d, want 4401", code)
	}
	for _, in := range m.instances {
		in.stop() // gives back what it has counted
	}
	for _, n := range nodes {
		if all := denied(t, n.Addr()); len(all) > 0 {
			t.Errorf("the mall may not: %q", all)
		}
	}
}
