package chat_test

import (
	"encoding/json"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// answerWithin is P10's limit.
const answerWithin = 3 * time.Second

// lockTable lets every statement on a table hang until release is called, as all do on a frozen database.
func lockTable(t *testing.T, cfg db.Config, table string) (release func()) {
	t.Helper()
	conn, err := testservers.Open(t, cfg).SQL().Conn(t.Context())
	check(t, err)
	_, err = conn.ExecContext(t.Context(), "LOCK TABLES "+table+" WRITE")
	check(t, err)
	return func() {
		_, err := conn.ExecContext(t.Context(), "UNLOCK TABLES")
		check(t, err)
		check(t, conn.Close())
	}
}

// A send by REST is answered in time whatever the database hangs in: what an instance does not remember of who is calling
// and of the room it asks for before it can store anything.
func TestASendByRESTIsAnsweredInTime(t *testing.T) {
	cfg := testservers.MySQL(t)
	m := newMall(t, cfg, nowhere, 2)
	r := m.openRoom(t, "buyer")
	for table, on := range map[string]int{"member_sessions": 0, "chat_rooms": 1, "chat_messages": 0} {
		t.Run(table, func(t *testing.T) {
			if table == "member_sessions" {
				m.tokens["buyer"] = m.logIn(t, on, "buyer") // a login that no instance has seen in use
			}
			m.token(t, "buyer")
			release := lockTable(t, cfg, table)
			defer release()
			began := time.Now()
			status, text := m.call(t, on, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": "?"})
			var p struct {
				Code         string
				Retryable    bool
				RetryAfterMS int64 `json:"retry_after_ms"`
			}
			check(t, json.Unmarshal(text, &p))
			if took := time.Since(began); took > answerWithin || status != 503 || p.Code != "unavailable" || !p.Retryable || p.RetryAfterMS <= 0 {
				t.Errorf("answered after %v: %d %s", took.Round(time.Millisecond), status, text)
			}
		})
	}
}
