package attacks_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/id"
)

var staffAttacks = []attack{
	{"staff without consent", "adds people to a shop's staff by their e-mail address", "there is no such call", noAddingOfStaff},
	{"an invitation", "invites people to their shop", "nothing of it touches the invited: sockets, shops, limits", invitationTouchesNobody},
	{"who has an account, by invitation", "invites those who are there and those who are not", "the same answer", invitationTellsNothing},
	{"a squatter", "signs up with another's e-mail address to collect what comes for it", "nothing is listed or accepted before the address is proved", squatter},
	{"another's invitation", "accepts and declines what was sent to others", "404", foreignInvitation},
	{"more than one may", "lets a manager invite managers, an agent anybody", "403", invitationsAboveOneself},
	{"floods of invitations", "invites without an end", "refused after some", invitationFlood},
	{"no step-up", "does staff acts with a stolen login", "403 step_up_required", noStepUp},
	{"an agent's prices", "lets an agent change prices and delete products", "403, until the owner says otherwise", agentsPrices},
}

func noAddingOfStaff(t *testing.T, w *world) {
	victim := w.member("victim")
	a := w.owner.call("POST", "/shops/"+w.shop+"/staff", object{"email": victim.email, "role": "agent"})
	if a.status != 405 && a.status != 404 {
		t.Errorf("POST …/staff: %s", a)
	}
	a = w.owner.call("PUT", "/shops/"+w.shop+"/staff/"+victim.id, object{"role": "owner"})
	a.want(404, "")
	if n := w.m.number(t, "SELECT COUNT(*) FROM member_staff WHERE member_id = ?", id.MustParse(victim.id)); n != 0 {
		t.Error("the victim is of the staff")
	}
}

func (w *world) invite(p *person, shop, email, role string) answer {
	w.t.Helper()
	return p.patient("POST", "/shops/"+shop+"/invitations", invitation(email, role))
}

func invitationTouchesNobody(t *testing.T, w *world) {
	victim := w.member("victim")
	w.m.prove(victim)
	keeper, shop := w.shopkeeper("inviting")
	l := victim.connect()
	before := victim.call("GET", "/me", nil)
	w.invite(keeper, shop, victim.email, "owner").must(201)
	if l.ends(time.Second) {
		t.Errorf("the victim's socket was closed with %d", l.code())
	}
	l.settle()
	if after := victim.call("GET", "/me", nil); !bytes.Equal(before.body, after.body) {
		t.Errorf("the victim was %s and is %s", before, after)
	}
}

func invitationTellsNothing(t *testing.T, w *world) {
	keeper, shop := w.shopkeeper("inviting")
	there, absent := w.m.registered(t, "victim").email, someone()
	one, other := w.invite(keeper, shop, there, "agent"), w.invite(keeper, shop, absent, "agent")
	if one.status != 201 || other.status != 201 || keys(one) != keys(other) {
		t.Errorf("who has an account: %s, who has none: %s", one, other)
	}
	if strings.Contains(string(one.body), "victim\"") {
		t.Errorf("an invitation tells the name: %s", one)
	}
}

// keys are the names of an answer's fields.
func keys(a answer) string {
	var fields map[string]any
	a.into(&fields)
	names := ""
	for _, name := range sorted(fields) {
		names += name + " "
	}
	return names
}

func squatter(t *testing.T, w *world) {
	p := w.m.stranger(t)
	p.name, p.password, p.email = "squatter", password, "boss."+id.New().String()+"@shop.example"
	p.signUp()
	p.logIn()
	keeper, shop := w.shopkeeper("inviting")
	made := w.invite(keeper, shop, p.email, "owner").must(201).id()
	var list struct{ Items []any }
	p.patient("GET", "/me/invitations", nil).must(200).into(&list)
	if len(list.Items) != 0 {
		t.Errorf("an unproved address is shown %d invitations", len(list.Items))
	}
	if a := p.patient("POST", "/me/invitations/"+made, nil); a.status != 404 && a.status != 403 {
		t.Errorf("accepted: %s", a)
	}
	if n := w.m.number(t, "SELECT COUNT(*) FROM member_staff WHERE member_id = ?", id.MustParse(p.id)); n != 0 {
		t.Error("the squatter is of the staff")
	}
	w.m.prove(p)
	p = p.again()
	p.patient("POST", "/me/invitations/"+made, nil).want(200, "")
	p.patient("POST", "/me/invitations/"+made, nil).want(404, "")
}

