// Package cluster runs a whole mall of real processes on the loopback: a private MySQL or MariaDB and Redis, some instances, and
// nginx before them, with a proxy on each link.
package cluster

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"mall/cmd/faults/internal/clock"
	"mall/cmd/faults/internal/proxy"
	"mall/modules/platform/testservers"
)

// Options say what a cluster is made of.
type Options struct {
	Program   string   // the mall
	NginxConf string   // the project's configuration of nginx
	Dir       string   // for the servers' data; the caller removes it
	Logs      string   // for the programs' logs
	Instances int      // how many
	Settings  []string // MALL_ variables besides those that say where the servers are
}

// Private is a folder for what a fault needs; it goes with the cluster.
func (c *Cluster) Private() string { return c.dir }

// Cluster is a running mall.
type Cluster struct {
	MySQL     *testservers.MySQLServer
	Redis     *testservers.RedisServer
	Instances []*Program
	Nginx     *Program
	Root      *sql.DB        // the database, past all proxies, as an operator may do anything
	ToMySQL   []*proxy.Proxy // of each instance
	ToRedis   []*proxy.Proxy
	Front     *proxy.Proxy   // clients to nginx, which picks the instance
	Homes     []*proxy.Proxy // clients to nginx, which picks the n-th instance as long as that one is there

	Clocks []*clock.Shared // of each instance, for programs that are built with such a one

	dir      string
	program  string
	settings [][]string // of each instance
	extra    []string   // in force for one fault
	closers  []func()
}

// Database is the name of the mall's; user is a user without the rights of an operator, as a mall should have.
const (
	Database = "mall"
	user     = "mall"
)

// admits lets the mall into its database.
var admits = []string{
	"CREATE USER " + user + "@'%' IDENTIFIED BY '" + user + "'",
	"GRANT ALL ON " + Database + ".* TO " + user + "@'%'",
}

// Start starts everything and returns when it serves. On an error what has been started is stopped.
func Start(ctx context.Context, o Options) (c *Cluster, err error) {
	c = &Cluster{program: o.Program, dir: o.Dir}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if err := c.startServers(ctx, o.Dir); err != nil {
		return c, err
	}
	secret := "MALL_MEMBER__TOKEN_SECRET=" + rand.Text() + rand.Text()
	for n := range o.Instances {
		if err := c.addInstance(ctx, o, n, secret); err != nil {
			return c, err
		}
	}
	if err := c.StartInstances(ctx); err != nil {
		return c, err
	}
	err = c.startNginx(ctx, o)
	return c, err
}

