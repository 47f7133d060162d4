package chat_test

import (
	"net/http"
	"strings"
	"testing"

	"mall/modules/chat"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// receipt is the answer to a send by REST.
type receipt struct {
	Seq int64 `json:"seq"`
	Dup bool  `json:"dup"`
}

// post sends by REST, and wants a message that is new.
func (m *mall) post(t *testing.T, on int, who string, room id.ID, body map[string]any) receipt {
	t.Helper()
	var r receipt
	m.rest(t, on, who, "POST", "/chat/rooms/"+room.String()+"/messages", body, http.StatusCreated, &r)
	return r
}

// wantDup sends the same again by REST and by socket, on every instance: each answers what was stored first.
func (m *mall) wantDup(t *testing.T, who string, room id.ID, body map[string]any, first receipt) {
	t.Helper()
	for on := range m.instances {
		var again receipt
		m.rest(t, on, who, "POST", "/chat/rooms/"+room.String()+"/messages", body, http.StatusOK, &again)
		if again.Seq != first.Seq || !again.Dup {
			t.Errorf("by REST on %d: %+v, want seq %d again", on, again, first.Seq)
		}
		c := m.connect(t, on, who)
		c.say(framed(room, body))
		got := c.next()
		for got.Type != "ack" && got.Type != "error" {
			got = c.next()
		}
		if got.Type != "ack" || got.Seq != first.Seq || !got.Dup {
			t.Errorf("by socket on %d: %+v, want seq %d again", on, got, first.Seq)
		}
	}
}

// framed is what REST sends, as the socket sends it.
func framed(room id.ID, body map[string]any) map[string]any {
	frame := map[string]any{"type": "send", "id": "1", "room_id": room}
	for k, v := range body {
		frame[k] = v
	}
	return frame
}

// wantConflict sends another message under a key that is taken.
func (m *mall) wantConflict(t *testing.T, who string, room id.ID, body map[string]any, change func(map[string]any)) {
	t.Helper()
	other := map[string]any{}
	for k, v := range body {
		other[k] = v
	}
	change(other)
	var p problem
	m.rest(t, m.last(), who, "POST", "/chat/rooms/"+room.String()+"/messages", other, http.StatusConflict, &p)
	if p.Code != "client_msg_id_conflict" {
		t.Errorf("the key of another message: %+v", p)
	}
}

// A colleague has answered since: the first try of this reply came before that, and is stored.
func TestARetryOfAReplyIsNotStale(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		m.post(t, 0, "buyer", r.ID, map[string]any{"client_msg_id": id.New(), "body": "재고 있나요?"})
		reply := map[string]any{"client_msg_id": id.New(), "body": "네, 있습니다.", "expect_seq": 1}
		first := m.post(t, 0, "owner", r.ID, reply)
		m.post(t, 0, "agent", r.ID, map[string]any{"client_msg_id": id.New(), "body": "두 개 남았어요."})
		m.wantDup(t, "owner", r.ID, reply, first)
		m.wantConflict(t, "owner", r.ID, reply, func(b map[string]any) { b["body"] = "아니요." })
		reply["client_msg_id"] = id.New()
		var p problem
		m.rest(t, 0, "owner", "POST", "/chat/rooms/"+r.ID.String()+"/messages", reply, http.StatusConflict, &p)
		if p.Code != "stale" {
			t.Errorf("a new reply: %+v", p)
		}
	})
}

// The product that a card shows has been deleted since.
func TestARetryOfACardOutlivesItsProduct(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		card := map[string]any{"client_msg_id": id.New(), "card": map[string]any{"kind": "product", "id": mugID}, "body": "이거요"}
		first := m.post(t, 0, "buyer", r.ID, card)
		m.rest(t, 0, "owner", "DELETE", "/products/"+mugID.String(), nil, http.StatusNoContent, nil)
		m.wantDup(t, "buyer", r.ID, card, first)
		m.wantConflict(t, "buyer", r.ID, card, func(b map[string]any) { b["body"] = "저거요" })
		m.wantConflict(t, "buyer", r.ID, card, func(b map[string]any) { b["card"] = map[string]any{"kind": "product", "id": id.New()} })
		card["client_msg_id"] = id.New()
		m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", card, http.StatusNotFound, nil)
		if now := m.room(t, 0, "buyer", r.ID); now.Head != 1 {
			t.Errorf("head %d, want 1", now.Head)
		}
	})
}

