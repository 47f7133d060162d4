package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"

	"go.uber.org/goleak"
	"gorm.io/gorm"
)

var quiet = slog.New(slog.DiscardHandler)

// never is a poll interval that no test waits for: what arrives, arrived by being woken.
const never = time.Hour

type news struct {
	N int `json:"n"`
}

// add writes news in a transaction of its own.
func add(t *testing.T, d *db.DB, o *Outbox, topic string, numbers ...int) {
	t.Helper()
	err := d.Tx(t.Context(), func(ctx context.Context) error {
		for _, n := range numbers {
			if err := o.Add(ctx, topic, news{n}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// running runs the outbox for the test and gives a func that ends it early.
func running(t *testing.T, o *Outbox) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// receive waits for the next message.
func receive(t *testing.T, from <-chan Message) Message {
	t.Helper()
	select {
	case m := <-from:
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("no message came")
		return Message{}
	}
}

func rows(t *testing.T, d *db.DB) int64 {
	t.Helper()
	var n int64
	if err := d.Read(t.Context()).Model(&row{}).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// eventually waits until the table has n rows.
func eventually(t *testing.T, d *db.DB, n int64) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for rows(t, d) != n {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("rows = %d, want %d", rows(t, d), n)
		}
	}
}

func TestARowIsThereOnlyIfTheTransactionCommits(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		o := New(d, quiet, Config{})
		if err := o.Add(t.Context(), "t", news{1}); err == nil {
			t.Error("Add outside a transaction was accepted")
		}
		undone := errors.New("undone")
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			if err := o.Add(ctx, "t", news{1}); err != nil {
				return err
			}
			return undone
		})
		if n := rows(t, d); !errors.Is(err, undone) || n != 0 {
			t.Errorf("after a rollback: %d rows, %v", n, err)
		}
		add(t, d, o, "t", 1)
		if n := rows(t, d); n != 1 {
			t.Errorf("after a commit: %d rows", n)
		}
		err = d.Tx(t.Context(), func(ctx context.Context) error { return o.Add(ctx, "t", make(chan int)) })
		if err == nil {
			t.Error("a payload that JSON cannot hold was accepted")
		}
	})
}

func TestDeliveryFollowsTheCommitInOrderAndRemovesTheRow(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		got := make(chan Message, 100)
		o := New(d, quiet, Config{Poll: never, Batch: 3})
		o.Handle("t", func(_ context.Context, m Message) error { got <- m; return nil })
		running(t, o)
		began := time.Now()
		for n := range 10 {
			add(t, d, o, "t", n)
		}
		for n := range 10 {
			m := receive(t, got)
			if string(m.Payload) != fmt.Sprintf(`{"n":%d}`, n) || m.Topic != "t" || m.Attempts != 1 || m.ID.IsZero() ||
				m.CreatedAt.Before(began.Add(-time.Millisecond)) || m.CreatedAt.Location() != time.UTC {
				t.Errorf("message %d = %+v", n, m)
			}
		}
		eventually(t, d, 0)
	})
}

func TestWhatWasWrittenBeforeTheStartIsDelivered(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		got := make(chan Message, 100)
		add(t, d, New(d, quiet, Config{}), "t", 1, 2, 3, 4, 5)
		o := New(d, quiet, Config{Poll: never, Batch: 2})
		o.Handle("t", func(_ context.Context, m Message) error { got <- m; return nil })
		running(t, o)
		for range 5 {
			receive(t, got)
		}
		eventually(t, d, 0)
	})
}

func TestFailedMessagesComeAgainAndHoldUpNobody(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		got := make(chan Message, 100)
		o := New(d, quiet, Config{Poll: 5 * time.Millisecond, RetryMin: 20 * time.Millisecond, RetryMax: 40 * time.Millisecond})
		o.Handle("t", func(_ context.Context, m Message) error {
			var n news
			if err := json.Unmarshal(m.Payload, &n); err != nil {
				return err
			}
			got <- m
			switch {
			case n.N == 1 && m.Attempts < 3:
				return errors.New("not yet")
			case n.N == 1 && m.Attempts == 3:
				panic("not yet either")
			}
			return nil
		})
		running(t, o)
		add(t, d, o, "t", 1, 2)
		var order []string
		ids := map[id.ID]bool{}
		for range 5 {
			m := receive(t, got)
			order = append(order, fmt.Sprintf("%s#%d", m.Payload, m.Attempts))
			ids[m.ID] = true
		}
		want := `{"n":1}#1 {"n":2}#1 {"n":1}#2 {"n":1}#3 {"n":1}#4`
		if strings.Join(order, " ") != want || len(ids) != 2 {
			t.Errorf("deliveries = %v, want %s", order, want)
		}
		eventually(t, d, 0)
	})
}