func foreignInvitation(t *testing.T, w *world) {
	thief := w.member("thief")
	w.m.prove(thief)
	keeper, shop := w.shopkeeper("inviting")
	made := w.invite(keeper, shop, someone(), "owner").must(201).id()
	thief.patient("POST", "/me/invitations/"+made, nil).want(404, "not_found")
	thief.patient("DELETE", "/me/invitations/"+made, nil).want(404, "not_found")
	thief.patient("DELETE", "/shops/"+shop+"/invitations/"+made, nil).want(404, "not_found")
	keeper.patient("DELETE", "/shops/"+shop+"/invitations/"+made, nil).want(204, "")
}

func invitationsAboveOneself(t *testing.T, w *world) {
	for _, role := range []string{"manager", "owner"} {
		w.invite(w.manager, w.shop, someone(), role).want(403, "forbidden")
	}
	for _, role := range []string{"agent", "manager", "owner"} {
		w.invite(w.agent, w.shop, someone(), role).want(403, "forbidden")
	}
	w.invite(w.owner, w.shop, someone(), "king").want(400, "")
}

func invitationFlood(t *testing.T, w *world) {
	keeper, shop := w.shopkeeper("inviting")
	for range 250 {
		if a := keeper.call("POST", "/shops/"+shop+"/invitations", invitation(someone(), "agent")); a.status == 409 || a.status == 429 {
			return
		}
	}
	t.Error("250 invitations, and none was too many")
}

func noStepUp(t *testing.T, w *world) {
	keeper, shop := w.shopkeeper("stolen")
	colleague := w.m.registered(t, "colleague")
	w.hire(colleague, shop, "agent")
	thief := w.longAgo(keeper.again())
	for _, call := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/shops/" + shop + "/invitations", invitation(someone(), "owner")},
		{"PUT", "/shops/" + shop + "/staff/" + colleague.id, object{"role": "owner"}},
		{"DELETE", "/shops/" + shop + "/staff/" + colleague.id, nil},
		{"PUT", "/shops/" + shop + "/rules", object{"agents_edit_products": true}},
	} {
		thief.patient(call.method, call.path, call.body).want(403, "step_up_required")
	}
	operator := w.longAgo(w.makeOperator("stolen operator"))
	operator.patient("GET", "/chat/rooms/"+w.room+"/messages", nil, header{"X-Access-Reason", "just curious"}).want(403, "step_up_required")
	order := w.newOrder("paid")
	manager := w.longAgo(w.staff("manager", w.shop))
	manager.patient("POST", "/orders/"+order+"/steps", object{"to": "refunded"}).want(403, "step_up_required")
	manager.stepUp().patient("POST", "/orders/"+order+"/steps", object{"to": "refunded"}).want(200, "")
}

func agentsPrices(t *testing.T, w *world) {
	product := w.newProduct(false)
	w.agent.patient("PATCH", "/products/"+product, object{"price_won": 1}).want(403, "forbidden")
	w.agent.patient("DELETE", "/products/"+product, nil).want(403, "forbidden")
	w.agent.patient("PUT", "/shops/"+w.shop+"/rules", object{"agents_edit_products": true}).want(403, "forbidden")
	w.owner.patient("PUT", "/shops/"+w.shop+"/rules", object{"agents_edit_products": true}).want(200, "")
	until(t, "the rule to hold", func() bool {
		return w.agent.call("PATCH", "/products/"+product, object{"price_won": 2}).status == 200
	})
	w.owner.patient("PUT", "/shops/"+w.shop+"/rules", object{"agents_edit_products": false}).want(200, "")
	until(t, "the rule to be gone", func() bool {
		return w.agent.call("PATCH", "/products/"+product, object{"price_won": 3}).status == 403
	})
}
