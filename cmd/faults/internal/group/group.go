// Package group runs three MySQL servers with Group Replication on the loopback, one of them the primary that takes writes,
// and MySQL Router before them. The first server has a network of its own, so that it can be cut off from the two others
// while everybody else still reaches it.
package group

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"golang.org/x/sync/errgroup"

	"mall/cmd/faults/internal/proxy"
	"mall/modules/platform/testservers"

	_ "embed"
)

// Size is how many members there are: with one gone, two are still a majority.
const Size = 3

// The group's names. The Router's user has its own name for a password.
const (
	name    = "6d616c6c-0000-4000-8000-000000000001"
	cluster = "mall"
	router  = "router"
	copier  = "copier"
)

// Group is a running group.
type Group struct {
	Members []*Member
	Router  *testservers.MySQLRouter

	island *island
	links  []*proxy.Proxy // on which the first member and the others agree
	doors  []*proxy.Proxy // by which everybody reaches the first member's MySQL, and it that of the others
}

// Member is one of the servers.
type Member struct {
	*testservers.MySQLServer

	UUID string
	SQL  *sql.DB // as root

	group int // the port on which it agrees with the others
}

// Start starts the servers and the group and returns when all three are of it and the Router leads to the primary.
func Start(ctx context.Context, dir string) (g *Group, err error) {
	g = &Group{}
	defer func() {
		if err != nil {
			g.Close()
		}
	}()
	if g.island, err = newIsland(); err != nil {
		return g, err
	}
	if err := g.startMembers(ctx, dir); err != nil {
		return g, err
	}
	if err := g.join(ctx); err != nil {
		return g, err
	}
	var addrs []string
	for _, m := range g.Members {
		addrs = append(addrs, m.Addr())
	}
	if g.Router, err = testservers.StartMySQLRouter(ctx, filepath.Join(dir, "router"), testservers.RouterOptions{Group: name, Cluster: cluster, Members: addrs, User: router}); err != nil {
		return g, err
	}
	db, err := Open(g.Router.Addr(), "")
	if err != nil {
		return g, err
	}
	defer func() { _ = db.Close() }()
	return g, until(ctx, "the Router leads to the primary", func(ctx context.Context) error { return db.PingContext(ctx) })
}

// startMembers starts the servers, each by itself, and lays the links to and from the first.
func (g *Group) startMembers(ctx context.Context, dir string) error {
	ports := make([]int, 2*Size) // of MySQL, then of the group
	var held []net.Listener      // until all ports are found
	for i := range ports {
		ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addr := ln.Addr().String()
		ports[i] = ln.Addr().(*net.TCPAddr).Port
		dial := g.island.dial(addr)
		if i%Size > 0 { // another member's: known in the first one's network, too
			held = append(held, ln)
			if ln, err = g.island.listen(ctx, addr); err != nil {
				return err
			}
			dial = proxy.To(addr)
		}
		p := proxy.Between(ln, dial)
		if i < Size {
			g.doors = append(g.doors, p)
		} else {
			g.links = append(g.links, p)
		}
	}
	for _, ln := range held {
		_ = ln.Close()
	}
	seeds := make([]string, Size)
	for i := range seeds {
		seeds[i] = loopback(ports[Size+i])
	}
	g.Members = make([]*Member, Size)
	var starting errgroup.Group
	for i := range g.Members {
		starting.Go(func() (err error) {
			at := testservers.Place{Dir: filepath.Join(dir, fmt.Sprintf("member-%d", i+1)), Port: ports[i]}
			if i == 0 {
				at.Within = g.island.within
			}
			m := &Member{group: ports[Size+i]}
			if m.MySQLServer, err = testservers.StartMember(ctx, testservers.KindMySQL, at, options(i+1, m.group, seeds)...); m.MySQLServer != nil {
				g.Members[i] = m
			}
			return err
		})
	}
	return starting.Wait()
}

