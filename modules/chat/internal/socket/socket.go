// Package socket is one WebSocket connection: its limits, its queue, its two pumps. It knows no chat.
package socket

import (
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Close codes of the contract. 44xx: do not come back by yourself. 45xx: come back with jitter.
const (
	CloseGoingAway   = websocket.CloseServiceRestart // 1012
	CloseUnsupported = websocket.CloseUnsupportedData
	CloseBadText     = websocket.CloseInvalidFramePayloadData
	CloseTooBig      = websocket.CloseMessageTooBig
	CloseOverload    = websocket.CloseTryAgainLater
	CloseAbuse       = 4400
	CloseToken       = 4401
	CloseForbidden   = 4403
	CloseTooMany     = 4409
	CloseSlowReader  = 4508
	CloseResync      = 4510
	CloseFlood       = 4529
	closeReasonMax   = 120 // bytes; a control frame holds 125 with the code
	readBuffer       = 512
	keptBuffer       = 4 << 10 // an idle connection keeps no larger buffer for what it reads
)

// Config bounds a connection.
type Config struct {
	FrameBytes  int           // largest text message taken
	QueueFrames int           // frames waiting for a slow reader; one more closes it
	QueueBytes  int           // their bytes
	DeadAfter   time.Duration // silence for so long means that the peer is gone
}

// Handler gets what the peer does. Calls come one at a time.
type Handler interface {
	Frame(text []byte) // text is only good during the call
	Closed()           // the connection is over; called exactly once, last
}

var buffers sync.Pool // gorilla takes a write buffer from here for the time of one write

// Upgrader answers handshakes.
type Upgrader struct {
	ws     websocket.Upgrader
	cfg    Config
	limits limits
}

// limits are the times that nobody needs to configure but tests.
type limits struct {
	write    time.Duration // one frame must have left after so long
	fragment time.Duration // a whole message, in however many fragments, has this long
	goodbye  time.Duration // for the peer to take our close frame and to answer it
}

// NewUpgrader answers handshakes that name the given subprotocol. It does not look at the Origin: who is
// allowed in must be settled before. Compression stays off: it doubles the cost of a write and lets a small
// frame grow past the limit.
func NewUpgrader(subprotocol string, cfg Config) *Upgrader {
	return &Upgrader{cfg: cfg, limits: limits{5 * time.Second, 10 * time.Second, time.Second}, ws: websocket.Upgrader{
		HandshakeTimeout: 5 * time.Second,
		ReadBufferSize:   readBuffer,
		WriteBufferSize:  4 << 10,
		WriteBufferPool:  &buffers,
		Subprotocols:     []string{subprotocol},
		CheckOrigin:      func(*http.Request) bool { return true },
		Error:            func(http.ResponseWriter, *http.Request, int, error) {}, // the caller answers
	}}
}

// Upgrade takes over the request's connection. After an error the caller answers the request, if the
// response has not begun.
func (u *Upgrader) Upgrade(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	h := &hijacker{ResponseWriter: w}
	ws, err := u.ws.Upgrade(h, r, nil)
	if err != nil {
		return nil, err
	}
	return &Conn{ws: ws, wire: h.conn, cfg: u.cfg, limits: u.limits}, nil
}

// Offered lists the subprotocols that the client offers.
func Offered(r *http.Request) []string { return websocket.Subprotocols(r) }

// Version is the version of WebSocket that is spoken; a refusal names it.
const Version = "13"

// Wanted says whether the request asks for a WebSocket at all.
func Wanted(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// Conn is one connection. Nothing is read before Serve. Send and Close may be called from anywhere.
type Conn struct {
	ws       *websocket.Conn
	wire     *corked // what ws writes to
	cfg      Config
	limits   limits
	halfRead bool // there is more of a message to come; only the reading goroutine looks

	mu      sync.Mutex
	queue   [][]byte // a nil frame is a ping
	spare   [][]byte // of the last queue, for the next
	bytes   int
	emptied chan struct{} // somebody waits for the queue to be empty
	writing bool          // a goroutine is emptying the queue
	closing error         // set once: no frame is taken any more
	until   time.Time     // when a peer that does not read holds up the closing no longer
	code    int
	reason  string
}

// Deaf is the handler of a connection that was refused: nobody listens to it.
type Deaf struct{}

// Frame ignores what the peer says.
func (Deaf) Frame([]byte) {}

// Closed has nothing to give back.
func (Deaf) Closed() {}
