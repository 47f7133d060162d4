package relay

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"mall/modules/chat/internal/hub"
	"mall/modules/platform/id"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is how long a test waits for what must come.
const soon = time.Minute

// line is a connection that notes what it is given.
type line struct{ got chan string }

func newLine() *line { return &line{make(chan string, 10_000)} }

func (l *line) Message(_ id.ID, seq int64, _ hub.Start, frame []byte) {
	l.got <- strconv.FormatInt(seq, 10) + string(frame)
}

func (l *line) Push(frame []byte) { l.got <- string(frame) }

// next is what comes next on the line.
func (l *line) next(t *testing.T) string {
	t.Helper()
	select {
	case got := <-l.got:
		return got
	case <-time.After(soon):
		t.Fatal("nothing came")
		return ""
	}
}

// instance is a relay on a bus of its own; it ends with the test.
func instance(t *testing.T, key, addr string) (*Relay, redis.UniversalClient) {
	t.Helper()
	return listening(t, key, addr, func([]byte) {})
}

func listening(t *testing.T, key, addr string, heard func([]byte)) (*Relay, redis.UniversalClient) {
	t.Helper()
	client, closeClient, err := pubsub.Open(pubsub.Config{Addr: addr, Prefix: "t"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	bus := pubsub.New(client, "t", [][]byte{[]byte(key)}, slog.New(slog.DiscardHandler))
	r := New(bus, heard, func(hub.Party, []byte) {})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = bus.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if err := closeClient(); err != nil {
			t.Error(err)
		}
	})
	until(t, bus.Connected)
	return r, client
}

// alone is a relay whose bus does not run.
func alone() *Relay {
	return New(pubsub.New(nil, "t", [][]byte{[]byte("key")}, slog.New(slog.DiscardHandler)), func([]byte) {}, func(hub.Party, []byte) {})
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(soon); !done(); <-tick.C {
		if time.Now().After(limit) {
			t.Fatal("it never came to that")
		}
	}
}

// Everybody but the sender gets each frame once, on the sender's instance and on the other.
func TestAcrossInstances(t *testing.T) {
	addr := testservers.Redis(t).Addr()
	a, _ := instance(t, "key", addr)
	b, _ := instance(t, "key", addr)
	buyer, shop := hub.Buyer(id.New()), hub.Shop(id.New())
	phone, laptop, clerk, boss, stranger := newLine(), newLine(), newLine(), newLine(), newLine()
	join(t.Context(), a, buyer, phone)
	join(t.Context(), b, buyer, laptop)
	join(t.Context(), a, shop, clerk)
	join(t.Context(), b, shop, boss)
	join(t.Context(), b, hub.Buyer(id.New()), stranger)
	until(t, func() bool { return a.bus.Stats().Met == 3 }) // b has come to both parties, and to all instances' channel
	room, both := id.New(), []hub.Party{buyer, shop}
	a.Message(both, room, 1, []byte("hello"), phone)
	a.Push(shop, []byte("typing"), clerk)
	b.Message(both, room, 2, []byte("yes?"), boss)
	b.Push(buyer, []byte("read"), nil)
	for _, p := range both { // behind everything that each instance has sent
		a.Push(p, []byte("end a"), nil)
		b.Push(p, []byte("end b"), nil)
	}
	for name, l := range map[string]struct {
		line *line
		want []string
	}{
		"phone":  {phone, []string{"2yes?", "read", "end a", "end b"}},
		"laptop": {laptop, []string{"1hello", "2yes?", "read", "end a", "end b"}},
		"clerk":  {clerk, []string{"1hello", "2yes?", "end a", "end b"}},
		"boss":   {boss, []string{"1hello", "typing", "end a", "end b"}},
	} {
		var got []string
		for !slices.Contains(got, "end a") || !slices.Contains(got, "end b") {
			got = append(got, l.line.next(t))
		}
		slices.Sort(got)
		slices.Sort(l.want)
		if !slices.Equal(got, l.want) {
			t.Errorf("%s got %q, want %q", name, got, l.want)
		}
	}
	if len(stranger.got) > 0 || a.Refused()+b.Refused() > 0 {
		t.Errorf("a stranger got %d frames; refused %d", len(stranger.got), a.Refused()+b.Refused())
	}
}

