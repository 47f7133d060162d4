package socket_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/modules/chat/internal/socket"
)

func TestFramesAreHeardWhole(t *testing.T) {
	p := connect(t, roomy)
	big := strings.Repeat("x", roomy.FrameBytes)
	for _, text := range []string{"", "안녕", big, "small again", big} {
		check(t, p.peer.WriteMessage(websocket.TextMessage, []byte(text)))
		p.ear.hears(t, text)
	}
	p.raw(t, frame(opText, "one "), frame(opContinue, ""), frame(final|opPing, "?"), frame(opContinue, "two "), frame(final|opContinue, "three"))
	p.ear.hears(t, "one two three")
}

// What the contract does not allow is answered with its code, and the peer gets to read it even while it
// goes on sending.
func TestWhatIsNotAllowed(t *testing.T) {
	tooBig := frame(final|opText, strings.Repeat("x", 1<<20))
	huge := append([]byte{final | opText, 0x80 | 127}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)
	for name, tc := range map[string]struct {
		bytes []byte
		code  int
	}{
		"binary":                   {frame(final|2, "x"), 1003},
		"not UTF-8":                {frame(final|opText, "\xff"), 1007},
		"half a character":         {frame(final|opText, "가"[:2]), 1007},
		"too big":                  {tooBig, 1009},
		"a byte too big":           {frame(final|opText, strings.Repeat("x", roomy.FrameBytes+1)), 1009},
		"too big in fragments":     {append(frame(opText, strings.Repeat("x", roomy.FrameBytes)), frame(opContinue, "y")...), 1009},
		"too big to count":         {huge, 1009},
		"compressed":               {frame(final|rsv1|opText, "x"), 1002},
		"compressed fragment":      {append(frame(rsv1|opText, "x"), frame(final|opContinue, "x")...), 1002},
		"reserved bits":            {frame(final|rsv2|rsv3|opText, "x"), 1002},
		"unknown opcode":           {frame(final|3, "x"), 1002},
		"without a mask":           {[]byte{final | opText, 1, 'x'}, 1002},
		"continuation of nothing":  {frame(final|opContinue, "x"), 1002},
		"text inside a message":    {append(frame(opText, "x"), frame(final|opText, "y")...), 1002},
		"fragmented ping":          {frame(opPing, "x"), 1002},
		"long ping":                {frame(final|opPing, strings.Repeat("x", 126)), 1002},
		"close with a bad code":    {frame(final|opClose, "\x00\x01"), 1002},
		"close with a bad reason":  {frame(final|opClose, "\x03\xe8\xff"), 1002},
		"compressed control frame": {frame(final|rsv1|opPing, ""), 1002},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := connect(t, roomy, hasty)
			var talking sync.WaitGroup
			talking.Go(func() {
				_, _ = p.peer.NetConn().Write(tc.bytes)
				for more := frame(final|opText, strings.Repeat("more", 1000)); ; {
					if _, err := p.peer.NetConn().Write(more); err != nil {
						return
					}
				}
			})
			p.endsWith(t, tc.code)
			p.ear.over(t, 5*time.Second)
			_ = p.peer.Close()
			talking.Wait()
			if len(p.ear.frames) > 0 {
				t.Errorf("heard %.20q", <-p.ear.frames)
			}
		})
	}
}

func TestThePeersCloseIsAnswered(t *testing.T) {
	p := connect(t, roomy)
	check(t, p.peer.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, "bye"), time.Now().Add(soon)))
	p.endsWith(t, 1000)
	p.ear.over(t, 5*time.Second)
}

func TestThePeerVanishes(t *testing.T) {
	p := connect(t, roomy)
	check(t, p.peer.NetConn().(*net.TCPConn).SetLinger(0)) // a reset instead of an orderly end
	_ = p.peer.NetConn().Close()
	p.ear.over(t, 5*time.Second)
	p.Send([]byte("to nobody"))
	p.Close(socket.CloseGoingAway, "")
}

