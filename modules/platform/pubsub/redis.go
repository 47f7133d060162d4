package pubsub

import (
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Config says where Redis is.
type Config struct {
	Addr     string `koanf:"addr"` // host:port; empty: an embedded one, for one process
	Username string `koanf:"username"`
	Password string `koanf:"password"`                          // from the environment only
	Prefix   string `koanf:"prefix" validate:"required,max=20"` // of every channel and key, so that malls can share a Redis
}

// Embedded says whether Redis lives inside this process.
func (c Config) Embedded() bool { return c.Addr == "" }

// silence keeps the client from writing to stderr by itself, past our log: what it says there is also in the
// errors that it returns.
var silence = sync.OnceFunc(logging.Disable)

// Open gives a client with short patience: Redis may be away at any time and nobody waits for it. No
// connection is made yet. The func closes it.
func Open(cfg Config) (*redis.Client, func() error, error) {
	silence()
	opt := &redis.Options{
		Addr: cfg.Addr, Username: cfg.Username, Password: cfg.Password,
		DialTimeout: 300 * time.Millisecond, ReadTimeout: 300 * time.Millisecond, WriteTimeout: 300 * time.Millisecond,
		ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1, PoolTimeout: 300 * time.Millisecond, PoolSize: 16,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if !cfg.Embedded() {
		c := redis.NewClient(opt)
		return c, c.Close, nil
	}
	return openEmbedded(opt)
}
