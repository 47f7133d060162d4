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
	ws     *websocket.Conn
	zombie time.Duration

	mu   sync.Mutex // orders writes; gorilla takes one writer at a time
	left bool       // we have said goodbye, and wait no longer than that takes
}

const (
	dialPatience  = 5 * time.Second
	shakePatience = 10 * time.Second // for the answer to a handshake
	writePatience = 10 * time.Second
)

// openSocket connects; upstream is what the balancer says of where it went.
func openSocket(ctx context.Context, where, token string, zombie time.Duration) (p pipe, upstream string, err error) {
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
	s := &socket{ws: ws, zombie: zombie}
	ws.SetPingHandler(s.pinged)
	return s, answer.Header.Get("X-Upstream"), nil
}

// alive gives the server another while: every sign of life does.
func (s *socket) alive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.left {
		_ = s.ws.SetReadDeadline(time.Now().Add(s.zombie))
	}
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
	s.alive()
	kind, text, err := s.ws.ReadMessage()
	if err == nil && kind != websocket.TextMessage {
		text = append([]byte("no text: "), text...) // and so no frame
	}
	return text, err
}

func (s *socket) write(text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.ws.SetWriteDeadline(time.Now().Add(writePatience))
	if err := s.ws.WriteMessage(websocket.TextMessage, text); err != nil {
		_ = s.ws.Close() // the reader notices
	}
}

func (s *socket) shut() { _ = s.ws.Close() }

func (s *socket) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = true
	_ = s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	_ = s.ws.SetReadDeadline(time.Now().Add(time.Second))
}

func (s *socket) local() string { return s.ws.LocalAddr().String() }
