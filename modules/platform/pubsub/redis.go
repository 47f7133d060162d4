package pubsub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"mall/modules/platform/tlsfiles"
)

// Config says where Redis is.
type Config struct {
	Addr     string `koanf:"addr"`    // host:port; empty: an embedded one, for one process
	Cluster  bool   `koanf:"cluster"` // a Redis Cluster; addr then names some of its nodes, with commas between
	Username string `koanf:"username"`
	Password string `koanf:"password"`                          // from the environment only
	Prefix   string `koanf:"prefix" validate:"required,max=20"` // of every channel and key, so that malls can share a Redis

	// SentinelMaster is what Sentinels call the server that writes; addr then names some of them, with commas between, and
	// they have a login of their own.
	SentinelMaster   string `koanf:"sentinel_master"`
	SentinelUsername string `koanf:"sentinel_username"`
	SentinelPassword string `koanf:"sentinel_password"` // from the environment only

	TLS      bool            `koanf:"tls"`
	TLSFiles tlsfiles.Config `koanf:",squash"`
}

// Check gives an error, in the operator's words, when the settings do not fit each other.
func (c Config) Check() error {
	nodes := c.nodes()
	if c.Cluster && c.Embedded() {
		return errors.New("redis.addr: must name nodes of the cluster with redis.cluster")
	}
	if err := c.checkSentinels(); err != nil {
		return err
	}
	if !c.Cluster && c.SentinelMaster == "" && len(nodes) > 1 {
		return errors.New("redis.addr: several addresses are those of a cluster's nodes or of Sentinels: set redis.cluster or redis.sentinel_master")
	}
	if strings.ContainsAny(c.Prefix, "{}") { // what is in braces says where in a cluster a key lies
		return errors.New("redis.prefix: must not contain braces")
	}
	for _, node := range nodes {
		if _, _, err := net.SplitHostPort(node); err != nil && !c.Embedded() {
			return fmt.Errorf("redis.addr: %w", err)
		}
	}
	if c.secret() && slices.ContainsFunc(nodes, c.open) {
		return errors.New("redis.password: would cross the internet in the clear: set redis.tls")
	}
	if c.TLS && c.Embedded() {
		return errors.New("redis.tls: there is nothing to encrypt without redis.addr")
	}
	return c.TLSFiles.Check("redis", c.TLS)
}

func (c Config) checkSentinels() error {
	switch {
	case c.SentinelMaster == "" && c.SentinelUsername+c.SentinelPassword != "":
		return errors.New("redis.sentinel_master: must be set for the Sentinels' login to mean anything")
	case c.SentinelMaster == "":
		return nil
	case c.Embedded():
		return errors.New("redis.addr: must name Sentinels with redis.sentinel_master")
	case c.Cluster:
		return errors.New("redis.sentinel_master: a cluster has no Sentinels: set this or redis.cluster")
	}
	return nil
}

func (c Config) secret() bool { return c.Password+c.SentinelPassword != "" }

