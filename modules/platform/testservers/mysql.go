package testservers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/go-sql-driver/mysql"
)

// MySQLServer is a private MariaDB or MySQL on a port of the loopback, which ends with this program however that ends.
// Its root has no password.
type MySQLServer struct {
	process
	found distribution
	data  string
	port  int
}

// StartMySQL starts a server of the chosen kind whose data lies in dir, empty databases at first; data that is there
// already is kept. options are added to the server's own, such as "--innodb-buffer-pool-size=1G". The error is ErrAbsent
// when this machine has no such server.
func StartMySQL(ctx context.Context, dir string, options ...string) (*MySQLServer, error) {
	kind, err := Chosen()
	if err != nil {
		return nil, err
	}
	return startMySQL(ctx, kind, dir, "", options)
}

func startMySQL(ctx context.Context, kind Kind, dir, remove string, options []string) (*MySQLServer, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	found, err := find(ctx, kind)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := found.fill(ctx, data); err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ { // another program may have taken the port that was free
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		s := &MySQLServer{found: found, data: data, port: port, process: process{
			path: found.server, logPath: filepath.Join(dir, "server.log"), remove: remove,
			args: append(found.running(data, port), options...),
		}}
		if err = s.Start(ctx); err == nil {
			return s, nil
		}
		if attempt == 2 || ctx.Err() != nil {
			return nil, err
		}
	}
}

// fill copies the template to data unless something is there.
func (d distribution) fill(ctx context.Context, data string) error {
	if _, err := os.Stat(data); err == nil {
		return nil
	}
	template, err := d.template(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(data), 0o700); err != nil {
		return err
	}
	return os.CopyFS(data, os.DirFS(template))
}

// running are the options of a server at work. The socket's name is relative to the data, since a path to one must
// stay below 108 bytes.
func (d distribution) running(data string, port int) []string {
	options := append(d.options(data),
		"--skip-networking=0", "--bind-address=127.0.0.1", "--port="+strconv.Itoa(port),
		"--socket=server.sock", "--pid-file=server.pid", "--tmpdir="+data,
		"--performance-schema=OFF", "--max-connections=500", "--table-open-cache=400",
	)
	if d.kind == KindMariaDB {
		return append(options, "--skip-name-resolve", "--aria-pagecache-buffer-size=2M", "--key-buffer-size=1M")
	}
	return append(options, "--skip-mysqlx")
}

// Start starts a stopped or killed server again, on the same port and data, and returns when it answers.
func (s *MySQLServer) Start(ctx context.Context) error {
	if err := s.launch(); err != nil {
		return err
	}
	return s.ready(ctx, s.probe)
}

// probe succeeds when the server that answers is ours.
func (s *MySQLServer) probe(ctx context.Context) error {
	pool, err := s.Open("")
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	var data string
	if err := pool.QueryRowContext(ctx, "SELECT @@datadir").Scan(&data); err != nil {
		return err
	}
	if filepath.Clean(data) != s.data {
		return errors.New("testservers: another server has the port")
	}
	return nil
}

// Kind is the server's make.
func (s *MySQLServer) Kind() Kind { return s.found.kind }

// String is the server's name and version.
func (s *MySQLServer) String() string { return s.found.String() }

// Addr is the server's host:port.
func (s *MySQLServer) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

// DSN names a database of the server for db.Config.
func (s *MySQLServer) DSN(database string) string { return s.config(database).FormatDSN() }

// CreateDatabase makes an empty database and gives its DSN.
func (s *MySQLServer) CreateDatabase(ctx context.Context, name string) (dsn string, err error) {
	return s.DSN(name), s.exec(ctx, "CREATE DATABASE `"+name+"` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci")
}

// DropDatabase removes a database with all that it holds.
func (s *MySQLServer) DropDatabase(ctx context.Context, name string) error {
	return s.exec(ctx, "DROP DATABASE `"+name+"`")
}

func (s *MySQLServer) exec(ctx context.Context, statement string) error {
	pool, err := s.Open("")
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	if _, err := pool.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("testservers: %w", err)
	}
	return nil
}

// Open opens a database of the server as its root; "" is none.
func (s *MySQLServer) Open(database string) (*sql.DB, error) {
	config := s.config(database)
	config.Params = map[string]string{"lock_wait_timeout": "30"} // a leaked transaction must not hold up DROP for a day
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func (s *MySQLServer) config(database string) *mysql.Config {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = "root", "tcp", s.Addr(), database
	c.Logger = &mysql.NopLogger{}
	return c
}