func (c *Cluster) startServers(ctx context.Context, dir string) (err error) {
	if c.MySQL, err = testservers.StartMySQL(ctx, filepath.Join(dir, "mysql")); err != nil {
		return err
	}
	c.onClose(func() { _ = c.MySQL.Kill() })
	if c.Redis, err = testservers.StartRedis(ctx, filepath.Join(dir, "redis")); err != nil {
		return err
	}
	c.onClose(func() { _ = c.Redis.Kill() })
	dsn, err := c.MySQL.CreateDatabase(ctx, Database)
	if err != nil {
		return err
	}
	// The driver is registered by modules/platform/testservers. Times are only read as text.
	if c.Root, err = sql.Open("mysql", dsn); err != nil {
		return err
	}
	c.onClose(func() { _ = c.Root.Close() })
	for _, statement := range admits {
		if _, err := c.Root.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) addInstance(ctx context.Context, o Options, n int, secret string) error {
	toMySQL, err := proxy.MySQL(ctx, c.MySQL.Addr())
	if err != nil {
		return err
	}
	c.onClose(toMySQL.Close)
	toRedis, err := proxy.Redis(ctx, c.Redis.Addr())
	if err != nil {
		return err
	}
	c.onClose(toRedis.Close)
	addr, internal, err := freeAddrs(ctx)
	if err != nil {
		return err
	}
	own, err := clock.NewShared(filepath.Join(o.Dir, fmt.Sprintf("clock-%d", n+1)))
	if err != nil {
		return err
	}
	c.ToMySQL, c.ToRedis, c.Clocks = append(c.ToMySQL, toMySQL), append(c.ToRedis, toRedis), append(c.Clocks, own)
	c.settings = append(c.settings, append([]string{
		"MALL_DEMO=false", "MALL_MAIL__OFF=true", "MALL_ORDER__PAYMENTS=none", "MALL_MEMBER__INVITATIONS_PER_DAY=10000", "MALL_MEMBER__SHOPS_PER_DAY=1000",
		"MALL_DB__DRIVER=mysql", fmt.Sprintf("MALL_DB__DSN=%s:%s@tcp(%s)/%s", user, user, toMySQL.Addr(), Database),
		"MALL_REDIS__ADDR=" + toRedis.Addr(),
		"MALL_HTTP__ADDR=" + addr, "MALL_HTTP__INTERNAL_ADDR=" + internal, "MALL_HTTP__TRUSTED_PROXIES=127.0.0.1/32",
		secret, own.Env(),
	}, o.Settings...))
	c.Instances = append(c.Instances, &Program{
		Name: fmt.Sprintf("mall-%d", n+1), Addr: addr, Internal: internal, path: o.Program, args: []string{"serve"}, ready: "/readyz",
		env: func() []string { return append(foreign(os.Environ()), append(c.settings[n], c.extra...)...) },
		log: filepath.Join(o.Logs, fmt.Sprintf("mall-%d.log", n+1)),
	})
	c.onClose(c.Instances[n].Kill)
	return nil
}

// foreign leaves out the settings of whoever runs this: they are not the cluster's.
func foreign(environ []string) (others []string) {
	for _, e := range environ {
		if !strings.HasPrefix(e, "MALL_") {
			others = append(others, e)
		}
	}
	return others
}

// StartInstances starts those that do not run, together.
func (c *Cluster) StartInstances(ctx context.Context) error {
	var starting errgroup.Group
	for _, i := range c.Instances {
		starting.Go(func() error { return i.Start(ctx) })
	}
	return starting.Wait()
}

// Tell runs the mall's program with other words than "serve", beside the first instance, and gives what it says.
func (c *Cluster) Tell(ctx context.Context, words ...string) (string, error) {
	return c.Run(ctx, c.program, words...)
}

// Run runs a program with the settings of the first instance, and gives what it says.
func (c *Cluster) Run(ctx context.Context, program string, words ...string) (string, error) {
	command := exec.CommandContext(ctx, program, words...)
	command.Env = append(foreign(os.Environ()), append(c.settings[0], c.extra...)...)
	var says bytes.Buffer
	command.Stdout = &says
	if err := command.Run(); err != nil {
		return says.String(), fmt.Errorf("%s: %w", strings.Join(words, " "), err)
	}
	return says.String(), nil
}

// Use lets instances that start from now on run another program; "" is the one that the cluster was made with.
func (c *Cluster) Use(program string) {
	for _, i := range c.Instances {
		i.use(cmp.Or(program, c.program))
	}
}

// KillInstances ends all of them at once.
func (c *Cluster) KillInstances() {
	for _, i := range c.Instances {
		i.Kill()
	}
}

// With lets instances that start from now on have further settings; none takes them back.
func (c *Cluster) With(settings ...string) { c.extra = settings }

// Programs are all that have a log of ours.
func (c *Cluster) Programs() []*Program { return append(append([]*Program{}, c.Instances...), c.Nginx) }

// InstanceAt names the instance that listens on addr, or gives addr.
func (c *Cluster) InstanceAt(addr string) string {
	for _, i := range c.Instances {
		if i.Addr == addr {
			return i.Name
		}
	}
	return addr
}

// Proxies are all proxies, to heal them.
func (c *Cluster) Proxies() []*proxy.Proxy {
	all := append(append([]*proxy.Proxy{}, c.ToMySQL...), c.ToRedis...)
	return append(append(all, c.Homes...), c.Front)
}

// Exec runs statements as an operator.
func (c *Cluster) Exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := c.Root.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func (c *Cluster) onClose(f func()) { c.closers = append(c.closers, f) }

// Close stops everything in reverse.
func (c *Cluster) Close() {
	for i := len(c.closers) - 1; i >= 0; i-- {
		c.closers[i]()
	}
	c.closers = nil
}

var errGone = errors.New("cluster: the program has ended")

// Onto lets instances that connect from now on, and whoever looks past the proxies, have another database server, and gives
// what takes that back.
func (c *Cluster) Onto(addr string, root *sql.DB) (back func()) {
	before, aim := c.Root, func(addr string) {
		for _, p := range c.ToMySQL {
			p.Aim(proxy.To(addr))
			p.Cut(proxy.All)
		}
	}
	c.Root = root
	aim(addr)
	return func() {
		c.Root = before
		aim(c.MySQL.Addr())
		_ = root.Close()
	}
}

// Found makes the mall's database and its user on another server, for Onto.
func Found(ctx context.Context, server *sql.DB) error {
	for _, statement := range append([]string{"CREATE DATABASE " + Database + " CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci"}, admits...) {
		if _, err := server.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
