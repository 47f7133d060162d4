package chat_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"mall/modules/order"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/product"
)

func TestABuyerAsksAndTheShopAnswers(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		if r.Inquiry.Card.Title != "달빛 머그컵" || r.Inquiry.Card.PriceWon != 14900 || r.Inquiry.Number != 1 {
			t.Errorf("inquiry %+v", r.Inquiry)
		}
		buyer, tab := m.connect(t, 0, "buyer"), m.connect(t, m.last(), "buyer")
		owner, agent := m.connect(t, m.last(), "owner"), m.connect(t, 0, "agent")
		stranger, other := m.connect(t, 0, "stranger"), m.connect(t, m.last(), "other")

		question := send(r.ID, "재고 있나요?")
		buyer.say(question)
		ack := buyer.want("ack")
		if ack.ID != "1" || ack.Seq != 1 || ack.Dup || ack.ClientMsgID != question["client_msg_id"] {
			t.Errorf("ack %+v", ack)
		}
		for _, c := range []*client{tab, owner, agent} {
			got := c.want("message")
			if got.Seq != 1 || got.Body != "재고 있나요?" || got.Sender.Party != "buyer" || got.Sender.Name != "김하늘" || got.InquiryID != r.Inquiry.ID {
				t.Errorf("message %+v", got)
			}
		}
		seen := m.room(t, 0, "owner", r.ID)
		if seen.Unread != 1 || seen.Inquiry.State != "waiting" {
			t.Errorf("the shop sees unread %d, state %s", seen.Unread, seen.Inquiry.State)
		}
		owner.say(map[string]any{"type": "read", "room_id": r.ID, "seq": 1})
		for _, c := range []*client{buyer, tab, agent, owner} {
			got := c.want("receipt")
			if got.Party != "shop" || got.ReadSeq != 1 || got.DeliveredSeq != 1 {
				t.Errorf("receipt %+v", got)
			}
		}
		owner.say(send(r.ID, "네, 있습니다."))
		owner.want("ack")
		for _, c := range []*client{buyer, tab, agent} {
			if got := c.want("message"); got.Seq != 2 || got.Sender.Party != "shop" || got.Sender.Name != "박달님" {
				t.Errorf("answer %+v", got)
			}
		}
		if mine := m.room(t, m.last(), "buyer", r.ID); mine.Unread != 1 || mine.Inquiry.State != "open" || mine.Cursors.Shop.ReadSeq != 1 {
			t.Errorf("the buyer sees %+v", mine)
		}
		// Strangers have heard nothing: the next frame each gets is the answer to what they ask now.
		for _, c := range []*client{stranger, other} {
			c.say(send(r.ID, "끼어들기"))
			if got := c.want("error"); got.Code != "not_found" {
				t.Errorf("a stranger's send: %+v", got)
			}
		}
	})
}

func TestTypingReachesTheOthersOnly(t *testing.T) {
	m, _ := pair(t)
	r := m.openRoom(t, "buyer")
	buyer, owner, agent := m.connect(t, 0, "buyer"), m.connect(t, 1, "owner"), m.connect(t, 0, "agent")
	agent.say(map[string]any{"type": "typing", "room_id": r.ID, "on": true})
	for _, c := range []*client{buyer, owner} {
		if got := c.want("typing"); !got.On || got.Party != "shop" || got.Name != "최지민" {
			t.Errorf("typing %+v", got)
		}
	}
	agent.say(send(r.ID, "안녕하세요"))
	agent.want("ack")
}