func TestBackoffDoublesToItsEnd(t *testing.T) {
	w := worker{cfg: Config{RetryMin: time.Second, RetryMax: 5 * time.Minute}}
	for attempts, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 9999: 5 * time.Minute} {
		if got := w.backoff(attempts); got < want*79/100 || got > want*121/100 {
			t.Errorf("after %d attempts %v, want about %v", attempts, got, want)
		}
	}
}

func TestASlowHandlerIsCutAndItsTopicAloneWaits(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		slow, quick := make(chan Message, 10), make(chan Message, 10)
		o := New(d, quiet, Config{Poll: 5 * time.Millisecond, Timeout: 300 * time.Millisecond, RetryMin: time.Millisecond})
		o.Handle("slow", func(ctx context.Context, m Message) error {
			slow <- m
			if m.Attempts == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		o.Handle("quick", func(_ context.Context, m Message) error { quick <- m; return nil })
		running(t, o)
		add(t, d, o, "slow", 1)
		first := receive(t, slow)
		add(t, d, o, "quick", 1)
		receive(t, quick)
		if again := receive(t, slow); again.ID != first.ID || again.Attempts != 2 {
			t.Errorf("again = %+v, want %v a second time", again, first.ID)
		}
		eventually(t, d, 0)
	})
}

func TestStoppingFinishesOneMessageAndGivesBackTheRest(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		begun := make(chan Message, 10)
		o := New(d, quiet, Config{Poll: never})
		o.Handle("t", func(_ context.Context, m Message) error { begun <- m; cancel(); return nil })
		add(t, d, o, "t", 1, 2, 3)
		if err := o.Run(ctx); err != nil || len(begun) != 1 {
			t.Errorf("Run = %v with %d messages begun, want one", err, len(begun))
		}
		if n := rows(t, d); n != 2 {
			t.Errorf("%d rows left, want 2", n)
		}
		got := make(chan Message, 10)
		next := New(d, quiet, Config{Poll: never})
		next.Handle("t", func(_ context.Context, m Message) error { got <- m; return nil })
		running(t, next)
		for range 2 { // at once, although the lease of the first has not ended
			if m := receive(t, got); m.Attempts != 1 {
				t.Errorf("%s has %d attempts, want 1", m.Payload, m.Attempts)
			}
		}
	})
}

// Two instances on one database share the messages: none is in two hands.
func TestTwoInstancesShareTheMessages(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		cfg := testservers.MySQL(t)
		const count = 200
		var delivered sync.Map
		var twice, total atomic.Int64
		shared := make([]atomic.Int64, 2)
		writer := testservers.Open(t, cfg)
		add(t, writer, New(writer, quiet, Config{}), "t", make([]int, count)...)
		for i := range shared {
			o := New(testservers.Open(t, cfg), quiet, Config{Poll: 5 * time.Millisecond, Batch: 5})
			o.Handle("t", func(_ context.Context, m Message) error {
				if _, again := delivered.LoadOrStore(m.ID, true); again {
					twice.Add(1)
				}
				shared[i].Add(1)
				total.Add(1)
				return nil
			})
			running(t, o)
		}
		eventually(t, writer, 0)
		if twice.Load() != 0 || total.Load() != count {
			t.Errorf("%d deliveries of %d messages, %d of them again; shares %d and %d", total.Load(), count, twice.Load(), shared[0].Load(), shared[1].Load())
		}
	})
}

// A claim does not wait for rows that another transaction is just taking.
func TestClaimPassesOverLockedRows(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		add(t, d, New(d, quiet, Config{}), "t", 1, 2, 3)
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			var locked []row
			if err := due(d.Write(ctx), "t", time.Now().UTC(), 2).Find(&locked).Error; err != nil {
				return err
			}
			got, err := store{d}.claim(t.Context(), "t", 10, time.Minute)
			if err != nil || len(locked) != 2 || len(got) != 1 || string(got[0].Payload) != `{"n":3}` {
				t.Errorf("with %d rows locked, claimed %v, %v; want the third", len(locked), got, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestClaimReadsItsIndex(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		o := New(d, quiet, Config{})
		add(t, d, o, "t", make([]int, 200)...)
		add(t, d, o, "other", make([]int, 200)...)
		if _, err := d.SQL().ExecContext(t.Context(), "ANALYZE TABLE platform_outbox"); err != nil {
			t.Fatal(err)
		}
		claim := d.Read(t.Context()).ToSQL(func(g *gorm.DB) *gorm.DB { return due(g, "t", time.Now().UTC(), 10).Find(&[]row{}) })
		plan := testservers.Explain(t, d, claim)
		if len(plan) != 1 || plan[0].Key != "platform_outbox_due" || plan[0].Sorts() {
			t.Errorf("%s\n%+v", claim, plan)
		}
	})
}

func TestUnhandledTopicsStayAndAreToldOnce(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		told := make(chan string, 10)
		o := New(d, slog.New(tell{slog.DiscardHandler, told}), Config{Poll: time.Millisecond})
		got := make(chan Message, 10)
		o.Handle("known", func(_ context.Context, m Message) error { got <- m; return nil })
		add(t, d, o, "unknown", 1, 2)
		add(t, d, o, "known", 1)
		stop := running(t, o)
		if topic := <-told; topic != "unknown" {
			t.Errorf("told of %s", topic)
		}
		receive(t, got)
		eventually(t, d, 2)
		stop()
		if len(told) != 0 {
			t.Errorf("told again of %s", <-told)
		}
	})
}

