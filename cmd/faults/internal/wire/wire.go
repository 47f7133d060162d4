// Package wire is a client's end of a connection at which every byte is looked at, and which can end in every way that
// connections do. It keeps nothing and comes back by itself never.
package wire

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/faults/internal/checker"
)

// How long things may take.
const (
	dialPatience  = 5 * time.Second
	shakePatience = 10 * time.Second
	sayPatience   = 5 * time.Second
)

// Options say what is special about a connection.
type Options struct {
	Watch io.Writer // gets every byte that comes; nil: nobody looks
	Small bool      // holds little that has not been read
	Offer bool      // the token goes as a second subprotocol instead of a header
}

// Conn is a WebSocket, or a stream of events.
type Conn struct {
	tcp    *net.TCPConn
	raw    *bufio.Reader // bytes as they come
	body   io.ReadCloser // of an answer that is no socket; ends with the connection
	events *bufio.Reader // of a stream of events, unchunked; nil: it is a socket
	mu     sync.Mutex    // orders what is said
}

// Dial opens a WebSocket.
func Dial(ctx context.Context, addr, token string, o Options) (*Conn, error) {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails
	header := http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {base64.StdEncoding.EncodeToString(key)}, "Sec-Websocket-Protocol": {"mall.chat.v1"}}
	if o.Offer {
		header.Set("Sec-Websocket-Protocol", "mall.chat.v1, bearer."+token)
		token = ""
	}
	c, status, err := open(ctx, addr, "/api/v1/chat/ws", token, header, o)
	if err != nil {
		return nil, err
	}
	if status != http.StatusSwitchingProtocols {
		c.Reset()
		return nil, fmt.Errorf("wire: a handshake was answered %d", status)
	}
	return c, nil
}

// Listen opens a stream of events.
func Listen(ctx context.Context, addr, token string, o Options) (*Conn, error) {
	c, status, err := open(ctx, addr, "/api/v1/chat/events", token, http.Header{"Accept": {"text/event-stream"}}, o)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		c.Reset()
		return nil, fmt.Errorf("wire: an event stream was answered %d", status)
	}
	body := io.Reader(c.body)
	if o.Watch != nil {
		body = io.TeeReader(body, o.Watch) // once more, without what chunks put between
	}
	c.events = bufio.NewReader(body)
	return c, nil
}

// open makes a request on a connection of its own.
func open(ctx context.Context, addr, path, token string, header http.Header, o Options) (c *Conn, status int, err error) {
	conn, err := (&net.Dialer{Timeout: dialPatience}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, 0, err
	}
	c = &Conn{tcp: conn.(*net.TCPConn)}
	if o.Small {
		_ = c.tcp.SetReadBuffer(4 << 10)
	}
	var from io.Reader = c.tcp
	if o.Watch != nil {
		from = io.TeeReader(from, o.Watch)
	}
	c.raw = bufio.NewReaderSize(from, 4<<10)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, http.NoBody)
	if err != nil {
		return nil, 0, err
	}
	request.Header = header
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	_ = c.tcp.SetDeadline(time.Now().Add(shakePatience))
	if err := request.Write(c.tcp); err != nil {
		c.Reset()
		return nil, 0, err
	}
	answer, err := http.ReadResponse(c.raw, request) //nolint:bodyclose // it ends with the connection, which is its own
	if err != nil {
		c.Reset()
		return nil, 0, err
	}
	_ = c.tcp.SetDeadline(time.Time{})
	c.body = answer.Body
	return c, answer.StatusCode, nil
}

// Until ends every wait for the server at a moment; the zero time waits for ever.
func (c *Conn) Until(t time.Time) { _ = c.tcp.SetReadDeadline(t) }

// Next waits for a frame. An end for which the server gives a reason is a *websocket.CloseError, of both kinds.
func (c *Conn) Next() ([]byte, error) {
	if c.events != nil {
		return c.nextEvent()
	}
	for {
		op, payload, err := checker.ReadFrame(c.raw)
		if err != nil {
			return nil, err
		}
		switch op {
		case checker.OpPing:
			_ = c.write(checker.OpPong, payload) // the next read notices
		case checker.OpPong:
		case checker.OpClose:
			end := &websocket.CloseError{Code: websocket.CloseNoStatusReceived}
			if len(payload) >= 2 {
				end.Code, end.Text = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
			}
			return nil, end
		default:
			return payload, nil
		}
	}
}

func (c *Conn) nextEvent() ([]byte, error) {
	for {
		name, data, err := checker.ReadEvent(c.events)
		switch {
		case err != nil:
			return nil, err
		case name == "close":
			end := &websocket.CloseError{}
			if err := json.Unmarshal(data, end); err != nil {
				return nil, fmt.Errorf("%w: the end of an event stream: %.80q", checker.ErrBroken, data)
			}
			return nil, end
		case data != nil:
			return data, nil
		}
	}
}

// Say sends a frame; an event stream says nothing.
func (c *Conn) Say(fields map[string]any) error {
	text, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return c.write(1, text)
}

// write sends one masked frame. The mask is zeros, which a client may choose.
func (c *Conn) write(op byte, payload []byte) error {
	frame := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, 0x80|byte(n))
	case n < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), uint64(n))
	}
	frame = append(append(frame, 0, 0, 0, 0), payload...)
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.tcp.SetWriteDeadline(time.Now().Add(sayPatience))
	_, err := c.tcp.Write(frame)
	return err
}

// Reset ends the connection as a crash does: the peer gets an RST.
func (c *Conn) Reset() {
	_ = c.tcp.SetLinger(0)
	_ = c.tcp.Close()
}

// Drop ends it without a close frame.
func (c *Conn) Drop() { _ = c.tcp.Close() }

// Half ends our half of it; what the server says can still be read.
func (c *Conn) Half() { _ = c.tcp.CloseWrite() }

// Goodbye says that we leave, and does not wait for the answer.
func (c *Conn) Goodbye() {
	_ = c.write(checker.OpClose, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
	c.Drop()
}

// Get reads one REST answer on a connection of its own. Before each further part of it it asks on, and leaves with a reset
// when that says no: then text is nil.
func Get(ctx context.Context, addr, path, token string, o Options, on func() bool) (status int, text []byte, err error) {
	c, status, err := open(ctx, addr, path, token, http.Header{}, o)
	if err != nil {
		return 0, nil, err
	}
	defer c.Reset()
	c.Until(time.Now().Add(shakePatience))
	part := make([]byte, 8<<10)
	for {
		if !on() {
			return status, nil, nil
		}
		n, err := c.body.Read(part)
		text = append(text, part[:n]...)
		if errors.Is(err, io.EOF) {
			return status, text, nil
		}
		if err != nil {
			return status, nil, err
		}
	}
}
