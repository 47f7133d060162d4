package pubsub

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Config says where Redis is.
type Config struct {
	Addr     string `koanf:"addr"`    // host:port; empty: an embedded one, for one process
	Cluster  bool   `koanf:"cluster"` // a Redis Cluster; addr then names some of its nodes, with commas between
	Username string `koanf:"username"`
	Password string `koanf:"password"`                          // from the environment only
	Prefix   string `koanf:"prefix" validate:"required,max=20"` // of every channel and key, so that malls can share a Redis
}

// Check gives an error, in the operator's words, when the settings do not fit each other.
func (c Config) Check() error {
	nodes := c.nodes()
	if c.Cluster && c.Embedded() {
		return errors.New("redis.addr: must name nodes of the cluster with redis.cluster")
	}
	if !c.Cluster && len(nodes) > 1 {
		return errors.New("redis.addr: several addresses are those of a cluster's nodes: set redis.cluster")
	}
	if strings.ContainsAny(c.Prefix, "{}") { // what is in braces says where in a cluster a key lies
		return errors.New("redis.prefix: must not contain braces")
	}
	for _, node := range nodes {
		if _, _, err := net.SplitHostPort(node); err != nil && !c.Embedded() {
			return fmt.Errorf("redis.addr: %w", err)
		}
	}
	return nil
}

func (c Config) nodes() []string {
	all := strings.Split(c.Addr, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// Embedded says whether Redis lives inside this process.
func (c Config) Embedded() bool { return c.Addr == "" }

// Files is how many open files the connections to Redis may take: those of the pools of each server, with one more for
// each in a rush to connect, and the links that are subscribed.
func (c Config) Files() int {
	if c.Embedded() {
		return 2 * poolSize // both ends are here
	}
	if c.Cluster {
		return (poolSize+2)*max(len(c.nodes()), 6) + len(tags) // those that are named may not be all
	}
	return poolSize + 4
}

// silence keeps the client from writing to stderr by itself, past our log: what it says there is also in the
// errors that it returns.
var silence = sync.OnceFunc(logging.Disable)

// patience is how long Redis may take for anything: it may be away at any time, and nobody waits for it.
const patience = 300 * time.Millisecond

// poolSize is the most connections to one server, beside those that are subscribed.
const poolSize = 16

// Open gives a client with short patience. No connection is made yet. The func closes it.
func Open(cfg Config) (redis.UniversalClient, func() error, error) {
	silence()
	if cfg.Cluster {
		c := redis.NewClusterClient(clusterOptions(cfg))
		return c, c.Close, nil
	}
	opt := &redis.Options{
		Addr: cfg.Addr, Username: cfg.Username, Password: cfg.Password,
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, PoolTimeout: patience,
		ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1, PoolSize: poolSize,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if !cfg.Embedded() {
		c := redis.NewClient(opt)
		return c, c.Close, nil
	}
	return openEmbedded(opt)
}

// clusterOptions are those of Open for a cluster. A command that comes to the wrong server is told the right one,
// and goes there at once; for anything else there is one more try.
func clusterOptions(cfg Config) *redis.ClusterOptions {
	return &redis.ClusterOptions{
		Addrs: cfg.nodes(), Username: cfg.Username, Password: cfg.Password,
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, PoolTimeout: patience,
		ContextTimeoutEnabled: true, MaxRedirects: 1, MaxRetries: -1, MinRetryBackoff: -1, DialerRetries: 1, PoolSize: poolSize,
		ClusterStateReloadInterval: 10 * time.Second, DisableRoutingPolicies: true, // all our commands name one key or channel
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}
