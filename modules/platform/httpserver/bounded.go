package httpserver

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mall/modules/platform/bucket"
)

// A process that has no file left can accept nobody: whoever dials then waits without an answer, the supervisor too, and
// the database gets no new connection. So the public address takes only as many connections as leave the rest of the
// program its files. What comes beyond is answered 503 by a small server beside; what is too much for that is reset.
const (
	turnedAtOnce = 32                     // connections that are being told to come back
	turnPatience = 200 * time.Millisecond // how long one more waits for that, and all behind it
	turnTime     = 500 * time.Millisecond // in which a peer must have said what it wants, and taken the answer
	ownFiles     = 96                     // those, the internal address' connections, listeners, standard streams, the runtime's
)

// places is how many connections the public address takes. files is the process's limit, spare what the program needs
// besides. enough is false when the limit is too small for that: a quarter of it is served all the same.
func places(files, spare int) (n int, enough bool) {
	n = files - spare - ownFiles
	if least := files / 4; n < least {
		return least, false
	}
	return n, true
}

// fileLimit is the process's limit of open files. Go has raised the soft limit to the hard one by the time main runs.
func fileLimit() (int, error) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return int(min(limit.Cur, 1<<30)), err
}

// bounded takes at most so many connections at once.
type bounded struct {
	net.Listener

	most    int64
	perIP   int            // connections of one address; 0: any number
	proxies proxies        // whose connections are other people's
	from    *bucket.Places // addresses
	open    atomic.Int64
	turning chan struct{} // holds a token for each that is being told to come back
	turned  atomic.Int64  // so far, answered or not
	beyond  beyond
}

func newBounded(l net.Listener, most, perIP int, trusted proxies) *bounded {
	return &bounded{Listener: l, most: int64(most), perIP: perIP, proxies: trusted, from: bucket.NewPlaces(),
		turning: make(chan struct{}, turnedAtOnce),
		beyond:  beyond{addr: l.Addr(), conns: make(chan net.Conn), closed: make(chan struct{})}}
}

// Accept gives the next connection for which there is a place.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := conn.(*net.TCPConn)
		if !ok {
			return conn, nil // no file of the kind that is counted here
		}
		p := &placed{TCPConn: tcp, at: b}
		if p.counted = b.count(tcp); p.counted && !b.from.Enter(p.key(), b.perIP) {
			b.turned.Add(1)
			b.refuse(tcp)
			continue
		}
		if b.open.Add(1) <= b.most {
			return p, nil
		}
		b.open.Add(-1)
		b.turned.Add(1)
		if p.counted {
			b.from.Leave(p.key())
		}
		b.turnAway(tcp)
	}
}

// count says whether the peer's connections are counted: those of our proxies are all people's.
func (b *bounded) count(conn *net.TCPConn) bool {
	return b.perIP > 0 && !b.proxies.trust(peerOf(conn))
}

func peerOf(conn *net.TCPConn) netip.Addr {
	peer, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return peer.AddrPort().Addr().Unmap().WithZone("")
}

// refuse tells a peer that has too many connections already where that costs nobody's time, and resets it else: all others
// wait behind it.
func (b *bounded) refuse(conn *net.TCPConn) {
	select {
	case b.turning <- struct{}{}:
		b.beyond.give(&placed{TCPConn: conn, at: b, turned: true})
	default:
		reset(conn)
	}
}

func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0) // the peer learns it at once, and nothing of it is kept here
	_ = conn.Close()
}

func (b *bounded) turnAway(conn *net.TCPConn) {
	wait := time.NewTimer(turnPatience)
	defer wait.Stop()
	select {
	case b.turning <- struct{}{}:
		b.beyond.give(&placed{TCPConn: conn, at: b, turned: true})
	case <-wait.C:
		reset(conn)
	}
}

// placed is a connection that gives its place back when it is closed. It is a TCPConn still, so that net/http and the
// sockets find what they look for.
type placed struct {
	*net.TCPConn

	at      *bounded
	turned  bool // its place is among those that are being told to come back
	counted bool // it has one of its address' places, too
	left    atomic.Bool
}

func (p *placed) key() bucket.Key { return bucket.Key{Who: network(peerOf(p.TCPConn))} }

// Close ends the connection.
func (p *placed) Close() error {
	err := p.TCPConn.Close()
	switch {
	case p.left.Swap(true):
	case p.turned:
		<-p.at.turning
	default:
		p.at.open.Add(-1)
		if p.counted {
			p.at.from.Leave(p.key())
		}
	}
	return err
}

// beyond is the listener of the server that turns connections away.
type beyond struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (b *beyond) give(conn net.Conn) {
	select {
	case b.conns <- conn:
	case <-b.closed:
		_ = conn.Close()
	}
}

// Accept gives the next connection that is to be turned away.
func (b *beyond) Accept() (net.Conn, error) {
	select {
	case conn := <-b.conns:
		return conn, nil
	case <-b.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (b *beyond) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// Addr is the public address.
func (b *beyond) Addr() net.Addr { return b.addr }
