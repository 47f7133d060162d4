package socket_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"mall/modules/chat/internal/socket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is how long a test waits for what must come.
const soon = time.Minute

var roomy = socket.Config{FrameBytes: 16 << 10, QueueFrames: 256, QueueBytes: 1 << 20, DeadAfter: time.Minute}

// hasty says goodbye quickly.
func hasty(u *socket.Upgrader) { u.Limit(time.Second, time.Minute, 200*time.Millisecond) }

// ear is a handler that notes what it hears.
type ear struct {
	frames chan string
	closed chan struct{}
}

func newEar() *ear { return &ear{make(chan string, 1000), make(chan struct{})} }

func (e *ear) Frame(text []byte) { e.frames <- string(text) }

func (e *ear) Closed() { close(e.closed) } // a second call panics

// hears takes the next frame, which must be the wanted one.
func (e *ear) hears(t testing.TB, want string) {
	t.Helper()
	select {
	case got := <-e.frames:
		if got != want {
			t.Fatalf("heard %.60q, want %.60q", got, want)
		}
	case <-time.After(soon):
		t.Fatalf("%.60q was not heard", want)
	}
}

// over waits for the end of the connection, which must come within the limit.
func (e *ear) over(t testing.TB, limit time.Duration) {
	t.Helper()
	began := time.Now()
	select {
	case <-e.closed:
	case <-time.After(soon):
		t.Fatal("the connection did not end")
	}
	if took := time.Since(began); took > limit {
		t.Errorf("the connection ended after %v", took)
	}
}

// pair is both ends of a connection over real TCP.
type pair struct {
	*socket.Conn
	ear  *ear
	peer *websocket.Conn
}

// connect opens a connection; change may alter the upgrader before.
func connect(t testing.TB, cfg socket.Config, change ...func(*socket.Upgrader)) pair {
	t.Helper()
	upgrader := socket.NewUpgrader("test.v1", cfg)
	for _, c := range change {
		c(upgrader)
	}
	ear, conns := newEar(), make(chan *socket.Conn, 1)
	var serving sync.WaitGroup
	serving.Add(1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r)
		if err != nil {
			t.Error(err)
			serving.Done()
			return
		}
		conns <- conn
		go func() { defer serving.Done(); conn.Serve(ear) }()
	}))
	t.Cleanup(server.Close)
	dialer := websocket.Dialer{Subprotocols: []string{"test.v1"}, HandshakeTimeout: soon}
	peer, res, err := dialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	t.Cleanup(func() {
		_ = peer.Close()
		serving.Wait()
	})
	if peer.Subprotocol() != "test.v1" {
		t.Fatalf("subprotocol %q", peer.Subprotocol())
	}
	return pair{<-conns, ear, peer}
}

// read takes the peer's next frame.
func (p pair) read(t testing.TB) string {
	t.Helper()
	check(t, p.peer.SetReadDeadline(time.Now().Add(soon)))
	_, text, err := p.peer.ReadMessage()
	check(t, err)
	return string(text)
}

// ends reads to the end of the connection and gives the close frame's code and reason; code 0: there was none.
func (p pair) ends(t testing.TB) (code int, reason string) {
	t.Helper()
	check(t, p.peer.SetReadDeadline(time.Now().Add(soon)))
	for {
		_, _, err := p.peer.ReadMessage()
		if ce := (*websocket.CloseError)(nil); errors.As(err, &ce) && ce.Code != websocket.CloseAbnormalClosure {
			return ce.Code, ce.Text
		}
		if err != nil {
			return 0, err.Error()
		}
	}
}

func (p pair) endsWith(t testing.TB, code int) {
	t.Helper()
	if got, reason := p.ends(t); got != code {
		t.Errorf("closed with %d %q, want %d", got, reason, code)
	}
}

// raw writes bytes past the peer's own WebSocket.
func (p pair) raw(t testing.TB, b ...[]byte) {
	t.Helper()
	_, err := p.peer.NetConn().Write(bytes.Join(b, nil))
	check(t, err)
}

// The first byte of frames.
const (
	final, rsv1, rsv2, rsv3             = 0x80, 0x40, 0x20, 0x10
	opContinue, opText, opClose, opPing = 0, 1, 8, 9
)

// frame is one as a client sends it, with a mask of zeros.
func frame(first byte, text string) []byte {
	b := []byte{first}
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), text...)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(soon); !done(); <-tick.C {
		if time.Now().After(limit) {
			t.Fatal("never: " + what)
		}
	}
}
