package hub_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

func (l *line) Message(_ id.ID, seq int64, start hub.Start, frame []byte) {
	note := strconv.FormatInt(seq, 10) + string(frame)
	switch {
	case !start.Known():
		note += " from " + start.Until.UTC().Format(time.TimeOnly)
	case start.After != seq-1:
		note += " from " + strconv.FormatInt(start.After, 10)
	}
	l.note(note)
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
	join(h, buyer, &phone)
	join(h, buyer, &laptop)
	join(h, shop, &staff)
	h.Message(buyer, room, 1, []byte("a"), &phone)
	h.Message(buyer, room, 2, []byte("b"), nil)
	h.Push(buyer, []byte("p"), &laptop)
	h.Push(hub.Buyer(id.New()), []byte("to nobody"), nil)
	phone.want(t, "2b", "p")
	laptop.want(t, "1a", "2b")
	staff.want(t)
}

// join adds a connection to a party none of whose rooms has a message.
func join(h *hub.Hub, p hub.Party, c hub.Connection) {
	if positioned, ask := h.Join(p, c); ask {
		h.Position(p, positioned, nil, time.Time{})
	}
}

// A connection is owed what comes after the position of its party, and knows for each room where that is.
func TestWhereRoomsBegin(t *testing.T) {
	h := hub.New()
	p, known, fresh, old := hub.Buyer(id.New()), id.New(), id.New(), id.New()
	var phone, laptop, tablet line
	positioned, ask := h.Join(p, &phone)
	if !ask {
		t.Fatal("nobody sees to the position")
	}
	if _, again := h.Join(p, &laptop); again {
		t.Error("two are to see to it")
	}
	h.Message(p, known, 6, nil, nil) // stored before the position: nobody is owed it
	if _, all := h.Reach(p, known, 7); len(all) != 0 {
		t.Error("connections without a position are offered something")
	}
	if !h.Awaits(p, positioned) {
		t.Error("nobody awaits the position")
	}
	h.Position(p, positioned, []hub.Seen{{Room: known, Head: 5}}, time.Unix(3, 0))
	<-positioned
	h.Message(p, known, 8, nil, &laptop) // 7 is missing
	h.Message(p, known, 9, nil, nil)
	h.Message(p, fresh, 1, nil, nil) // of a room that was not listed, and that has nothing before it
	h.Message(p, old, 40, nil, nil)
	start, all := h.Reach(p, old, 45)
	if start != (hub.Start{After: 40}) || len(all) != 2 {
		t.Errorf("start %v for %d", start, len(all))
	}
	h.Join(p, &tablet)
	h.Message(p, old, 44, nil, nil) // late: the tablet came when 45 was known
	phone.want(t, "8 from 6", "9", "1", "40 from 00:00:03", "44 from 45")
	laptop.want(t, "9", "1", "40 from 00:00:03", "44 from 45")
	tablet.want(t, "44 from 45")
}

// An answer to somebody who has left, or that is of another epoch, is no position for those who have come
// since.
func TestAPositionIsForThoseWhoAskedForIt(t *testing.T) {
	h := hub.New()
	p, room := hub.Shop(id.New()), id.New()
	var a, b line
	old, _ := h.Join(p, &a)
	h.Leave(p, &a)
	fresh, ask := h.Join(p, &a)
	if !ask {
		t.Fatal("a party that comes again is not positioned anew")
	}
	h.Position(p, old, []hub.Seen{{Room: room, Head: 9}}, time.Time{})
	if !h.Awaits(p, fresh) || h.Awaits(p, old) {
		t.Fatal("the late answer was taken")
	}
	h.Position(p, fresh, []hub.Seen{{Room: room, Head: 9}}, time.Time{})
	h.Forget()
	h.Message(p, room, 3, nil, nil)
	if _, ok := h.Start(p, room); ok {
		t.Error("a forgotten position is known")
	}
	again, ask := h.Join(p, &b)
	if !ask {
		t.Fatal("nobody sees to the position in the new epoch")
	}
	h.Position(p, fresh, nil, time.Time{})
	h.Position(p, again, []hub.Seen{{Room: room, Head: 3}}, time.Time{})
	h.Message(p, room, 4, nil, nil)
	b.want(t, "4")
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
				join(h, p, l)
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

func (*sink) Message(id.ID, int64, hub.Start, []byte) {}
func (*sink) Push([]byte)                             {}

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
				join(h, p, &lines[i].sink)
			}
			room := id.New()
			b.ReportAllocs()
			for b.Loop() {
				h.Message(p, room, 1, nil, nil)
			}
		})
	}
}
