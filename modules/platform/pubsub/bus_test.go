package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/pubsub"
)

func TestNewsReachWhoeverListens(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		a, b := tune(t, client), tune(t, client)
		check(t, a.Subscribe(t.Context(), "one"))
		check(t, b.Subscribe(t.Context(), "two"))
		b.Publish("one", []byte("hello"))
		a.hears(t, "one hello")
		a.Publish("two", []byte("안녕\x00\r\n"))
		b.hears(t, "two 안녕\x00\r\n")
		b.Publish("one", nil)
		a.hears(t, "one ")
		until(t, "counted", func() bool {
			s := b.Stats()
			return s.Published == 2 && s.Received == 1 && s.Channels == 1 && s.Connected
		})
	})
}

func TestAConfirmedSubscriptionMissesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		s := tune(t, client)
		for i := range 100 {
			channel := strconv.Itoa(i)
			check(t, s.Subscribe(t.Context(), channel))
			s.gets(t, channel, "x")
			if i%2 == 0 { // the next round takes the channel up again at once
				s.Unsubscribe(channel)
				check(t, s.Subscribe(t.Context(), channel))
				s.gets(t, channel, "again")
			}
		}
	})
}

func TestSubscriptionsAreCounted(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		s := tune(t, client)
		for range 3 {
			check(t, s.Subscribe(t.Context(), "shop"))
		}
		check(t, s.Subscribe(t.Context(), "other"))
		s.Unsubscribe("shop")
		s.Unsubscribe("shop")
		s.gets(t, "shop", "still")
		s.Unsubscribe("shop")
		s.Unsubscribe("shop") // one too many does no harm
		s.Unsubscribe("never subscribed")
		until(t, "the channel is left", func() bool { return listeners(t, client, "shop") == 0 })
		s.Publish("shop", []byte("to nobody"))
		s.gets(t, "other", "alone") // the last channel left must not take the others with it
		s.Unsubscribe("other")
		until(t, "all channels are left", func() bool { return listeners(t, client, "other") == 0 && s.Stats().Channels == 0 })
		if !s.steady() {
			t.Errorf("leaving the last channel broke the link: %+v", s.Stats())
		}
	})
}

// However quickly many come and go, in the end Redis sends what is still wanted and nothing else.
func TestComingAndGoing(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		s := tune(t, client)
		const channels = 7
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 60 {
					channel := strconv.Itoa((g + i) % channels)
					if err := s.Subscribe(t.Context(), channel); err != nil {
						t.Error(err)
					}
					s.Unsubscribe(channel)
				}
			})
		}
		wg.Wait()
		check(t, s.Subscribe(t.Context(), "3"))
		for i := range channels {
			want := int64(0)
			if i == 3 {
				want = 1
			}
			until(t, "channel "+strconv.Itoa(i), func() bool { return listeners(t, client, strconv.Itoa(i)) == want })
		}
		s.gets(t, "3", "kept")
		if !s.steady() {
			t.Errorf("the link was rebuilt: %+v", s.Stats())
		}
	})
}

func TestACallerWhoLeavesDoesNotBreakTheLink(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		s := tune(t, client)
		check(t, s.Subscribe(t.Context(), "kept"))
		gone, cancel := context.WithDeadline(t.Context(), time.Now())
		defer cancel()
		for range 20 {
			_ = s.Subscribe(gone, "fleeting") // it may have been confirmed in time all the same
			s.Unsubscribe("fleeting")
		}
		s.gets(t, "kept", "fine")
		if !s.steady() {
			t.Errorf("the link of all was rebuilt: %+v", s.Stats())
		}
	})
}

func TestManyChannelsAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		s := tune(t, client)
		const n = 2500 // more than one command names
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { _ = s.Subscribe(t.Context(), strconv.Itoa(i)) }) // may be late on a busy machine
		}
		wg.Wait()
		until(t, "all subscribed", func() bool {
			return listeners(t, client, "0") == 1 && allChannels(t, client) == n
		})
		s.gets(t, "2499", "x")
	})
}

// The embedded Redis speaks through a pipe without a buffer of its own: large pipelines must not lock it up.
func TestLargeNewsInLargeNumbers(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		const n, tries = 600, 5
		big := strings.Repeat("가", 16<<10/3)
		for try := 1; ; try++ {
			a, b, c := tune(t, client), tune(t, client), tune(t, client)
			check(t, a.Subscribe(t.Context(), "big"))
			check(t, b.Subscribe(t.Context(), "big"))
			for i := range n {
				c.Publish("big", fmt.Appendf(nil, "%d %s", i, big))
			}
			until(t, "counted", func() bool { s := c.Stats(); return s.Published+s.Failed+s.Dropped == n })
			if s := c.Stats(); s.Failed+s.Dropped > 0 {
				if try == tries { // else the machine was too slow for the time that Redis is given
					t.Fatalf("stats %+v", s)
				}
				continue
			}
			for i := range n {
				a.hears(t, fmt.Sprintf("big %d %s", i, big))
				b.hears(t, fmt.Sprintf("big %d %s", i, big))
			}
			return
		}
	})
}

