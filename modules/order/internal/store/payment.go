package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Payment is a row of order_payments: the one payment that an order has, tried or done.
type Payment struct {
	OrderID   id.ID
	Key       id.ID `gorm:"column:payment_key"`
	AmountWon int64
	State     string
	UpdatedAt time.Time
}

// TableName is where the rows live.
func (Payment) TableName() string { return "order_payments" }

var paymentColumns = []string{"order_id", "payment_key", "amount_won", "state", "updated_at"}

// Payment reads the order's payment; NotFound when none was ever tried.
func (s Store) Payment(ctx context.Context, order id.ID) (Payment, error) {
	var p Payment
	err := s.db.Read(ctx).Select(paymentColumns).Where("order_id = ?", order).Take(&p).Error
	return p, db.Fault(err)
}

// InsertPayment writes the first try of an order's payment.
func (s Store) InsertPayment(ctx context.Context, p Payment) error {
	return db.Fault(s.db.Write(ctx).Create(&p).Error)
}

// RestartPayment gives the order's payment another key and state, for another try.
func (s Store) RestartPayment(ctx context.Context, p Payment) error {
	return db.Fault(s.db.Write(ctx).Exec(`UPDATE order_payments SET payment_key = ?, amount_won = ?, state = ?, updated_at = ? WHERE order_id = ?`,
		p.Key, p.AmountWon, p.State, p.UpdatedAt, p.OrderID).Error)
}

// SetPaymentState moves on exactly the payment that the caller saw; false when it is another try, or elsewhere by now.
func (s Store) SetPaymentState(ctx context.Context, seen Payment, to string, at time.Time) (bool, error) {
	r := s.db.Write(ctx).Exec(`UPDATE order_payments SET state = ?, updated_at = ? WHERE order_id = ? AND payment_key = ? AND state = ?`,
		to, at, seen.OrderID, seen.Key, seen.State)
	return r.RowsAffected == 1, db.Fault(r.Error)
}

// ClaimPayment puts off everyone else who looks for unsettled payments; false when another was faster.
func (s Store) ClaimPayment(ctx context.Context, seen Payment, at time.Time) (bool, error) {
	r := s.db.Write(ctx).Exec(`UPDATE order_payments SET updated_at = ? WHERE order_id = ? AND payment_key = ? AND state = ? AND updated_at = ?`,
		at, seen.OrderID, seen.Key, seen.State, seen.UpdatedAt)
	return r.RowsAffected == 1, db.Fault(r.Error)
}

// Unsettled reads payments that have been in a state since before the given moment, the longest first.
func (s Store) Unsettled(ctx context.Context, state string, before time.Time, limit int) ([]Payment, error) {
	var ps []Payment
	err := unsettled(s.db.Read(ctx), state, before, limit).Find(&ps).Error
	return ps, db.Fault(err)
}

func unsettled(tx *gorm.DB, state string, before time.Time, limit int) *gorm.DB {
	return tx.Select(paymentColumns).Where("state = ? AND updated_at < ?", state, before).Order("updated_at").Limit(limit)
}
