package attacks_test

import (
	"cmp"
	"strings"
	"time"

	"mall/modules/platform/id"
)

// request plays one row of the table of routes.
type request struct {
	// about makes what the call is about; nil for nothing. It is made again after each call that was allowed.
	about func(w *world) string
	// own makes what belongs to the caller, or lets them call with another login; in place of about.
	own func(w *world, p *person) (*person, string)
	// after undoes what the row has left behind; nil for nothing.
	after func(w *world)
	// call fills in the path and gives the body; nil for none.
	call func(w *world, path, target string) (string, any)
}

// fill puts values into a path, in their order.
func fill(path string, values ...string) string {
	for _, v := range values {
		from, to := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:from] + v + path[to+1:]
	}
	return path
}

// plain is a call about nothing but the path itself.
func plain(body any) request {
	return request{call: func(_ *world, path, _ string) (string, any) { return path, body }}
}

// ofShop is a call about the shop; ofTheShop about something of it.
func ofShop(body any) request {
	return request{call: func(w *world, path, _ string) (string, any) { return fill(path, w.shop), body }}
}

func ofTheShop(about func(w *world) string, body any) request {
	return request{about: about, call: func(w *world, path, target string) (string, any) { return fill(path, w.shop, target), body }}
}

// of something that is made for the call.
func about(made func(w *world) string, body any) request {
	return request{about: made, call: func(_ *world, path, target string) (string, any) { return fill(path, target), body }}
}

// fixed is a call about something that no call changes.
func fixed(which func(w *world) string, body any) request {
	return request{call: func(w *world, path, _ string) (string, any) { return fill(path, which(w)), body }}
}

// owned is a call about something of the caller's.
func owned(own func(w *world, p *person) (*person, string), body func(p string) any) request {
	return request{own: own, call: func(_ *world, path, target string) (string, any) {
		if strings.Contains(path, "{") {
			return fill(path, cmp.Or(target, nobody)), body(target)
		}
		return path, body(cmp.Or(target, noToken))
	}}
}

// nobody is the id of nothing, and noToken a token that was never given.
const nobody = "01930000-0000-7000-8000-000000000000"

var noToken = strings.Repeat("A", 43)

func none(string) any { return nil }

func room(w *world) string    { return w.room }
func product(w *world) string { return w.product }
func hidden(w *world) string  { return w.hidden }

func freshProduct(w *world) string { return w.newProduct(false) }

func freshOrder(status string) func(w *world) string {
	return func(w *world) string { return w.newOrder(status) }
}

// freshStaff is a colleague who may be changed or removed: without an account of their own, since nobody logs in as them.
func freshStaff(role string) func(w *world) string {
	return func(w *world) string { return w.staffRow(role) }
}

func freshInvitation(w *world) string {
	w.t.Helper()
	return w.owner.patient("POST", "/shops/"+w.shop+"/invitations", invitation(someone(), "agent")).must(201).id()
}

func invitation(email, role string) object { return object{"email": email, "role": role} }

// someone is an e-mail address that nobody has.
func someone() string { return "someone." + id.New().String() + "@attack.example" }

// anotherLogin is the caller with a login that may end.
func anotherLogin(_ *world, p *person) (*person, string) { return p.again(), "" }

// themselves are the caller with the login that they have: what ends their other logins must leave it.
func themselves(_ *world, p *person) (*person, string) { return p, "" }

// myOtherLogin is the id of another login of the caller's.
func myOtherLogin(_ *world, p *person) (*person, string) {
	p.again()
	var list struct {
		Items []struct {
			ID      string
			Current bool
		}
	}
	p.patient("GET", "/me/sessions", nil).into(&list)
	for _, s := range list.Items {
		if !s.Current {
			return p, s.ID
		}
	}
	return p, nobody
}

func loginOfTheBuyer(w *world) string {
	_, login := myOtherLogin(w, w.buyer)
	return login
}

