package attacks_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"mall/modules/platform/id"
)

var socketAttacks = []attack{
	{"broken frames", "breaks the rules of WebSocket, byte by byte", "the close code of the contract, never another answer", brokenFrames},
	{"handshakes that are none", "asks for an upgrade in wrong ways", "400 or 426 with Sec-WebSocket-Version", brokenHandshakes},
	{"nonsense", "sends text frames that mean nothing", "an error each; too many close with 4400", nonsense},
	{"the longest message", "sends 2,000 signs beyond the basic plane, as ASCII escapes", "the same limit as for any other message", longestMessage},
	{"typing", "lets a room's other side hear typing thousands of times", "no more than a budget reaches them", typingFlood},
	{"pings", "asks thousands of times whether the mall is there", "no more answers than a budget, or 4529", pingFlood},
	{"subjects", "changes a room's subject again and again", "429 with Retry-After", subjectFlood},
}

// raw is a WebSocket on which any bytes may be written.
type raw struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (w *world) raw(t *testing.T, p *person) *raw {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: soon}).DialContext(t.Context(), "tcp", w.m.instances[0].Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(soon))
	fmt.Fprintf(conn, "GET /api/v1/chat/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mall.chat.v1\r\nAuthorization: Bearer %s\r\nX-Forwarded-For: %s\r\n\r\n",
		w.m.instances[0].Addr, p.token, p.ip)
	r := &raw{t: t, conn: conn, in: bufio.NewReader(conn)}
	res, err := http.ReadResponse(r.in, nil) //nolint:bodyclose // the body of a 101 is the connection
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v %v", res, err)
	}
	return r
}

const (
	final  = 0x80
	masked = 0x80
)

// frame writes one frame. first is FIN, reserved bits and opcode.
func (r *raw) frame(first byte, mask byte, payload []byte) {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, mask|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, mask|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, mask|127), uint64(n))
	}
	if mask != 0 {
		b = append(b, 0, 0, 0, 0) // a mask that changes nothing
	}
	_, _ = r.conn.Write(append(b, payload...))
}

// closed reads until the server's close and gives its code; 0 for an end without one.
func (r *raw) closed() int {
	for {
		first, err := r.in.ReadByte()
		if err != nil {
			return 0
		}
		length, err := r.in.ReadByte()
		if err != nil {
			return 0
		}
		n := uint64(length & 0x7f)
		switch n {
		case 126:
			var b [2]byte
			_, err = io.ReadFull(r.in, b[:])
			n = uint64(binary.BigEndian.Uint16(b[:]))
		case 127:
			var b [8]byte
			_, err = io.ReadFull(r.in, b[:])
			n = binary.BigEndian.Uint64(b[:])
		}
		payload := make([]byte, min(n, 1<<20))
		if _, bad := io.ReadFull(r.in, payload); err != nil || bad != nil {
			return 0
		}
		if first&0x0f == 8 && len(payload) >= 2 {
			return int(binary.BigEndian.Uint16(payload))
		}
	}
}

