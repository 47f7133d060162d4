package pubsub_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
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
	goleak.VerifyTestMain(m,
		// The client's own search for a server that is away ends by itself, up to a second after the client is closed.
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"),
		goleak.Cleanup(func(code int) {
			if err := endCluster(); err != nil {
				code = 1
			}
			os.Exit(code)
		}))
}

// A cluster takes seconds to start: the tests that do not break it share one.
var (
	clusterDir    string
	sharedCluster = sync.OnceValues(func() (c *testservers.RedisCluster, err error) {
		if clusterDir, err = os.MkdirTemp("", "mall-redis-"); err != nil {
			return nil, err
		}
		return testservers.StartRedisCluster(context.Background(), clusterDir, 3)
	})
)

func endCluster() error {
	if clusterDir == "" {
		return nil
	}
	c, err := sharedCluster()
	if err == nil {
		err = c.Kill()
	}
	return errors.Join(err, os.RemoveAll(clusterDir))
}

// cluster is the shared one.
func cluster(t *testing.T) *testservers.RedisCluster {
	t.Helper()
	testservers.Redis(t) // where there is none, it skips the test, or fails it where that may not be
	c, err := sharedCluster()
	check(t, err)
	return c
}

// openCluster gives a client for a cluster.
func openCluster(t *testing.T, c *testservers.RedisCluster) redis.UniversalClient {
	t.Helper()
	return openWith(t, pubsub.Config{Addr: c.Addr(), Cluster: true, Prefix: "t"})
}

// soon is how long a test waits for what must come.
const soon = time.Minute

var quiet = slog.New(slog.DiscardHandler)

// station is a bus at work and what it has heard.
type station struct {
	*pubsub.Bus
	client  redis.UniversalClient
	heard   <-chan string // "channel payload"
	resumed atomic.Int64
	other   *station // see gets
	stop    func()   // ends the bus and waits for its end
}

// tune starts a bus on client that notes what it hears; it ends with the test.
func tune(t *testing.T, client redis.UniversalClient) *station {
	t.Helper()
	return tuneWith(t, client, pubsub.Secrets)
}

// attune starts a bus on client; it ends with the test.
func attune(t *testing.T, client redis.UniversalClient, handler func(channel string, payload []byte)) *station {
	t.Helper()
	return attuneWith(t, client, pubsub.Secrets, handler)
}

// tuneWith is tune with other secrets.
func tuneWith(t *testing.T, client redis.UniversalClient, secrets [][]byte) *station {
	t.Helper()
	heard := make(chan string, 10_000)
	s := attuneWith(t, client, secrets, func(channel string, payload []byte) { heard <- channel + " " + string(payload) })
	s.heard = heard
	return s
}

func attuneWith(t *testing.T, client redis.UniversalClient, secrets [][]byte, handler func(channel string, payload []byte)) *station {
	t.Helper()
	s := &station{client: client}
	s.Bus = pubsub.New(client, "t", secrets, quiet)
	s.Handle("", handler)
	s.OnResumed(func() { s.resumed.Add(1) })
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
func open(t *testing.T, addr string) redis.UniversalClient {
	t.Helper()
	return openWith(t, pubsub.Config{Addr: addr, Prefix: "t"})
}

func openWith(t *testing.T, cfg pubsub.Config) redis.UniversalClient {
	t.Helper()
	client, closeClient, err := pubsub.Open(cfg, quiet)
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

// onEach runs a test on a real Redis, on a cluster of them, and on the embedded one.
func onEach(t *testing.T, run func(t *testing.T, client redis.UniversalClient)) {
	t.Helper()
	t.Run("real", func(t *testing.T) { run(t, open(t, testservers.Redis(t).Addr())) })
	t.Run("cluster", func(t *testing.T) { run(t, openCluster(t, cluster(t))) })
	t.Run("embedded", func(t *testing.T) { run(t, open(t, "")) })
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// steady says whether no link has been built again.
func (s *station) steady() bool {
	links := s.Stats().Links
	return s.Connected() && s.Stats().Rebuilt == int64(links)
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

// hearsPast is hears past any number of the same other news.
func (s *station) hearsPast(t *testing.T, other, want string) {
	t.Helper()
	until(t, want, func() bool {
		select {
		case got := <-s.heard:
			if got != want && got != other {
				t.Fatalf("heard %.60q, want %.60q", got, want)
			}
			return got == want
		default:
			return false
		}
	})
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
		t.Fatalf("%.60q was not heard", want)
	}
}

// gets has another instance, which does not listen itself, say something once, and wants to hear it.
func (s *station) gets(t *testing.T, channel, text string) {
	t.Helper()
	if s.other == nil {
		s.other = attune(t, s.client, func(string, []byte) {})
	}
	s.other.Publish(channel, []byte(text))
	s.hears(t, channel+" "+text)
}

// listeners asks Redis how many links are subscribed to a channel.
func listeners(t *testing.T, client redis.UniversalClient, channel string) int64 {
	t.Helper()
	name := pubsub.FullName(client, "t", channel)
	ask := client.PubSubNumSub
	if c, clustered := client.(*redis.ClusterClient); clustered {
		node, err := c.MasterForKey(t.Context(), name)
		check(t, err)
		ask = node.PubSubShardNumSub
	}
	n, err := ask(t.Context(), name).Result()
	check(t, err)
	return n[name]
}

// allChannels are those that anybody is subscribed to, but probes.
func allChannels(t *testing.T, client redis.UniversalClient) (n int) {
	t.Helper()
	count := func(names []string) {
		for _, name := range names {
			if !strings.Contains(name, ":probe:") && !strings.HasSuffix(name, ":hello") {
				n++
			}
		}
	}
	if c, clustered := client.(*redis.ClusterClient); clustered {
		for _, tag := range pubsub.Tags() {
			node, err := c.MasterForKey(t.Context(), "{"+tag+"}")
			check(t, err)
			count(node.PubSubShardChannels(t.Context(), "t:s1:{"+tag+"}*").Val())
		}
		return n
	}
	count(client.PubSubChannels(t.Context(), "t:*").Val())
	return n
}

// listen is a listener that tells nobody of itself, as one whose announcement was lost.
func listen(t *testing.T, client redis.UniversalClient, channel string) <-chan *redis.Message {
	t.Helper()
	name, subscribe := pubsub.FullName(client, "t", channel), client.Subscribe
	if _, clustered := client.(*redis.ClusterClient); clustered {
		subscribe = client.SSubscribe
	}
	sub := subscribe(t.Context(), name)
	t.Cleanup(func() { check(t, sub.Close()) })
	_, err := sub.Receive(t.Context())
	check(t, err)
	return sub.Channel()
}

// wire is a TCP hop before Redis that can go deaf: links that carry a subscription then get nothing any more,
// while everything they say still arrives.
type wire struct {
	listener net.Listener
	deaf     atomic.Bool
	only     string // links that have subscribed to something with this in its name; empty: all
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
			if bytes.Contains(p, []byte("subscribe")) && bytes.Contains(p, []byte(w.only)) {
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