// myInvitation is an invitation of another shop to the caller.
func myInvitation(w *world, p *person) (*person, string) {
	keeper, shop := w.inviting(p)
	return p, keeper.patient("POST", "/shops/"+shop+"/invitations", invitation(p.email, "agent")).must(201).id()
}

// inviting is a new shop of somebody else's than the invited.
func (w *world) inviting(invited *person) (*person, string) {
	w.t.Helper()
	keeper := w.otherOwner
	if invited == keeper {
		keeper = w.owner
	}
	return keeper, keeper.patient("POST", "/shops", object{"name": "부르는 가게"}).must(201).id()
}

func invitationOfAnother(w *world) string {
	keeper, shop := w.inviting(nil)
	return keeper.patient("POST", "/shops/"+shop+"/invitations", invitation(someone(), "agent")).must(201).id()
}

// spare is somebody who logs in and out for others' cells.
func (w *world) spare() *person {
	if w.extra == nil {
		w.extra = w.m.registered(w.t, "spare")
	}
	here := *w.extra
	here.t = w.t
	return &here
}

func signUpRequest(_ *world, path, _ string) (string, any) {
	return path, object{"email": someone(), "password": password, "name": "새 사람"}
}

// requests play the rows of the table.
var requests = map[string]request{
	"POST /members": {call: signUpRequest},
	"POST /auth/login": {about: func(w *world) string { return w.spare().email }, call: func(_ *world, path, email string) (string, any) {
		return path, object{"email": email, "password": password}
	}},
	"POST /auth/second-factor":    plain(object{"challenge": noToken, "code": "123456"}),
	"POST /session/second-factor": plain(object{"challenge": noToken, "code": "123456"}),
	"POST /auth/refresh": {about: func(w *world) string {
		p := w.spare()
		p.logIn()
		return p.refresh
	}, call: func(_ *world, path, token string) (string, any) { return path, object{"refresh_token": token} }},
	"POST /auth/logout": owned(anotherLogin, none),
	"POST /session": {about: func(w *world) string { return w.spare().email }, call: func(_ *world, path, email string) (string, any) {
		return path, object{"email": email, "password": password}
	}},
	"DELETE /session":              plain(nil),
	"POST /email-proofs":           plain(object{"token": noToken}),
	"POST /password-resets":        plain(object{"email": "nobody@attack.example"}),
	"POST /password-resets/redeem": plain(object{"token": noToken, "password": password + "!"}),

	"GET /me":                                            plain(nil),
	"POST /me/email-proof":                               plain(nil),
	"PUT /me/password":                                   owned(themselves, func(string) any { return object{"current": password, "password": password} }),
	"GET /me/sessions":                                   plain(nil),
	"DELETE /me/sessions":                                owned(themselves, none),
	"DELETE /me/sessions/{session_id}":                   owned(myOtherLogin, none),
	"DELETE /me/sessions/{session_id} (another's)":       about(loginOfTheBuyer, nil),
	"POST /me/step-up":                                   plain(nil),
	"POST /me/step-up/answer":                            owned(stepUpChallenge, func(c string) any { return object{"challenge": c, "password": password} }),
	"POST /me/step-up/answer (another's challenge)":      plain(object{"challenge": noToken, "password": password}),
	"GET /me/factors":                                    plain(nil),
	"POST /me/factors/totp":                              plain(nil),
	"DELETE /me/factors/totp":                            plain(nil),
	"POST /me/factors/totp/confirm":                      plain(object{"code": "000000"}),
	"POST /me/factors/recovery-codes":                    plain(nil),
	"POST /me/factors/passkeys/begin":                    plain(nil),
	"POST /me/factors/passkeys":                          plain(object{"challenge": noToken, "name": "열쇠", "credential": object{"id": "x"}}),
	"DELETE /me/factors/passkeys/{passkey_id}":           fixed(func(*world) string { return nobody }, nil),
	"GET /me/invitations":                                plain(nil),
	"POST /me/invitations/{invitation_id}":               owned(myInvitation, none),
	"POST /me/invitations/{invitation_id} (another's)":   about(invitationOfAnother, nil),
	"DELETE /me/invitations/{invitation_id}":             owned(myInvitation, none),
	"DELETE /me/invitations/{invitation_id} (another's)": about(invitationOfAnother, nil),

	"POST /shops":                                           plain(object{"name": "새 가게"}),
	"GET /shops/{shop_id}":                                  ofShop(nil),
	"GET /shops/{shop_id}/rules":                            ofShop(nil),
	"PUT /shops/{shop_id}/rules":                            ofShop(object{"agents_edit_products": false}),
	"GET /shops/{shop_id}/staff":                            ofShop(nil),
	"PUT /shops/{shop_id}/staff/{member_id}":                ofTheShop(freshStaff("agent"), object{"role": "manager"}),
	"DELETE /shops/{shop_id}/staff/{member_id}":             ofTheShop(freshStaff("agent"), nil),
	"DELETE /shops/{shop_id}/staff/{member_id} (a manager)": ofTheShop(freshStaff("manager"), nil),
	"GET /shops/{shop_id}/invitations":                      ofShop(nil),
	"POST /shops/{shop_id}/invitations":                     {call: inviting("agent")},
	"POST /shops/{shop_id}/invitations (a manager)":         {call: inviting("manager")},
	"POST /shops/{shop_id}/invitations (an owner)":          {call: inviting("owner")},
	"DELETE /shops/{shop_id}/invitations/{invitation_id}":   ofTheShop(freshInvitation, nil),

	"GET /products":                                 plain(nil),
	"GET /products/{product_id}":                    fixed(product, nil),
	"GET /products/{product_id} (hidden)":           fixed(hidden, nil),
	"PATCH /products/{product_id} (name)":           about(freshProduct, object{"name": "새 이름"}),
	"PATCH /products/{product_id} (price)":          about(freshProduct, object{"price_won": 1}),
	"PATCH /products/{product_id} (description)":    about(freshProduct, object{"description": "새 설명"}),
	"PATCH /products/{product_id} (hide)":           about(freshProduct, object{"hidden": true}),
	"DELETE /products/{product_id}":                 about(freshProduct, nil),
	"POST /products/{product_id}/stock":             fixed(product, object{"delta": 1}),
	"GET /products/{product_id}/image.svg":          fixed(product, nil),
	"GET /products/{product_id}/image.svg (hidden)": fixed(hidden, nil),
	"GET /shops/{shop_id}/products":                 ofShop(nil),
	"POST /shops/{shop_id}/products":                ofShop(object{"name": "새 상품", "category": "home", "price_won": 1, "stock": 1}),

	"GET /orders":            plain(nil),
	"POST /orders":           {call: func(w *world, path, _ string) (string, any) { return path, orderOf(w.shop, w.product) }},
	"POST /orders (hidden)":  {call: func(w *world, path, _ string) (string, any) { return path, orderOf(w.shop, w.hidden) }},
	"GET /orders/{order_id}": fixed(func(w *world) string { return w.order }, nil),
	"POST /orders/{order_id}/steps (placed to paid)":         about(freshOrder("placed"), object{"to": "paid"}),
	"POST /orders/{order_id}/steps (placed to cancelled)":    about(freshOrder("placed"), object{"to": "cancelled"}),
	"POST /orders/{order_id}/steps (paid to preparing)":      about(freshOrder("paid"), object{"to": "preparing"}),
	"POST /orders/{order_id}/steps (paid to refunded)":       about(freshOrder("paid"), object{"to": "refunded"}),
	"POST /orders/{order_id}/steps (delivered to completed)": about(freshOrder("delivered"), object{"to": "completed"}),
	"GET /shops/{shop_id}/orders":                            ofShop(nil),

	"POST /chat/rooms":                    {call: opening(func(w *world) object { return object{"shop_id": w.shop} })},
	"POST /chat/rooms (another's order)":  {call: opening(func(w *world) object { return object{"shop_id": w.shop, "order_id": w.order} })},
	"POST /chat/rooms (hidden product)":   {call: opening(func(w *world) object { return object{"shop_id": w.shop, "product_id": w.hidden} })},
	"GET /chat/rooms":                     plain(nil),
	"GET /chat/rooms (the shop's)":        {call: func(w *world, path, _ string) (string, any) { return path + "?shop_id=" + w.shop, nil }},
	"GET /chat/summary":                   plain(nil),
	"GET /chat/summary (the shop's)":      {call: func(w *world, path, _ string) (string, any) { return path + "?shop_id=" + w.shop, nil }},
	"GET /chat/rooms/{room_id}":           fixed(room, nil),
	"GET /chat/rooms/{room_id}/inquiries": fixed(room, nil),
	"PATCH /chat/rooms/{room_id}/inquiries/{inquiry_id}": {call: func(w *world, path, _ string) (string, any) {
		return fill(path, w.room, w.inquiry()), object{"state": "open"}
	}},
	"GET /chat/rooms/{room_id}/messages":  fixed(room, nil),
	"POST /chat/rooms/{room_id}/messages": {call: func(w *world, path, _ string) (string, any) { return fill(path, w.room), message("안녕하세요") }},
	"POST /chat/rooms/{room_id}/messages (hidden product's card)": {call: func(w *world, path, _ string) (string, any) {
		return fill(path, w.room), object{"client_msg_id": id.New().String(), "card": object{"kind": "product", "id": w.hidden}}
	}},
	"GET /chat/rooms/{room_id}/messages/{seq}/trace": {call: func(w *world, path, _ string) (string, any) { return fill(path, w.room, "1"), nil }},
	"PUT /chat/rooms/{room_id}/block":                blocking(),
	"DELETE /chat/rooms/{room_id}/block":             blocking(),
	"POST /chat/rooms/{room_id}/reports":             fixed(room, object{"reason": "spam"}),
	"GET /me/export":                                 plain(nil),
	"POST /me/erasure":                               plain(object{"confirm": "no"}),
	"POST /me/erasure (confirmed)":                   owned(leaving, func(string) any { return object{"confirm": "erase"} }),
	"PUT /chat/rooms/{room_id}/cursor":               fixed(room, object{"read_seq": 1}),
	"GET /chat/events":                               plain(nil),
}

