package events_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mall/modules/chat/internal/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is how long a test waits for what must come.
const soon = time.Minute

// stream is a connection and its peer, who has asked for it and read nothing yet.
type stream struct {
	*events.Conn
	peer   net.Conn
	served chan struct{} // closed when Serve has returned
}

func open(t *testing.T, cfg events.Config) stream {
	t.Helper()
	opened, served := make(chan *events.Conn, 1), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served)
		c, err := events.Open(w, cfg)
		if err != nil {
			t.Error(err)
			return
		}
		opened <- c
		c.Serve(r.Context().Done())
	}))
	t.Cleanup(server.Close)
	peer, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	if err := peer.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	return stream{<-opened, peer, served}
}

func (s stream) ends(t *testing.T) {
	t.Helper()
	select {
	case <-s.served:
	case <-time.After(soon):
		t.Fatal("the connection does not end")
	}
}

// A peer that never reads holds nothing up: neither who sends, nor who waits for room, nor the connection's own goroutine.
func TestAPeerThatNeverReadsIsCut(t *testing.T) {
	t.Parallel()
	s := open(t, events.Config{QueueFrames: 256, QueueBytes: 1 << 20})
	frame := []byte(strings.Repeat("x", 64<<10))
	room := make(chan bool)
	go func() {
		for s.WaitForSpace(context.Background()) {
			s.Send(frame)
		}
		room <- false
	}()
	s.ends(t)
	select {
	case <-room:
	case <-time.After(soon):
		t.Fatal("who waits for room is never told that the connection is over")
	}
	for range 1000 {
		s.Send(frame) // to nobody
	}
	if s.WaitForSpace(t.Context()) {
		t.Error("a connection that is over has room")
	}
}

// Who reads too slowly for what is sent is told so, and does not get the rest.
func TestASlowReaderIsClosed(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]events.Config{
		"frames": {QueueFrames: 16, QueueBytes: 1 << 30},
		"bytes":  {QueueFrames: 1 << 20, QueueBytes: 256 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, cfg)
			frame := []byte(strings.Repeat("x", 64<<10))
			for range 1000 { // 64 MB at once
				s.Send(frame)
			}
			lines := bufio.NewReader(s.peer) // it begins to read just in time
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					t.Fatalf("no close event: %v", err)
				}
				if line == "event: close\n" {
					break
				}
			}
			if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "4508") {
				t.Errorf("closed with %q, %v", line, err)
			}
			s.ends(t)
		})
	}
}

// A peer that reads slowly, and yet reads, keeps its connection however much waits for it.
func TestASteadyReaderStays(t *testing.T) {
	t.Parallel()
	const frames, size = 1600, 10 << 10
	s := open(t, events.Config{QueueFrames: frames, QueueBytes: frames * size})
	all := make([][]byte, frames)
	for i := range all {
		all[i] = []byte(strings.Repeat("x", size))
	}
	s.SendAll(all)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	lines := bufio.NewReaderSize(s.peer, 4<<10)
	got := 0
	for got < frames {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d of %d frames: %v", got, frames, err)
		}
		if strings.HasPrefix(line, "data: ") {
			got++
			<-tick.C
		}
	}
	_ = s.peer.Close()
	s.ends(t)
}
