// Package pair runs two MariaDB servers on the loopback, a primary and its semi-synchronous replica, with the settings
// and the scripts that configs/mariadb has for operators.
package pair

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mall/cmd/faults/internal/proxy"
	"mall/modules/platform/testservers"
)

// copier is the user as whom a replica copies; its name is its password.
const copier = "copier"

// Pair is two running servers. The first begins as the primary, and the second follows it over a link that can be cut.
type Pair struct {
	First, Second *Server

	scripts string
	link    *proxy.Proxy
}

// Server is one of the two.
type Server struct {
	*testservers.MySQLServer

	SQL *sql.DB // as root
}

// Start starts both servers and returns when each COMMIT of the first waits for the second. scripts is the folder
// configs/mariadb.
func Start(ctx context.Context, dir, scripts string) (p *Pair, err error) {
	p = &Pair{scripts: scripts}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	settings, err := settingsOf(filepath.Join(scripts, "pair.cnf"))
	if err != nil {
		return p, err
	}
	for n, s := range []**Server{&p.First, &p.Second} {
		own := slices.Concat(settings, []string{fmt.Sprintf("--server-id=%d", n+1)})
		if *s, err = startServer(ctx, filepath.Join(dir, fmt.Sprint(n+1)), own); err != nil {
			return p, err
		}
	}
	if p.link, err = proxy.Plain(ctx, p.First.Addr()); err != nil {
		return p, err
	}
	if err := p.First.Exec(ctx, "CREATE USER "+copier+"@'%' IDENTIFIED BY '"+copier+"'",
		"GRANT REPLICATION SLAVE ON *.* TO "+copier+"@'%'"); err != nil {
		return p, err
	}
	if err := p.follow(ctx, p.Second, p.link.Addr()); err != nil {
		return p, err
	}
	return p, errors.Join(p.First.AwaitReplica(ctx), p.First.Exec(ctx, "SET GLOBAL read_only = OFF"))
}

// settingsOf reads a server's settings as options of its program.
func settingsOf(path string) (options []string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if ok && !strings.HasPrefix(line, "#") {
			options = append(options, "--"+strings.ReplaceAll(name, "_", "-")+"="+value)
		}
	}
	return options, nil
}

func startServer(ctx context.Context, dir string, options []string) (*Server, error) {
	server, err := testservers.StartMember(ctx, testservers.KindMariaDB, testservers.Place{Dir: dir}, options...)
	if err != nil {
		return nil, err
	}
	s := &Server{MySQLServer: server}
	if s.SQL, err = server.Open(""); err != nil {
		return nil, errors.Join(err, server.Kill())
	}
	s.SQL.SetMaxIdleConns(0) // it is killed now and then
	return s, nil
}

// Exec runs statements as root.
func (s *Server) Exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := s.SQL.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// Text asks for one value.
func (s *Server) Text(ctx context.Context, query string) (text string, err error) {
	err = s.SQL.QueryRowContext(ctx, query).Scan(&text)
	return text, err
}

// Status reads one of the server's own figures.
func (s *Server) Status(ctx context.Context, name string) (value string, err error) {
	err = s.SQL.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&name, &value)
	return value, err
}

// AwaitReplica lets the server's COMMITs wait for a replica from now on, and returns when one is there.
func (s *Server) AwaitReplica(ctx context.Context) error {
	if err := s.Exec(ctx, "SET GLOBAL rpl_semi_sync_master_enabled = ON"); err != nil {
		return err
	}
	return until(ctx, "a replica is there", func() error {
		replicas, err := s.Status(ctx, "Rpl_semi_sync_master_clients")
		if err != nil || replicas == "0" {
			return errors.Join(err, errors.New("none is"))
		}
		return nil
	})
}

// ErrDiverged says that a server has what the primary has not, so that it cannot follow it.
var ErrDiverged = errors.New("pair: the server has what the primary has not")

// diverged is follow.sh's exit code for it.
const diverged = 3

