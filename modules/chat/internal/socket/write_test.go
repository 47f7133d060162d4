package socket_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/modules/chat/internal/socket"
)

func TestFramesArriveInOrder(t *testing.T) {
	p := connect(t, roomy)
	for i := range 100 {
		p.Send(fmt.Append(nil, i))
	}
	p.SendAll([][]byte{[]byte("a"), {}, []byte(strings.Repeat("긴", 10_000))})
	for i := range 100 {
		if got := p.read(t); got != fmt.Sprint(i) {
			t.Fatalf("got %q, want %d", got, i)
		}
	}
	for _, want := range []string{"a", "", strings.Repeat("긴", 10_000)} {
		if got := p.read(t); got != want {
			t.Fatalf("got %.20q, want %.20q", got, want)
		}
	}
}

func TestCloseReachesThePeerAfterWhatIsQueued(t *testing.T) {
	p := connect(t, roomy)
	p.Send([]byte("last words"))
	p.Close(socket.CloseToken, "logged out")
	p.Send([]byte("too late"))
	p.Close(socket.CloseAbuse, "a second reason")
	if got := p.read(t); got != "last words" {
		t.Errorf("got %q", got)
	}
	if code, reason := p.ends(t); code != socket.CloseToken || reason != "logged out" {
		t.Errorf("closed with %d %q", code, reason)
	}
	p.ear.over(t, 5*time.Second)
}

func TestReasons(t *testing.T) {
	p := connect(t, roomy)
	p.Close(socket.CloseForbidden, strings.Repeat("가", 60)) // cut inside a character
	if code, reason := p.ends(t); code != socket.CloseForbidden || reason != strings.Repeat("가", 40) {
		t.Errorf("closed with %d %q", code, reason)
	}
	p = connect(t, roomy)
	p.CloseGoing(1500 * time.Millisecond)
	code, reason := p.ends(t)
	var says struct {
		SpreadMS int `json:"spread_ms"`
	}
	if err := json.Unmarshal([]byte(reason), &says); err != nil || code != 1012 || says.SpreadMS != 1500 {
		t.Errorf("closed with %d %q: %v", code, reason, err)
	}
}

// fill sends until the connection gives up on its peer.
func fill(t *testing.T, p pair, size int) {
	t.Helper()
	text := make([]byte, size)
	for range 1 << 30 / size {
		p.Send(text)
		if p.Over() {
			return
		}
	}
	t.Fatal("the queue has no end")
}

func TestASlowReaderIsClosed(t *testing.T) {
	for name, cfg := range map[string]socket.Config{
		"frames": {FrameBytes: 1 << 10, QueueFrames: 32, QueueBytes: 1 << 30, DeadAfter: time.Minute},
		"bytes":  {FrameBytes: 1 << 10, QueueFrames: 1 << 20, QueueBytes: 256 << 10, DeadAfter: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			p := connect(t, cfg)
			fill(t, p, 64<<10)
			if code, reason := p.ends(t); code != socket.CloseSlowReader { // it begins to read just in time
				t.Errorf("closed with %d %q", code, reason)
			}
			p.ear.over(t, 5*time.Second)
		})
	}
}

// A peer that does not read at all cannot be told, and must not hold anything up.
func TestAPeerThatNeverReadsIsCut(t *testing.T) {
	p := connect(t, roomy, func(u *socket.Upgrader) { u.Limit(300*time.Millisecond, time.Minute, 200*time.Millisecond) })
	fill(t, p, 64<<10)
	p.ear.over(t, 5*time.Second)
	if p.WaitForSpace(t.Context()) {
		t.Error("a connection that is over has space")
	}
}

// A frame larger than the whole queue could never leave.
func TestAFrameLargerThanTheQueue(t *testing.T) {
	p := connect(t, roomy)
	p.Send(make([]byte, roomy.QueueBytes+1))
	p.endsWith(t, socket.CloseSlowReader)
}

func TestWaitForSpace(t *testing.T) {
	p := connect(t, roomy)
	if !p.WaitForSpace(t.Context()) {
		t.Error("an empty queue has no space")
	}
	text := make([]byte, 16<<10)
	const n = 2000
	go func() {
		for range n { // far more than the queue holds
			_, _, err := p.peer.ReadMessage()
			if err != nil {
				return
			}
		}
		_ = p.peer.WriteMessage(websocket.TextMessage, []byte("all of it"))
	}()
	for i := range n {
		if i%50 == 0 && !p.WaitForSpace(t.Context()) {
			t.Fatal("no space")
		}
		p.Send(text)
	}
	p.ear.hears(t, "all of it")
}

// block leaves a frame in the queue: the one before it is more than the system takes for a peer that does not read.
func block(t *testing.T) pair {
	t.Helper()
	p := connect(t, socket.Config{FrameBytes: 1 << 10, QueueFrames: 8, QueueBytes: 64 << 20, DeadAfter: time.Minute})
	p.Send(make([]byte, 32<<20))
	until(t, "the writer is at it", func() bool { return p.Queued() == 0 })
	p.Send([]byte("waits"))
	return p
}

func TestRoomEndsWithWhoeverWaits(t *testing.T) {
	p := block(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if p.WaitForSpace(gone) {
		t.Error("space for somebody who is gone")
	}
}

func TestRoomEndsWithTheConnection(t *testing.T) {
	for name, end := range map[string]func(pair){
		"peer gone": func(p pair) { _ = p.peer.Close() },
		"too slow": func(p pair) {
			for range 10 {
				p.Send(nil)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := block(t)
			space := make(chan bool, 1)
			go func() { space <- p.WaitForSpace(t.Context()) }()
			end(p)
			select {
			case got := <-space:
				if got {
					t.Error("a connection that is over has space")
				}
			case <-time.After(soon):
				t.Error("who waits is never told that the connection is over")
			}
		})
	}
}

func TestEverythingAtOnce(t *testing.T) {
	for range 20 {
		p := connect(t, roomy)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for j := range 50 {
					switch {
					case i == 0 && j == 30:
						p.Close(socket.CloseResync, "")
					case j%10 == 9:
						p.Ping()
						p.WaitForSpace(t.Context())
					case j%10 == 5:
						p.SendAll([][]byte{[]byte("a"), []byte("b")})
					default:
						p.Send([]byte("x"))
					}
				}
			})
		}
		wg.Go(func() {
			for range 20 {
				_ = p.peer.WriteMessage(websocket.TextMessage, []byte("y"))
			}
		})
		p.endsWith(t, socket.CloseResync)
		wg.Wait()
		p.ear.over(t, 5*time.Second)
	}
}

func BenchmarkSend(b *testing.B) {
	for _, size := range []int{200, 4000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p := connect(b, roomy)
			go func() {
				for {
					if _, _, err := p.peer.NextReader(); err != nil {
						return
					}
				}
			}()
			text := make([]byte, size)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				if i%64 == 0 && !p.WaitForSpace(b.Context()) {
					b.Fatal("closed")
				}
				p.Send(text)
			}
		})
	}
}
