package pubsub_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
)

func TestMain(m *testing.M) {
	// The client's own search for a server that is away ends by itself, up to a second after the client is closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// soon is how long a test waits for what must come.
const soon = 15 * time.Second

var quiet = slog.New(slog.DiscardHandler)

// station is a bus at work and what it has heard.
type station struct {
	*pubsub.Bus
	client  *redis.Client
	heard   <-chan string // "channel payload"
	resumed atomic.Int64
	stop    func() // ends the bus and waits for its end
}

// tune starts a bus on client that notes what it hears; it ends with the test.
func tune(t *testing.T, client *redis.Client) *station {
	t.Helper()
	heard := make(chan string, 10_000)
	s := attune(t, client, func(channel string, payload []byte) { heard <- channel + " " + string(payload) })
	s.heard = heard
	return s
}

// attune starts a bus on client; it ends with the test.
func attune(t *testing.T, client *redis.Client, handler func(channel string, payload []byte)) *station {
	t.Helper()
	s := &station{client: client}
	s.Bus = pubsub.New(client, "t", handler, func() { s.resumed.Add(1) }, quiet)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := within(ended); err != nil {
			t.Errorf("the bus' end: %v", err)
		}
	})
	t.Cleanup(s.stop)
	until(t, "connected", s.Connected)
	return s
}

// within gives what comes through the channel.
func within(c <-chan error) error {
	select {
	case err := <-c:
		return err
	case <-time.After(soon):
		return context.DeadlineExceeded
	}
}

// open gives a client for addr, or for an embedded Redis when addr is empty.
func open(t *testing.T, addr string) *redis.Client {
	t.Helper()
	client, closeClient, err := pubsub.Open(pubsub.Config{Addr: addr, Prefix: "t"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closeClient(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// onBoth runs a test on a real Redis and on the embedded one.
func onBoth(t *testing.T, run func(t *testing.T, client *redis.Client)) {
	t.Helper()
	t.Run("real", func(t *testing.T) { run(t, open(t, testservers.Redis(t).Addr())) })
	t.Run("embedded", func(t *testing.T) { run(t, open(t, "")) })
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(soon); !done(); <-tick.C {
		if time.Now().After(limit) {
			t.Fatal("never: " + what)
		}
	}
}

// hears takes the next news, which must be the wanted ones.
func (s *station) hears(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-s.heard:
		if got != want {
			t.Fatalf("heard %.60q, want %.60q", got, want)
		}
	case <-time.After(soon):
		t.Fatalf("%q was not heard", want)
	}
}

// gets publishes past the bus, which need not tell itself anything, and wants to hear it.
func (s *station) gets(t *testing.T, channel, text string) {
	t.Helper()
	check(t, s.client.Publish(t.Context(), "t:"+channel, text).Err())
	s.hears(t, channel+" "+text)
}

// listeners asks Redis how many links are subscribed to a channel.
func listeners(t *testing.T, client *redis.Client, channel string) int64 {
	t.Helper()
	n, err := client.PubSubNumSub(t.Context(), "t:"+channel).Result()
	check(t, err)
	return n["t:"+channel]
}

// wire is a TCP hop before Redis that can go deaf: links that carry a subscription then get nothing any more,
// while everything they say still arrives.
type wire struct {
	listener net.Listener
	deaf     atomic.Bool
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	w := &wire{listener: listener}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { w.carry(client, server) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); wg.Wait() })
	return w
}

func (w *wire) addr() string { return w.listener.Addr().String() }

func (w *wire) carry(client net.Conn, server string) {
	defer func() { _ = client.Close() }()
	up, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	var subscribed, lost atomic.Bool
	go func() {
		_, _ = io.Copy(spy{up, func(p []byte) {
			if bytes.Contains(p, []byte("subscribe")) {
				subscribed.Store(true)
			}
		}}, client)
		_ = up.Close()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := up.Read(buffer)
		if err != nil {
			return
		}
		if lost.Load() || w.deaf.Load() && subscribed.Load() {
			lost.Store(true) // for good: a later part of the stream would make no sense
			continue
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// spy looks at what is written.
type spy struct {
	io.Writer
	look func([]byte)
}

func (s spy) Write(p []byte) (int, error) {
	s.look(p)
	return s.Writer.Write(p)
}
