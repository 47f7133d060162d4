package httpserver

import (
	"net"
	"net/http"
	"testing"
	"time"
)

func TestPlacesLeaveTheRestItsFiles(t *testing.T) {
	for _, tc := range []struct {
		files, spare, most int
		enough             bool
	}{{1024, 100, 828, true}, {256, 87, 73, true}, {256, 150, 64, false}, {64, 500, 16, false}, {1 << 30, 100, 1<<30 - 196, true}} {
		if most, enough := places(tc.files, tc.spare); most != tc.most || enough != tc.enough {
			t.Errorf("%d files, %d spare: %d, %v, want %d, %v", tc.files, tc.spare, most, enough, tc.most, tc.enough)
		}
	}
}

// A place is given back once, however often its connection is closed, and the next who comes has it.
func TestAPlaceIsGivenBackOnce(t *testing.T) {
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := newBounded(inner, 1, 0, nil)
	turning := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.NotFoundHandler()}
	go func() { _ = turning.Serve(&b.beyond) }()
	t.Cleanup(func() { _, _ = turning.Close(), inner.Close() })
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := b.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	dial := func() net.Conn {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	dial()
	first := <-accepted
	dial() // one too many
	for deadline := time.Now().Add(10 * time.Second); b.turned.Load() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("nobody is turned away")
		}
		<-time.After(time.Millisecond)
	}
	_ = first.Close()
	_ = first.Close()
	if n := b.open.Load(); n != 0 {
		t.Errorf("%d places are taken", n)
	}
	dial()
	second := <-accepted
	if n := b.open.Load(); n != 1 {
		t.Errorf("%d places are taken", n)
	}
	_ = second.Close()
}
