// Package relay is the least that a chat server can do with the same library: it joins connections to rooms and
// passes on what they send. It stores nothing, checks nothing, knows nobody, and forgets everything at its end. What it
// reaches is what a machine allows for; the distance from there is what a real chat costs.
package relay

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/gorilla/websocket"

	"mall/cmd/loadtest/internal/frame"
)

// Relay is the server.
type Relay struct {
	mu    sync.Mutex
	rooms map[string]*room
}

// New makes one without rooms.
func New() *Relay { return &Relay{rooms: map[string]*room{}} }

type room struct {
	mu      sync.Mutex // gives the numbers in the order in which they are written
	seq     int64
	members []*conn
	out     []byte
}

type conn struct {
	mu    sync.Mutex
	ws    *websocket.Conn
	rooms map[string]*room
}

func (c *conn) write(text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.ws.WriteMessage(websocket.TextMessage, text) // the reader notices
}

var upgrader = websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024, CheckOrigin: func(*http.Request) bool { return true }}

// ServeHTTP takes a connection and lives as long as it does.
func (r *Relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	ws, err := upgrader.Upgrade(w, request, nil)
	if err != nil {
		return
	}
	c := &conn{ws: ws, rooms: map[string]*room{}}
	go func() { // the request and all it holds are free then
		defer func() { _ = ws.Close() }()
		defer r.leave(c)
		r.serve(c)
	}()
}

func (r *Relay) serve(c *conn) {
	for {
		_, text, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		f, ok := frame.Scan(text)
		if !ok {
			return
		}
		at := c.rooms[string(f.Room)]
		switch {
		case len(f.Room) == 0: // it has named its rooms
			c.write([]byte(`{"type":"welcome"}`))
		case at == nil: // the first frame for a room joins it
			r.join(c, string(f.Room))
		default:
			at.pass(c, &f)
		}
	}
}

func (r *Relay) join(c *conn, id string) {
	r.mu.Lock()
	at := r.rooms[id]
	if at == nil {
		at = &room{}
		r.rooms[id] = at
	}
	r.mu.Unlock()
	at.mu.Lock()
	at.members = append(at.members, c)
	at.mu.Unlock()
	c.rooms[id] = at
}

// pass answers the sender and forwards to the others.
func (at *room) pass(from *conn, f *frame.Frame) {
	at.mu.Lock()
	defer at.mu.Unlock()
	at.seq++
	at.out = append(append(at.out[:0], `{"type":"ack","id":"`...), f.ID...)
	at.finish(f)
	from.write(at.out)
	at.out = append(append(at.out[:0], `{"type":"message","body":"`...), frame.Text...)
	at.finish(f)
	for _, c := range at.members {
		if c != from {
			c.write(at.out)
		}
	}
}

// finish appends what acks and messages have in common.
func (at *room) finish(f *frame.Frame) {
	at.out = append(append(at.out, `","room_id":"`...), f.Room...)
	at.out = append(append(at.out, `","client_msg_id":"`...), f.Key...)
	at.out = strconv.AppendInt(append(at.out, `","seq":`...), at.seq, 10)
	at.out = append(at.out, '}')
}

func (r *Relay) leave(c *conn) {
	for id, at := range c.rooms {
		r.mu.Lock()
		at.mu.Lock()
		for i, m := range at.members {
			if m == c {
				at.members = append(at.members[:i], at.members[i+1:]...)
				break
			}
		}
		if len(at.members) == 0 {
			delete(r.rooms, id)
		}
		at.mu.Unlock()
		r.mu.Unlock()
	}
}