func (c Config) nodes() []string {
	all := strings.Split(c.Addr, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// Embedded says whether Redis lives inside this process.
func (c Config) Embedded() bool { return c.Addr == "" }

// Dangers are the settings that whoever runs the mall should think about again.
func (c Config) Dangers() (settings []string) {
	away := func(node string) bool { return tlsfiles.WayToAddr(node) > tlsfiles.Machine }
	if c.Embedded() || !slices.ContainsFunc(c.nodes(), away) {
		return nil
	}
	if c.Password == "" && c.TLSFiles.Cert == "" {
		settings = append(settings, "redis.password")
	}
	if !c.TLS && slices.ContainsFunc(c.nodes(), c.perhapsOpen) {
		settings = append(settings, "redis.tls")
	}
	return settings
}

// open says that what we say to a node anybody on the way may read: its address is no private one.
func (c Config) open(node string) bool { return !c.TLS && tlsfiles.WayToAddr(node) == tlsfiles.Public }

// perhapsOpen says the same where it is not known what a name stands for; one without a dot is of our own network.
func (c Config) perhapsOpen(node string) bool {
	return !c.TLS && tlsfiles.WayToAddr(node) >= tlsfiles.Unknown
}

// Files is how many open files the connections to Redis may take: those of the pools of each server, with one more for
// each in a rush to connect, and the links that are subscribed.
func (c Config) Files() int {
	switch {
	case c.Embedded():
		return 2 * (poolSize + pipelines) // both ends are here
	case c.Cluster:
		return (poolSize+pipelines+2)*max(len(c.nodes()), 6) + len(tags) // those that are named may not be all
	case c.SentinelMaster != "":
		return poolSize + pipelines + 4 + 2*len(c.nodes()) // a question to each Sentinel, and an ear at one
	}
	return poolSize + pipelines + 4
}

// silence keeps the client from writing to stderr by itself, past our log: what it says there is also in the
// errors that it returns.
var silence = sync.OnceFunc(logging.Disable)

// patience is how long Redis may take for anything: it may be away at any time, and nobody waits for it.
const patience = 300 * time.Millisecond

// poolSize is the most connections to one server, beside those that are subscribed, and pipelines those that the client
// keeps apart for commands that go many at once.
const (
	poolSize  = 16
	pipelines = 10
)

// Client speaks to Redis, whatever is behind it.
type Client = redis.UniversalClient

// Open gives a client with short patience. No connection is made yet. The func closes it. log hears of certificates that
// are replaced meanwhile.
func Open(cfg Config, log *slog.Logger) (Client, func() error, error) {
	silence()
	dial, err := cfg.dialer(log)
	if err != nil {
		return nil, nil, err
	}
	if cfg.Cluster {
		options := clusterOptions(cfg)
		options.Dialer = dial
		c := redis.NewClusterClient(options)
		return c, c.Close, nil
	}
	if cfg.SentinelMaster != "" {
		options := failoverOptions(cfg)
		options.Dialer = dial
		c := redis.NewFailoverClient(options)
		return c, c.Close, nil
	}
	opt := &redis.Options{
		Addr: cfg.Addr, Username: cfg.Username, Password: cfg.Password,
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, PoolTimeout: patience,
		ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1, PoolSize: poolSize, PipelinePoolSize: pipelines, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if !cfg.Embedded() {
		opt.Dialer = dial
		c := redis.NewClient(opt)
		return c, c.Close, nil
	}
	return openEmbedded(opt)
}

var errOpen = errors.New("pubsub: the password would cross the internet in the clear: set redis.tls")

// dialer makes a connection to any of the servers, whichever the cluster or the Sentinels name. Each takes the certificates of its moment.
func (c Config) dialer(log *slog.Logger) (func(ctx context.Context, network, addr string) (net.Conn, error), error) {
	plain := &net.Dialer{Timeout: patience}
	if !c.TLS {
		return func(ctx context.Context, network, addr string) (net.Conn, error) {
			if c.secret() && c.open(addr) { // a node that the settings do not name
				return nil, errOpen
			}
			return plain.DialContext(ctx, network, addr)
		}, nil
	}
	files, err := tlsfiles.Open("redis", c.TLSFiles, log)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return (&tls.Dialer{NetDialer: plain, Config: files.Client(host)}).DialContext(ctx, network, addr)
	}, nil
}

// failoverOptions are those of Open with Sentinels. They are asked for the server that writes before each connection, and
// tell of another one by themselves.
func failoverOptions(cfg Config) *redis.FailoverOptions {
	return &redis.FailoverOptions{
		MasterName: cfg.SentinelMaster, SentinelAddrs: cfg.nodes(), SentinelUsername: cfg.SentinelUsername, SentinelPassword: cfg.SentinelPassword,
		Username: cfg.Username, Password: cfg.Password,
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, PoolTimeout: patience,
		ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1, PoolSize: poolSize, PipelinePoolSize: pipelines, DisableIdentity: true,
	}
}

// clusterOptions are those of Open for a cluster. A command that comes to the wrong server is told the right one,
// and goes there at once; for anything else there is one more try.
func clusterOptions(cfg Config) *redis.ClusterOptions {
	return &redis.ClusterOptions{
		Addrs: cfg.nodes(), Username: cfg.Username, Password: cfg.Password,
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, PoolTimeout: patience,
		ContextTimeoutEnabled: true, MaxRedirects: 1, MaxRetries: -1, MinRetryBackoff: -1, DialerRetries: 1, PoolSize: poolSize, PipelinePoolSize: pipelines, DisableIdentity: true,
		ClusterStateReloadInterval: 10 * time.Second, DisableRoutingPolicies: true, // all our commands name one key or channel
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}
