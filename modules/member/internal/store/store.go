// Package store keeps members, sessions, shops and staff as rows. It knows no rules. All errors carry a kind
// of package fault: NotFound for no row, Conflict for a taken key, Unavailable when trying again may help.
package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"mall/modules/platform/db"
)

// Store reads and writes the member_ tables.
type Store struct{ db *db.DB }

// New makes the store of a database.
func New(d *db.DB) *Store { return &Store{d} }

// Tx runs fn in a transaction, joining the one that ctx carries.
func (s *Store) Tx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.db.Tx(ctx, fn)
}

// TxOnce is Tx that asks stored whether the work is there when nobody knows.
func (s *Store) TxOnce(ctx context.Context, fn func(ctx context.Context) error, stored func(ctx context.Context) (bool, error)) error {
	return s.db.TxOnce(ctx, fn, stored)
}

// forUpdate locks the rows that a query finds until the transaction ends. SQLite's transactions are alone anyway.
var forUpdate = clause.Locking{Strength: clause.LockingStrengthUpdate}

// one answers the single row of a query, or NotFound.
func one[T any](q *gorm.DB) (T, error) {
	var row T
	err := q.Take(&row).Error
	return row, db.Fault(err)
}

func all[T any](q *gorm.DB) ([]T, error) {
	var rows []T
	err := q.Find(&rows).Error
	return rows, db.Fault(err)
}
