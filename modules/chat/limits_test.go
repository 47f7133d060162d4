package chat_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/modules/chat"
	"mall/modules/platform/testservers"
)

func TestWhoWritesTooFastIsToldWhenToComeBack(t *testing.T) {
	m := limited(t, func(c *chat.Config) { c.SendsPerSecond, c.SendsBurst = 2, 5 })
	r := m.openRoom(t, "buyer")
	c := m.connect(t, 0, "buyer")
	for i := range 6 {
		c.say(send(r.ID, strconv.Itoa(i)))
	}
	kinds := map[string]int{}
	for range 6 {
		got := c.next()
		kinds[got.Type+got.Code]++
		if got.Type == "error" && !got.Retryable {
			t.Errorf("refused for good: %+v", got)
		}
	}
	if kinds["ack"] != 5 || kinds["errorrate_limited"] != 1 {
		t.Errorf("six sends at once: %v, want the burst of 5 and a refusal", kinds)
	}
	status, text := m.call(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": r.ID, "body": "x"})
	if status != http.StatusTooManyRequests {
		t.Errorf("by REST: %d %s, want 429", status, text)
	}
	until(t, "the member may write again", func() bool {
		status, _ := m.call(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": r.ID, "body": "x"})
		return status == http.StatusCreated
	})
}

// Who is sent away by an instance that drains finds the whole limit on another one.
func TestADrainGivesBackWhatItsConnectionsMaySend(t *testing.T) {
	database, redis := testservers.MySQL(t), testservers.Redis(t)
	m := &mall{tokens: map[string]string{}}
	for range 2 {
		m.instances = append(m.instances, startInstance(t, database, redis.Addr(), func(p *parts) { p.Chat.SendsPerSecond, p.Chat.SendsBurst = 1, 20 }))
	}
	r := m.openRoom(t, "buyer")
	c := m.connect(t, 0, "buyer")
	c.say(send(r.ID, "0"))
	c.skipTo("ack")
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	check(t, m.instances[0].chat.Drain(ctx))
	next := m.connect(t, 1, "buyer")
	refused := 0
	for i := range 19 {
		next.say(send(r.ID, strconv.Itoa(1+i)))
		for {
			got := next.next()
			if got.Type == "error" && got.Code == "rate_limited" {
				refused++
			}
			if got.Type == "error" || got.Type == "ack" {
				break
			}
		}
	}
	if refused > 0 {
		t.Errorf("%d of 20 sends at once were refused", refused)
	}
}

// What a connection sends keeps its order, also where the first of it has to wait until Redis says that it may go.
func TestSendsKeepTheirOrder(t *testing.T) {
	m, _ := pair(t)
	r := m.openRoom(t, "buyer")
	for range 3 {
		c, owner := m.connect(t, 1, "buyer"), m.connect(t, 0, "owner")
		for i := range 20 { // fewer than may wait at once
			c.say(send(r.ID, strconv.Itoa(i)))
		}
		for i := range 20 {
			if got := owner.skipTo("message"); got.Body != strconv.Itoa(i) {
				t.Errorf("message %d says %s", i, got.Body)
			}
		}
		check(t, owner.ws.Close())
		check(t, c.ws.Close())
	}
}

func TestAHerdIsLetInPieceByPiece(t *testing.T) {
	m := limited(t, func(c *chat.Config) { c.Handshakes = 2 })
	token := m.token(t, "buyer")
	refused := 0
	for range 6 {
		ws, res, err := m.dial(0, []string{"mall.chat.v1", "bearer." + token}, nil)
		if res == nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if ws != nil {
			check(t, ws.Close())
			continue
		}
		after, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if res.StatusCode != http.StatusServiceUnavailable || err != nil || after < 1 || after > 5 {
			t.Errorf("refused with %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
		}
		refused++
	}
	if refused < 3 {
		t.Errorf("%d of 6 handshakes at once were refused; 2 a second are allowed", refused)
	}
}

func TestAFloodOfFramesEndsTheConnection(t *testing.T) {
	m := single(t)
	c := m.connect(t, 0, "buyer")
	go c.repeat(`{"type":"dance"}`)
	if got := c.closed(); got != 4529 {
		t.Errorf("closed with %d, want 4529", got)
	}
}

// repeat says the same until the connection ends.
func (c *client) repeat(text string) {
	var err error
	for err == nil {
		err = c.ws.WriteMessage(websocket.TextMessage, []byte(text))
	}
}

func TestNonsenseWithoutEndEndsTheConnection(t *testing.T) {
	m := single(t)
	c := m.connect(t, 0, "buyer")
	go c.repeat(`nonsense`)
	if got := c.closed(); got != 4400 {
		t.Errorf("closed with %d, want 4400", got)
	}
}

func TestAFreshTokenOnALiveConnection(t *testing.T) {
	m := single(t)
	c := m.connect(t, 0, "buyer")
	c.say(map[string]any{"type": "auth", "id": "a", "token": m.token(t, "buyer")})
	if got := c.want("ok"); got.ID != "a" {
		t.Errorf("ok %+v", got)
	}
	other := m.connect(t, 0, "buyer")
	other.say(map[string]any{"type": "auth", "id": "a", "token": m.token(t, "other")})
	if got := other.closed(); got != 4403 {
		t.Errorf("another member's token: %d, want 4403", got)
	}
	c.say(map[string]any{"type": "auth", "id": "a", "token": "nonsense"})
	if got := c.closed(); got != 4401 {
		t.Errorf("no token: %d, want 4401", got)
	}
}

// A heartbeat comes in time and names the rooms that have moved.
func TestHeartbeatTellsHeads(t *testing.T) {
	m := limited(t, func(c *chat.Config) { c.PingEvery, c.DeadAfter = time.Second, 3*time.Second })
	r := m.openRoom(t, "buyer")
	c := m.connect(t, 0, "owner")
	m.write(t, r.ID, 1, 3)
	check(t, c.ws.SetReadDeadline(time.Now().Add(soon)))
	for {
		var f frame
		check(t, c.ws.ReadJSON(&f))
		if f.Type == "hb" && f.Heads[r.ID.String()] == 3 {
			return
		}
	}
}

// Who answers no ping is gone after a while, and its place is free.
func TestADeadConnectionIsLetGo(t *testing.T) {
	m := limited(t, func(c *chat.Config) { c.PingEvery, c.DeadAfter = time.Second, 2*time.Second })
	m.connect(t, 0, "buyer") // nobody reads from it, so no pong goes out
	until(t, "the dead connection is let go", func() bool { return m.instances[0].chat.Status().Connections == 0 })
}