func TestTheSameKeyFromEverywhereIsOneMessage(t *testing.T) {
	m, _ := pair(t)
	r := m.openRoom(t, "buyer")
	body := map[string]any{"client_msg_id": id.New(), "body": "한 번만"}
	seqs := make(chan int64, 8)
	var fresh sync.Map
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			status, text := m.call(t, i%2, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", body)
			var receipt struct {
				Seq int64
				Dup bool
			}
			if err := json.Unmarshal(text, &receipt); err != nil || receipt.Dup != (status == http.StatusOK) {
				t.Errorf("%d %s", status, text)
			}
			if !receipt.Dup {
				fresh.Store(i, true)
			}
			seqs <- receipt.Seq
		})
	}
	for i := range 2 {
		c := m.connect(t, i, "buyer")
		c.say(map[string]any{"type": "send", "id": "x", "room_id": r.ID, "client_msg_id": body["client_msg_id"], "body": "한 번만"})
		seqs <- c.skipTo("ack").Seq
	}
	wg.Wait()
	for range 8 {
		if seq := <-seqs; seq != 1 {
			t.Errorf("seq %d, want 1", seq)
		}
	}
	if now := m.room(t, 0, "buyer", r.ID); now.Head != 1 {
		t.Errorf("head %d, want 1", now.Head)
	}
	body["body"] = "다른 말"
	var p problem
	m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", body, http.StatusConflict, &p)
	if p.Code != "client_msg_id_conflict" {
		t.Errorf("problem %+v", p)
	}
}

func TestHistoryIsStable(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		path := "/chat/rooms/" + r.ID.String() + "/messages"
		for i := range 12 {
			m.rest(t, i%len(m.instances), "buyer", "POST", path, map[string]any{"client_msg_id": id.New(), "body": strings.Repeat("가", i+1)}, 201, nil)
		}
		page := func(query string, want ...int64) {
			t.Helper()
			var p struct {
				Items []frame
				Head  int64
				Epoch string
			}
			m.rest(t, m.last(), "owner", "GET", path+query, nil, 200, &p)
			var got []int64
			for _, i := range p.Items {
				got = append(got, i.Seq)
			}
			if len(got) != len(want) || len(got) > 0 && (got[0] != want[0] || got[len(got)-1] != want[len(want)-1]) || p.Head != 12 || p.Epoch == "" {
				t.Errorf("%s: %v head %d, want %v", query, got, p.Head, want)
			}
		}
		page("?limit=3", 10, 11, 12)
		page("?limit=3&before_seq=10", 7, 8, 9)
		page("?limit=3&after_seq=10", 11, 12)
		page("?after_seq=12")
		page("?before_seq=1")
		for _, bad := range []string{"?limit=0", "?limit=101", "?before_seq=0", "?after_seq=x", "?before_seq=3&after_seq=1"} {
			var p problem
			m.rest(t, 0, "owner", "GET", path+bad, nil, 400, &p)
			if p.Field == "" {
				t.Errorf("%s: %+v names no field", bad, p)
			}
		}
	})
}

func TestInboxOfTheShop(t *testing.T) {
	m := single(t)
	first, second := m.openRoom(t, "buyer"), m.openRoom(t, "other")
	post := func(who string, room id.ID) {
		m.rest(t, 0, who, "POST", "/chat/rooms/"+room.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": "?"}, 201, nil)
	}
	post("buyer", first.ID)
	post("other", second.ID)
	list := func(who, query string) []room {
		var p struct{ Items []room }
		m.rest(t, 0, who, "GET", "/chat/rooms"+query, nil, 200, &p)
		return p.Items
	}
	shop := "?shop_id=" + shopID.String()
	if got := list("agent", shop+"&order=waiting"); len(got) != 2 || got[0].ID != first.ID {
		t.Errorf("longest waiting first: %+v", got)
	}
	if got := list("agent", shop); len(got) != 2 || got[0].ID != second.ID || got[0].Unread != 1 || got[0].LastMessage.Body != "?" {
		t.Errorf("last change first: %+v", got)
	}
	post("owner", first.ID)
	if got := list("agent", shop+"&state=waiting"); len(got) != 1 || got[0].ID != second.ID {
		t.Errorf("waiting: %+v", got)
	}
	if got := list("buyer", ""); len(got) != 1 || got[0].ID != first.ID || got[0].Unread != 1 {
		t.Errorf("the buyer's own: %+v", got)
	}
	var sum struct {
		Unread int64
		States map[string]int64
	}
	m.rest(t, 0, "owner", "GET", "/chat/summary"+shop, nil, 200, &sum)
	if sum.Unread != 2 || sum.States["waiting"] != 1 || sum.States["open"] != 1 {
		t.Errorf("summary %+v", sum)
	}
	m.rest(t, 0, "buyer", "GET", "/chat/rooms"+shop, nil, 404, nil)
	m.rest(t, 0, "buyer", "GET", "/chat/summary"+shop, nil, 404, nil)
	m.rest(t, 0, "agent", "GET", "/chat/rooms?cursor=nonsense", nil, 400, nil)
}

func TestInquiryIsClosedInSightOfTheBuyer(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		buyer := m.connect(t, 0, "buyer")
		path := "/chat/rooms/" + r.ID.String() + "/inquiries/" + r.Inquiry.ID.String()
		m.rest(t, 0, "buyer", "PATCH", path, map[string]any{"state": "done"}, 403, nil)
		m.rest(t, 0, "stranger", "PATCH", path, map[string]any{"state": "done"}, 404, nil)
		m.rest(t, 0, "agent", "PATCH", path, map[string]any{"state": "gone"}, 400, nil)
		m.rest(t, 0, "agent", "PATCH", path, map[string]any{"owner_id": buyerID}, 400, nil)
		var changed room
		m.rest(t, m.last(), "agent", "PATCH", path, map[string]any{"state": "done", "owner_id": agentID}, 200, &changed)
		if changed.Inquiry.State != "done" {
			t.Errorf("changed %+v", changed.Inquiry)
		}
		if got := buyer.want("message"); got.Kind != "notice" || got.Body != "inquiry_done" || got.Sender.Party != "system" {
			t.Errorf("notice %+v", got)
		}
		if got := buyer.want("room"); got.Room.Inquiry.State != "done" {
			t.Errorf("room %+v", got.Room)
		}
	})
}