// options are those of a member. How long the group waits before it goes on without one is as short as it may be: the
// group's own detector takes five seconds to suspect anybody, which nobody can set.
func options(n, port int, seeds []string) []string {
	return []string{
		fmt.Sprintf("--server-id=%d", n), "--log-bin=bin", "--sync-binlog=1", "--relay-log=relay", "--gtid-mode=ON", "--enforce-gtid-consistency=ON",
		"--report-host=127.0.0.1", "--performance-schema=ON", "--performance-schema-instrument=%=OFF", "--plugin-load-add=group_replication.so",
		"--group-replication-group-name=" + name, "--group-replication-start-on-boot=OFF",
		"--group-replication-local-address=" + loopback(port), "--group-replication-group-seeds=" + strings.Join(seeds, ","),
		"--group-replication-paxos-single-leader=ON",
		// A new primary answers nobody before it has all that the old one has acked: no read is older than an ack.
		"--group-replication-consistency=BEFORE_ON_PRIMARY_FAILOVER",
		"--group-replication-member-expel-timeout=0",
		// One that has lost the others gives up what it could not confirm and ends its clients' connections.
		"--group-replication-unreachable-majority-timeout=3", "--group-replication-autorejoin-tries=0", "--group-replication-exit-state-action=OFFLINE_MODE",
		"--group-replication-recovery-get-public-key=ON", "--group-replication-recovery-reconnect-interval=1", "--group-replication-message-cache-size=134217728",
	}
}

//go:embed metadata.sql
var metadata string

// join makes a group of the servers, the first its primary, and writes down for the Router who is of it.
func (g *Group) join(ctx context.Context) (err error) {
	for _, m := range g.Members {
		if m.SQL, err = Open(m.Addr(), ""); err != nil {
			return err
		}
		if err := m.SQL.QueryRowContext(ctx, "SELECT @@server_uuid").Scan(&m.UUID); err != nil {
			return err
		}
		if err := m.Exec(ctx, "SET SQL_LOG_BIN = 0",
			"CREATE USER "+copier+"@'%' IDENTIFIED BY '"+copier+"'",
			"GRANT REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM ON *.* TO "+copier+"@'%'",
			"SET SQL_LOG_BIN = 1",
			"CHANGE REPLICATION SOURCE TO SOURCE_USER = '"+copier+"', SOURCE_PASSWORD = '"+copier+"' FOR CHANNEL 'group_replication_recovery'",
			"RESET BINARY LOGS AND GTIDS"); err != nil {
			return err
		}
	}
	first := g.Members[0]
	if err := first.Exec(ctx, "SET GLOBAL group_replication_bootstrap_group = ON", "START GROUP_REPLICATION", "SET GLOBAL group_replication_bootstrap_group = OFF"); err != nil {
		return err
	}
	for _, m := range g.Members[1:] {
		if err := m.Exec(ctx, "START GROUP_REPLICATION"); err != nil {
			return err
		}
	}
	statements := strings.NewReplacer("{group}", name, "{cluster}", cluster, "{user}", router).Replace(metadata)
	for _, m := range g.Members {
		statements += fmt.Sprintf(";INSERT INTO v2_instances VALUES (%d, '%s', '%s', '%s', '%s', '%s', '', '{}')", m.group, name, m.Addr(), m.UUID, m.Addr(), m.Addr())
	}
	if err := first.Exec(ctx, split(statements)...); err != nil {
		return err
	}
	return g.UntilWhole(ctx)
}

// split gives the statements of a text, without its comments.
func split(text string) (all []string) {
	var bare strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "--") {
			bare.WriteString(line)
		}
	}
	for s := range strings.SplitSeq(bare.String(), ";") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// Exec runs statements on one connection of the member, as root.
