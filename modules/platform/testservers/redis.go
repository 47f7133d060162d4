package testservers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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
	runsOn(t, redisVersion())
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func findRedis() (path string, err error) {
	if named := os.Getenv("MALL_REDIS_SERVER"); named != "" {
		return lookUp(named)
	}
	return lookUp("redis-server", "valkey-server")
}

// redisVersion is the name and version of the Redis that tests get.
var redisVersion = sync.OnceValue(func() string {
	path, err := findRedis()
	if err != nil {
		return err.Error()
	}
	output, err := exec.Command(path, "--version").Output()
	if err != nil {
		return err.Error()
	}
	name := "Redis"
	if strings.Contains(string(output), "Valkey") {
		name = "Valkey"
	}
	return name + " " + numbers.FindString(string(output))
})

// StartRedis starts a server that works in dir; options are added to its own. The error is ErrAbsent when there is no Redis.
func StartRedis(ctx context.Context, dir string, options ...string) (*RedisServer, error) {
	path, err := findRedis()
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
