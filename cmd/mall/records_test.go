package main_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"mall/modules/platform/id"
)

// shopping is a member who has signed up and has asked a shop something.
type shopping struct {
	email, password, token string
	room                   id.ID
}

func (p *program) goShopping(email, question string) *shopping {
	p.t.Helper()
	s := &shopping{email: email, password: "a password of " + email}
	if got := p.call("POST", "/api/v1/members", "", map[string]string{"email": s.email, "password": s.password, "name": "서지우"}, nil); got != http.StatusCreated {
		p.t.Fatal("sign-up:", got)
	}
	s.token = p.loginAs(s.email, s.password)
	goods := p.goods()
	var room struct{ ID id.ID }
	about := map[string]id.ID{"shop_id": goods.ShopID, "product_id": goods.ID}
	if got := p.call("POST", "/api/v1/chat/rooms", s.token, about, &room); got != http.StatusCreated {
		p.t.Fatal("room:", got)
	}
	s.room = room.ID
	words := map[string]any{"client_msg_id": id.New(), "body": question}
	if got := p.call("POST", "/api/v1/chat/rooms/"+room.ID.String()+"/messages", s.token, words, nil); got != http.StatusCreated {
		p.t.Fatal("message:", got)
	}
	return s
}

// moonGoods is something that the demo's first shop sells.
type moonGoods struct {
	ID     id.ID `json:"id"`
	ShopID id.ID `json:"shop_id"`
}

func (p *program) goods() moonGoods {
	p.t.Helper()
	var me struct{ Shops []struct{ ID id.ID } }
	p.call("GET", "/api/v1/me", p.login("moon@demo.mall"), nil, &me)
	var page struct{ Items []moonGoods }
	p.call("GET", "/api/v1/products?limit=100", "", nil, &page)
	for _, g := range page.Items {
		if g.ShopID == me.Shops[0].ID {
			return g
		}
	}
	p.t.Fatal("the demo's shop sells nothing")
	return moonGoods{}
}

func (p *program) loginAs(email, password string) string {
	p.t.Helper()
	var tokens struct {
		Access string `json:"access_token"`
	}
	if got := p.call("POST", "/api/v1/auth/login", "", map[string]string{"email": email, "password": password}, &tokens); got != http.StatusOK {
		p.t.Fatal("login:", got)
	}
	return tokens.Access
}

// A member takes a copy of all that is kept of them, with both sides of their talks and nothing of anybody else, and leaves.
// What the law makes keep stays, without a name that the shop could read.
func TestAMemberTakesACopyAndLeaves(t *testing.T) {
	p := start(t, t.TempDir())
	defer func() { _ = p.end(syscall.SIGTERM) }()
	s := p.goShopping("jiwoo@x.kr", "이 컵은 손으로 만든 건가요?")
	other := p.goShopping("other@x.kr", "저도 궁금해요")

	var taken struct {
		Account  struct{ Email, Name string }
		Talks    []struct{ ID id.ID }
		Messages []struct {
			RoomID id.ID `json:"room_id"`
			Body   string
		}
		Orders   []json.RawMessage
		Complete bool
	}
	var raw json.RawMessage
	if got := p.call("GET", "/api/v1/me/export", s.token, nil, &raw); got != http.StatusOK {
		t.Fatal("export:", got)
	}
	if err := json.Unmarshal(raw, &taken); err != nil {
		t.Fatal(err)
	}
	if !taken.Complete || taken.Account.Email != s.email || len(taken.Talks) != 1 || taken.Talks[0].ID != s.room || taken.Orders == nil {
		t.Errorf("%+v", taken)
	}
	if len(taken.Messages) == 0 || taken.Messages[len(taken.Messages)-1].Body != "이 컵은 손으로 만든 건가요?" {
		t.Errorf("messages: %+v", taken.Messages)
	}
	for _, foreign := range []string{other.email, other.room.String(), "저도", "argon2"} {
		if strings.Contains(string(raw), foreign) {
			t.Errorf("the copy holds %q", foreign)
		}
	}

	erase := map[string]string{"confirm": "erase"}
	if got := p.call("POST", "/api/v1/me/erasure", s.token, map[string]string{"confirm": "yes"}, nil); got != http.StatusBadRequest {
		t.Error("by accident:", got)
	}
	var left struct {
		OrdersUntil *string `json:"orders_until"`
		TalksUntil  *string `json:"talks_until"`
	}
	if got := p.call("POST", "/api/v1/me/erasure", s.token, erase, &left); got != http.StatusOK || left.OrdersUntil != nil || left.TalksUntil == nil {
		t.Fatal("erasure:", got, left)
	}
	if got := p.call("GET", "/api/v1/me", s.token, nil, nil); got != http.StatusUnauthorized && got != http.StatusForbidden {
		t.Error("the login lives on:", got)
	}
	if got := p.call("POST", "/api/v1/auth/login", "", map[string]string{"email": s.email, "password": s.password}, nil); got != http.StatusUnauthorized {
		t.Error("the account lives on:", got)
	}
	if names := p.namesIn(s); len(names) != 1 || names["탈퇴한 회원"] == 0 {
		t.Errorf("the shop reads %v", names)
	}
	if names := p.namesIn(other); names["서지우"] == 0 {
		t.Errorf("another member's name is gone: %v", names)
	}
	p.goShopping(s.email, "다시 왔어요") // the address is free again, and somebody else's from now on
}

// namesIn are the names of people in a room, as the shop's owner reads them.
func (p *program) namesIn(s *shopping) map[string]int {
	p.t.Helper()
	var page struct {
		Items []struct {
			Sender struct{ Name string }
		}
	}
	if got := p.call("GET", "/api/v1/chat/rooms/"+s.room.String()+"/messages", p.login("moon@demo.mall"), nil, &page); got != http.StatusOK {
		p.t.Fatal("the shop's page:", got)
	}
	names := map[string]int{}
	for _, m := range page.Items {
		if m.Sender.Name != "" {
			names[m.Sender.Name]++
		}
	}
	return names
}

// An order under way must end first, and a shop must have another owner.
func TestWhoStillHasDutiesStays(t *testing.T) {
	p := start(t, t.TempDir())
	defer func() { _ = p.end(syscall.SIGTERM) }()
	owner := p.goShopping("owner@x.kr", "안녕하세요")
	if got := p.call("POST", "/api/v1/shops", owner.token, map[string]string{"name": "작은 가게"}, nil); got != http.StatusCreated {
		t.Fatal("shop:", got)
	}
	var problem struct{ Code string }
	if got := p.call("POST", "/api/v1/me/erasure", owner.token, map[string]string{"confirm": "erase"}, &problem); got != http.StatusConflict || problem.Code != "last_owner" {
		t.Error("a last owner:", got, problem)
	}
	buyer := p.goShopping("buyer9@x.kr", "안녕하세요")
	goods := p.goods()
	draft := map[string]any{"shop_id": goods.ShopID, "client_order_id": id.New(),
		"lines": []map[string]any{{"product_id": goods.ID, "quantity": 1}}}
	if got := p.call("POST", "/api/v1/orders", buyer.token, draft, nil); got != http.StatusCreated {
		t.Fatal("order:", got)
	}
	if got := p.call("POST", "/api/v1/me/erasure", buyer.token, map[string]string{"confirm": "erase"}, &problem); got != http.StatusConflict || problem.Code != "open_orders" {
		t.Error("an order under way:", got, problem)
	}
	if got := p.call("GET", "/api/v1/me", buyer.token, nil, nil); got != http.StatusOK {
		t.Error("a refused erasure has ended the login:", got)
	}
}