func (m *Member) Exec(ctx context.Context, statements ...string) error {
	c, err := m.SQL.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for _, s := range statements {
		if _, err := c.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// Rejoin lets a member that was killed, frozen or expelled be of the group again, as an operator does.
func (m *Member) Rejoin(ctx context.Context) error {
	if m.PID() == 0 {
		if err := m.Start(ctx); err != nil {
			return err
		}
	}
	return until(ctx, "it is of the group again", func(ctx context.Context) error {
		if err := m.Exec(ctx, "STOP GROUP_REPLICATION"); err != nil {
			return err
		}
		return m.Exec(ctx, "SET GLOBAL offline_mode = OFF", "START GROUP_REPLICATION")
	})
}

// UntilWhole waits until all members are of the group and have what it has.
func (g *Group) UntilWhole(ctx context.Context) error {
	return until(ctx, "all members are of the group", func(ctx context.Context) error {
		for _, m := range g.Members {
			var online int
			if err := m.SQL.QueryRowContext(ctx, "SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE member_state = 'ONLINE'").Scan(&online); err != nil {
				return err
			}
			if online != Size {
				return fmt.Errorf("%s counts %d members", m.Addr(), online)
			}
		}
		return nil
	})
}

// Primary is the member that takes writes and has a majority, by its own word; nil while there is none.
func (g *Group) Primary(ctx context.Context) *Member {
	const patience = 500 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found := make(chan *Member, Size)
	for _, m := range g.Members {
		go func() {
			if !m.leads(ctx) {
				m = nil
			}
			found <- m
		}()
	}
	for range g.Members {
		if m := <-found; m != nil {
			return m
		}
	}
	return nil
}

func (m *Member) leads(ctx context.Context) bool {
	var online, leads, closed int
	err := m.SQL.QueryRowContext(ctx, `SELECT COALESCE(SUM(member_state = 'ONLINE'), 0), COALESCE(SUM(member_state = 'ONLINE' AND member_role = 'PRIMARY' AND member_id = @@server_uuid), 0), @@super_read_only
		FROM performance_schema.replication_group_members`).Scan(&online, &leads, &closed)
	return err == nil && online > Size/2 && leads == 1 && closed == 0
}

// Behind counts, for each member but one, the transactions that this one has committed and the other has not applied yet.
func (g *Group) Behind(ctx context.Context, of *Member) (counts []int, err error) {
	var all string
	if err := of.SQL.QueryRowContext(ctx, "SELECT @@gtid_executed").Scan(&all); err != nil {
		return nil, err
	}
	for _, m := range g.Members {
		if m == of {
			continue
		}
		var missing string
		if err := m.SQL.QueryRowContext(ctx, "SELECT GTID_SUBTRACT(?, @@gtid_executed)", all).Scan(&missing); err != nil {
			return nil, err
		}
		n, err := transactions(missing)
		if err != nil {
			return nil, err
		}
		counts = append(counts, n)
	}
	return counts, nil
}

// transactions counts those of a set such as "UUID:1-5:7,\nUUID:1-3".
func transactions(set string) (n int, err error) {
	for source := range strings.SplitSeq(set, ",") {
		_, ranges, _ := strings.Cut(strings.TrimSpace(source), ":")
		for r := range strings.SplitSeq(ranges, ":") {
			if r == "" {
				continue
			}
			from, to, isRange := strings.Cut(r, "-")
			if !isRange {
				to = from
			}
			first, err := strconv.Atoi(from)
			if err != nil {
				return 0, fmt.Errorf("transactions %q: %w", set, err)
			}
			last, err := strconv.Atoi(to)
			if err != nil {
				return 0, fmt.Errorf("transactions %q: %w", set, err)
			}
			n += last - first + 1
		}
	}
	return n, nil
}

// UntilLevel waits until all members have applied what the first has committed.
func (g *Group) UntilLevel(ctx context.Context) error {
	return until(ctx, "all members have applied everything", func(ctx context.Context) error {
		behind, err := g.Behind(ctx, g.First())
		if err == nil && slices.Max(behind) > 0 {
			err = fmt.Errorf("they are behind by %d transactions", behind)
		}
		return err
	})
}

// Lead makes a member the primary, in order.
func (g *Group) Lead(ctx context.Context, m *Member) error {
	_, err := m.SQL.ExecContext(ctx, "SELECT group_replication_set_as_primary(?)", m.UUID)
	return err
}

// First is the member that Cut cuts off.
func (g *Group) First() *Member { return g.Members[0] }

// Cut takes the first member from the others: not a byte passes between them any more, and nobody is told. Everybody else
// reaches it as before.
func (g *Group) Cut() {
	for _, p := range g.links {
		p.Admit(proxy.Silent)
		p.Hush(proxy.All)
	}
}

// Mend ends Cut.
func (g *Group) Mend() {
	for _, p := range g.links {
		p.Cut(proxy.All)
		p.Heal()
	}
}

// Close ends everything.
func (g *Group) Close() {
	if g.Router != nil {
		_ = g.Router.Kill()
	}
	for _, m := range g.Members {
		if m == nil {
			continue
		}
		if m.SQL != nil {
			_ = m.SQL.Close()
		}
		_ = m.Kill()
	}
	for _, p := range append(g.links, g.doors...) {
		p.Close()
	}
	if g.island != nil {
		g.island.close()
	}
}

// Open opens a server as root.
func Open(addr, database string) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = "root", "tcp", addr, database
	c.InterpolateParams, c.Timeout, c.Logger = true, 2*time.Second, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

func mustAddr(addr string) netip.AddrPort { return netip.MustParseAddrPort(addr) }

const patience = 90 * time.Second

// until tries again and again, each time for a few seconds.
func until(ctx context.Context, what string, try func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		limited, done := context.WithTimeout(ctx, 20*time.Second)
		err := try(limited)
		done()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waiting until %s: %w", what, ctx.Err()), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
