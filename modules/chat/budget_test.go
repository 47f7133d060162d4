package chat_test

import (
	"strings"
	"testing"

	"mall/modules/chat"
	"mall/modules/platform/id"
)

// What is said of typing reaches others at a person's pace, however fast it is said, and nobody is punished for it.
func TestAFloodOfTypingIsThinned(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	buyer, agent := m.connect(t, 0, "buyer"), m.connect(t, 0, "agent")
	for i := range 150 {
		buyer.say(map[string]any{"type": "typing", "room_id": r.ID, "on": i%2 == 0})
	}
	buyer.say(map[string]any{"type": "ping", "id": "p"})
	buyer.skipTo("pong")
	buyer.say(send(r.ID, "네"))
	buyer.skipTo("ack")
	heard := 0
	for got := agent.next(); got.Type != "message"; got = agent.next() {
		heard++
	}
	if heard < 1 || heard > 8 {
		t.Errorf("of 150 frames %d reached the other side, want about the burst of 5", heard)
	}
}

func TestTheSameTypingSaidAgainIsDropped(t *testing.T) {
	m := limited(t, func(c *chat.Config) { c.TypingPerSecond, c.TypingBurst = 1000, 1000 })
	r := m.openRoom(t, "buyer")
	buyer, agent := m.connect(t, 0, "buyer"), m.connect(t, 0, "agent")
	for range 50 {
		buyer.say(map[string]any{"type": "typing", "room_id": r.ID, "on": true})
	}
	buyer.say(send(r.ID, "네"))
	buyer.skipTo("ack")
	heard := 0
	for got := agent.next(); got.Type != "message"; got = agent.next() {
		heard++
	}
	if heard > 2 {
		t.Errorf("%d times the same was told", heard)
	}
}

// Turning a room from subject to subject, an inquiry from state to state, or a block on and off has an end.
func TestChangesOfAMemberHaveABudget(t *testing.T) {
	m := limited(t, func(c *chat.Config) { c.ChangesPerMinute = 5 })
	r := m.openRoom(t, "buyer")
	status := 0
	for range 5 {
		status, _ = m.call(t, 0, "buyer", "POST", "/chat/rooms", map[string]any{"shop_id": shopID})
	}
	if status != 429 {
		t.Errorf("the sixth subject: %d", status)
	}
	path := "/chat/rooms/" + r.ID.String()
	for i := range 6 {
		state := []string{"done", "open"}[i%2]
		status, _ = m.call(t, 0, "agent", "PATCH", path+"/inquiries/"+r.Inquiry.ID.String(), map[string]any{"state": state})
	}
	if status != 429 {
		t.Errorf("the sixth state: %d", status)
	}
	m.rest(t, 0, "agent", "PUT", path+"/block", nil, 429, nil)
	m.rest(t, 0, "agent", "POST", path+"/messages", map[string]any{"client_msg_id": id.New(), "body": "네"}, 201, nil)
}

// The longest body that there is fits, however a client writes it, on both ways.
func TestTheLongestBodyFitsInEscapes(t *testing.T) {
	m := limited(t, func(*chat.Config) {})
	r := m.openRoom(t, "buyer")
	c := m.connect(t, 0, "buyer")
	escaped := strings.Repeat(`\ud83d\ude00`, 2000)
	check(t, c.ws.WriteMessage(1, []byte(`{"type":"send","id":"1","room_id":"`+r.ID.String()+`","client_msg_id":"`+id.New().String()+`","body":"`+escaped+`"}`)))
	if got := c.skipTo("ack"); got.Seq != 1 {
		t.Errorf("%+v", got)
	}
	m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", raw(`{"client_msg_id":"`+id.New().String()+`","body":"`+escaped+`"}`), 201, nil)
	var p problem
	m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": strings.Repeat("😀", 9000)}, 400, &p)
	if p.Code != "too_long" {
		t.Errorf("a body that is too long: %+v", p)
	}
}

// raw is JSON as it is written.
type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// A product that its shop hides is there for its staff only: a buyer who knows its id learns neither name nor price.
func TestAHiddenProductIsNotShownToBuyers(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	m.rest(t, 0, "owner", "PATCH", "/products/"+mugID.String(), map[string]any{"hidden": true}, 200, nil)
	opening := func(product id.ID) map[string]any { return map[string]any{"shop_id": shopID, "product_id": product} }
	hidden, answer := m.call(t, 0, "other", "POST", "/chat/rooms", opening(mugID))
	none, absent := m.call(t, 0, "other", "POST", "/chat/rooms", opening(id.New()))
	if hidden != 404 || hidden != none || !same(t, answer, absent) {
		t.Errorf("a room about it: %d %s, but about none %d %s", hidden, answer, none, absent)
	}
	message := func() map[string]any {
		return map[string]any{"client_msg_id": id.New(), "card": map[string]any{"kind": "product", "id": mugID}}
	}
	path := "/chat/rooms/" + r.ID.String() + "/messages"
	m.rest(t, 0, "buyer", "POST", path, message(), 404, nil)
	m.rest(t, 0, "agent", "POST", path, message(), 201, nil)
}
