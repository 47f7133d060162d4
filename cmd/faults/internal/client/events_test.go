package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/record"
)

// serve answers every request with handle, and gives host:port.
func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func say(t *testing.T, w http.ResponseWriter, text string) {
	t.Helper()
	if _, err := fmt.Fprint(w, text); err != nil {
		t.Error(err)
	}
	w.(http.Flusher).Flush()
}

func TestAnEventStreamIsReadLikeASocket(t *testing.T) {
	where := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			w.WriteHeader(http.StatusForbidden)
			say(t, w, `{"code":"banned"}`)
			return
		}
		say(t, w, "data: {\"type\":\"welcome\"}\n\n:\n\ndata: {\"type\":\"hb\"}\n\nevent: close\ndata: {\"code\":4401,\"reason\":\"logged out\"}\n\n")
	})
	e, _, err := openEvents(t.Context(), where, "token")
	if err != nil {
		t.Fatal(err)
	}
	defer e.shut()
	for _, want := range []string{`{"type":"welcome"}`, `{"type":"hb"}`} {
		if got, err := e.next(); err != nil || string(got) != want {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	}
	var closed *websocket.CloseError
	if _, err := e.next(); !errors.As(err, &closed) || closed.Code != 4401 || closed.Text != "logged out" {
		t.Errorf("ended with %v", err)
	}
	var refused *Problem
	if _, _, err := openEvents(t.Context(), where, "other"); !errors.As(err, &refused) || refused.Status != 403 || refused.Code != "banned" {
		t.Errorf("refused with %v", err)
	}
}

func TestASilentEventStreamIsDead(t *testing.T) {
	const zombie = 200 * time.Millisecond
	where := serve(t, func(w http.ResponseWriter, r *http.Request) {
		say(t, w, ":\n\n")
		<-r.Context().Done()
	})
	e, _, err := openEvents(t.Context(), where, "token")
	if err != nil {
		t.Fatal(err)
	}
	defer e.shut()
	e.beats(zombie - beatGrace - askPatience)
	began := time.Now()
	if got, err := e.next(); err == nil || time.Since(began) < zombie/2 {
		t.Errorf("after %v: %q, %v", time.Since(began), got, err)
	}
}

// listener is a client without a connection, whose account's calls go to handle.
func listener(t *testing.T, handle http.HandlerFunc) *Client {
	t.Helper()
	a := &Account{Base: "http://" + serve(t, handle), access: "token", until: time.Now().Add(time.Hour)}
	return New(Config{Name: "c", Account: a, Events: true}, []Room{{ID: "r"}})
}

// A send by REST is tried again with its key until it is stored, or refused for good; the diary tells.
func TestASendByREST(t *testing.T) {
	var calls atomic.Int32
	c := listener(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Key string `json:"client_msg_id"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		switch n := calls.Add(1); {
		case body.Key == "bad":
			w.WriteHeader(http.StatusNotFound)
			say(t, w, `{"code":"not_found"}`)
		case n == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
			say(t, w, `{"code":"unavailable","retry_after_ms":1}`)
		default:
			w.WriteHeader(http.StatusCreated)
			say(t, w, `{"seq":1}`)
		}
	})
	d := &draft{room: "r", key: "good", body: "b"}
	if c.post(t.Context(), d) || !c.post(t.Context(), d) {
		t.Error("not settled by the second try")
	}
	if v := c.View("r"); len(v.Items) != 1 || v.Items[0] != (Item{1, "good", "b", Buyer}) {
		t.Errorf("view %+v", v.Items)
	}
	if !c.post(t.Context(), &draft{room: "r", key: "bad"}) {
		t.Error("a refusal for good must settle it")
	}
	refused := checker.Within([]*record.Log{c.Log()}, checker.Window{}, record.Refused)
	if len(refused) != 2 || refused[0].Final || !refused[1].Final {
		t.Errorf("refused %+v", refused)
	}
	if acks := checker.Within([]*record.Log{c.Log()}, checker.Window{}, record.Ack); len(acks) != 1 || acks[0].Conn != 0 || acks[0].Seq != 1 {
		t.Errorf("acks %+v", acks)
	}
}

func TestUnreadIsWhatTheOtherPartySaidSince(t *testing.T) {
	c := New(Config{Name: "c", Account: &Account{}}, []Room{{ID: "r", Head: 10}})
	r := c.rooms["r"]
	for seq, party := range map[int64]string{11: Shop, 12: Buyer, 13: Shop, 14: "system", 15: Shop} {
		r.view.Take(Item{Seq: seq, Party: party})
	}
	for read, want := range map[int64]int64{10: 3, 11: 2, 13: 1, 15: 0} {
		r.cursors[Buyer] = Cursor{read, read}
		if n, whole := c.Unread("r"); n != want || !whole {
			t.Errorf("read up to %d: %d unread, whole %v; want %d", read, n, whole, want)
		}
	}
	r.cursors[Buyer] = Cursor{9, 9}
	if _, whole := c.Unread("r"); whole {
		t.Error("what is before the view is not counted, and must not count as nothing")
	}
	if c.Mark("r", false); c.Said("r") != (Cursor{15, 0}) || !r.unsaid {
		t.Errorf("said %+v, unsaid %v", c.Said("r"), r.unsaid)
	}
	c.told("r", Buyer, Cursor{15, 12})
	c.told("r", Buyer, Cursor{3, 3})
	if got := c.Cursor("r", Buyer); got != (Cursor{15, 12}) {
		t.Errorf("a cursor went back: %+v", got)
	}
}

// An instance that has not noticed a new life of the database answers with the old one's name: it is asked again.
func TestAListOfAnotherLifeIsAskedForAgain(t *testing.T) {
	var calls atomic.Int32
	c := listener(t, func(w http.ResponseWriter, _ *http.Request) {
		epoch, read := "old", 9
		if calls.Add(1) > 2 {
			epoch, read = "new", 4
		}
		say(t, w, fmt.Sprintf(`{"epoch":%q,"items":[{"id":"r","cursors":{"shop":{"delivered_seq":%d,"read_seq":%d}}}]}`, epoch, read, read))
	})
	c.epoch = "new"
	c.learnCursors(t.Context(), &conn{over: make(chan struct{})})
	if got := c.Cursor("r", Shop); got != (Cursor{4, 4}) || calls.Load() != 3 {
		t.Errorf("after %d lists the shop's cursor is %+v", calls.Load(), got)
	}
}
