package workload

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/loadtest/internal/frame"
	"mall/cmd/loadtest/internal/people"
	"mall/cmd/loadtest/internal/relay"
	"mall/cmd/loadtest/internal/result"
)

const soon = 30 * time.Second

// play runs a workload against a server that speaks as the bare relay does.
func play(t *testing.T, name, base string, o Options) *result.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	target := &Target{Name: "relay", Bases: []string{base}, Relay: true, Cast: people.Strangers(50)}
	r, err := Play(ctx, name, target, o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMaxAgainstTheRelay(t *testing.T) {
	server := httptest.NewServer(relay.New())
	defer server.Close()
	r := play(t, "max", server.URL, Options{Rooms: 10, Warmup: 50 * time.Millisecond, Duration: 300 * time.Millisecond})
	if !r.Clean() || r.Connect.Made != 20 || len(r.Errors) > 0 {
		t.Errorf("%+v %+v %v %v", r.Verdict, r.Connect, r.Errors, r.Notes)
	}
	if r.Acked < 100 || r.Ack.N < r.Acked*9/10 || r.Receive.N < r.Received*9/10 || r.Ack.P50 <= 0 || r.Ack.Max < r.Ack.P99 || r.PerSecond <= 0 {
		t.Errorf("%d acked, ack %+v, receive %+v", r.Acked, r.Ack, r.Receive)
	}
}

func TestBurstMakesExactlyItsDeliveries(t *testing.T) {
	server := httptest.NewServer(relay.New())
	defer server.Close()
	r := play(t, "burst", server.URL, Options{Rooms: 10, Messages: 2000})
	if !r.Clean() || r.Acked < 1990 || r.Received != 2000 || r.Sent != 2000 {
		t.Errorf("%d sent, %d acked, %d received, %+v", r.Sent, r.Acked, r.Received, r.Verdict)
	}
}

func TestGrowthSamplesOnItsWay(t *testing.T) {
	server := httptest.NewServer(relay.New())
	defer server.Close()
	r := play(t, "growth", server.URL, Options{Rooms: 5, Messages: 3000, Sample: 1000})
	if len(r.Samples) != 3 || r.Samples[0].Stored < 1000 || r.Samples[2].Stored < 3000 || !r.Clean() {
		t.Errorf("%+v %+v", r.Samples, r.Verdict)
	}
}

// stalling is a listener whose connections can be kept from reading.
type stalling struct {
	net.Listener

	gate sync.RWMutex
}

type stallingConn struct {
	net.Conn

	gate *sync.RWMutex
}

func (l *stalling) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &stallingConn{c, &l.gate}, err
}

func (c *stallingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.gate.RLock()
	defer c.gate.RUnlock()
	return n, err
}

// A server that stands still for a while makes everything late that was due in that time, not only what was under
// way when it began: a quarter of this run's messages.
func TestAStandstillCountsForAllThatWasDue(t *testing.T) {
	server := httptest.NewUnstartedServer(relay.New())
	gates := &stalling{Listener: server.Listener}
	server.Listener = gates
	server.Start()
	defer server.Close()
	const stall = 500 * time.Millisecond
	time.AfterFunc(700*time.Millisecond, func() {
		gates.gate.Lock()
		time.AfterFunc(stall, gates.gate.Unlock)
	})
	r := play(t, "steady", server.URL, Options{Rooms: 20, Rate: 400, Warmup: 1 * time.Millisecond, Duration: 2 * time.Second})
	if !r.Clean() || r.HeldBack > 0 || r.Sent < 700 {
		t.Fatalf("%d sent, %d held back, %+v", r.Sent, r.HeldBack, r.Verdict)
	}
	late := 0.0
	for _, p := range r.Receive.Curve {
		if p.Value < stall/5 {
			late = 1 - p.Share
		}
	}
	// Of the quarter that was due while it stood still, four fifths waited for more than a fifth of it.
	if late < 0.15 || late > 0.4 {
		t.Errorf("%.0f %% were late: %+v", 100*late, r.Receive)
	}
	if r.Ack.Max < stall-50*time.Millisecond {
		t.Errorf("the longest took %v, it stood still for %v", r.Ack.Max, stall)
	}
}

// liar is a relay of one room that makes each of the mistakes now and then.
type liar struct {
	mu      sync.Mutex
	members []*websocket.Conn
	seq     int64
	kept    map[*websocket.Conn]string // what is sent too late
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.Close() }()
	l.mu.Lock()
	l.members = append(l.members, ws)
	_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"welcome"}`))
	l.mu.Unlock()
	for {
		_, text, err := ws.ReadMessage()
		if err != nil {
			return
		}
		if f, ok := frame.Scan(text); ok && len(f.Key) > 0 {
			l.pass(ws, &f)
		}
	}
}

func (l *liar) pass(from *websocket.Conn, f *frame.Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	say := func(to *websocket.Conn, text string) { _ = to.WriteMessage(websocket.TextMessage, []byte(text)) }
	rest := `","room_id":"` + string(f.Room) + `","client_msg_id":"` + string(f.Key) + `","seq":` + number(l.seq) + `}`
	say(from, `{"type":"ack","id":"`+string(f.ID)+rest)
	for _, to := range l.members {
		if to == from {
			continue
		}
		message := `{"type":"message","id":"` + rest
		switch l.seq % 20 {
		case 5: // lost
			continue
		case 11:
			say(to, message)
		case 17:
			l.kept[to] = message
			continue
		}
		say(to, message)
		if late := l.kept[to]; late != "" {
			say(to, late)
			delete(l.kept, to)
		}
	}
}

func number(n int64) string {
	b := strings.Builder{}
	for ; n > 0; n /= 10 {
		b.WriteByte(byte('0' + n%10))
	}
	digits := []byte(b.String())
	for i, j := 0, len(digits)-1; i < j; i, j = i+1, j-1 {
		digits[i], digits[j] = digits[j], digits[i]
	}
	return string(digits)
}

// Through the whole simulator: a server that loses, doubles and reorders is caught at each of them, as often as it did.
func TestALyingServerIsCaught(t *testing.T) {
	l := &liar{kept: map[*websocket.Conn]string{}}
	server := httptest.NewServer(l)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	target := &Target{Name: "liar", Bases: []string{server.URL}, Relay: true, Cast: people.Strangers(1)}
	r, err := Play(ctx, "burst", target, Options{Rooms: 1, Window: 1, Messages: 400, Duration: 800 * time.Millisecond, Drain: 300 * time.Millisecond}, io.Discard)
	if err == nil {
		t.Error("a run in which messages were lost ended well")
	}
	// What waited for a later message that never came is lost, too.
	if r.Lost != 20+len(l.kept) || r.Doubled != 20 || r.Disordered < 20 || len(r.Notes) == 0 {
		t.Errorf("%+v of 400 messages, 20 lost and %d kept, 20 doubled, 20 late: %v", r.Verdict, len(l.kept), r.Notes)
	}
}

func TestOverloadOffersMoreAndSeesTheRecovery(t *testing.T) {
	server := httptest.NewServer(relay.New())
	defer server.Close()
	r := play(t, "overload", server.URL, Options{Rooms: 10, Rate: 3000, Duration: 300 * time.Millisecond})
	names := map[string]float64{}
	for _, f := range r.Figures {
		names[f.Name] = f.Value
	}
	if _, ok := names["ack p99 below 50ms again after"]; !ok || names["offered per second"] != 3000 || r.Acked < 300 || !r.Clean() {
		t.Errorf("%v, %d acked, %+v, %v", names, r.Acked, r.Verdict, r.Notes)
	}
}
