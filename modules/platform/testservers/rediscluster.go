package testservers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// clusterSlots is how many slots every Redis Cluster has.
const clusterSlots = 16384

// RedisCluster is a private Redis Cluster without replicas. A node that ends takes its slots away until it is started
// again; the others go on meanwhile.
type RedisCluster struct {
	Nodes []*RedisServer
	ids   []string
}

// ClusteredRedis starts a cluster of three nodes for the test and stops it afterwards.
func ClusteredRedis(t testing.TB) *RedisCluster {
	t.Helper()
	c, err := StartRedisCluster(t.Context(), t.TempDir(), 3)
	if err != nil {
		missing(t, err)
	}
	runsOn(t, redisVersion())
	t.Cleanup(func() {
		if err := c.Kill(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// StartRedisCluster starts a cluster whose n nodes work in folders of dir and have equal shares of the slots. The error
// is ErrAbsent when there is no Redis.
func StartRedisCluster(ctx context.Context, dir string, n int) (*RedisCluster, error) {
	c := &RedisCluster{}
	err := c.start(ctx, dir, n)
	if err == nil {
		err = c.join(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.Kill())
	}
	return c, nil
}

func (c *RedisCluster) start(ctx context.Context, dir string, n int) error {
	for i := range n {
		home := filepath.Join(dir, "node"+strconv.Itoa(i))
		if err := os.MkdirAll(home, 0o700); err != nil {
			return err
		}
		bus, err := freePort(ctx)
		if err != nil {
			return err
		}
		s, err := StartRedis(ctx, home, "--cluster-enabled", "yes", "--cluster-config-file", filepath.Join(home, "nodes.conf"),
			"--cluster-port", strconv.Itoa(bus), "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no")
		if err != nil {
			return err
		}
		s.bus = bus
		c.Nodes = append(c.Nodes, s)
	}
	return nil
}

// join makes one cluster of the nodes, and returns when all of them know it.
func (c *RedisCluster) join(ctx context.Context) error {
	for i, s := range c.Nodes {
		id, err := s.do(ctx, "CLUSTER", "MYID")
		if err != nil {
			return err
		}
		c.ids = append(c.ids, id.(string))
		first, next := i*clusterSlots/len(c.Nodes), (i+1)*clusterSlots/len(c.Nodes)
		for _, command := range [][]any{
			{"CLUSTER", "SET-CONFIG-EPOCH", i + 1}, // else all have the same, and take a while to settle that
			{"CLUSTER", "ADDSLOTSRANGE", first, next - 1},
			{"CLUSTER", "MEET", "127.0.0.1", c.Nodes[0].port, c.Nodes[0].bus}, // of the first with itself: no harm
		} {
			if _, err := s.do(ctx, command...); err != nil {
				return err
			}
		}
	}
	return c.Settle(ctx)
}

// Settle waits until every node knows who has each slot, and all say the same.
func (c *RedisCluster) Settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return until(ctx, func(ctx context.Context) (bool, error) {
		var first string
		for i, s := range c.Nodes {
			view, err := s.view(ctx)
			if i == 0 {
				first = view
			}
			if err != nil || view != first || !strings.HasPrefix(view, "ok") {
				return false, nil //nolint:nilerr // it is asked again until ctx ends
			}
		}
		return true, nil
	})
}

// view is what a node thinks of the cluster: whether all slots are served, and by whom.
func (s *RedisServer) view(ctx context.Context) (string, error) {
	info, err := s.do(ctx, "CLUSTER", "INFO")
	if err != nil {
		return "", err
	}
	text, _ := info.(string)
	if !strings.Contains(text, "cluster_state:ok") || !strings.Contains(text, "cluster_slots_ok:"+strconv.Itoa(clusterSlots)) {
		return "not yet", nil
	}
	slots, err := s.do(ctx, "CLUSTER", "SLOTS")
	return fmt.Sprint("ok", slots), err
}

// Addr is the nodes' host:port, with commas between.
func (c *RedisCluster) Addr() string {
	all := make([]string, len(c.Nodes))
	for i, s := range c.Nodes {
		all[i] = s.Addr()
	}
	return strings.Join(all, ",")
}

// Owner is the slot of a key, and the node that has it; -1 when it is none of them.
func (c *RedisCluster) Owner(ctx context.Context, key string) (slot, node int, err error) {
	client := c.Nodes[0].client()
	defer func() { _ = client.Close() }()
	x, err := client.ClusterKeySlot(ctx, key).Result()
	if err != nil {
		return 0, 0, err
	}
	slot, node = int(x), -1
	shards, err := client.ClusterShards(ctx).Result()
	for _, shard := range shards {
		for _, r := range shard.Slots {
			if int(r.Start) <= slot && slot <= int(r.End) {
				node = slices.IndexFunc(c.Nodes, func(s *RedisServer) bool { return s.port == int(shard.Nodes[0].Port) })
			}
		}
	}
	return slot, node, err
}

// Move gives a slot that holds no keys to another node, as an operator who spreads the load anew does.
func (c *RedisCluster) Move(ctx context.Context, slot, to int) error {
	for _, s := range append([]*RedisServer{c.Nodes[to]}, c.Nodes...) { // who gets it must know first
		if _, err := s.do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", c.ids[to]); err != nil {
			return err
		}
	}
	return c.Settle(ctx)
}

// Kill ends all nodes at once.
func (c *RedisCluster) Kill() error {
	var errs []error
	for _, s := range c.Nodes {
		errs = append(errs, s.Kill())
	}
	return errors.Join(errs...)
}

// do gives a server one command.
func (s *RedisServer) do(ctx context.Context, command ...any) (any, error) {
	client := s.client()
	defer func() { _ = client.Close() }()
	return client.Do(ctx, command...).Result()
}

func (s *RedisServer) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1, Protocol: 2, DialTimeout: time.Second, ReadTimeout: time.Second})
}
