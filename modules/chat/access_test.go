package chat_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"mall/modules/platform/id"
)

// Whoever has no seat in a room gets, on every path, the very answer that a room which does not exist gives.
func TestAStrangerCannotTellARoomFromNone(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": "비밀"}, 201, nil)
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/chat/rooms/%s", nil},
		{"GET", "/chat/rooms/%s/messages", nil},
		{"GET", "/chat/rooms/%s/inquiries", nil},
		{"POST", "/chat/rooms/%s/messages", map[string]any{"client_msg_id": id.New(), "body": "나"}},
		{"PUT", "/chat/rooms/%s/cursor", map[string]any{"read_seq": 1}},
		{"PATCH", "/chat/rooms/%s/inquiries/" + r.Inquiry.ID.String(), map[string]any{"state": "done"}},
		{"PUT", "/chat/rooms/%s/block", nil},
		{"DELETE", "/chat/rooms/%s/block", nil},
		{"POST", "/chat/rooms/%s/reports", map[string]any{"reason": "spam"}},
	} {
		nobody, _ := m.call(t, 0, "", c.method, fmt.Sprintf(c.path, r.ID), c.body)
		if nobody != http.StatusUnauthorized {
			t.Errorf("%s %s without a login: %d", c.method, c.path, nobody)
		}
		for _, who := range []string{"other", "stranger"} {
			real, answer := m.call(t, 0, who, c.method, fmt.Sprintf(c.path, r.ID), c.body)
			none, absent := m.call(t, 0, who, c.method, fmt.Sprintf(c.path, id.New()), c.body)
			if real != http.StatusNotFound || real != none || !same(t, answer, absent) {
				t.Errorf("%s %s as %s: %d %s, but %d %s", c.method, c.path, who, real, answer, none, absent)
			}
		}
		malformed, text := m.call(t, 0, "buyer", c.method, fmt.Sprintf(c.path, "nonsense"), c.body)
		if malformed != http.StatusBadRequest {
			t.Errorf("%s %s with a malformed id: %d %s", c.method, c.path, malformed, text)
		}
	}
	if now := m.room(t, 0, "buyer", r.ID); now.Head != 1 || now.Cursors.Shop.ReadSeq != 0 || now.Blocked.ByOther {
		t.Errorf("a stranger changed the room: %+v", now)
	}
}

func same(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y map[string]any
	check(t, json.Unmarshal(a, &x))
	check(t, json.Unmarshal(b, &y))
	delete(x, "request_id")
	delete(y, "request_id")
	return fmt.Sprint(x) == fmt.Sprint(y)
}

func TestAnOperatorReadsWithAReasonAndOnlyReads(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	path := "/chat/rooms/" + r.ID.String()
	m.rest(t, 0, "operator", "GET", path+"/messages", nil, 403, nil)
	for _, short := range []string{" ", "왜"} {
		if status, _ := m.call(t, 0, "operator", "GET", path, nil, "X-Access-Reason", short); status < 400 {
			t.Errorf("reason %q was taken", short)
		}
	}
	if status, text := m.call(t, 0, "operator", "GET", path+"/messages", nil, "X-Access-Reason", "report 4711 by the buyer"); status != 200 {
		t.Errorf("with a reason: %d %s", status, text)
	}
	status, _ := m.call(t, 0, "operator", "POST", path+"/messages", map[string]any{"client_msg_id": id.New(), "body": "?"}, "X-Access-Reason", "report 4711 by the buyer")
	if status != 404 {
		t.Errorf("an operator may not write: %d", status)
	}
	if status, _ := m.call(t, 0, "other", "GET", path, nil, "X-Access-Reason", "report 4711 by the buyer"); status != 404 {
		t.Errorf("a reason makes nobody an operator: %d", status)
	}
}

func TestOpeningRefusesWhatIsNotThere(t *testing.T) {
	m := single(t)
	open := func(who string, body map[string]any, want int) {
		t.Helper()
		m.rest(t, 0, who, "POST", "/chat/rooms", body, want, nil)
	}
	open("buyer", map[string]any{"shop_id": id.New()}, 404)
	open("buyer", map[string]any{"shop_id": shopID, "product_id": strangeProductID}, 404)
	open("buyer", map[string]any{"shop_id": shopID, "order_id": id.New()}, 404)
	open("buyer", map[string]any{"shop_id": shopID, "product_id": mugID, "order_id": id.New()}, 400)
	open("buyer", map[string]any{"shop_id": "달빛"}, 400)
	open("buyer", map[string]any{}, 400)
	open("owner", map[string]any{"shop_id": shopID}, 403)
	open("", map[string]any{"shop_id": shopID}, 401)
	open("buyer", map[string]any{"shop_id": shopID}, 201)
	open("buyer", map[string]any{"shop_id": shopID}, 200)
}
