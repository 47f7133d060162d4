package pubsub

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/testservers"
)

// benchBus is a bus on a real Redis, at work until the benchmark ends.
func benchBus(b *testing.B) *Bus {
	b.Helper()
	client := redis.NewClient(&redis.Options{Addr: testservers.Redis(b).Addr()})
	bus := New(client, "t", Secrets, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = bus.Run(ctx) })
	b.Cleanup(func() { cancel(); running.Wait(); _ = client.Close() })
	for !bus.Connected() {
		time.Sleep(time.Millisecond) //nolint:forbidigo // a benchmark's start
	}
	return bus
}

const party = "chat:b:0197d1c5-94f3-7a57-8a0c-3f0d3b2f9f4e"

var payload = []byte(strings.Repeat("x", 700))

// BenchmarkPublish is what a message costs its sender, of several goroutines at once, when the instance has ten
// thousand parties.
func BenchmarkPublish(b *testing.B) {
	bus := benchBus(b)
	known := bus.link(party).subscribed
	for i := range 10_000 {
		known.open("chat:b:" + strconv.Itoa(i))
	}
	known.open(party)
	c := known.find(party)
	for name, alone := range map[string]time.Duration{"ours alone": time.Hour, "others too": 0} {
		b.Run(name, func(b *testing.B) {
			c.until.Store(int64(time.Since(c.began) + alone))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					bus.Publish(party, payload)
				}
			})
		})
	}
}

// BenchmarkCarry is the whole way of one of many news to Redis, whoever pays for it.
func BenchmarkCarry(b *testing.B) {
	bus := benchBus(b)
	link := bus.link(party)
	queue := link.lane.Load().queue
	b.ReportAllocs()
	for b.Loop() {
		for queue <- (news{link: link, channel: party, payload: payload}); len(queue) > publishQueue/2; {
			time.Sleep(10 * time.Microsecond) //nolint:forbidigo // until there is room
		}
	}
}

func BenchmarkReceive(b *testing.B) {
	bus := New(nil, "t", Secrets, nil)
	bus.Handle("member", func(string, []byte) {})
	bus.Handle("chat:", func(string, []byte) {})
	l := bus.links[0]
	other := New(nil, "t", Secrets, nil)
	full, sealer := l.prefix+party, other.links[0].sealer
	l.peers.known[other.self] = &peer{sealer.aead, sealer.head[1], windowAfter(0)}
	m := &redis.Message{Channel: full}
	texts := make([]string, windowSize)
	for i := range texts {
		texts[i] = string(sealer.seal(nil, full, kindNews, payload))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%windowSize == 0 {
			l.peers.known[other.self].window = windowAfter(0)
		}
		m.Payload = texts[i%windowSize]
		_ = l.take(m)
	}
	if bus.replayed.Load()+bus.forged.Load() > 0 || bus.received.Load() == 0 {
		b.Fatal("refused")
	}
}

func BenchmarkSeal(b *testing.B) {
	s := New(nil, "t", Secrets, nil).links[0].sealer
	var room []byte
	b.ReportAllocs()
	for b.Loop() {
		room = s.seal(room[:0], "t:"+party, kindNews, payload)
	}
}

// BenchmarkForgery is what it costs to refuse what claims to be of a stranger.
func BenchmarkForgery(b *testing.B) {
	bus := New(nil, "t", Secrets, nil)
	other := New(nil, "t", Secrets, nil)
	full := bus.links[0].prefix + party
	text := other.links[0].sealer.seal(nil, full, kindNews, payload)
	text[len(text)-1] ^= 1
	m := &redis.Message{Channel: full, Payload: string(text)}
	b.ReportAllocs()
	for b.Loop() {
		_ = bus.links[0].take(m)
	}
}
