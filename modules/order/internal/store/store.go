// Package store keeps the rows of orders, their lines and their payments. It knows no rules.
package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Status is where an order is in its life.
type Status string

// Order is a row of order_orders with its lines.
type Order struct {
	ID            id.ID
	Number        string
	BuyerID       id.ID
	ClientOrderID id.ID
	ShopID        id.ID
	Status        Status
	TotalWon      int64
	LineCount     int
	CreatedAt     time.Time
	UpdatedAt     time.Time
	Lines         []Line `gorm:"-"`
}

// TableName is where the rows live.
func (Order) TableName() string { return "order_orders" }

// Line is a row of order_lines.
type Line struct {
	OrderID      id.ID
	Position     int
	ProductID    id.ID
	Name         string
	UnitPriceWon int64
	Quantity     int64
}

// TableName is where the rows live.
func (Line) TableName() string { return "order_lines" }

var (
	orderColumns = []string{"id", "number", "buyer_id", "client_order_id", "shop_id", "status", "total_won", "line_count", "created_at", "updated_at"}
	lineColumns  = []string{"order_id", "position", "product_id", "name", "unit_price_won", "quantity"}
)

// Store reads and writes the rows, in the transaction that the context carries when there is one. Its errors are faults.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) Store { return Store{db: d} }

// Insert writes a new order with its lines; Conflict "duplicate" when its number or the buyer's key is taken.
func (s Store) Insert(ctx context.Context, o Order) error {
	if err := s.db.Write(ctx).Create(&o).Error; err != nil {
		return db.Fault(err)
	}
	return db.Fault(s.db.Write(ctx).Create(&o.Lines).Error)
}

// Get reads one order with its lines; NotFound when there is none.
func (s Store) Get(ctx context.Context, order id.ID) (Order, error) {
	var o Order
	if err := s.db.Read(ctx).Select(orderColumns).Where("id = ?", order).Take(&o).Error; err != nil {
		return Order{}, db.Fault(err)
	}
	return s.withLines(ctx, o)
}

// GetByClientKey reads the order that the buyer placed under a key of their own; NotFound when there is none.
func (s Store) GetByClientKey(ctx context.Context, buyer, key id.ID) (Order, error) {
	var o Order
	if err := byClientKey(s.db.Read(ctx), buyer, key).Take(&o).Error; err != nil {
		return Order{}, db.Fault(err)
	}
	return s.withLines(ctx, o)
}

func byClientKey(tx *gorm.DB, buyer, key id.ID) *gorm.DB {
	return tx.Select(orderColumns).Where("buyer_id = ? AND client_order_id = ?", buyer, key)
}

// Lock reads one order with its lines and holds it until the transaction ends; NotFound when there is none.
func (s Store) Lock(ctx context.Context, order id.ID) (Order, error) {
	var o Order
	err := s.db.Write(ctx).Select(orderColumns).Where("id = ?", order).
		Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Take(&o).Error
	if err != nil {
		return Order{}, db.Fault(err)
	}
	return s.withLines(ctx, o)
}

func (s Store) withLines(ctx context.Context, o Order) (Order, error) {
	all := []Order{o}
	err := s.addLines(ctx, all)
	return all[0], err
}

// addLines reads the lines of all the orders at once.
func (s Store) addLines(ctx context.Context, orders []Order) error {
	at := make(map[id.ID]int, len(orders))
	ids := make([]id.ID, len(orders))
	for i, o := range orders {
		at[o.ID], ids[i] = i, o.ID
	}
	if len(ids) == 0 {
		return nil
	}
	var lines []Line
	err := linesOf(s.db.Read(ctx), ids).Find(&lines).Error
	for _, l := range lines {
		o := &orders[at[l.OrderID]]
		o.Lines = append(o.Lines, l)
	}
	return db.Fault(err)
}

func linesOf(tx *gorm.DB, orders []id.ID) *gorm.DB {
	return tx.Select(lineColumns).Where("order_id IN ?", orders).Order("order_id, position")
}

// SetStatus moves the order on if it is still where the caller saw it; false when it is not.
func (s Store) SetStatus(ctx context.Context, order id.ID, from, to Status, at time.Time) (bool, error) {
	r := s.db.Write(ctx).Exec(`UPDATE order_orders SET status = ?, updated_at = ? WHERE id = ? AND status = ?`, to, at, order, from)
	return r.RowsAffected == 1, db.Fault(r.Error)
}

// LetGo notes when the order's buyer let it go without paying.
func (s Store) LetGo(ctx context.Context, order id.ID, at time.Time) error {
	return db.Fault(s.db.Write(ctx).Exec(`UPDATE order_orders SET let_go_at = ? WHERE id = ?`, at, order).Error)
}

// Query chooses a page of orders: those of a buyer, or those of a shop, or both.
type Query struct {
	Buyer  id.ID
	Shop   id.ID
	Status Status // "" any
	Before id.ID  // only orders older than this one; Nil from the newest
	Limit  int
}

