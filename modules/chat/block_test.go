package chat_test

import (
	"testing"

	"mall/modules/platform/id"
)

// Both parties are told plainly of a block, and neither writes until it is taken back; a retry is answered as its first try
// was.
func TestABlockIsToldAndHolds(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		path := "/chat/rooms/" + r.ID.String()
		buyer, agent := m.connect(t, 0, "buyer"), m.connect(t, m.last(), "agent")
		sent := send(r.ID, "안녕하세요")
		buyer.say(sent)
		buyer.skipTo("ack")
		agent.skipTo("message")

		var seen room
		m.rest(t, m.last(), "agent", "PUT", path+"/block", nil, 200, &seen)
		if !seen.Blocked.ByMe || seen.Blocked.ByOther || seen.Presence != nil {
			t.Errorf("to the shop: %+v", seen)
		}
		if got := buyer.skipTo("message"); got.Kind != "notice" || got.Body != "shop_blocked" || got.Seq != 2 {
			t.Errorf("the buyer is told: %+v", got)
		}
		if got := buyer.skipTo("room"); got.Room.Blocked.ByMe || !got.Room.Blocked.ByOther {
			t.Errorf("the buyer is shown: %+v", got.Room)
		}
		if got := agent.skipTo("message"); got.Body != "shop_blocked" {
			t.Errorf("colleagues are told: %+v", got)
		}
		m.rest(t, 0, "owner", "PUT", path+"/block", nil, 200, nil) // again changes nothing
		for _, c := range []*client{buyer, agent} {
			c.say(send(r.ID, "?"))
			if got := c.skipTo("error"); got.Code != "blocked" || got.Retryable {
				t.Errorf("a send: %+v", got)
			}
			c.say(send(r.ID, ""))
			if got := c.skipTo("error"); got.Code != "empty_body" {
				t.Errorf("an empty send: %+v", got)
			}
		}
		buyer.say(sent)
		if got := buyer.skipTo("ack"); !got.Dup || got.Seq != 1 {
			t.Errorf("a retry of what was stored: %+v", got)
		}
		var p problem
		m.rest(t, 0, "buyer", "POST", path+"/messages", map[string]any{"client_msg_id": id.New(), "body": "?"}, 403, &p)
		if p.Code != "blocked" {
			t.Errorf("by REST: %+v", p)
		}
		m.rest(t, 0, "buyer", "DELETE", path+"/block", nil, 200, &seen) // not the buyer's to take back
		if !seen.Blocked.ByOther {
			t.Errorf("the blocked party has unblocked itself: %+v", seen)
		}
		m.rest(t, 0, "buyer", "POST", "/chat/rooms", map[string]any{"shop_id": shopID}, 200, &seen)
		if seen.ID != r.ID || seen.Inquiry.ID != r.Inquiry.ID || !seen.Blocked.ByOther {
			t.Errorf("opened anew: %+v", seen)
		}
		m.rest(t, 0, "owner", "DELETE", path+"/block", nil, 200, &seen)
		if seen.Blocked.ByMe || seen.Head != 3 {
			t.Errorf("unblocked: %+v", seen)
		}
		buyer.say(send(r.ID, "고맙습니다"))
		if got := buyer.skipTo("ack"); got.Seq != 4 {
			t.Errorf("after it: %+v", got)
		}
	})
}

func TestNobodyHearsTypingInABlockedRoom(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	m.rest(t, 0, "buyer", "PUT", "/chat/rooms/"+r.ID.String()+"/block", nil, 200, nil)
	buyer, agent := m.connect(t, 0, "buyer"), m.connect(t, 0, "agent")
	agent.say(map[string]any{"type": "typing", "room_id": r.ID, "on": true})
	agent.say(map[string]any{"type": "typing", "room_id": id.New(), "on": true}) // refused once the first has been looked at
	agent.skipTo("error")
	m.rest(t, 0, "buyer", "DELETE", "/chat/rooms/"+r.ID.String()+"/block", nil, 200, nil)
	if got := buyer.want("message"); got.Body != "buyer_unblocked" {
		t.Errorf("%+v", got)
	}
}

func TestReports(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	path := "/chat/rooms/" + r.ID.String()
	m.rest(t, 0, "buyer", "POST", path+"/messages", map[string]any{"client_msg_id": id.New(), "body": "네?"}, 201, nil)
	m.rest(t, 0, "agent", "POST", path+"/messages", map[string]any{"client_msg_id": id.New(), "body": "!"}, 201, nil)
	var kept, again struct {
		ID  id.ID `json:"id"`
		Seq int64 `json:"seq"`
	}
	report := map[string]any{"report_id": id.New(), "reason": "abuse", "text": "욕설", "seq": 2}
	m.rest(t, 0, "buyer", "POST", path+"/reports", report, 201, &kept)
	m.rest(t, 0, "buyer", "POST", path+"/reports", report, 200, &again)
	if kept.ID.IsZero() || kept != again || kept.Seq != 2 {
		t.Errorf("%+v, again %+v", kept, again)
	}
	m.rest(t, 0, "agent", "POST", path+"/reports", map[string]any{"reason": "other"}, 201, nil)
	for _, wrong := range []map[string]any{
		{"reason": "boredom"}, {}, {"reason": "spam", "seq": 1}, {"reason": "spam", "seq": 3}, {"reason": "spam", "seq": 0}, {"reason": "spam", "text": "\u200b"}, {"reason": "spam", "text": "a\u0000b"},
	} {
		m.rest(t, 0, "buyer", "POST", path+"/reports", wrong, 400, nil)
	}
	for range 19 {
		m.rest(t, 0, "buyer", "POST", path+"/reports", map[string]any{"reason": "spam"}, 201, nil)
	}
	m.rest(t, 0, "buyer", "POST", path+"/reports", map[string]any{"reason": "spam"}, 429, nil)
	if head := m.room(t, 0, "agent", r.ID).Head; head != 2 {
		t.Errorf("the other side is told of reports: head %d", head)
	}
}
