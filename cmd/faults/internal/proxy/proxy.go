// Package proxy is a TCP proxy on one link of a cluster, on which the link can be broken in the ways that real ones
// break: cut with a reset, silent without a FIN, full, slow, or losing single frames of a protocol it understands.
package proxy

import (
	"bufio"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A Framer reads one whole unit of a protocol.
type Framer func(*bufio.Reader) ([]byte, error)

// Direction is where a frame travels to.
type Direction int

// The directions.
const (
	ToServer Direction = iota
	ToClient
)

// Admission says what becomes of new connections.
type Admission int32

// New connections pass, are reset, or are taken and never hear anything.
const (
	Pass Admission = iota
	Reset
	Silent
)

// Verdict is what a rule decides about a frame.
type Verdict int

// The verdicts.
const (
	Forward Verdict = iota
	Drop            // this frame never arrives
	Later           // it arrives after the next one
	Cut             // it never arrives, and both ends get a reset
	Hush            // it never arrives, nor does anything after it; nobody is told
)

// A Rule decides about each frame of every link; wait delays it and all behind it.
type Rule func(l *Link, to Direction, frame []byte) (v Verdict, wait time.Duration)

// Dial makes a connection to what is behind a proxy.
type Dial func() (net.Conn, error)

// To dials an address.
func To(addr string) Dial {
	return func() (net.Conn, error) { return (&net.Dialer{Timeout: 2 * time.Second}).Dial("tcp", addr) }
}

// Proxy listens on the loopback and passes each connection on to its target.
type Proxy struct {
	dial    atomic.Pointer[Dial]
	framer  Framer
	observe func(l *Link, to Direction, frame []byte)
	ln      net.Listener
	admit   atomic.Int32
	small   atomic.Bool
	rule    atomic.Pointer[Rule]

	mu     sync.Mutex
	links  map[*Link]struct{}
	closed bool
	wg     sync.WaitGroup
}

// Plain is a proxy that knows no protocol: a rule gets bytes as they come.
func Plain(ctx context.Context, target string) (*Proxy, error) {
	return listen(ctx, target, chunk, nil)
}

// Redis is a proxy whose frames are those of RESP. It notes which links are subscriptions.
func Redis(ctx context.Context, target string) (*Proxy, error) {
	return listen(ctx, target, ReadRESP, func(l *Link, to Direction, frame []byte) {
		if to == ToServer && isCommand(frame, "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE") {
			l.subscriber.Store(true)
		}
	})
}

// MySQL is a proxy whose frames are the packets of MySQL's protocol.
func MySQL(ctx context.Context, target string) (*Proxy, error) {
	return listen(ctx, target, ReadPacket, nil)
}

func listen(ctx context.Context, target string, f Framer, observe func(*Link, Direction, []byte)) (*Proxy, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return serve(ln, To(target), f, observe), nil
}

// Between is a Plain proxy from a listener, which it takes over, to whatever dial reaches.
func Between(ln net.Listener, dial Dial) *Proxy { return serve(ln, dial, chunk, nil) }

func serve(ln net.Listener, dial Dial, f Framer, observe func(*Link, Direction, []byte)) *Proxy {
	p := &Proxy{framer: f, observe: observe, ln: ln, links: map[*Link]struct{}{}}
	p.Aim(dial)
	p.wg.Go(p.accept)
	return p
}

// Aim lets connections that come from now on reach something else, as when a name or an address is given to another server.
func (p *Proxy) Aim(dial Dial) { p.dial.Store(&dial) }

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Admit says what becomes of connections that come from now on.
func (p *Proxy) Admit(a Admission) { p.admit.Store(int32(a)) }

// SmallBuffers lets links made from now on hold little that the client has not read.
func (p *Proxy) SmallBuffers() { p.small.Store(true) }

// SetRule puts a rule in force for all links; nil passes everything.
func (p *Proxy) SetRule(r Rule) {
	if r == nil {
		p.rule.Store(nil)
		return
	}
	p.rule.Store(&r)
}

// All matches every link.
func All(*Link) bool { return true }

// Open counts the matching links that the client holds open; what the proxy has not noticed of the server's end is not
// the client's doing.
func (p *Proxy) Open(match func(*Link) bool) (n int) {
	p.each(match, func(l *Link) {
		if !l.left.Load() {
			n++
		}
	})
	return n
}

// Cut resets both ends of the matching links and answers how many there were.
func (p *Proxy) Cut(match func(*Link) bool) int { return p.each(match, (*Link).cut) }

// Hush lets nothing pass on the matching links from now on, and tells nobody: as when a radio dies or a firewall forgets.
func (p *Proxy) Hush(match func(*Link) bool) int {
	return p.each(match, func(l *Link) { l.hushed.Store(true) })
}

// Stall stops reading from the server on the matching links, so that its buffers fill up; Unstall goes on where it stopped.
func (p *Proxy) Stall(match func(*Link) bool) int { return p.each(match, (*Link).stall) }

// Unstall ends Stall.
func (p *Proxy) Unstall() { p.each(All, (*Link).unstall) }

// Heal passes everything again: rules, admission and stalls end. Links that have lost something stay as they are.
func (p *Proxy) Heal() {
	p.SetRule(nil)
	p.Admit(Pass)
	p.Unstall()
}

// Close ends everything.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.ln.Close()
	p.each(All, (*Link).cut)
	p.wg.Wait()
}

func (p *Proxy) each(match func(*Link) bool, do func(*Link)) (n int) {
	p.mu.Lock()
	var found []*Link
	for l := range p.links {
		if match(l) {
			found = append(found, l)
		}
	}
	p.mu.Unlock()
	for _, l := range found {
		do(l)
	}
	return len(found)
}

func (p *Proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.pass(c.(*net.TCPConn)) })
	}
}

func (p *Proxy) pass(client *net.TCPConn) {
	l := &Link{proxy: p, client: client, over: make(chan struct{})}
	mode := Admission(p.admit.Load())
	if mode == Reset {
		reset(client)
		return
	}
	l.hushed.Store(mode == Silent)
	server, err := (*p.dial.Load())()
	if err != nil {
		reset(client)
		return
	}
	l.server = server.(*net.TCPConn)
	if p.small.Load() {
		_ = l.server.SetReadBuffer(16 << 10)
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		l.cut()
		return
	}
	p.links[l] = struct{}{}
	p.mu.Unlock()
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(l.client, l.server, ToServer) })
	pumps.Go(func() { l.pump(l.server, l.client, ToClient) })
	pumps.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
	_ = l.client.Close()
	_ = l.server.Close()
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// chunk is the framer of no protocol.
func chunk(r *bufio.Reader) ([]byte, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, err
	}
	b := make([]byte, r.Buffered())
	n, err := r.Read(b)
	return b[:n], err
}
