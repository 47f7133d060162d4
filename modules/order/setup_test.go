package order

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/outbox"
	"mall/modules/product"
)

// people stands for the member module.
type people map[id.ID]string

func (p people) pick(ids []id.ID) (map[id.ID]string, error) {
	out := map[id.ID]string{}
	for _, x := range ids {
		if name, ok := p[x]; ok {
			out[x] = name
		}
	}
	return out, nil
}

func (p people) Names(_ context.Context, ids []id.ID) (map[id.ID]string, error) { return p.pick(ids) }
func (p people) ShopNames(_ context.Context, ids []id.ID) (map[id.ID]string, error) {
	return p.pick(ids)
}

// seats are the roles that the database has: by shop and member.
type seats struct {
	people
	mu    sync.Mutex
	roles map[[2]id.ID]identity.Role
	stale map[id.ID]bool // members who have not proved lately who they are
}

func (s *seats) SteppedUp(_ context.Context, p *identity.Principal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stale[p.MemberID] {
		return fault.New(fault.Forbidden, "step_up_required", "Prove again who you are before you do that.")
	}
	return nil
}

func (s *seats) StaffRole(_ context.Context, shop, member id.ID) (identity.Role, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roles[[2]id.ID{shop, member}], nil
}

func (s *seats) AgentsEditProducts(context.Context, id.ID) (bool, error) { return false, nil }

// market is the module over a real catalogue and outbox, with one shop and a bank that counts.
type market struct {
	*Orders
	db       *db.DB
	goods    *product.Catalogue
	bank     *bank
	seats    *seats
	shop     id.ID
	buyerID  id.ID
	buyer    context.Context
	owner    context.Context
	manager  context.Context
	agent    context.Context
	stranger context.Context // another buyer, and the owner of another shop
}

func newMarket(t *testing.T, d *db.DB) *market {
	t.Helper()
	m := &market{db: d, bank: newBank(), shop: id.New(), buyerID: id.New()}
	quiet := slog.New(slog.DiscardHandler)
	m.seats = &seats{people: people{m.shop: "달빛상점", m.buyerID: "김하늘"}, roles: map[[2]id.ID]identity.Role{}}
	m.goods = product.New(d, m.seats, nil)
	m.Orders = New(Config{UnpaidLife: 30 * time.Minute, UnpaidMost: 20},
		Deps{DB: d, News: outbox.New(d, quiet, outbox.Config{}), Products: m.goods, Members: m.seats, Payments: m.bank, Log: quiet})
	m.buyer = identity.With(t.Context(), &identity.Principal{MemberID: m.buyerID, Name: "김하늘"})
	m.owner, m.manager, m.agent = m.staff(t, identity.RoleOwner), m.staff(t, identity.RoleManager), m.staff(t, identity.RoleAgent)
	m.stranger = identity.With(t.Context(), &identity.Principal{MemberID: id.New(),
		Shops: []identity.ShopRole{{ShopID: id.New(), Role: identity.RoleOwner}}})
	return m
}

func (m *market) staff(t *testing.T, role identity.Role) context.Context {
	t.Helper()
	member := id.New()
	m.seats.mu.Lock()
	defer m.seats.mu.Unlock()
	m.seats.roles[[2]id.ID{m.shop, member}] = role
	return identity.With(t.Context(), &identity.Principal{MemberID: member, Shops: []identity.ShopRole{{ShopID: m.shop, Role: role}}})
}

// sell puts a product on the shop's shelf.
func (m *market) sell(t *testing.T, name string, price, stock int64) id.ID {
	t.Helper()
	p, err := m.goods.Create(m.owner, m.shop, product.Draft{Name: name, Category: "home", PriceWon: price, Stock: stock})
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

func (m *market) stock(t *testing.T, p id.ID) int64 {
	t.Helper()
	got, err := m.goods.Get(m.owner, p)
	if err != nil {
		t.Fatal(err)
	}
	return got.Stock
}

func (m *market) draft(lines ...product.Line) Draft {
	return Draft{ShopID: m.shop, ClientOrderID: id.New(), Lines: lines}
}

// buy places an order for the buyer.
func (m *market) buy(t *testing.T, lines ...product.Line) Order {
	t.Helper()
	o, placed, err := m.Place(m.buyer, m.draft(lines...))
	if err != nil || !placed {
		t.Fatal(placed, err)
	}
	return o
}

// walk takes an order through steps, each by whoever may.
func (m *market) walk(t *testing.T, order id.ID, to ...Status) {
	t.Helper()
	for _, next := range to {
		by := m.owner
		if next == Paid || next == Completed {
			by = m.buyer
		}
		got, err := m.Step(by, order, next)
		if err != nil || got.Status != next {
			t.Fatalf("to %s: %s, %v", next, got.Status, err)
		}
	}
}

func (m *market) status(t *testing.T, order id.ID) Status {
	t.Helper()
	o, err := m.Get(m.buyer, order)
	if err != nil {
		t.Fatal(err)
	}
	return o.Status
}

func (m *market) paymentState(t *testing.T, order id.ID) string {
	t.Helper()
	p, err := m.rows.Payment(t.Context(), order)
	if fault.KindOf(err) == fault.NotFound {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return p.State
}

// told reads the news from the outbox's table, in the order of writing.
func (m *market) told(t *testing.T) []StatusChanged {
	t.Helper()
	rows, err := m.db.SQL().QueryContext(t.Context(), `SELECT payload FROM platform_outbox WHERE topic = ? ORDER BY id`, TopicStatusChanged)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var news []StatusChanged
	for rows.Next() {
		var payload []byte
		var n StatusChanged
		if err := rows.Scan(&payload); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(payload, &n); err != nil {
			t.Fatal(err)
		}
		news = append(news, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return news
}

// bank is a payment service that keeps books, and does to its callers what services do.
type bank struct {
	mu      sync.Mutex
	charged map[id.ID]int64 // by key; what is held of the buyer's money
	barred  map[id.ID]bool
	moves   int // how often money really moved

	beforePay, beforeRefund, afterPay func() error // run outside the lock; an error reaches the caller instead of the answer
}

func newBank() *bank { return &bank{charged: map[id.ID]int64{}, barred: map[id.ID]bool{}} }

func (b *bank) Pay(_ context.Context, _ id.ID, amount int64, key id.ID) error {
	if err := call(b.beforePay); err != nil {
		return err
	}
	if err := b.take(key, amount); err != nil {
		return err
	}
	return call(b.afterPay)
}

func (b *bank) take(key id.ID, amount int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.barred[key] {
		return ErrDeclined
	}
	if _, done := b.charged[key]; !done {
		b.charged[key] = amount
		b.moves++
	}
	return nil
}

func (b *bank) Refund(_ context.Context, _ id.ID, _ int64, key id.ID) error {
	if err := call(b.beforeRefund); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.barred[key] = true
	if b.charged[key] != 0 {
		b.moves++
	}
	delete(b.charged, key)
	return nil
}

// held is what the bank has of everybody's money.
func (b *bank) held() (sum int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, won := range b.charged {
		sum += won
	}
	return sum
}

func call(hook func() error) error {
	if hook == nil {
		return nil
	}
	return hook()
}

func wantFault(t *testing.T, err error, kind fault.Kind, code, field string) {
	t.Helper()
	f, ok := fault.As(err)
	if !ok || f.Kind != kind || f.Code != code || f.Field != field {
		t.Errorf("got %v (kind %d), want kind %d, code %q, field %q", err, fault.KindOf(err), kind, code, field)
	}
}
