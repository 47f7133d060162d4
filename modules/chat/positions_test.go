package chat_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/modules/platform/db"
	"mall/modules/platform/testservers"
)

// Nobody is welcomed before the database has said where their rooms stand: who comes while it is away is told to come
// back, and is welcomed when it is there again.
func TestNobodyIsWelcomedWithoutTheDatabase(t *testing.T) {
	server := testservers.PrivateMySQL(t)
	dsn, err := server.CreateDatabase(t.Context(), "mall")
	check(t, err)
	m := newMall(t, testservers.Migrated(t, db.Config{Driver: db.MySQL, DSN: dsn}), "", 1)
	m.openRoom(t, "buyer") // the login is known from here on
	check(t, server.Pause())
	t.Cleanup(func() { _ = server.Resume() }) // before the instances end
	ws, res, err := m.dial(0, []string{"mall.chat.v1", "bearer." + m.token(t, "buyer")}, nil)
	check(t, err)
	_ = res.Body.Close()
	defer func() { _ = ws.Close() }()
	check(t, ws.SetReadDeadline(time.Now().Add(3*soon)))
	_, text, err := ws.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != websocket.CloseTryAgainLater {
		t.Fatalf("got %s, %v; want the close code 1013", text, err)
	}
	check(t, server.Resume())
	m.connect(t, 0, "buyer")
}
