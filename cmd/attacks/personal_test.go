package attacks_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/id"
)

var personAttacks = []attack{
	{"a copy of what is kept", "asks for a copy of what is kept of others", "what is the asker's own, with both sides of their talks, no secrets", export},
	{"an account taken away", "takes an account away by accident, or somebody else's", "a step-up and a word first; then it is gone everywhere", erasure},
	{"orders that nobody pays", "orders all stock and pays for nothing", "a limit of unpaid orders; they lapse and the stock is back", unpaidOrders},
}

// wholeCopy is the last field of a copy that was not cut off.
var wholeCopy = regexp.MustCompile(`"complete":\s*true\s*}\s*$`)

func export(t *testing.T, w *world) {
	p, other := w.member("asker"), w.member("somebody else")
	room, foreign := w.openRoom(p), w.openRoom(other)
	mine, theirs, strange := "내 말 "+id.New().String(), "가게의 말 "+id.New().String(), "남의 말 "+id.New().String()
	w.say(p, room, mine)
	w.say(w.owner, room, theirs)
	w.say(other, foreign, strange)
	w.m.stranger(t).patient("GET", "/me/export", nil).want(401, "")
	w.longAgo(p).patient("GET", "/me/export", nil).want(403, "step_up_required")
	a := p.stepUp().patient("GET", "/me/export", nil).must(200)
	text := string(a.body)
	if !strings.Contains(text, mine) || !strings.Contains(text, theirs) || !wholeCopy.MatchString(text) {
		t.Errorf("the copy lacks something: %.400s", text)
	}
	for name, secret := range map[string]string{"another's words": strange, "another's address": other.email, "a hash": "$argon2", "a token": p.refresh, "a colleague's address": w.owner.email} {
		if strings.Contains(text, secret) {
			t.Errorf("the copy has %s", name)
		}
	}
}

func erasure(t *testing.T, w *world) {
	p := w.member("leaving")
	room := w.openRoom(p)
	w.say(p, room, "안녕히 계세요")
	l := p.connect()
	w.longAgo(p).patient("POST", "/me/erasure", object{"confirm": "erase"}).want(403, "step_up_required")
	p.stepUp().patient("POST", "/me/erasure", object{"confirm": "yes"}).want(400, "")
	w.owner.patient("POST", "/me/erasure", object{"confirm": "erase"}).want(409, "last_owner")
	p.patient("POST", "/me/erasure", object{"confirm": "erase"}).must(200)
	if !l.ends(soon) {
		t.Error("a socket lives on")
	}
	until(t, "the end of the login", func() bool { return p.call("GET", "/me", nil).status == 401 })
	w.m.stranger(t).patient("POST", "/auth/login", object{"email": p.email, "password": p.password}).want(401, "")
	a := w.owner.patient("GET", "/chat/rooms/"+room, nil).must(200)
	if strings.Contains(string(a.body), p.name) {
		t.Errorf("the shop still reads the name: %s", a)
	}
	if n := w.m.number(t, "SELECT COUNT(*) FROM member_members WHERE email = ?", p.email); n != 0 {
		t.Error("the address is still there")
	}
}

func unpaidOrders(t *testing.T, w *world) {
	p := w.member("hoarder")
	product := w.owner.patient("POST", "/shops/"+w.shop+"/products", object{"name": "드문 것", "category": "home", "price_won": 1, "stock": 1}).must(201).id()
	order := p.patient("POST", "/orders", orderOf(w.shop, product)).must(201).id()
	w.otherBuyer.patient("POST", "/orders", orderOf(w.shop, product)).want(409, "")
	refused := false
	for range 60 {
		a := p.patient("POST", "/orders", orderOf(w.shop, w.product))
		refused = refused || a.code() == "too_many_unpaid"
	}
	if !refused {
		t.Error("60 unpaid orders, and none was too many")
	}
	w.m.exec(t, "UPDATE order_orders SET created_at = ? WHERE id = ?", time.Now().UTC().Add(-24*time.Hour), id.MustParse(order))
	if !within(30*time.Second, func() bool {
		return strings.Contains(string(p.call("GET", "/orders/"+order, nil).body), `"status":"cancelled"`)
	}) {
		t.Fatal("an order that nobody pays holds its stock for ever")
	}
	w.otherBuyer.patient("POST", "/orders", orderOf(w.shop, product)).want(201, "")
}