// After Close nothing is heard any more, and a peer that neither answers nor stops talking is cut.
func TestAPeerThatDoesNotTakeTheHint(t *testing.T) {
	t.Parallel()
	p := connect(t, roomy, hasty)
	p.Close(socket.CloseFlood, "enough")
	stop := make(chan struct{})
	var talking sync.WaitGroup
	talking.Go(func() {
		text := append(frame(final|opText, "blah"), frame(final|opPing, "")...)
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := p.peer.NetConn().Write(text); err != nil {
					return
				}
			}
		}
	})
	p.ear.over(t, 5*time.Second)
	close(stop)
	talking.Wait()
	if len(p.ear.frames) > 0 {
		t.Errorf("heard %q after Close", <-p.ear.frames)
	}
}

// A message has only so long, in however many pieces it comes and however often the peer pings in between.
func TestAMessageWithoutAnEnd(t *testing.T) {
	for name, piece := range map[string][]byte{
		"empty fragments": frame(opContinue, ""),
		"pings":           frame(final|opPing, ""),
		"nothing":         nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := connect(t, roomy, func(u *socket.Upgrader) { u.Limit(time.Second, 300*time.Millisecond, 200*time.Millisecond) })
			p.raw(t, frame(opText, "begin"))
			var talking sync.WaitGroup
			talking.Go(func() {
				for piece != nil {
					if _, err := p.peer.NetConn().Write(piece); err != nil {
						return
					}
				}
			})
			p.endsWith(t, websocket.ClosePolicyViolation)
			p.ear.over(t, 5*time.Second)
			_ = p.peer.Close()
			talking.Wait()
		})
	}
}

func TestSilenceIsDeath(t *testing.T) {
	t.Parallel()
	cfg := roomy
	cfg.DeadAfter = 200 * time.Millisecond
	p := connect(t, cfg, hasty)
	began := time.Now()
	p.peer.SetPingHandler(func(string) error { return nil })
	p.Ping() // is not answered
	p.endsWith(t, websocket.ClosePolicyViolation)
	if took := time.Since(began); took < cfg.DeadAfter-50*time.Millisecond || took > 5*time.Second {
		t.Errorf("silence took %v", took)
	}
	p.ear.over(t, 5*time.Second)
}

// Answers to our pings, the peer's own pings, and messages are all signs of life.
func TestSignsOfLife(t *testing.T) {
	t.Parallel()
	cfg := roomy
	cfg.DeadAfter = time.Second
	var reading sync.WaitGroup
	living := map[string]pair{}
	for _, sign := range []string{"pongs", "pings", "messages"} {
		p := connect(t, cfg, hasty)
		living[sign] = p
		reading.Go(func() {
			for {
				if _, _, err := p.peer.ReadMessage(); err != nil {
					return
				}
			}
		})
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * cfg.DeadAfter); time.Now().Before(end); <-tick.C {
		living["pongs"].Ping()
		check(t, living["pings"].peer.WriteControl(websocket.PingMessage, nil, time.Now().Add(soon)))
		check(t, living["messages"].peer.WriteMessage(websocket.TextMessage, []byte("x")))
	}
	for sign, p := range living {
		if p.Over() {
			t.Errorf("a peer with %s was closed", sign)
		}
		_ = p.peer.Close()
	}
	reading.Wait()
}

func TestHandshakes(t *testing.T) {
	upgrader := socket.NewUpgrader("test.v1", roomy)
	plain := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	if socket.Wanted(plain) {
		t.Error("a plain request wants no socket")
	}
	w := httptest.NewRecorder()
	if _, err := upgrader.Upgrade(w, plain); err == nil || w.Body.Len() > 0 {
		t.Errorf("a plain request: %v, answered %q; the caller answers", err, w.Body)
	}
	plain.Header.Set("Sec-WebSocket-Protocol", "test.v1, bearer.abc")
	if got := socket.Offered(plain); len(got) != 2 || got[1] != "bearer.abc" {
		t.Errorf("offered %q", got)
	}
}

func TestDeafListensToNothing(t *testing.T) {
	socket.Deaf{}.Frame([]byte("x"))
	socket.Deaf{}.Closed()
}
