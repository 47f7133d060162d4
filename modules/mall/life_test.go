package mall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/testprogram"
	"mall/modules/platform/testservers"
)

const soon = 10 * time.Second

var quiet = Options{Log: slog.New(slog.DiscardHandler)}

// world is where malls of a test stand: their settings, with addresses that stay the same.
type world struct {
	settings         Settings
	public, internal string
}

func newWorld(t *testing.T, environ ...string) world {
	t.Helper()
	w := world{public: testprogram.FreeAddr(t), internal: testprogram.FreeAddr(t)}
	w.settings = settingsOf(t, append([]string{"MALL_HTTP__ADDR=" + w.public, "MALL_HTTP__INTERNAL_ADDR=" + w.internal}, environ...)...)
	return w
}

// onServers are the settings of a mall on a database server and a Redis.
func onServers(database, redis string) []string {
	return []string{"MALL_DB__DRIVER=mysql", "MALL_DB__DSN=" + database, "MALL_REDIS__ADDR=" + redis, "MALL_ORDER__PAYMENTS=none", "MALL_MAIL__OFF=true",
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs"}
}

// onEach runs a test in a mall with its stores in the process, and in one on real servers.
func onEach(t *testing.T, run func(t *testing.T, w world)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { run(t, newWorld(t)) })
	t.Run("servers", func(t *testing.T) {
		run(t, newWorld(t, onServers(testservers.MySQL(t).DSN, testservers.Redis(t).Addr())...))
	})
}

// holding is what the process has at a moment.
type holding struct{ goroutines, files int }

func held() holding {
	files, _ := os.ReadDir("/proc/self/fd") // elsewhere than on Linux they are not counted
	return holding{runtime.NumGoroutine(), len(files)}
}

// level is what the process holds without a mall, once it has had one: some libraries start what stays.
func (w world) level(t *testing.T) holding {
	t.Helper()
	m := w.start(t)
	if err := m.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return steady()
}

// steady is what the process holds once what ends by itself, a moment later, has ended.
func steady() holding {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	before := held()
	for same := 0; same < 20; same++ {
		<-tick.C
		if now := held(); now != before {
			before, same = now, 0
		}
	}
	return before
}

func (w world) start(t *testing.T) *Mall {
	t.Helper()
	m, err := New(t.Context(), w.settings, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

// leavesNothing waits until the process holds no more than before, and both addresses are free.
func (w world) leavesNothing(t *testing.T, before holding) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(soon); ; <-tick.C {
		now := held()
		if now.goroutines <= before.goroutines && now.files <= before.files {
			break
		}
		if time.Now().After(limit) {
			var stacks strings.Builder
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			t.Fatalf("left behind: %+v, before %+v\n%s", now, before, &stacks)
		}
	}
	for _, addr := range []string{w.public, w.internal} {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
	}
}

// Whichever step of a start fails, everything that the steps before it have opened is closed, and nothing else is wrong.
func TestAStartThatFailsAnywhereLeavesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, w world) {
		w.level(t)
		failure := errors.New("this step fails")
		whole := prepare(w.settings, quiet)
		for at := range len(whole.building()) + len(whole.opening()) + 1 {
			t.Run(fmt.Sprint("after step ", at), func(t *testing.T) {
				before := held()
				m := prepare(w.settings, quiet)
				steps := slices.Insert(append(m.building(), m.opening()...), at, func(context.Context) error { return failure })
				if err := m.take(t.Context(), steps); err == nil || err.Error() != failure.Error() {
					t.Errorf("the start ended with %v", err)
				}
				w.leavesNothing(t, before)
			})
		}
	})
}

