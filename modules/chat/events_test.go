package chat_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"mall/modules/platform/id"
)

// listener reads a stream of events.
type listener struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (m *mall) listen(t *testing.T, on int, who string) *listener {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.instances[on].url+"/api/v1/chat/events", http.NoBody)
	check(t, err)
	req.Header.Set("Authorization", "Bearer "+m.token(t, who))
	res, err := http.DefaultTransport.RoundTrip(req)
	check(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("events: %d %s", res.StatusCode, res.Header)
	}
	return &listener{t, bufio.NewScanner(res.Body), cancel}
}

// next gives the next event's name ("" for a frame) and data.
func (l *listener) next() (name, data string) {
	l.t.Helper()
	for l.lines.Scan() {
		line := l.lines.Text()
		if n, ok := strings.CutPrefix(line, "event: "); ok {
			name = n
		}
		if d, ok := strings.CutPrefix(line, "data: "); ok {
			return name, d
		}
	}
	l.t.Fatalf("the stream ended: %v", l.lines.Err())
	return "", ""
}

func (l *listener) want(typ string) frame {
	l.t.Helper()
	var f frame
	var data string
	for f.Type == "" || f.Type == "presence" {
		_, data = l.next()
		f = frame{}
		check(l.t, json.Unmarshal([]byte(data), &f))
	}
	if f.Type != typ {
		l.t.Fatalf("got %s, want a %s", data, typ)
	}
	return f
}

func TestEventsSayWhatASocketSays(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		buyer := m.listen(t, 0, "buyer")
		buyer.want("welcome")
		owner := m.connect(t, m.last(), "owner")
		m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": "줄\n바꿈"}, 201, nil)
		if got := buyer.want("message"); got.Seq != 1 || got.Body != "줄\n바꿈" {
			t.Errorf("own send by REST: %+v", got)
		}
		owner.want("message")
		owner.say(map[string]any{"type": "read", "room_id": r.ID, "seq": 1})
		if got := buyer.want("receipt"); got.ReadSeq != 1 || got.Party != "shop" {
			t.Errorf("receipt %+v", got)
		}
		m.rest(t, 0, "buyer", "POST", "/auth/logout", nil, 204, nil)
		name, data := buyer.next()
		for name == "" { // that the shop has come may be told late
			name, data = buyer.next()
		}
		if name != "close" || !strings.Contains(data, "4401") {
			t.Errorf("after the logout: %s %s", name, data)
		}
	})
}

func TestEventsNeedALoginAndGoWithTheirClient(t *testing.T) {
	m := single(t)
	if status, _ := m.call(t, 0, "", "GET", "/chat/events", nil); status != 401 {
		t.Errorf("nobody: %d", status)
	}
	l := m.listen(t, 0, "buyer")
	l.want("welcome")
	if got := m.instances[0].chat.Status().Connections; got != 1 {
		t.Errorf("%d connections", got)
	}
	l.cancel()
	until(t, "the stream's place is free", func() bool { return m.instances[0].chat.Status().Connections == 0 })
}

func TestCursorsOfASocketAreWrittenTogether(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	m.write(t, r.ID, 1, 40)
	owner := m.connect(t, 0, "owner")
	for seq := 1; seq <= 40; seq++ {
		owner.say(map[string]any{"type": "read", "room_id": r.ID, "seq": seq})
	}
	receipts := 0
	for last := int64(0); last < 40; receipts++ {
		got := owner.skipTo("receipt") // a sweep may show the room's newest message meanwhile
		if got.ReadSeq <= last {
			t.Errorf("a cursor went from %d to %d", last, got.ReadSeq)
		}
		last = got.ReadSeq
	}
	if receipts > 3 {
		t.Errorf("%d writes for forty moves at once", receipts)
	}
}
