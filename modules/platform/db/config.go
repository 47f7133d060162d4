package db

import (
	"cmp"
	"time"

	"mall/modules/platform/tlsfiles"
)

// The two databases that the house runs on. "mysql" is MySQL or MariaDB.
const (
	MySQL  = "mysql"
	SQLite = "sqlite"
)

// Config says which database to open and how patient to be with it. A zero number or duration means its default.
type Config struct {
	// Driver is "mysql" (production, many instances) or "sqlite" (embedded, one process).
	Driver string `koanf:"driver" validate:"oneof=mysql sqlite"`
	// DSN is go-sql-driver's form: user:password@tcp(host:3306)/database. Options that the house relies on are forced.
	DSN string `koanf:"dsn" validate:"required_if=Driver mysql"`
	// TLS encrypts MySQL's connections; TLSFiles are what their certificates are checked with. Replaced files are used from
	// the next connection on.
	TLS      bool            `koanf:"tls"`
	TLSFiles tlsfiles.Config `koanf:",squash"`
	// Path is SQLite's file; its folder is made when it is missing.
	Path string `koanf:"path" validate:"required_if=Driver sqlite"`

	// MaxOpen bounds MySQL's connections of this process; as many are kept idle. Default 32. TxPipelined has a pool of
	// its own with the same bound: the chat's writer uses three for each lane at most.
	MaxOpen int `koanf:"max_open" validate:"min=0,max=2000"`
	// MaxLifetime ends a MySQL connection of that age, so that load spreads again after a failover. Default 30 min.
	MaxLifetime time.Duration `koanf:"max_lifetime" validate:"min=0"`
	// Readers is the number of SQLite's reading connections, beside the one that writes. Default 6.
	Readers int `koanf:"readers" validate:"min=0,max=64"`

	// ConnectWait is how long Open waits for a database that is not there yet. Default 10 s.
	ConnectWait time.Duration `koanf:"connect_wait" validate:"min=0"`
	// Timeout bounds a transaction or statement whose context has no deadline. Default 10 s.
	Timeout time.Duration `koanf:"timeout" validate:"min=0"`
	// CommitTimeout is how long a COMMIT may stay unanswered before its outcome counts as unknown. Default 2 s.
	CommitTimeout time.Duration `koanf:"commit_timeout" validate:"min=0"`
	// LockWait is how long a statement waits for another transaction's lock (MySQL: whole seconds). Default 3 s.
	LockWait time.Duration `koanf:"lock_wait" validate:"min=0"`
	// Silence is how long MySQL keeps a connection on which nothing is said, with the locks of its transaction (whole
	// seconds). The server's own rule is eight hours, in which a process that lost its network in the middle of a
	// transaction would keep everybody else from the rows that it had locked. Unused connections are closed before it is
	// over. Default 20 s.
	Silence time.Duration `koanf:"silence" validate:"min=0"`
	// DialTimeout bounds making a MySQL connection. Default 5 s.
	DialTimeout time.Duration `koanf:"dial_timeout" validate:"min=0"`
	// ReadTimeout and WriteTimeout bound one packet's way from and to MySQL, whatever the context says. Default 8 s each.
	ReadTimeout  time.Duration `koanf:"read_timeout" validate:"min=0"`
	WriteTimeout time.Duration `koanf:"write_timeout" validate:"min=0"`
	// SlowQuery is the time from which a statement is logged, without its values. Default 500 ms.
	SlowQuery time.Duration `koanf:"slow_query" validate:"min=0"`
}

// Files is how many open files the connections may take.
func (c Config) Files() int {
	c = c.withDefaults()
	if c.Driver == SQLite {
		return 3 * (c.Readers + 1) // the database, its log and its index
	}
	return 2*c.MaxOpen + maintenanceConns
}

func (c Config) withDefaults() Config {
	c.MaxOpen = cmp.Or(c.MaxOpen, 32)
	c.MaxLifetime = cmp.Or(c.MaxLifetime, 30*time.Minute)
	c.Readers = cmp.Or(c.Readers, 6)
	c.ConnectWait = cmp.Or(c.ConnectWait, 10*time.Second)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.CommitTimeout = cmp.Or(c.CommitTimeout, 2*time.Second)
	c.LockWait = cmp.Or(c.LockWait, 3*time.Second)
	c.Silence = cmp.Or(c.Silence, 20*time.Second)
	c.DialTimeout = cmp.Or(c.DialTimeout, 5*time.Second)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, 8*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 8*time.Second)
	c.SlowQuery = cmp.Or(c.SlowQuery, 500*time.Millisecond)
	return c
}
