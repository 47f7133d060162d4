package client

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// mute is a server that says nothing by itself; it answers to what it hears as answer says.
func mute(t *testing.T, answer func(f frame) string) (where string, pings *atomic.Int64) {
	t.Helper()
	pings = &atomic.Int64{}
	up := websocket.Upgrader{Subprotocols: []string{"mall.chat.v1"}}
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = ws.Close() }()
		for {
			_, text, err := ws.ReadMessage()
			if err != nil {
				return
			}
			var f frame
			if err := json.Unmarshal(text, &f); err != nil {
				t.Error(err)
			}
			if f.Type == "ping" {
				pings.Add(1)
			}
			if said := answer(f); said != "" {
				if err := ws.WriteMessage(websocket.TextMessage, []byte(said)); err != nil {
					return
				}
			}
		}
	}), pings
}

func openTo(t *testing.T, where string) *socket {
	t.Helper()
	p, _, err := openSocket(t.Context(), where, "token")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.shut)
	p.beats(0)
	return p.(*socket)
}

// A server that is silent for longer than its beat is asked, once, and left when it does not answer.
func TestASilentServerIsAskedAndLeft(t *testing.T) {
	t.Parallel()
	where, pings := mute(t, func(frame) string { return "" })
	s := openTo(t, where)
	began := time.Now()
	text, err := s.next()
	if took := time.Since(began); err == nil || took < askPatience || pings.Load() != 1 {
		t.Errorf("after %v and %d pings: %q, %v", took, pings.Load(), text, err)
	}
}

// A server that answers lives, however seldom it speaks by itself, and also where it does not know the question.
func TestASilentServerThatAnswersLives(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{"type":"pong","id":"ping"}`, `{"type":"error","id":"ping","code":"unknown_type"}`} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			where, pings := mute(t, func(frame) string { return answer })
			s := openTo(t, where)
			for range 5 {
				if text, err := s.next(); err != nil || string(text) != answer {
					t.Fatalf("got %q, %v", text, err)
				}
			}
			if pings.Load() != 5 {
				t.Errorf("%d pings for five answers", pings.Load())
			}
		})
	}
}

// What has been said and has no answer of any kind makes the client ask before the next beat is due.
func TestAServerThatOwesAnAnswerIsAsked(t *testing.T) {
	t.Parallel()
	where, pings := mute(t, func(f frame) string {
		if f.Type == "ping" {
			return `{"type":"pong"}`
		}
		return ""
	})
	s := openTo(t, where)
	s.beats(time.Hour)
	began := time.Now()
	s.write([]byte(`{"type":"send"}`))
	if text, err := s.next(); err != nil || time.Since(began) < owedGrace || pings.Load() != 1 {
		t.Errorf("after %v and %d pings: %q, %v", time.Since(began), pings.Load(), text, err)
	}
}