// The mall was started with a lower limit since, and in the retry an inquiry is named that the room does not have.
func TestARetryOutlivesTheLimitsOfItsDay(t *testing.T) {
	for name, make := range map[string]func(*testing.T) (db.Config, string){
		"embedded":      func(t *testing.T) (db.Config, string) { return testservers.SQLite(t), "" },
		"two instances": func(t *testing.T) (db.Config, string) { return testservers.MySQL(t), testservers.Redis(t).Addr() },
	} {
		t.Run(name, func(t *testing.T) {
			cfg, redis := make(t)
			m := newMall(t, cfg, redis, 1)
			r := m.openRoom(t, "buyer")
			long := map[string]any{"client_msg_id": id.New(), "body": strings.Repeat("가", 30)}
			first := m.post(t, 0, "buyer", r.ID, long)
			m.instances[0].stop()
			m.instances = nil
			for range 2 {
				m.instances = append(m.instances, startInstance(t, cfg, redis, func(p *parts) { p.Chat.BodyCodePoints, p.Chat.SocketsPerMember = 20, 20 }))
				if cfg.Driver == db.SQLite {
					break
				}
			}
			m.wantDup(t, "buyer", r.ID, long, first)
			m.wantConflict(t, "buyer", r.ID, long, func(b map[string]any) { b["body"] = strings.Repeat("나", 30) })
			long["inquiry_id"] = id.New()
			m.wantDup(t, "buyer", r.ID, long, first)
			long["client_msg_id"] = id.New()
			var p problem
			m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", long, http.StatusBadRequest, &p)
			if p.Code != "too_long" {
				t.Errorf("a new long message: %+v", p)
			}
			short := map[string]any{"client_msg_id": id.New(), "body": "짧게"}
			stored := m.post(t, 0, "buyer", r.ID, short)
			short["inquiry_id"] = id.New()
			m.wantDup(t, "buyer", r.ID, short, stored)
		})
	}
}

// Who writes too fast is told so whatever the key: that is no final answer, and a little later the retry has its own.
func TestARetryMayHaveToWait(t *testing.T) {
	m := limited(t, func(c *chat.Config) { c.SendsPerSecond, c.SendsBurst = 1, 1 })
	r := m.openRoom(t, "buyer")
	one := map[string]any{"client_msg_id": id.New(), "body": "하나"}
	first := m.post(t, 0, "buyer", r.ID, one)
	c := m.connect(t, 0, "buyer")
	const tries = 10
	for range tries {
		c.say(framed(r.ID, one))
	}
	refused := 0
	for range tries {
		switch got := c.next(); {
		case got.Type == "ack" && got.Seq == first.Seq && got.Dup:
		case got.Type == "error" && got.Code == "rate_limited" && got.Retryable:
			refused++
		default:
			t.Errorf("a retry: %+v", got)
		}
	}
	if refused == 0 {
		t.Error("the limit refused nothing: the case that this test is about did not happen")
	}
	until(t, "the retry is answered", func() bool {
		c.say(framed(r.ID, one))
		return c.next().Type == "ack"
	})
}

// Who has no seat any more learns nothing, not even of what they have sent themselves.
func TestARetryWithoutASeatLearnsNothing(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		reply := map[string]any{"client_msg_id": id.New(), "body": "네"}
		m.post(t, 0, "agent", r.ID, reply)
		m.rest(t, 0, "owner", "DELETE", "/shops/"+shopID.String()+"/staff/"+agentID.String(), nil, http.StatusNoContent, nil)
		path := "/messages"
		until(t, "the seat is gone", func() bool {
			status, _ := m.call(t, m.last(), "agent", "GET", "/chat/rooms/"+r.ID.String()+path, nil)
			return status == http.StatusNotFound
		})
		gone, answer := m.call(t, m.last(), "agent", "POST", "/chat/rooms/"+r.ID.String()+path, reply)
		none, absent := m.call(t, m.last(), "agent", "POST", "/chat/rooms/"+id.New().String()+path, reply)
		if gone != http.StatusNotFound || gone != none || !same(t, answer, absent) {
			t.Errorf("%d %s, but %d %s for no room", gone, answer, none, absent)
		}
	})
}
