package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestRESPIsReadWholeAndUnderstood(t *testing.T) {
	frames := []string{
		"*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$4\r\na\r\nb\r\n",
		">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$0\r\n\r\n",
		"%1\r\n+server\r\n*2\r\n:1\r\n$-1\r\n",
		"+OK\r\n", "-ERR no\r\n", "_\r\n", "*-1\r\n", "|1\r\n+a\r\n:1\r\n+value\r\n",
	}
	r := bufio.NewReader(strings.NewReader(strings.Join(frames, "")))
	for _, want := range frames {
		got, err := ReadRESP(r)
		if err != nil || string(got) != want {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	}
	if ch, payload, ok := Published([]byte(frames[0])); !ok || ch != "ch" || string(payload) != "a\r\nb" {
		t.Errorf("published: %q %q %v", ch, payload, ok)
	}
	if _, _, ok := Published([]byte(frames[2])); ok {
		t.Error("a map is no message")
	}
	if !isCommand([]byte("*2\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n"), "SUBSCRIBE") {
		t.Error("a subscription is not seen")
	}
}

func TestPacketsAreReadWhole(t *testing.T) {
	commit := append([]byte{7, 0, 0, 0, 3}, "COMMIT"...)
	r := bufio.NewReader(bytes.NewReader(append(bytes.Clone(commit), 1, 0, 0, 1, 0)))
	first, err := ReadPacket(r)
	if err != nil || !IsCommit(first) {
		t.Fatalf("got %q, %v", first, err)
	}
	second, err := ReadPacket(r)
	if err != nil || len(second) != 5 || IsCommit(second) {
		t.Fatalf("got %q, %v", second, err)
	}
}

func TestCommitAndItsAnswerAreSeenBehindOtherStatements(t *testing.T) {
	for packet, commits := range map[string]bool{"COMMIT": true, "INSERT x; SELECT 1; commit": true, "COMMIT; SELECT 1": false, "COMMI": false} {
		if got := IsCommit(append([]byte{byte(1 + len(packet)), 0, 0, 0, 3}, packet...)); got != commits {
			t.Errorf("%q: %v", packet, got)
		}
	}
	for name, c := range map[string]struct {
		packet []byte
		ends   bool
	}{
		"ok":                 {[]byte{7, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0}, true},
		"ok, more follow":    {[]byte{7, 0, 0, 1, 0, 1, 0, 0x0a, 0, 0, 0}, false},
		"ok, many rows":      {[]byte{9, 0, 0, 4, 0, 0xfc, 1, 8, 0, 2, 0, 0, 0}, true},
		"many rows, more":    {[]byte{9, 0, 0, 1, 0, 0xfc, 1, 0, 0, 0x0a, 0, 0, 0}, false},
		"an error":           {[]byte{3, 0, 0, 1, 0xff, 0x15, 4}, true},
		"a count of columns": {[]byte{1, 0, 0, 1, 1}, false},
		"cut short":          {[]byte{1, 0, 0, 1, 0}, false},
	} {
		if got := EndsAnswer(c.packet); got != c.ends {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// echoed starts a server that answers every line, behind a proxy, and a client of it.
func echoed(t *testing.T) (*Proxy, net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	p, err := Plain(t.Context(), ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, dial(t, p)
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func say(t *testing.T, c net.Conn, text string, patience time.Duration) (string, error) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, len(text))
	n, err := io.ReadFull(c, b)
	return string(b[:n]), err
}

func TestLinksBreakAsAsked(t *testing.T) {
	p, c := echoed(t)
	if got, err := say(t, c, "one", time.Second); err != nil || got != "one" {
		t.Fatalf("pass: %q, %v", got, err)
	}
	p.SetRule(func(_ *Link, to Direction, f []byte) (Verdict, time.Duration) {
		if to == ToClient && string(f) == "late" {
			return Later, 0
		}
		return Forward, 0
	})
	if got, err := say(t, c, "late", time.Second); err != nil || got != "late" {
		t.Fatalf("a late frame with none behind it still arrives: %q, %v", got, err)
	}
	p.Heal()
	p.Stall(All)
	if got, err := say(t, c, "two", 50*time.Millisecond); err == nil && got != "two" {
		t.Fatalf("stall: %q, %v", got, err)
	}
	p.Hush(All)
	if got, err := say(t, dialHushed(t, p, c), "x", 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("hush: %q, %v; want silence", got, err)
	}
	d := dial(t, p)
	if _, err := say(t, d, "three", time.Second); err != nil {
		t.Fatal(err)
	}
	if n := p.Cut(func(l *Link) bool { return l.Peer() == d.LocalAddr().String() }); n != 1 {
		t.Fatalf("%d links cut, want 1", n)
	}
	if _, err := say(t, d, "four", time.Second); err == nil {
		t.Fatal("cut: still passes")
	}
	p.Admit(Reset)
	if e, err := net.Dial("tcp", p.Addr()); err == nil {
		if _, err := say(t, e, "five", time.Second); err == nil {
			t.Fatal("reset: passes")
		}
	}
}

func dialHushed(t *testing.T, p *Proxy, c net.Conn) net.Conn {
	t.Helper()
	p.Unstall()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, _ = io.Copy(io.Discard, c) // what passed before
	return c
}

// A pool's connections are counted by what the pool still holds, also where the proxy keeps an end open: on a hushed link
// nobody tells the server that the client has gone.
func TestOpenCountsWhatTheClientHolds(t *testing.T) {
	p, c := echoed(t)
	d := dial(t, p)
	for _, conn := range []net.Conn{c, d} {
		if _, err := say(t, conn, "one", time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.Open(All); n != 2 {
		t.Fatalf("%d open, want 2", n)
	}
	p.Hush(All)
	_ = c.Close()
	for deadline := time.Now().Add(5 * time.Second); p.Open(All) != 1; {
		if time.Now().After(deadline) {
			t.Fatalf("%d open after one was closed", p.Open(All))
		}
		_, _ = say(t, d, "?", time.Millisecond)
	}
	if n := p.Open(func(l *Link) bool { return l.Peer() == d.LocalAddr().String() }); n != 1 {
		t.Error("it is not the other one")
	}
}

func TestSQLIsRead(t *testing.T) {
	query := append([]byte{9, 0, 0, 0, 3}, "SELECT 1"...)
	if !Says(query, "SELECT ") || Says(query, "START") || Says(query[:5], "") {
		t.Error("a query is not known by its beginning")
	}
	query[4] = 0x16 // prepared
	if Says(query, "SELECT ") {
		t.Error("what is no text is taken for one")
	}
}
