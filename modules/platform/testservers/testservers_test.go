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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mall/modules/platform/db"

	"go.uber.org/goleak"
)

// holding is the environment variable that makes this test binary one that holds servers and waits to be killed.
const holding = "TESTSERVERS_TEST_HOLD"

func TestMain(m *testing.M) {
	if os.Getenv(holding) != "" {
		hold()
	}
	goleak.VerifyTestMain(m) // a running server costs no goroutine
}

func count(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	if err := d.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM platform_outbox").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func insert(t *testing.T, d *db.DB, name string) {
	t.Helper()
	_, err := d.SQL().ExecContext(t.Context(), "INSERT INTO platform_outbox (id, topic, payload, created_at, due_at, attempts) VALUES (?, 't', '{}', ?, ?, 0)",
		[]byte(fmt.Sprintf("%-16s", name)), time.Now(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryTestFindsAMigratedEmptyDatabase(t *testing.T) {
	for range 3 { // the second and third time it is one that was used before
		Databases(t, func(t *testing.T, d *db.DB) {
			if n := count(t, d); n != 0 {
				t.Errorf("%d rows of another test", n)
			}
			insert(t, d, "mine")
			other := Open(t, map[string]func(testing.TB) db.Config{db.MySQL: MySQL, db.SQLite: SQLite}[d.Dialect()](t))
			if n := count(t, other); n != 0 {
				t.Errorf("a second database of the test holds %d rows of the first", n)
			}
		})
	}
}

func TestMySQLKeepsWhatWasCommittedThroughAKill(t *testing.T) {
	EveryServer(t, func(t *testing.T) {
		server := PrivateMySQL(t)
		dsn, err := server.CreateDatabase(t.Context(), "mall")
		if err != nil {
			t.Fatal(err)
		}
		d := Open(t, Migrated(t, db.Config{Driver: db.MySQL, DSN: dsn}))
		for i, end := range []func() error{server.Kill, server.Stop, func() error { return errors.Join(server.Pause(), server.Stop()) }} {
			insert(t, d, strconv.Itoa(i))
			if err := end(); err != nil {
				t.Fatal(err)
			}
			if err := d.Ping(t.Context()); err == nil {
				t.Error("the server is still there")
			}
			if err := server.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := count(t, d); n != i+1 {
				t.Errorf("%d rows, want %d", n, i+1)
			}
		}
		if err := server.Start(t.Context()); err == nil {
			t.Error("a second start was accepted")
		}
	})
}

func TestAFrozenServerAnswersNothing(t *testing.T) {
	redis := Redis(t)
	if err := redis.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := redis.probe(t.Context()); err == nil {
		t.Error("a frozen Redis answered")
	}
	if err := redis.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := redis.probe(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRedisStopsAndStartsOnItsAddress(t *testing.T) {
	redis := Redis(t)
	addr := redis.Addr()
	for range 2 {
		if err := redis.Stop(); err != nil {
			t.Fatal(err)
		}
		if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			_ = conn.Close()
			t.Error("the stopped Redis took a connection")
		}
		if err := redis.Start(t.Context()); err != nil || redis.Addr() != addr {
			t.Fatalf("%v at %s, want %s", err, redis.Addr(), addr)
		}
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	server, err := StartRedis(t.Context(), t.TempDir(), "--no-such-option", "1")
	if errors.Is(err, ErrAbsent) {
		missing(t, err)
	}
	if err == nil || !strings.Contains(err.Error(), "ended while starting") || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("server %v, error %v", server, err)
	}
}

// hold starts servers, says which, and waits.
func hold() {
	kind, err := Chosen()
	if err != nil {
		panic(err)
	}
	mysql, err := sharing[kind].start()
	if err != nil {
		panic(err)
	}
	redis, err := StartRedis(context.Background(), filepath.Dir(mysql.data))
	if err != nil {
		panic(err)
	}
	fmt.Println(filepath.Dir(mysql.data), mysql.pid, redis.pid)
	select {}
}

func TestAKilledTestBinaryTakesItsServersAlong(t *testing.T) {
	PrivateMySQL(t) // skips where there is none
	Redis(t)
	holder := exec.CommandContext(t.Context(), os.Args[0])
	holder.Env = append(os.Environ(), holding+"=1")
	output, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var dir string
	var mysql, redis int
	if _, err := fmt.Sscan(line, &dir, &mysql, &redis); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if !alive(mysql) || !alive(redis) {
		t.Fatalf("the servers %s do not run", line)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = until(ctx, func(context.Context) (bool, error) {
		_, err := os.Stat(dir)
		return !alive(mysql) && !alive(redis) && errors.Is(err, os.ErrNotExist), nil
	})
	if err != nil {
		t.Errorf("MariaDB alive: %v, Redis alive: %v, folder: %v", alive(mysql), alive(redis), dir)
	}
}

// alive says whether a process runs; one that has ended and waits to be collected does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}

// verdict records how a test was ended.
type verdict struct {
	testing.TB
	ended string
}

func (v *verdict) Helper()      {}
func (v *verdict) Skip(...any)  { v.ended = "skipped" }
func (v *verdict) Fatal(...any) { v.ended = "failed"; panic(v) }

func TestAnAbsentServerSkipsHereAndFailsWhereItIsRequired(t *testing.T) {
	for _, c := range []struct {
		ci, require string
		err         error
		want        string
	}{
		{"", "", ErrAbsent, "skipped"},
		{"true", "", ErrAbsent, "failed"},
		{"", "1", ErrAbsent, "failed"},
		{"", "", os.ErrPermission, "failed"},
	} {
		t.Setenv("CI", c.ci)
		t.Setenv("MALL_REQUIRE_SERVERS", c.require)
		v := &verdict{TB: t}
		func() {
			defer func() { _ = recover() }()
			missing(v, c.err)
		}()
		if v.ended != c.want {
			t.Errorf("CI=%q MALL_REQUIRE_SERVERS=%q, %v: %s, want %s", c.ci, c.require, c.err, v.ended, c.want)
		}
	}
	if _, err := lookUp("no-such-server"); !errors.Is(err, ErrAbsent) {
		t.Errorf("error = %v", err)
	}
}

// What ends instead of getting ready is an error that says so, and nothing of it is left.
func TestAProgramThatNeverGetsReady(t *testing.T) {
	p, err := StartProgram(t.Context(), "/bin/false", filepath.Join(t.TempDir(), "log"), []string{"MALL_X=1"})
	if err == nil || !strings.Contains(err.Error(), "ended while starting") || p.PID() != 0 {
		t.Errorf("%v, process %d", err, p.PID())
	}
}

func TestAProgramHasOnlyItsOwnSettings(t *testing.T) {
	t.Setenv("MALL_DEMO", "true")
	t.Setenv("OTHER", "kept")
	got := ProgramEnviron([]string{"MALL_X=1"})
	if !slices.Contains(got, "OTHER=kept") || !slices.Contains(got, "MALL_X=1") || slices.Contains(got, "MALL_DEMO=true") {
		t.Errorf("%v", got)
	}
}