// follow has a server follow another by configs/mariadb/follow.sh. more are further variables of the script.
func (p *Pair) follow(ctx context.Context, s *Server, primary string, more ...string) error {
	host, port, err := net.SplitHostPort(primary)
	if err != nil {
		return err
	}
	_, err = p.run(ctx, "follow.sh", s, append(more,
		"PRIMARY_HOST="+host, "PRIMARY_PORT="+port, "COPIER="+copier, "COPIER_PASSWORD="+copier)...)
	if code := (*exec.ExitError)(nil); errors.As(err, &code) && code.ExitCode() == diverged {
		return fmt.Errorf("%w: %w", ErrDiverged, err)
	}
	return err
}

// Promote makes a replica the primary by configs/mariadb/promote.sh, and gives what that says.
func (p *Pair) Promote(ctx context.Context, s *Server) (says string, err error) {
	return p.run(ctx, "promote.sh", s)
}

// Rejoin brings a lost primary back as the replica of the new one, whose COMMITs wait for it from then on. anew says
// that it had to be made anew from a copy, since it had committed what the other never had.
func (p *Pair) Rejoin(ctx context.Context, old, primary *Server) (anew bool, err error) {
	old.With([]string{"--init-rpl-role=SLAVE"}, nil)
	if err := old.Start(ctx); err != nil {
		return false, err
	}
	err = p.follow(ctx, old, primary.Addr())
	if errors.Is(err, ErrDiverged) {
		anew = true
		if err := errors.Join(old.Kill(), old.Empty(ctx), old.Start(ctx)); err != nil {
			return anew, err
		}
		err = p.follow(ctx, old, primary.Addr(), "COPY=1", "PRIMARY_OPTIONS="+strings.Join(login(primary), " "))
	}
	if err != nil {
		return anew, err
	}
	return anew, primary.AwaitReplica(ctx)
}

// login are the options by which the mariadb client reaches a server as root.
func login(s *Server) []string {
	host, port, _ := net.SplitHostPort(s.Addr())
	return []string{"--no-defaults", "--user=root", "--host=" + host, "--port=" + port}
}

func (p *Pair) run(ctx context.Context, script string, s *Server, env ...string) (says string, err error) {
	command := exec.CommandContext(ctx, "sh", append([]string{filepath.Join(p.scripts, script)}, login(s)...)...)
	command.Env = append(os.Environ(), env...)
	text, err := command.CombinedOutput()
	says = strings.TrimSpace(string(text))
	if err != nil {
		return says, fmt.Errorf("%s: %w: %s", script, err, says)
	}
	return says, nil
}

// Replica is how a server's replication stands, by the names of SHOW SLAVE STATUS; nothing where it follows nobody.
func (s *Server) Replica(ctx context.Context) (map[string]string, error) {
	rows, err := s.SQL.QueryContext(ctx, "SHOW SLAVE STATUS")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil || !rows.Next() {
		return nil, errors.Join(err, rows.Err())
	}
	values, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	all := make(map[string]string, len(names))
	for i, name := range names {
		all[name] = values[i].String
	}
	return all, rows.Err()
}

// UntilSame waits until a replica has applied all that its primary has written down.
func UntilSame(ctx context.Context, replica, primary *Server) error {
	at, err := primary.Text(ctx, "SELECT @@gtid_binlog_pos")
	if err != nil {
		return err
	}
	return until(ctx, "the replica has applied "+at, func() error {
		if reached, err := replica.Text(ctx, "SELECT MASTER_GTID_WAIT('"+at+"', 0)"); err != nil || reached != "0" {
			return errors.Join(err, errors.New("not yet"))
		}
		return nil
	})
}

// Cut lets nothing pass between the second server and the first any more, and tells nobody.
func (p *Pair) Cut() {
	p.link.Admit(proxy.Silent)
	p.link.Hush(proxy.All)
}

// Close ends everything.
func (p *Pair) Close() {
	for _, s := range []*Server{p.First, p.Second} {
		if s != nil {
			_ = s.SQL.Close()
			_ = s.Kill()
		}
	}
	if p.link != nil {
		p.link.Close()
	}
}

const patience = 30 * time.Second

// until tries again and again.
func until(ctx context.Context, what string, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waiting until %s: %w", what, ctx.Err()), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