// blocking is about the room without a block; and leaves it so.
func blocking() request {
	unblock := func(w *world) {
		w.buyer.patient("DELETE", "/chat/rooms/"+w.room+"/block", nil)
		w.owner.patient("DELETE", "/chat/rooms/"+w.room+"/block", nil)
	}
	r := about(func(w *world) string { unblock(w); return w.room }, nil)
	r.after = unblock
	return r
}

// leaving is somebody like the caller, who takes their account away.
func leaving(w *world, _ *person) (*person, string) { return w.member("leaving").stepUp(), "" }

func opening(body func(w *world) object) func(w *world, path, target string) (string, any) {
	return func(w *world, path, _ string) (string, any) { return path, body(w) }
}

func inviting(role string) func(w *world, path, target string) (string, any) {
	return func(w *world, path, _ string) (string, any) { return fill(path, w.shop), invitation(someone(), role) }
}

func stepUpChallenge(_ *world, p *person) (*person, string) {
	var asked struct{ Challenge string }
	p.patient("POST", "/me/step-up", nil).into(&asked)
	return p, asked.Challenge
}

// inquiry is the room's.
func (w *world) inquiry() string {
	w.t.Helper()
	var r struct{ Inquiry struct{ ID string } }
	w.buyer.patient("GET", "/chat/rooms/"+w.room, nil).must(200).into(&r)
	return r.Inquiry.ID
}

// staffRow makes a colleague whom nobody knows: without a password, since nobody logs in as them.
func (w *world) staffRow(role string) string {
	w.t.Helper()
	p := &person{id: id.New().String()}
	w.m.exec(w.t, "INSERT INTO member_members (id, email, name, password_hash, created_at) VALUES (?, ?, ?, ?, ?)",
		id.MustParse(p.id), someone(), "동료", "-", time.Now().UTC())
	w.hire(p, w.shop, role)
	return p.id
}
