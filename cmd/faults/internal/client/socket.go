package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// socket is a WebSocket.
type socket struct {
	ws    *websocket.Conn
	doubt doubt

	mu sync.Mutex // orders writes; gorilla takes one writer at a time
}

const (
	dialPatience  = 5 * time.Second
	shakePatience = 10 * time.Second // for the answer to a handshake
	writePatience = 10 * time.Second
)

// openSocket connects; upstream is what the balancer says of where it went.
func openSocket(ctx context.Context, where, token string) (p pipe, upstream string, err error) {
	dialer := websocket.Dialer{NetDialContext: (&net.Dialer{Timeout: dialPatience}).DialContext,
		HandshakeTimeout: shakePatience, Subprotocols: []string{"mall.chat.v1"}, ReadBufferSize: 4 << 10, WriteBufferSize: 2 << 10}
	ws, answer, err := dialer.DialContext(ctx, "ws://"+where+"/api/v1/chat/ws", http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		if answer != nil {
			defer func() { _ = answer.Body.Close() }()
			return nil, "", refusalOf(answer)
		}
		return nil, "", err
	}
	_ = answer.Body.Close()
	s := &socket{ws: ws, doubt: doubt{quiet: quietFirst}}
	s.doubt.timer = time.AfterFunc(quietFirst, s.silent)
	s.alive()
	ws.SetPingHandler(s.pinged)
	return s, answer.Header.Get("X-Upstream"), nil
}

// The contract's numbers for silence.
const (
	quietFirst  = 20 * time.Second // before the welcome says how often the server beats
	beatGrace   = time.Second      // a beat so late makes us ask
	owedGrace   = 4 * time.Second  // no sign of life so long after we said something makes us ask
	askPatience = 3 * time.Second  // a connection without an answer to that is dead
)

// doubt is what a connection knows of the server's life.
type doubt struct {
	mu    sync.Mutex
	quiet time.Duration // silence that makes us ask
	timer *time.Timer
	due   time.Time // when the timer ends
	asked bool
	owed  bool // we have said something, and heard nothing since
	over  bool
}

// alive takes a sign of life.
func (s *socket) alive() {
	s.doubt.mu.Lock()
	defer s.doubt.mu.Unlock()
	s.doubt.asked, s.doubt.owed = false, false
	s.doubt.wait(s.doubt.quiet)
}

func (d *doubt) wait(most time.Duration) {
	if !d.over {
		d.due = time.Now().Add(most)
		d.timer.Reset(most)
	}
}

func (s *socket) beats(every time.Duration) {
	s.doubt.mu.Lock()
	s.doubt.quiet = every + beatGrace
	s.doubt.mu.Unlock()
	s.alive()
}

// owes notes that the server has something to answer.
func (s *socket) owes() {
	s.doubt.mu.Lock()
	defer s.doubt.mu.Unlock()
	if !s.doubt.owed && !s.doubt.asked {
		s.doubt.owed = true
		s.doubt.wait(min(time.Until(s.doubt.due), owedGrace))
	}
}

// silent asks whether the server lives, and gives the connection up where it has asked already.
func (s *socket) silent() {
	s.doubt.mu.Lock()
	asked, over := s.doubt.asked, s.doubt.over
	s.doubt.asked = true
	s.doubt.wait(askPatience)
	s.doubt.mu.Unlock()
	switch {
	case over:
	case asked:
		_ = s.ws.Close() // the reader notices
	default:
		s.say(encode(map[string]any{"type": "ping", "id": pingID}))
	}
}

// pingID marks the answers to our questions, also those of a server that does not know them.
const pingID = "ping"

func (s *socket) stopDoubting() {
	s.doubt.mu.Lock()
	defer s.doubt.mu.Unlock()
	s.doubt.over = true
	s.doubt.timer.Stop()
}

func (s *socket) pinged(data string) error {
	s.alive()
	err := s.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
	var timeout net.Error
	if errors.Is(err, websocket.ErrCloseSent) || errors.As(err, &timeout) {
		return nil
	}
	return err
}

func (s *socket) next() ([]byte, error) {
	kind, text, err := s.ws.ReadMessage()
	s.alive()
	if err == nil && kind != websocket.TextMessage {
		text = append([]byte("no text: "), text...) // and so no frame
	}
	return text, err
}

// write says what the server has to answer.
func (s *socket) write(text []byte) {
	s.say(text)
	s.owes()
}

func (s *socket) say(text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.ws.SetWriteDeadline(time.Now().Add(writePatience))
	if err := s.ws.WriteMessage(websocket.TextMessage, text); err != nil {
		_ = s.ws.Close() // the reader notices
	}
}

func (s *socket) shut() {
	s.stopDoubting()
	_ = s.ws.Close()
}

// leave says goodbye, and waits no longer for its answer than that takes.
func (s *socket) leave() {
	s.stopDoubting()
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	_ = s.ws.SetReadDeadline(time.Now().Add(time.Second))
}

func (s *socket) local() string { return s.ws.LocalAddr().String() }