func brokenFrames(t *testing.T, w *world) {
	p := w.member("noise")
	ping := []byte(`{"type":"ping","id":"1"}`)
	for name, tc := range map[string]struct {
		send func(r *raw)
		code []int
	}{
		"unmasked":             {func(r *raw) { r.frame(final|1, 0, ping) }, []int{1002, 0}},
		"reserved bit 1":       {func(r *raw) { r.frame(final|0x40|1, masked, ping) }, []int{1002}},
		"reserved bit 3":       {func(r *raw) { r.frame(final|0x10|1, masked, ping) }, []int{1002}},
		"opcode 3":             {func(r *raw) { r.frame(final|3, masked, ping) }, []int{1002}},
		"opcode 15":            {func(r *raw) { r.frame(final|15, masked, ping) }, []int{1002}},
		"binary":               {func(r *raw) { r.frame(final|2, masked, ping) }, []int{1003}},
		"bad UTF-8":            {func(r *raw) { r.frame(final|1, masked, []byte("{\"type\":\"\xff\"}")) }, []int{1007}},
		"a surrogate in UTF-8": {func(r *raw) { r.frame(final|1, masked, []byte("{\"type\":\"\xed\xa0\x80\"}")) }, []int{1007}},
		"too big":              {func(r *raw) { r.frame(final|1, masked, bytes.Repeat([]byte(" "), 1<<20)) }, []int{1009}},
		"too big in fragments": {fragments(1, 200, 4096), []int{1009}},
		"a length of 2^63": {func(r *raw) {
			_, _ = r.conn.Write([]byte{final | 1, masked | 127, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		}, []int{1002, 1009}},
		"a length beyond the end": {func(r *raw) {
			_, _ = r.conn.Write([]byte{final | 1, masked | 127, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0})
		}, []int{1002, 1009}},
		"a fragmented ping":         {func(r *raw) { r.frame(9, masked, nil) }, []int{1002}},
		"a ping of 126 bytes":       {func(r *raw) { r.frame(final|9, masked, bytes.Repeat([]byte("x"), 126)) }, []int{1002}},
		"a continuation of nothing": {func(r *raw) { r.frame(final, masked, ping) }, []int{1002}},
		"a new one inside another":  {func(r *raw) { r.frame(1, masked, ping); r.frame(final|1, masked, ping) }, []int{1002}},
		"a close of one byte":       {func(r *raw) { r.frame(final|8, masked, []byte{3}) }, []int{1002, 1005, 1000, 0}},
		"a close with a false code": {func(r *raw) { r.frame(final|8, masked, []byte{0x03, 0xed}) }, []int{1002, 1005, 1000, 0}},
	} {
		r := w.raw(t, p)
		tc.send(r)
		got := r.closed()
		_ = r.conn.Close()
		found := false
		for _, code := range tc.code {
			found = found || got == code
		}
		if !found {
			t.Errorf("%s: closed with %d, want %v", name, got, tc.code)
		}
	}
	w.member("honest").connect().settle()
}

func fragments(opcode byte, n, size int) func(r *raw) {
	return func(r *raw) {
		for i := range n {
			r.frame(opcode, masked, bytes.Repeat([]byte(" "), size))
			if opcode = 0; i == n-2 {
				opcode = final
			}
		}
	}
}

func brokenHandshakes(t *testing.T, w *world) {
	p := w.member("noise")
	upgrade := []header{{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"},
		{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"Sec-WebSocket-Protocol", "mall.chat.v1"}}
	but := func(name, value string) []header {
		changed := append([]header(nil), upgrade...)
		for i := range changed {
			if changed[i].name == name {
				changed[i].value = value
			}
		}
		return changed
	}
	for name, headers := range map[string][]header{
		"version 8": but("Sec-WebSocket-Version", "8"), "version 99": but("Sec-WebSocket-Version", "99"), "no version": but("Sec-WebSocket-Version", ""),
	} {
		a := p.call("GET", "/chat/ws", nil, headers...)
		if a.status != http.StatusUpgradeRequired && a.status != http.StatusBadRequest || a.header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("%s: %s, Sec-WebSocket-Version %q", name, a, a.header.Get("Sec-WebSocket-Version"))
		}
	}
	for name, headers := range map[string][]header{
		"no key": but("Sec-WebSocket-Key", ""), "a short key": but("Sec-WebSocket-Key", "YQ=="),
		"another protocol": but("Sec-WebSocket-Protocol", "mall.chat.v9"), "no upgrade": nil,
	} {
		if a := p.call("GET", "/chat/ws", nil, headers...); a.status != http.StatusBadRequest && a.status != http.StatusUpgradeRequired {
			t.Errorf("%s: %s", name, a)
		}
	}
	if a := p.call("POST", "/chat/ws", object{}); a.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", a)
	}
	if a := w.m.stranger(t).call("GET", "/chat/ws?token="+p.token, nil, upgrade...); a.status != 401 {
		t.Errorf("a token in the URL: %s", a)
	}
}

func nonsense(t *testing.T, w *world) {
	l := w.member("noise").connect()
	for _, text := range []string{
		``, ` `, `null`, `0`, `"x"`, `[]`, `[{}]`, `{`, `{}`, `{"type":null}`, `{"type":1}`, `{"type":["ping"]}`, `{"type":"dance","id":"1"}`,
		`{"type":"ping","id":"1"}{"type":"ping","id":"2"}`, `{"type":"ping","type":"send","id":"1"}`, `{"type":"ping","TYPE":"ping","id":"1"}`,
		`{"type":"send","id":"1","room_id":"x","client_msg_id":"y","body":"z"}`, `{"type":"read","room_id":"` + w.room + `","seq":-1}`,
		`{"type":"read","room_id":"` + w.room + `","seq":1e400}`, `{"type":"ping","id":"` + strings.Repeat("x", 5000) + `"}`,
		strings.Repeat("[", 8000),
	} {
		before := l.count(of("error"))
		l.text(text)
		if !within(soon, func() bool { return l.count(of("error")) > before || l.ended() }) || l.ended() {
			t.Fatalf("%.60q: no error (closed with %d)", text, l.code())
		}
	}
	if n := l.count(of("pong")); n > 0 {
		t.Errorf("%d of them were answered as if they were right", n)
	}
	for range 300 {
		l.text("{")
	}
	if !l.ends(soon) || l.code() != 4400 && l.code() != 4529 {
		t.Errorf("closed with %d, want 4400 or 4529", l.code())
	}
}

func longestMessage(t *testing.T, w *world) {
	p := w.member("talker")
	room := w.openRoom(p)
	escaped := func(n int) string {
		high, low := utf16.EncodeRune('😀')
		return strings.Repeat(fmt.Sprintf(`\u%04x\u%04x`, high, low), n)
	}
	l := p.connect()
	send := func(request string, n int) string {
		l.text(fmt.Sprintf(`{"type":"send","id":%q,"room_id":%q,"client_msg_id":%q,"body":"`, request, room, id.New()) + escaped(n) + `"}`)
		return l.verdict(request)
	}
	if got := send("fits", 2000); got != "ack" {
		t.Fatalf("the socket says %s to 2,000 signs", got)
	}
	if got := send("too long", 2001); got != "too_long" {
		t.Errorf("the socket says %s to 2,001 signs", got)
	}
	for n, want := range map[int]int{2000: 201, 2001: 400} {
		body := fmt.Sprintf(`{"client_msg_id":%q,"body":"`, id.New()) + escaped(n) + `"}`
		if a := p.patient("POST", "/chat/rooms/"+room+"/messages", body); a.status != want || want == 400 && a.code() != "too_long" {
			t.Errorf("REST says %s to %d signs", a, n)
		}
	}
}

// most is how much of somebody's noise may reach another: what people do in the time that a row takes is far less.
const most = 120

func typingFlood(t *testing.T, w *world) {
	p := w.member("noise")
	room := w.openRoom(p)
	w.say(p, room, "?")
	console := w.owner.connect()
	deadline := time.Now().Add(2 * time.Second)
	for lines := []*line{p.connect(), p.connect(), p.connect(), p.connect()}; time.Now().Before(deadline); {
		for i, l := range lines {
			if l.ended() {
				lines[i] = nil
				next, _, err := p.handshake()
				if err != nil {
					next = p.connect()
				}
				lines[i] = next
			}
			lines[i].text(fmt.Sprintf(`{"type":"typing","room_id":%q,"on":%t}`, room, time.Now().UnixNano()%2 == 0))
		}
		wait(t, 2*time.Millisecond)
	}
	console.settle()
	heard := console.count(func(f frame) bool { return f.text("type") == "typing" && f.text("room_id") == room })
	if heard > most {
		t.Errorf("the console heard %d typing frames in 2 s", heard)
	}
}

func pingFlood(t *testing.T, w *world) {
	l := w.member("noise").connect()
	for i := range 3000 {
		l.text(fmt.Sprintf(`{"type":"ping","id":"%d"}`, i))
	}
	if !within(3*time.Second, func() bool { return l.ended() || l.count(of("error")) > 0 }) {
		t.Errorf("3,000 pings were answered by %d pongs", l.count(of("pong")))
	}
	if l.ended() && l.code() != 4529 && l.code() != -1 {
		t.Errorf("closed with %d", l.code())
	}
	if n := l.count(of("pong")); n > 10*most {
		t.Errorf("%d pongs", n)
	}
}

func subjectFlood(t *testing.T, w *world) {
	p := w.member("noise")
	room := w.openRoom(p)
	w.say(p, room, "?")
	for i := range 400 {
		about := object{"shop_id": w.shop}
		if i%2 == 0 {
			about["product_id"] = w.product
		}
		if a := p.call("POST", "/chat/rooms", about); a.status == http.StatusTooManyRequests {
			limited(a)
			return
		}
	}
	t.Error("400 subjects in a row, and none was refused")
}

// limited looks at a refusal that says when to come back.
func limited(a answer) {
	a.t.Helper()
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || a.code() != "rate_limited" {
		a.t.Errorf("%s: %s with Retry-After %q, want 429 rate_limited", a.call, a, a.header.Get("Retry-After"))
	}
}