// The failures that there are in real life, one for nearly every step.
func TestARealFailureLeavesNothing(t *testing.T) {
	embedded := newWorld(t)
	mysql, redis := testservers.MySQL(t), testservers.Redis(t)
	servers := newWorld(t, onServers(mysql.DSN, redis.Addr())...)
	embedded.level(t)
	servers.level(t)
	for name, tc := range map[string]struct {
		world  world
		change func(t *testing.T, s *Settings)
		says   string
	}{
		"a demo for everybody": {embedded, func(_ *testing.T, s *Settings) { s.HTTP.Addr = "0.0.0.0:0" }, "http.addr: "},
		"no certificate for the database": {servers, func(_ *testing.T, s *Settings) { s.DB.TLS, s.DB.TLSFiles.CA = true, "nowhere.pem" },
			"db.tls_ca: open nowhere.pem"},
		"nobody at the database's address": {servers, func(_ *testing.T, s *Settings) {
			s.DB.DSN, s.DB.ConnectWait = "u:p@tcp(127.0.0.1:1)/x", 300*time.Millisecond
		}, "connection refused"},
		"a wrong password":        {servers, func(_ *testing.T, s *Settings) { s.DB.DSN = strings.Replace(s.DB.DSN, "root@", "root:wrong@", 1) }, "Access denied"},
		"a folder for a database": {embedded, func(t *testing.T, s *Settings) { s.DB.Path = t.TempDir() }, "db: sqlite"},
		"no certificate for Redis": {servers, func(_ *testing.T, s *Settings) { s.Redis.TLS, s.Redis.TLSFiles.CA = true, "nowhere.pem" },
			"redis.tls_ca: open nowhere.pem"},
		"a cookie without a name":    {embedded, func(_ *testing.T, s *Settings) { s.Member.Cookie.Name = "" }, "cookie has no name"},
		"the internal address taken": {servers, func(t *testing.T, s *Settings) { s.HTTP.InternalAddr = taken(t) }, "address already in use"},
		"a database that may lose acks": {servers, func(t *testing.T, s *Settings) {
			s.DB.Config, s.DB.Strict = withoutAKey(t), true
		}, "db.strict: "},
		"a database without its epoch": {embedded, func(t *testing.T, s *Settings) { s.DB.Config = withoutEpoch(t) }, "no such table"},
		"the public address taken":     {embedded, func(t *testing.T, s *Settings) { s.HTTP.Addr = taken(t) }, "address already in use"},
	} {
		t.Run(name, func(t *testing.T) {
			w := tc.world
			tc.change(t, &w.settings)
			before := steady()
			m, err := New(t.Context(), w.settings, quiet)
			if err == nil {
				err = m.Start(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("the start ended with %v, want %q", err, tc.says)
			}
			w.leavesNothing(t, before)
		})
	}
}

// taken is an address at which somebody listens.
func taken(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// changed is a database after a statement.
func changed(t *testing.T, cfg db.Config, statement string) db.Config {
	t.Helper()
	d, err := db.Open(t.Context(), cfg, quiet.Log)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.SQL().ExecContext(t.Context(), statement)
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func withoutAKey(t *testing.T) db.Config {
	t.Helper()
	return changed(t, testservers.Migrated(t, testservers.EmptyMySQL(t)), "ALTER TABLE chat_messages DROP KEY chat_messages_retry")
}

func withoutEpoch(t *testing.T) db.Config {
	t.Helper()
	return changed(t, testservers.SQLite(t), "DROP TABLE chat_settings")
}

// Who waits for a migration by hand, and is told to end, ends in order, the public address too, which it had opened.
func TestWaitingForTheSchemaLeavesNothing(t *testing.T) {
	w := newWorld(t)
	before := w.level(t)
	w.settings.DB.Migrate, w.settings.DB.Path = false, filepath.Join(t.TempDir(), "empty.db")
	ctx, tellToEnd := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := New(ctx, w.settings, quiet)
		ended <- err
	}()
	for limit := time.Now().Add(soon); ; {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", w.public)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(limit) {
			t.Fatal("it never waited")
		}
	}
	tellToEnd()
	if err := <-ended; !errors.Is(err, ErrToldToEnd) {
		t.Errorf("it ended with %v", err)
	}
	w.leavesNothing(t, before)
}

// A part that ends by itself is told of, and Stop says why it did.
func TestAPartThatFailsIsTold(t *testing.T) {
	w := newWorld(t)
	before := w.level(t)
	m := w.start(t)
	reason := errors.New("it went wrong")
	m.working.Go(func() error { return reason })
	select {
	case <-m.Failed():
	case <-time.After(soon):
		t.Fatal("nobody was told")
	}
	if err := m.Stop(t.Context()); !errors.Is(err, reason) {
		t.Errorf("it stopped with %v", err)
	}
	if m.Chat.Status().Connections != 0 || errors.Is(m.Stop(t.Context()), reason) {
		t.Error("a second time there was something left to stop")
	}
	w.leavesNothing(t, before)
}

// A mall that is on its way up, or down, is whole: its modules may be asked between New and Start.
func TestModulesWorkBeforeTheStart(t *testing.T) {
	onEach(t, func(t *testing.T, w world) {
		before := w.level(t)
		m, err := New(t.Context(), w.settings, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if status := m.Chat.Status(); status.Epoch == "" {
			t.Errorf("the chat says %+v", status)
		}
		if _, err := m.Members.Operators(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", w.public); err == nil {
			t.Error("the public address is open before Start")
		}
		if err := m.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		w.leavesNothing(t, before)
	})
}
