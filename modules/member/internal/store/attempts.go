package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
)

// Attempts counts the logins tried for one e-mail since WindowStart.
type Attempts struct {
	EmailHash   []byte
	WindowStart time.Time
	Attempts    int
}

// TableName is gorm's way to ask.
func (Attempts) TableName() string { return "member_login_attempts" }

// CountAttempt adds one attempt at now, or starts a new window when the last began at or before oldest, and
// answers the count. Callers at the same time each see at least their own attempt and all before it.
func (s *Store) CountAttempt(ctx context.Context, emailHash []byte, now, oldest time.Time) (Attempts, error) {
	// MySQL assigns from left to right and sees what it has assigned: attempts must come before window_start.
	upsert := clause.OnConflict{
		Columns: []clause.Column{{Name: "email_hash"}},
		DoUpdates: clause.Set{
			{Column: clause.Column{Name: "attempts"}, Value: gorm.Expr("CASE WHEN member_login_attempts.window_start <= ? THEN 1 ELSE member_login_attempts.attempts + 1 END", oldest)},
			{Column: clause.Column{Name: "window_start"}, Value: gorm.Expr("CASE WHEN member_login_attempts.window_start <= ? THEN ? ELSE member_login_attempts.window_start END", oldest, now)},
		},
	}
	first := Attempts{EmailHash: emailHash, WindowStart: now, Attempts: 1}
	if err := s.db.Write(ctx).Clauses(upsert).Create(&first).Error; err != nil {
		return Attempts{}, db.Fault(err)
	}
	counted, err := one[Attempts](s.db.Write(ctx).Select("email_hash, window_start, attempts").Where("email_hash = ?", emailHash))
	if fault.KindOf(err) == fault.NotFound { // a login that succeeded meanwhile has cleared it
		return Attempts{EmailHash: emailHash, WindowStart: now, Attempts: 1}, nil
	}
	return counted, err
}

// ClearAttempts forgets the attempts for an e-mail.
func (s *Store) ClearAttempts(ctx context.Context, emailHash []byte) error {
	return db.Fault(s.db.Write(ctx).Where("email_hash = ?", emailHash).Delete(&Attempts{}).Error)
}

// SweepAttempts deletes up to limit counts whose window began before the given time, and says how many.
func (s *Store) SweepAttempts(ctx context.Context, before time.Time, limit int) (int, error) {
	var hashes [][]byte
	err := s.db.Read(ctx).Model(&Attempts{}).Where("window_start < ?", before).Order("window_start").Limit(limit).Pluck("email_hash", &hashes).Error
	if err != nil || len(hashes) == 0 {
		return 0, db.Fault(err)
	}
	err = s.db.Write(ctx).Where("email_hash IN ? AND window_start < ?", hashes, before).Delete(&Attempts{}).Error
	return len(hashes), db.Fault(err)
}
