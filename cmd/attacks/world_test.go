package attacks_test

import (
	"database/sql"
	"testing"
	"time"

	"mall/modules/platform/id"
)

// world is a mall with everybody that the table of rights speaks of: one shop with all its staff, a buyer with a room and
// an order there, and those who have no business with either.
type world struct {
	m *mall
	t testing.TB

	shop, otherShop string
	product, hidden string
	order, room     string

	buyer, otherBuyer, agent, manager, owner, otherOwner, removed, operator *person
	extra                                                                   *person // who logs in for others
}

func newWorld(t testing.TB, m *mall) *world {
	t.Helper()
	w := &world{m: m, t: t}
	w.owner, w.shop = w.shopkeeper("owner")
	w.otherOwner, w.otherShop = w.shopkeeper("other owner")
	w.manager, w.agent, w.removed = w.staff("manager", w.shop), w.staff("agent", w.shop), w.staff("agent", w.shop)
	w.owner.patient("DELETE", "/shops/"+w.shop+"/staff/"+w.removed.id, nil).must(204)
	w.operator = w.makeOperator("operator")
	w.buyer, w.otherBuyer = m.member(t, "buyer"), m.member(t, "other buyer")
	m.prove(w.owner, w.otherOwner, w.manager, w.agent, w.removed, w.operator, w.buyer, w.otherBuyer)
	w.product, w.hidden = w.newProduct(false), w.newProduct(true)
	w.order = w.newOrder("")
	w.room = w.openRoom(w.buyer)
	w.say(w.buyer, w.room, "재고가 있나요?")
	return w
}

// in is the world as a subtest sees it, whose failures are its own.
func (w *world) in(t testing.TB) *world {
	here := *w
	here.t = t
	for _, p := range []**person{&here.buyer, &here.otherBuyer, &here.agent, &here.manager, &here.owner, &here.otherOwner, &here.removed, &here.operator} {
		one := **p
		one.t = t
		*p = &one
	}
	return &here
}

// shopkeeper is a member with a shop of their own.
func (w *world) shopkeeper(name string) (*person, string) {
	w.t.Helper()
	p := w.m.member(w.t, name)
	w.m.prove(p)
	shop := p.patient("POST", "/shops", object{"name": name + "'s shop"}).must(201).id()
	return p.again().stepUp(), shop
}

// staff makes a new member one of a shop's staff: in the database, since the way there by an invitation is what others of
// the tests play.
func (w *world) staff(role, shop string) *person {
	w.t.Helper()
	p := w.m.registered(w.t, role)
	w.hire(p, shop, role)
	p.logIn()
	return p.stepUp()
}

func (w *world) hire(p *person, shop, role string) {
	w.t.Helper()
	w.m.exec(w.t, "INSERT INTO member_staff (shop_id, member_id, role, created_at) VALUES (?, ?, ?, ?)",
		id.MustParse(shop), id.MustParse(p.id), role, time.Now().UTC())
}

func (w *world) makeOperator(name string) *person {
	w.t.Helper()
	p := w.m.registered(w.t, name)
	w.m.exec(w.t, "UPDATE member_members SET operator = 1 WHERE id = ?", id.MustParse(p.id))
	p.logIn()
	return p.stepUp()
}

func (w *world) newProduct(hidden bool) string {
	w.t.Helper()
	return w.owner.patient("POST", "/shops/"+w.shop+"/products", object{
		"name": "비밀 머그컵", "description": "도자기", "category": "home", "price_won": 12345, "stock": 100000, "hidden": hidden,
	}).must(201).id()
}

// newOrder is an order of the buyer's that has come to status; empty: placed.
func (w *world) newOrder(status string) string {
	w.t.Helper()
	order := w.buyer.patient("POST", "/orders", orderOf(w.shop, w.product)).must(201).id()
	for _, step := range [][2]string{{"buyer", "paid"}, {"shop", "preparing"}, {"shop", "shipped"}, {"shop", "delivered"}} {
		if status == "" || status == "placed" {
			break
		}
		by := w.owner
		if step[0] == "buyer" {
			by = w.buyer
		}
		by.patient("POST", "/orders/"+order+"/steps", object{"to": step[1]}).must(200)
		if step[1] == status {
			break
		}
	}
	return order
}

func orderOf(shop, product string) object {
	return object{"shop_id": shop, "client_order_id": id.New().String(), "lines": []object{{"product_id": product, "quantity": 1}}}
}

func (w *world) openRoom(p *person) string {
	w.t.Helper()
	a := p.patient("POST", "/chat/rooms", object{"shop_id": w.shop, "product_id": w.product})
	if !a.ok() {
		w.t.Fatalf("open a room: %s", a)
	}
	return a.id()
}

// say sends a message by REST and gives its seq.
func (w *world) say(p *person, room, body string) int64 {
	w.t.Helper()
	var sent struct{ Seq int64 }
	p.patient("POST", "/chat/rooms/"+room+"/messages", message(body)).must(201).into(&sent)
	return sent.Seq
}

func message(body string) object { return object{"client_msg_id": id.New().String(), "body": body} }

// longAgo lets the time pass in which a login need not be proved again.
func (w *world) longAgo(p *person) *person {
	w.t.Helper()
	if w.m.has(w.t, "member_sessions", "stepped_up_at") {
		w.m.exec(w.t, "UPDATE member_sessions SET stepped_up_at = ? WHERE member_id = ?", time.Now().UTC().Add(-25*time.Hour), id.MustParse(p.id))
	}
	return p
}

// exec changes what the program stores, as an operator with the database's password could.
func (m *mall) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := m.db.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// number asks the database for one number.
func (m *mall) number(t testing.TB, query string, args ...any) (n int64) {
	t.Helper()
	if err := m.db.Query(t.Context(), query, args, func(rows *sql.Rows) error { return rows.Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// has says whether a table has a column.
func (m *mall) has(t testing.TB, table, column string) bool {
	t.Helper()
	query := "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?"
	if m.redis == nil {
		query = "SELECT COUNT(*) FROM pragma_table_info(?) WHERE name = ?"
	}
	return m.number(t, query, table, column) > 0
}

// prove notes that these people's e-mail addresses are theirs.
func (m *mall) prove(people ...*person) {
	for _, p := range people {
		p.t.Helper()
		if m.has(p.t, "member_members", "email_proved_at") {
			m.exec(p.t, "UPDATE member_members SET email_proved_at = ? WHERE id = ?", time.Now().UTC(), id.MustParse(p.id))
		}
	}
}