// What an instance tells reaches all others, once, and not itself.
func TestTell(t *testing.T) {
	addr := testservers.Redis(t).Addr()
	var all [3]*Relay
	told := map[*Relay]chan string{}
	for i := range all {
		heard := make(chan string, 10)
		all[i], _ = listening(t, "key", addr, func(payload []byte) { heard <- string(payload) })
		told[all[i]] = heard
	}
	a, b, c := all[0], all[1], all[2]
	forger, _ := instance(t, "another key", addr)
	if a.Instance() == b.Instance() {
		t.Error("two instances of one name")
	}
	before := forged(all[:])
	forger.Tell([]byte("nonsense"))
	until(t, func() bool { return forged(all[:]) >= before+3 })
	a.Tell([]byte("from a"))
	b.Tell([]byte("from b"))
	for r, want := range map[*Relay][]string{a: {"from b"}, b: {"from a"}, c: {"from a", "from b"}} {
		var got []string
		for range want {
			select {
			case text := <-told[r]:
				got = append(got, text)
			case <-time.After(soon):
				t.Fatalf("told %q, want %q", got, want)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}

// forged is what instances have refused of those who do not have their key.
func forged(all []*Relay) (n int64) {
	for _, r := range all {
		n += r.bus.Stats().Forged
	}
	return n
}

// Who can write to Redis but does not have the key reaches nobody, and is counted.
func TestForgeriesOverRedisAreRefused(t *testing.T) {
	addr := testservers.Redis(t).Addr()
	a, client := instance(t, "key", addr)
	forger, _ := instance(t, "another key", addr)
	buyer := hub.Buyer(id.New())
	l := newLine()
	join(t.Context(), a, buyer, l)
	forger.Message([]hub.Party{buyer}, id.New(), 1, []byte("I am the shop"), nil)
	for _, text := range []string{"", "x", strings.Repeat("\x01", 200), strings.Repeat("m", 100_000)} {
		if err := client.Publish(t.Context(), "t:s1:"+channel(buyer), text).Err(); err != nil {
			t.Fatal(err)
		}
	}
	until(t, func() bool { return forged([]*Relay{a}) >= 5 })
	friend, _ := instance(t, "key", addr)
	friend.Push(buyer, []byte("real"), nil)
	if got := l.next(t); got != "real" {
		t.Errorf("got %q", got)
	}
}

// join adds a connection to a party none of whose rooms has a message.
func join(ctx context.Context, r *Relay, p hub.Party, c hub.Connection) {
	if positioned, ask := r.Join(ctx, p, c); ask {
		r.hub.Position(p, positioned, nil, time.Time{})
	}
}

func position(h *hub.Hub, p hub.Party, c hub.Connection) {
	if positioned, ask := h.Join(p, c); ask {
		h.Position(p, positioned, nil, time.Time{})
	}
}

// heard gives relay one payload on a channel and says what its one listener, of party p, was given.
func heard(p hub.Party, ch string, payload []byte) (frames []string, refused int64) {
	r := alone()
	l := newLine()
	position(r.hub, p, l)
	r.receive(ch, payload)
	close(l.got)
	for f := range l.got {
		frames = append(frames, f)
	}
	return frames, r.Refused()
}

// What another version says, and what is cut, is refused; what is said to one party reaches no other.
func TestWhatMakesNoSense(t *testing.T) {
	buyer, other := hub.Buyer(id.New()), hub.Buyer(id.New())
	whole := pack(kindMessage, id.New(), 7, []byte("words"))
	if got, refused := heard(buyer, channel(buyer), whole); len(got) != 1 || refused != 0 {
		t.Fatalf("the real one: got %q, refused %d", got, refused)
	}
	if got, _ := heard(buyer, channel(other), whole); len(got) > 0 {
		t.Errorf("said to somebody else: got %q", got)
	}
	for name, text := range map[string][]byte{"unknown kind": pack('x', id.Nil, 0, nil), "cut": whole[:headSize-1], "empty": nil,
		"another version": append([]byte{version + 1}, whole[1:]...)} {
		if got, refused := heard(buyer, channel(buyer), text); len(got) > 0 || refused != 1 {
			t.Errorf("%s: got %q, refused %d", name, got, refused)
		}
	}
}

func TestChannels(t *testing.T) {
	for _, p := range []hub.Party{hub.Buyer(id.New()), hub.Shop(id.New())} {
		if got, ok := party(channel(p)); !ok || got != p {
			t.Errorf("%s is %v, %v", channel(p), got, ok)
		}
	}
	x := id.New().String()
	for _, ch := range []string{"", "chat:", "chat:b:", "chat:b:" + x[:35], "chat:b:" + x + "0", "chat:b-" + x, "chit:b:" + x, "chat:b:" + strings.Repeat("z", 36)} {
		if _, ok := party(ch); ok {
			t.Errorf("%q names a party", ch)
		}
	}
}

// fickle is a connection that must not be called after it has left.
type fickle struct {
	left atomic.Bool
	late *atomic.Int64
}

func (f *fickle) Message(id.ID, int64, hub.Start, []byte) { f.Push(nil) }

func (f *fickle) Push([]byte) {
	if f.left.Load() {
		f.late.Add(1)
	}
}

// Connections come and go on two instances while messages fly; whoever stays misses nothing.
func TestJoinAndLeaveWhileMessagesFly(t *testing.T) {
	addr := testservers.Redis(t).Addr()
	a, _ := instance(t, "key", addr)
	b, _ := instance(t, "key", addr)
	buyer, shop := hub.Buyer(id.New()), hub.Shop(id.New())
	stays := newLine()
	join(t.Context(), b, buyer, stays)
	var late atomic.Int64
	var wg sync.WaitGroup
	for _, r := range []*Relay{a, b} {
		for range 4 {
			wg.Go(func() {
				for i := range 40 {
					f := &fickle{late: &late}
					p := []hub.Party{buyer, shop}[i%2]
					join(t.Context(), r, p, f)
					r.Leave(p, f)
					f.left.Store(true)
				}
			})
		}
	}
	const n = 500
	room := id.New()
	for seq := range int64(n) {
		a.Message([]hub.Party{buyer, shop}, room, seq+1, nil, nil)
	}
	for seq := range int64(n) {
		if got := stays.next(t); got != strconv.FormatInt(seq+1, 10) {
			t.Fatalf("got %s, want %d", got, seq+1)
		}
	}
	wg.Wait()
	if late.Load() > 0 {
		t.Errorf("%d frames after leaving", late.Load())
	}
}

// Whatever comes, it is delivered to the party of its channel or counted.
func FuzzReceive(f *testing.F) {
	p := hub.Buyer(id.Derived("buyer"))
	whole := pack(kindMessage, id.Derived("room"), 1<<40, []byte(`{"type":"message"}`))
	f.Add(channel(p), whole)
	f.Add(channel(p), pack(kindPush, id.Nil, 0, nil))
	f.Add(channel(hub.Shop(p.ID)), whole)
	f.Add(channel(p), whole[:headSize])
	f.Add("chat:b:", []byte{version, kindPush})
	f.Fuzz(func(t *testing.T, ch string, payload []byte) {
		got, refused := heard(p, ch, payload)
		if to, ok := party(ch); int64(len(got))+refused > 1 || len(got) == 1 && (!ok || to != p) {
			t.Fatalf("got %q, refused %d", got, refused)
		}
	})
}

var words = []byte(`{"type":"message","room_id":"0197d1c5-94f3-7a57-8a0c-3f0d3b2f9f4e","seq":42,"body":"안녕하세요, 재고 있나요?"}`)

func BenchmarkPack(b *testing.B) {
	room := id.New()
	b.ReportAllocs()
	for b.Loop() {
		pack(kindMessage, room, 42, words)
	}
}

func BenchmarkReceive(b *testing.B) {
	r, p := alone(), hub.Buyer(id.New())
	position(r.hub, p, silent{})
	ch, payload := channel(p), pack(kindMessage, id.New(), 42, words)
	b.ReportAllocs()
	for b.Loop() {
		r.receive(ch, payload)
	}
	if r.Refused() > 0 {
		b.Fatal("refused")
	}
}

type silent struct{}

func (silent) Message(id.ID, int64, hub.Start, []byte) {}
func (silent) Push([]byte)                             {}
