package testservers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SentinelMaster is what the Sentinels call the server that writes.
const SentinelMaster = "mall"

// The Sentinels' own login, which is another than the server's, and what configs/default.yaml says that it must be allowed.
const (
	SentinelUser     = "watcher"
	SentinelPassword = "watchword"
	SentinelRights   = "resetchannels &+switch-master &+replica-reconf-done +ping +subscribe +sentinel|get-master-addr-by-name +sentinel|sentinels"
)

// SentinelRedis is a private Redis with a replica, watched by three Sentinels, which make the replica the server that writes
// when the other one is gone for a while.
type SentinelRedis struct {
	Servers   []*RedisServer // the first of them writes at first
	Sentinels []*RedisServer
}

// WatchedRedis starts such servers for the test and stops them afterwards.
func WatchedRedis(t testing.TB) *SentinelRedis {
	t.Helper()
	r, err := StartSentinelRedis(t.Context(), t.TempDir(), time.Second)
	if err != nil {
		missing(t, err)
	}
	t.Cleanup(func() {
		if err := r.Kill(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// StartSentinelRedis starts servers that work in folders of dir. A server that answers nothing for downAfter is down.
// options are added to those of the two that hold data. The error is ErrAbsent when there is no Redis.
func StartSentinelRedis(ctx context.Context, dir string, downAfter time.Duration, options ...string) (*SentinelRedis, error) {
	r := &SentinelRedis{}
	err := r.start(ctx, dir, downAfter, options)
	if err == nil {
		err = r.Settle(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, r.Kill())
	}
	return r, nil
}

func (r *SentinelRedis) start(ctx context.Context, dir string, downAfter time.Duration, options []string) error {
	for i := range 2 {
		own := slices.Concat([]string{"--repl-diskless-sync-delay", "0"}, options)
		if i > 0 {
			own = append(own, "--replicaof", "127.0.0.1 "+strconv.Itoa(r.Servers[0].port))
		}
		s, err := StartRedis(ctx, filepath.Join(dir, "redis"+strconv.Itoa(i)), own...)
		if err != nil {
			return err
		}
		r.Servers = append(r.Servers, s)
	}
	for i := range 3 {
		s, err := StartSentinel(ctx, filepath.Join(dir, "sentinel"+strconv.Itoa(i)), r.Servers[0].port, downAfter)
		if err != nil {
			return err
		}
		r.Sentinels = append(r.Sentinels, s)
	}
	return nil
}

// StartSentinel starts one that watches the server at a port, and keeps what it knows in its settings' file. lines are
// added to that.
func StartSentinel(ctx context.Context, dir string, port int, downAfter time.Duration, lines ...string) (*RedisServer, error) {
	path, err := lookUp("redis-server", "valkey-server")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ {
		own, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		conf := filepath.Join(dir, "sentinel.conf")
		text := fmt.Sprintf(`port %d
bind 127.0.0.1
dir %s
user %s on >%s -@all %s
sentinel monitor %[6]s 127.0.0.1 %[7]d 2
sentinel down-after-milliseconds %[6]s %[8]d
sentinel failover-timeout %[6]s 10000
%[9]s
`, own, dir, SentinelUser, SentinelPassword, SentinelRights, SentinelMaster, port, downAfter.Milliseconds(), strings.Join(lines, "\n"))
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			return nil, err
		}
		s := &RedisServer{port: own, process: process{path: path, logPath: filepath.Join(dir, "sentinel.log"), args: []string{conf, "--sentinel"}}}
		if err = s.Start(ctx); err == nil {
			return s, nil
		}
		if attempt == 2 || ctx.Err() != nil {
			return nil, err
		}
	}
}

// Settle waits until every Sentinel that runs knows the others, who writes, and a replica that has all of it.
func (r *SentinelRedis) Settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return until(ctx, func(ctx context.Context) (bool, error) {
		first := ""
		for _, s := range r.Sentinels {
			if s.PID() == 0 {
				continue
			}
			view, err := s.watch(ctx)
			if first == "" {
				first = view
			}
			if err != nil || view == "" || view != first {
				return false, nil //nolint:nilerr // it is asked again until ctx ends
			}
		}
		return first != "", nil
	})
}

// watch is who writes as a Sentinel sees it; empty where something is missing.
func (s *RedisServer) watch(ctx context.Context) (string, error) {
	client := s.client()
	defer func() { _ = client.Close() }()
	master, err := facts(client.Do(ctx, "SENTINEL", "MASTER", SentinelMaster).Result())
	if err != nil {
		return "", err
	}
	replicas, err := client.Do(ctx, "SENTINEL", "REPLICAS", SentinelMaster).Slice()
	if err != nil {
		return "", err
	}
	if master["flags"] != "master" || master["num-other-sentinels"] != "2" || len(replicas) != 1 {
		return "", nil
	}
	replica, err := facts(replicas[0], nil)
	if err != nil || replica["flags"] != "slave" || replica["master-link-status"] != "ok" || replica["master-port"] != master["port"] {
		return "", err
	}
	return net.JoinHostPort(master["ip"], master["port"]), nil
}

// facts are names and values in turn.
func facts(answer any, err error) (map[string]string, error) {
	if err != nil {
		return nil, err
	}
	list, _ := answer.([]any)
	all := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		name, _ := list[i].(string)
		all[name], _ = list[i+1].(string)
	}
	return all, nil
}

// Addr is the Sentinels' host:port, with commas between.
func (r *SentinelRedis) Addr() string {
	all := make([]string, len(r.Sentinels))
	for i, s := range r.Sentinels {
		all[i] = s.Addr()
	}
	return strings.Join(all, ",")
}

// Addrs are the host:port of all of them.
func (r *SentinelRedis) Addrs() (all []string) {
	for _, s := range slices.Concat(r.Servers, r.Sentinels) {
		all = append(all, s.Addr())
	}
	return all
}

// Primary is the server that writes, as the first Sentinel that runs says, and the other one.
func (r *SentinelRedis) Primary(ctx context.Context) (primary, replica *RedisServer, err error) {
	for _, s := range r.Sentinels {
		if s.PID() == 0 {
			continue
		}
		answer, err := s.do(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SentinelMaster)
		if err != nil {
			return nil, nil, err
		}
		list, _ := answer.([]any)
		if len(list) == 2 && list[1] == strconv.Itoa(r.Servers[1].port) {
			return r.Servers[1], r.Servers[0], nil
		}
		return r.Servers[0], r.Servers[1], nil
	}
	return nil, nil, errors.New("testservers: no Sentinel runs")
}

// Switch has the replica become the server that writes, as an operator does who wants to stop the other one.
func (r *SentinelRedis) Switch(ctx context.Context) error {
	_, err := r.Sentinels[0].do(ctx, "SENTINEL", "FAILOVER", SentinelMaster)
	return err
}

// Kill ends all of them at once.
func (r *SentinelRedis) Kill() error {
	var errs []error
	for _, s := range slices.Concat(r.Sentinels, r.Servers) { // or the Sentinels would begin to mend
		errs = append(errs, s.Kill())
	}
	return errors.Join(errs...)
}
