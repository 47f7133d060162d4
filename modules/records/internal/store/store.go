// Package store keeps the rows of members who have left.
package store

import (
	"context"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Erasure is a member who has left, with what the law makes keep.
type Erasure struct {
	MemberID    id.ID
	Email       *string // nil: nothing is to be kept of them
	Name        *string
	ErasedAt    time.Time
	OrdersUntil *time.Time
	TalksUntil  *time.Time
}

// TableName is gorm's way to ask.
func (Erasure) TableName() string { return "records_erasures" }

// Store reads and writes the records_ tables.
type Store struct{ db *db.DB }

// New makes the store of a database.
func New(d *db.DB) *Store { return &Store{d} }

// Tx runs fn in a transaction, joining the one that ctx carries.
func (s *Store) Tx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.db.Tx(ctx, fn)
}

// Insert adds an erasure. Conflict: the member has left already.
func (s *Store) Insert(ctx context.Context, e Erasure) error {
	return db.Fault(s.db.Write(ctx).Create(&e).Error)
}

// Erasure reads one. NotFound: the member has not left.
func (s *Store) Erasure(ctx context.Context, member id.ID) (Erasure, error) {
	var e Erasure
	err := s.db.Read(ctx).Select("member_id, email, name, erased_at, orders_until, talks_until").
		Where("member_id = ?", member).Take(&e).Error
	return e, db.Fault(err)
}