// List reads a page with the lines, newest first.
func (s Store) List(ctx context.Context, q Query) ([]Order, error) {
	var orders []Order
	if err := q.on(s.db.Read(ctx)).Find(&orders).Error; err != nil {
		return nil, db.Fault(err)
	}
	return orders, s.addLines(ctx, orders)
}

// on words the query as SQL.
func (q Query) on(tx *gorm.DB) *gorm.DB {
	tx = tx.Select(orderColumns)
	if !q.Shop.IsZero() {
		tx = tx.Where("shop_id = ?", q.Shop)
	}
	if !q.Buyer.IsZero() {
		tx = tx.Where("buyer_id = ?", q.Buyer)
	}
	if q.Status != "" {
		tx = tx.Where("status = ?", q.Status)
	}
	if !q.Before.IsZero() {
		tx = tx.Where("id < ?", q.Before)
	}
	return tx.Order("id DESC").Limit(q.Limit)
}

// Head is what a card shows of an order.
type Head struct {
	Order
	ProductID id.ID  // of the first line
	Name      string // of the first line
}

// Heads reads the heads of those of the orders that exist, in one query.
func (s Store) Heads(ctx context.Context, orders []id.ID) ([]Head, error) {
	var heads []Head
	err := headsOf(s.db.Read(ctx), orders).Find(&heads).Error
	return heads, db.Fault(err)
}

func headsOf(tx *gorm.DB, orders []id.ID) *gorm.DB {
	return tx.Table("order_orders AS o").
		Select("o.id, o.number, o.buyer_id, o.shop_id, o.status, o.total_won, o.line_count, l.product_id, l.name").
		Joins("JOIN order_lines AS l ON l.order_id = o.id AND l.position = 1").Where("o.id IN ?", orders)
}

// buyer is a row of order_buyers.
type buyer struct {
	BuyerID id.ID `gorm:"primaryKey"`
}

func (buyer) TableName() string { return "order_buyers" }

// LockBuyer makes everyone wait who places orders for the same buyer, until the transaction ends.
func (s Store) LockBuyer(ctx context.Context, member id.ID) error {
	return db.Fault(s.db.Write(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&buyer{BuyerID: member}).Error)
}

// CountInStatus is the number of a buyer's orders that are in a status.
func (s Store) CountInStatus(ctx context.Context, buyer id.ID, status Status) (int64, error) {
	var n int64
	err := inStatus(s.db.Read(ctx), buyer, status).Count(&n).Error
	return n, db.Fault(err)
}

func inStatus(tx *gorm.DB, buyer id.ID, status Status) *gorm.DB {
	return tx.Model(&Order{}).Where("buyer_id = ? AND status = ?", buyer, status)
}

// LastLetGo are the moments at which a buyer has let orders go since then, which are in the status now: the last first, at
// most limit.
func (s Store) LastLetGo(ctx context.Context, buyer id.ID, status Status, since time.Time, limit int) ([]time.Time, error) {
	var at []time.Time
	err := letGo(s.db.Read(ctx), buyer, status, since, limit).Pluck("let_go_at", &at).Error
	return at, db.Fault(err)
}

func letGo(tx *gorm.DB, buyer id.ID, status Status, since time.Time, limit int) *gorm.DB {
	return inStatus(tx, buyer, status).Where("let_go_at > ?", since).Order("let_go_at DESC").Limit(limit)
}

// Unpaid is an order that waits for its money.
type Unpaid struct {
	ID        id.ID
	CreatedAt time.Time
}

// Lateness says since when an order waits too long: one that nobody pays, and one whose charge is under way.
type Lateness struct{ Unpaid, Charging time.Time }

// Unpaid reads orders in the status that have waited too long, the longest first: those behind after, whose payment is
// not in the state charging or has been for too long.
func (s Store) Unpaid(ctx context.Context, status Status, charging string, late Lateness, after Unpaid, limit int) ([]Unpaid, error) {
	var found []Unpaid
	err := unpaid(s.db.Read(ctx), status, charging, late, after, limit).Find(&found).Error
	return found, db.Fault(err)
}

func unpaid(tx *gorm.DB, status Status, charging string, late Lateness, after Unpaid, limit int) *gorm.DB {
	tx = tx.Table("order_orders AS o").Select("o.id, o.created_at").
		Joins("LEFT JOIN order_payments AS p ON p.order_id = o.id AND p.state = ?", charging).
		Where("o.status = ? AND o.created_at < ? AND (p.order_id IS NULL OR o.created_at < ?)", status, late.Unpaid, late.Charging)
	if !after.ID.IsZero() {
		tx = tx.Where("o.created_at >= ? AND (o.created_at > ? OR o.id > ?)", after.CreatedAt, after.CreatedAt, after.ID)
	}
	return tx.Order("o.created_at, o.id").Limit(limit)
}