func TestPipelineOfLargeAnswers(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		big := strings.Repeat("x", 16<<10)
		var done []redis.Cmder
		until(t, "answered", func() bool { // a slow machine may not answer in time at first; a pipe that is locked up never does
			pipe := client.Pipeline()
			for range 200 {
				pipe.Echo(t.Context(), big)
			}
			var err error
			done, err = pipe.Exec(t.Context())
			if timeout := net.Error(nil); err != nil && (!errors.As(err, &timeout) || !timeout.Timeout()) {
				t.Fatal(err)
			}
			return err == nil
		})
		for _, cmd := range done {
			if cmd.(*redis.StringCmd).Val() != big {
				t.Fatal("another answer")
			}
		}
	})
}

// Keys in the embedded Redis expire by themselves, as rate limits rely on.
func TestEmbeddedTimePasses(t *testing.T) {
	client := open(t, "")
	check(t, client.Set(t.Context(), "k", "v", 300*time.Millisecond).Err())
	until(t, "the key is gone", func() bool { return client.Exists(t.Context(), "k").Val() == 0 })
}

// What was published before the end is heard by others.
func TestTheEndSendsWhatWaits(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		leaving, staying := tune(t, client), tune(t, client)
		check(t, staying.Subscribe(t.Context(), "last"))
		leaving.Publish("last", []byte("known"))
		staying.hears(t, "last known")
		const n = 1000
		for i := range n {
			leaving.Publish("last", []byte(strconv.Itoa(i)))
		}
		leaving.stop()
		for i := range n {
			staying.hears(t, "last "+strconv.Itoa(i))
		}
	})
}

// Before Run nothing leaves the queue, so it fills up exactly.
func TestPublishDropsWhatTheQueueCannotHold(t *testing.T) {
	client := open(t, "")
	bus := pubsub.New(client, "t", pubsub.Secrets, quiet)
	for range 5000 {
		bus.Publish("x", nil)
	}
	if s := bus.Stats(); s.Dropped != 5000-4096 || s.Published != 0 || s.Connected {
		t.Errorf("stats %+v", s)
	}
	if err := bus.Subscribe(t.Context(), "x"); err == nil {
		t.Error("subscribed without a link")
	}
}

func TestConfig(t *testing.T) {
	if !(pubsub.Config{}).Embedded() || (pubsub.Config{Addr: "h:1"}).Embedded() {
		t.Error("embedded is where no address is given")
	}
	if names := open(t, "").(*redis.Client).Options(); names.MaxRetries > 0 || slices.Max([]time.Duration{names.DialTimeout, names.ReadTimeout}) > time.Second {
		t.Errorf("options %+v", names)
	}
	for _, tc := range []struct {
		cfg  pubsub.Config
		want string // of the error; empty: it is fine
	}{
		{pubsub.Config{Prefix: "mall"}, ""},
		{pubsub.Config{Addr: "h:1", Prefix: "mall"}, ""},
		{pubsub.Config{Addr: "h:1", Cluster: true}, ""},
		{pubsub.Config{Addr: "h:1, [::1]:2", Cluster: true}, ""},
		{pubsub.Config{Cluster: true}, "redis.addr"},
		{pubsub.Config{Addr: "h:1,h:2"}, "redis.cluster"},
		{pubsub.Config{Addr: "h:1,h", Cluster: true}, "redis.addr"},
		{pubsub.Config{Addr: "h:1,", Cluster: true}, "redis.addr"},
		{pubsub.Config{Addr: "h:1", Prefix: "{mall}"}, "redis.prefix"},
	} {
		err := tc.cfg.Check()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.cfg, err, tc.want)
		}
	}
}

// Each handler takes what is said on its channels, and nothing else; what nobody takes is dropped.
func TestEachHandlerTakesItsOwnChannels(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		heard := make(chan string, 10)
		taking := func(name string) func(string, []byte) {
			return func(channel string, payload []byte) { heard <- name + " " + channel + " " + string(payload) }
		}
		bus := pubsub.New(client, "t", pubsub.Secrets, quiet)
		bus.Handle("member", taking("members"))
		bus.Handle("chat:", taking("chat"))
		run(t, bus)
		until(t, "linked", bus.Connected)
		for _, channel := range []string{"orders", "chat:b:1", "member"} {
			until(t, "subscribed", func() bool { return bus.Subscribe(t.Context(), channel) == nil })
		}
		other := tune(t, client)
		for channel, want := range map[string]string{"member": "members member x", "chat:b:1": "chat chat:b:1 x"} {
			other.Publish("orders", []byte("x"))
			other.Publish(channel, []byte("x"))
			if got := <-heard; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		until(t, "all has come", func() bool { return bus.Stats().Received == 4 })
		if len(heard) > 0 {
			t.Errorf("heard %q as well", <-heard)
		}
	})
}

func TestTwoHandlersForOneChannelAreAMistake(t *testing.T) {
	for _, second := range []string{"chat:", "chat:b:", "c", ""} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q beside chat: was taken", second)
				}
			}()
			bus := pubsub.New(open(t, ""), "t", pubsub.Secrets, quiet)
			bus.Handle("chat:", func(string, []byte) {})
			bus.Handle("member", func(string, []byte) {})
			bus.Handle(second, func(string, []byte) {})
		}()
	}
}
