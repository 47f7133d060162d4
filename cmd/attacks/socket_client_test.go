package attacks_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// frame is what a server says.
type frame map[string]any

func (f frame) text(key string) string { s, _ := f[key].(string); return s }

// line is a socket of somebody, and all that came on it.
type line struct {
	t    testing.TB
	conn *websocket.Conn

	mu     sync.Mutex
	frames []frame
	raw    [][]byte
	closed int           // the code; -1: without one
	over   chan struct{} // closed at the end
}

// handshake opens a socket, or gives the status that refused it; 0 for no answer at all.
func (p *person) handshake(more ...header) (l *line, status int, err error) {
	p.t.Helper()
	h := http.Header{}
	if p.ip != "" {
		h.Set("X-Forwarded-For", p.ip)
	}
	if p.token != "" {
		h.Set("Authorization", "Bearer "+p.token)
	}
	for _, one := range more {
		h.Set(one.name, one.value)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), soon)
	defer cancel()
	d := websocket.Dialer{Subprotocols: []string{"mall.chat.v1"}}
	conn, res, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(p.url("/chat/ws"), "http"), h)
	if res != nil {
		status = res.StatusCode
		_ = res.Body.Close()
	}
	if err != nil {
		return nil, status, err
	}
	l = &line{t: p.t, conn: conn, over: make(chan struct{})}
	p.t.Cleanup(func() { _ = conn.Close() })
	go l.listen()
	return l, status, nil
}

// connect opens a socket that is welcome.
func (p *person) connect(more ...header) *line {
	p.t.Helper()
	l, _, err := p.handshake(more...)
	if err != nil {
		p.t.Fatal(err)
	}
	l.await("a welcome", of("welcome"))
	return l
}

func (l *line) listen() {
	defer close(l.over)
	for {
		_, text, err := l.conn.ReadMessage()
		l.mu.Lock()
		if err != nil {
			l.closed = -1
			var end *websocket.CloseError
			if errors.As(err, &end) {
				l.closed = end.Code
			}
			l.mu.Unlock()
			return
		}
		var f frame
		if json.Unmarshal(text, &f) == nil {
			l.frames, l.raw = append(l.frames, f), append(l.raw, text)
		}
		l.mu.Unlock()
	}
}

func (l *line) say(f object) {
	l.t.Helper()
	if err := l.conn.WriteJSON(f); err != nil && !l.ended() {
		l.t.Error(err)
	}
}

func (l *line) text(s string) { _ = l.conn.WriteMessage(websocket.TextMessage, []byte(s)) }

// look gives the first frame that is meant.
func (l *line) look(is func(frame) bool) (frame, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.frames {
		if is(f) {
			return f, true
		}
	}
	return nil, false
}

// count is how many frames are meant.
func (l *line) count(is func(frame) bool) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.frames {
		if is(f) {
			n++
		}
	}
	return n
}

// await is look for what must come.
func (l *line) await(what string, is func(frame) bool) (found frame) {
	l.t.Helper()
	until(l.t, what, func() (ok bool) { found, ok = l.look(is); return ok || l.ended() })
	if found == nil {
		l.t.Fatalf("the socket was closed with %d while %s was awaited", l.code(), what)
	}
	return found
}

// settle waits until all that was said before has been read and answered.
func (l *line) settle() {
	l.t.Helper()
	name := "settle" + time.Now().Format("150405.000000")
	l.say(object{"type": "ping", "id": name})
	l.await("a pong", answers(name))
}

func (l *line) ended() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// code is what the socket was closed with; 0 while it is open.
func (l *line) code() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// ends waits for the end.
func (l *line) ends(limit time.Duration) bool {
	select {
	case <-l.over:
		return true
	case <-time.After(limit):
		return false
	}
}

func of(kind string) func(frame) bool { return func(f frame) bool { return f.text("type") == kind } }

func answers(request string) func(frame) bool {
	return func(f frame) bool { return f.text("id") == request }
}
