package hub_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"mall/modules/chat/internal/hub"
	"mall/modules/platform/id"
)

// line is a connection that notes what it is given.
type line struct {
	mu   sync.Mutex
	got  []string
	left atomic.Bool
	late atomic.Int64 // what came after it had left
}

func (l *line) Message(_ id.ID, seq int64, frame []byte) {
	l.note(strconv.FormatInt(seq, 10) + string(frame))
}

func (l *line) Push(frame []byte) { l.note(string(frame)) }

func (l *line) note(s string) {
	if l.left.Load() {
		l.late.Add(1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, s)
}

func (l *line) want(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.got) != len(want) {
		t.Fatalf("got %q, want %q", l.got, want)
	}
	for i := range want {
		if l.got[i] != want[i] {
			t.Fatalf("got %q, want %q", l.got, want)
		}
	}
}

func TestDelivery(t *testing.T) {
	h := hub.New()
	one := id.New()
	buyer, shop := hub.Buyer(one), hub.Shop(one) // the same id names two parties
	var phone, laptop, staff line
	room := id.New()
	h.Join(buyer, &phone)
	h.Join(buyer, &laptop)
	h.Join(shop, &staff)
	h.Message(buyer, room, 1, []byte("a"), &phone)
	h.Message(buyer, room, 2, []byte("b"), nil)
	h.Push(buyer, []byte("p"), &laptop)
	h.Push(hub.Buyer(id.New()), []byte("to nobody"), nil)
	phone.want(t, "2b", "p")
	laptop.want(t, "1a", "2b")
	staff.want(t)
}

func TestJoinAndLeaveTellTheFirstAndTheLast(t *testing.T) {
	h := hub.New()
	p := hub.Buyer(id.New())
	var a, b line
	if !h.Join(p, &a) || h.Join(p, &b) {
		t.Error("only the first is first")
	}
	if h.Leave(p, &a) || !h.Leave(p, &b) {
		t.Error("only the last is last")
	}
	if h.Leave(p, &b) || h.Leave(hub.Shop(id.New()), &a) {
		t.Error("who is not there cannot be the last")
	}
	if !h.Join(p, &b) {
		t.Error("an empty party begins anew")
	}
}

func TestWhoIsHere(t *testing.T) {
	h := hub.New()
	buyer, shop := hub.Buyer(id.New()), hub.Shop(id.New())
	var a, b line
	h.Join(buyer, &a)
	h.Join(buyer, &b)
	h.Join(shop, &a)
	h.Leave(shop, &a)
	if got := h.Parties(); len(got) != 1 || got[0] != buyer {
		t.Errorf("parties %v", got)
	}
	if got := h.Connections(buyer); len(got) != 2 {
		t.Errorf("%d connections", len(got))
	}
	if got := h.Connections(shop); len(got) != 0 {
		t.Errorf("%d connections of a party that has gone", len(got))
	}
}

// Whoever has left is not called any more, however many messages are on their way.
func TestNothingComesAfterLeaving(t *testing.T) {
	h := hub.New()
	parties := []hub.Party{hub.Buyer(id.New()), hub.Shop(id.New())}
	var sending, coming sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		sending.Go(func() {
			for i := int64(1); ; i++ {
				select {
				case <-done:
					return
				default:
					h.Message(parties[i%2], id.Nil, i, nil, nil)
					h.Push(parties[i%2], nil, nil)
				}
			}
		})
	}
	for range 8 {
		coming.Go(func() {
			for i := range 30 {
				l := &line{}
				p := parties[i%2]
				h.Join(p, l)
				h.Leave(p, l)
				l.left.Store(true)
				defer func() {
					if n := l.late.Load(); n > 0 {
						t.Errorf("%d calls after leaving", n)
					}
				}()
			}
		})
	}
	coming.Wait()
	close(done)
	sending.Wait()
}

type sink struct{}

func (*sink) Message(id.ID, int64, []byte) {}
func (*sink) Push([]byte)                  {}

func BenchmarkMessage(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			h := hub.New()
			p := hub.Buyer(id.New())
			lines := make([]struct {
				sink
				_ byte // so that each has an address of its own
			}, n)
			for i := range lines {
				h.Join(p, &lines[i].sink)
			}
			room := id.New()
			b.ReportAllocs()
			for b.Loop() {
				h.Message(p, room, 1, nil, nil)
			}
		})
	}
}