// tell passes on the topics of warnings.
type tell struct {
	slog.Handler
	topics chan string
}

func (h tell) Enabled(context.Context, slog.Level) bool { return true }

func (h tell) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h tell) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "topic" {
			h.topics <- a.Value.String()
		}
		return true
	})
	return nil
}

func TestTwoHandlersForATopicAreAMistake(t *testing.T) {
	o := New(nil, quiet, Config{})
	o.Handle("t", nil)
	defer func() {
		if recover() == nil {
			t.Error("the second handler was accepted")
		}
	}()
	o.Handle("t", nil)
}

func TestTheDatabaseMayGoAndComeBack(t *testing.T) {
	server := testservers.PrivateMySQL(t)
	dsn, err := server.CreateDatabase(t.Context(), "mall")
	if err != nil {
		t.Fatal(err)
	}
	d := testservers.Open(t, testservers.Migrated(t, db.Config{Driver: db.MySQL, DSN: dsn}))
	got, away := make(chan Message, 10), make(chan string, 10)
	o := New(d, slog.New(tell{slog.DiscardHandler, away}), Config{Poll: 10 * time.Millisecond, RetryMin: time.Millisecond, Lease: time.Second, Timeout: 100 * time.Millisecond})
	o.Handle("t", func(_ context.Context, m Message) error { got <- m; return nil })
	running(t, o)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	err = d.Tx(t.Context(), func(ctx context.Context) error { return o.Add(ctx, "t", news{1}) })
	if err == nil {
		t.Error("Add without a database succeeded")
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(t, d, o, "t", 2)
	if m := receive(t, got); string(m.Payload) != `{"n":2}` {
		t.Errorf("message = %s", m.Payload)
	}
	eventually(t, d, 0)
}

// crashing is the environment variable that makes this test binary a worker that dies in the middle of a delivery.
const crashing = "OUTBOX_TEST_CRASH"

func TestMain(m *testing.M) {
	if cfg := os.Getenv(crashing); cfg != "" {
		crash(cfg)
	}
	goleak.VerifyTestMain(m)
}

func crash(text string) {
	var cfg db.Config
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		panic(err)
	}
	d, err := db.Open(context.Background(), cfg, quiet)
	if err != nil {
		panic(err)
	}
	o := New(d, quiet, crashConfig)
	o.Handle("t", func(context.Context, Message) error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) })
	panic(o.Run(context.Background()))
}

var crashConfig = Config{Poll: 20 * time.Millisecond, Timeout: 200 * time.Millisecond, Lease: 400 * time.Millisecond}

func TestAKilledWorkersMessageIsDeliveredAgain(t *testing.T) {
	testservers.EveryConfig(t, testservers.SQLite, testservers.MySQL, func(t *testing.T, cfg db.Config) {
		d := testservers.Open(t, cfg)
		add(t, d, New(d, quiet, Config{}), "t", 1)
		text, err := json.Marshal(cfg)
		if err != nil {
			t.Fatal(err)
		}
		worker := exec.CommandContext(t.Context(), os.Args[0])
		worker.Env = append(os.Environ(), crashing+"="+string(text))
		output, err := worker.CombinedOutput()
		if err == nil || err.Error() != "signal: killed" {
			t.Fatalf("the worker ended with %v: %s", err, output)
		}
		if n := rows(t, d); n != 1 {
			t.Fatalf("rows = %d", n)
		}
		got := chanOf(t, d)
		if m := receive(t, got); m.Attempts != 2 {
			t.Errorf("attempts = %d, want 2", m.Attempts)
		}
		eventually(t, d, 0)
	})
}

// chanOf runs an outbox whose messages come out of the channel.
func chanOf(t *testing.T, d *db.DB) <-chan Message {
	t.Helper()
	got := make(chan Message, 100)
	o := New(d, quiet, crashConfig)
	o.Handle("t", func(_ context.Context, m Message) error { got <- m; return nil })
	running(t, o)
	return got
}
