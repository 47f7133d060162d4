package testservers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// RedisServer is a private Redis on a port of the loopback that keeps nothing on disk and ends with this program.
type RedisServer struct {
	process
	port int
	bus  int // in a cluster, for its nodes
}

// Redis starts a server for the test and stops it afterwards.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	s, err := StartRedis(t.Context(), t.TempDir())
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// StartRedis starts a server that works in dir; options are added to its own. The error is ErrAbsent when there is no Redis.
func StartRedis(ctx context.Context, dir string, options ...string) (*RedisServer, error) {
	path, err := lookUp("redis-server", "valkey-server")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		s := &RedisServer{port: port, process: process{
			path: path, logPath: filepath.Join(dir, "redis.log"),
			args: append([]string{
				"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir,
			}, options...),
		}}
		if err = s.Start(ctx); err == nil {
			return s, nil
		}
		if attempt == 2 || ctx.Err() != nil {
			return nil, err
		}
	}
}

// Start starts a stopped server again, empty and on the same port, and returns when it answers.
func (s *RedisServer) Start(ctx context.Context) error {
	if err := s.launch(); err != nil {
		return err
	}
	return s.ready(ctx, s.probe)
}

// Addr is the server's host:port.
func (s *RedisServer) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

// probe succeeds when the server that answers is ours.
func (s *RedisServer) probe(ctx context.Context) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(conn, "INFO server\r\nQUIT\r\n"); err != nil {
		return err
	}
	want := "process_id:" + strconv.Itoa(s.pid)
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if strings.TrimSpace(lines.Text()) == want {
			return nil
		}
	}
	return errors.New("testservers: another Redis has the port")
}
