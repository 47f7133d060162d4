// Package store keeps the catalogue's rows and the grams by which names are searched. It knows no rules.
package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Product is a row of product_products. SearchName is written, never read back.
type Product struct {
	ID           id.ID
	ShopID       id.ID
	Name         string
	SearchName   string
	Description  string
	Category     string
	PriceWon     int64
	ListPriceWon int64
	Stock        int64
	Hidden       bool
	Deleted      bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// TableName is where the rows live.
func (Product) TableName() string { return "product_products" }

// gram is a row of product_grams.
type gram struct {
	Gram      string
	ProductID id.ID
}

func (gram) TableName() string { return "product_grams" }

var columns = []string{
	"p.id", "p.shop_id", "p.name", "p.description", "p.category", "p.price_won", "p.list_price_won",
	"p.stock", "p.hidden", "p.deleted", "p.created_at", "p.updated_at",
}

// Store reads and writes the rows, in the transaction that the context carries when there is one. Its errors are faults.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) Store { return Store{db: d} }

// Get reads one product; NotFound when there is none.
func (s Store) Get(ctx context.Context, product id.ID) (Product, error) {
	var p Product
	err := s.db.Read(ctx).Table("product_products AS p").Select(columns).Where("p.id = ?", product).Take(&p).Error
	return p, db.Fault(err)
}

// GetMany reads those of the products that exist, in order of id.
func (s Store) GetMany(ctx context.Context, products []id.ID) ([]Product, error) {
	var ps []Product
	err := many(s.db.Read(ctx), products).Find(&ps).Error
	return ps, db.Fault(err)
}

func many(tx *gorm.DB, products []id.ID) *gorm.DB {
	return tx.Table("product_products AS p").Select(columns).Where("p.id IN ?", products).Order("p.id")
}

// Lock reads those of the products that exist and holds them until the transaction ends. It takes them in order
// of id, so that two callers never wait for each other in a circle.
func (s Store) Lock(ctx context.Context, products ...id.ID) ([]Product, error) {
	var ps []Product
	err := many(s.db.Write(ctx), products).Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Find(&ps).Error
	return ps, db.Fault(err)
}

// Insert writes a new product and its grams; Conflict "duplicate" when the id is taken.
func (s Store) Insert(ctx context.Context, p Product, grams []string) error {
	if err := s.db.Write(ctx).Create(&p).Error; err != nil {
		return db.Fault(err)
	}
	return s.addGrams(ctx, p.ID, grams)
}

// Update writes what a seller may edit.
func (s Store) Update(ctx context.Context, p Product) error {
	return db.Fault(s.db.Write(ctx).Exec(`UPDATE product_products SET name = ?, search_name = ?, description = ?, category = ?,
		price_won = ?, list_price_won = ?, hidden = ?, updated_at = ? WHERE id = ?`,
		p.Name, p.SearchName, p.Description, p.Category, p.PriceWon, p.ListPriceWon, p.Hidden, p.UpdatedAt, p.ID).Error)
}

// Delete marks the product as gone and forgets its grams.
func (s Store) Delete(ctx context.Context, product id.ID, at time.Time) error {
	err := s.db.Write(ctx).Exec(`UPDATE product_products SET deleted = ?, updated_at = ? WHERE id = ?`, true, at, product).Error
	if err != nil {
		return db.Fault(err)
	}
	return s.ReplaceGrams(ctx, product, nil)
}

// ReplaceGrams gives the product other grams.
func (s Store) ReplaceGrams(ctx context.Context, product id.ID, grams []string) error {
	if err := s.db.Write(ctx).Where("product_id = ?", product).Delete(&gram{}).Error; err != nil {
		return db.Fault(err)
	}
	return s.addGrams(ctx, product, grams)
}

func (s Store) addGrams(ctx context.Context, product id.ID, grams []string) error {
	if len(grams) == 0 {
		return nil
	}
	rows := make([]gram, len(grams))
	for i, g := range grams {
		rows[i] = gram{Gram: g, ProductID: product}
	}
	return db.Fault(s.db.Write(ctx).Create(&rows).Error)
}

// AddStock adds delta, which may be negative, to the stock of a product whose row the caller has locked.
func (s Store) AddStock(ctx context.Context, product id.ID, delta int64, at time.Time) error {
	return db.Fault(s.db.Write(ctx).Exec(`UPDATE product_products SET stock = stock + ?, updated_at = ? WHERE id = ?`,
		delta, at, product).Error)
}

// Query chooses a page of products.
type Query struct {
	Category   string   // "" any
	Shop       id.ID    // Nil any
	WithHidden bool     // hidden ones too
	Probes     []string // grams that the name must have
	Words      []string // folded texts that the name must contain
	Before     id.ID    // only products older than this one; Nil from the newest
	Limit      int
}

// List reads a page, newest first.
func (s Store) List(ctx context.Context, q Query) ([]Product, error) {
	var ps []Product
	err := q.on(s.db.Read(ctx)).Find(&ps).Error
	return ps, db.Fault(err)
}

// on words the query as SQL.
func (q Query) on(tx *gorm.DB) *gorm.DB {
	from := "product_products AS p"
	if q.WithHidden && !q.Shop.IsZero() && q.Category == "" && len(q.Probes) == 0 && tx.Name() == db.MySQL {
		from += " FORCE INDEX (product_products_shop)" // MySQL would take the front's index, and sort
	}
	tx = tx.Table(from).Select(columns).Where("p.deleted = ?", false)
	if !q.WithHidden {
		tx = tx.Where("p.hidden = ?", false)
	}
	if !q.Shop.IsZero() {
		tx = tx.Where("p.shop_id = ?", q.Shop)
	}
	if q.Category != "" {
		tx = tx.Where("p.category = ?", q.Category)
	}
	for i, g := range q.Probes {
		tx = tx.Joins(fmt.Sprintf("JOIN product_grams AS g%[1]d ON g%[1]d.product_id = p.id AND g%[1]d.gram = ?", i), g)
	}
	for _, w := range q.Words {
		tx = tx.Where("INSTR(p.search_name, ?) > 0", w)
	}
	if !q.Before.IsZero() {
		tx = tx.Where("p.id < ?", q.Before)
	}
	return tx.Order("p.id DESC").Limit(q.Limit)
}