func TestOrderNewsIsSaidInItsRoomOnce(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		in := m.instances[0]
		ctx := identity.With(t.Context(), &identity.Principal{MemberID: buyerID, Name: "김하늘"})
		o, _, err := in.orders.Place(ctx, order.Draft{ShopID: shopID, ClientOrderID: id.New(), Lines: []product.Line{{ProductID: mugID, Quantity: 2}}})
		check(t, err)
		var r room
		m.rest(t, 0, "buyer", "POST", "/chat/rooms", map[string]any{"shop_id": shopID, "order_id": o.ID}, 201, &r)
		owner := m.connect(t, m.last(), "owner")
		m.rest(t, 0, "buyer", "POST", "/orders/"+o.ID.String()+"/steps", map[string]any{"to": "paid"}, 200, nil)
		got := owner.want("message")
		for got.Body == "order_placed" { // the news of the placing may come before or after the room was opened
			got = owner.want("message")
		}
		if got.Kind != "notice" || got.Body != "order_paid" || got.Card == nil || got.Card.Status != "paid" || got.Card.Title != o.Number {
			t.Errorf("notice %+v", got)
		}
		// The same news again, as after a crash, changes nothing.
		again := func() {
			check(t, in.chat.OrderChanged(t.Context(), changeOf(o, id.Derived("news"))))
		}
		before := m.room(t, 0, "buyer", r.ID).Head
		again()
		again()
		if after := m.room(t, 0, "buyer", r.ID).Head; after != before+1 {
			t.Errorf("head %d after the same news twice, want %d", after, before+1)
		}
	})
}

func TestCardsShowOnlyWhatBelongsToTheTalk(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	path := "/chat/rooms/" + r.ID.String() + "/messages"
	card := func(kind string, x id.ID) map[string]any {
		return map[string]any{"client_msg_id": id.New(), "card": map[string]any{"kind": kind, "id": x}}
	}
	m.rest(t, 0, "owner", "POST", path, card("product", mugID), 201, nil)
	m.rest(t, 0, "owner", "POST", path, card("product", strangeProductID), 404, nil)
	m.rest(t, 0, "owner", "POST", path, card("order", id.New()), 404, nil)
	m.rest(t, 0, "owner", "POST", path, card("person", mugID), 400, nil)
	if got := m.room(t, 0, "buyer", r.ID).LastMessage; got.Kind != "card" || got.Card.Title != "달빛 머그컵" {
		t.Errorf("card %+v", got)
	}
}
