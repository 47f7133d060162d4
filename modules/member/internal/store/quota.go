package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
)

// Quota counts how often something was done since WindowStart.
type Quota struct {
	KeyHash     []byte
	WindowStart time.Time
	Used        int
}

// TableName is gorm's way to ask.
func (Quota) TableName() string { return "member_quotas" }

// Use counts one more at now, or starts a new window when the last began at or before oldest, and answers the count.
// Callers at the same time each see at least their own use and all before it.
func (s *Store) Use(ctx context.Context, key []byte, now, oldest time.Time) (Quota, error) {
	// MySQL assigns from left to right and sees what it has assigned: used must come before window_start.
	upsert := clause.OnConflict{
		Columns: []clause.Column{{Name: "key_hash"}},
		DoUpdates: clause.Set{
			{Column: clause.Column{Name: "used"}, Value: gorm.Expr("CASE WHEN member_quotas.window_start <= ? THEN 1 ELSE member_quotas.used + 1 END", oldest)},
			{Column: clause.Column{Name: "window_start"}, Value: gorm.Expr("CASE WHEN member_quotas.window_start <= ? THEN ? ELSE member_quotas.window_start END", oldest, now)},
		},
	}
	if err := s.db.Write(ctx).Clauses(upsert).Create(&Quota{KeyHash: key, WindowStart: now, Used: 1}).Error; err != nil {
		return Quota{}, db.Fault(err)
	}
	used, err := one[Quota](s.db.Write(ctx).Select("key_hash, window_start, used").Where("key_hash = ?", key))
	if fault.KindOf(err) == fault.NotFound { // somebody who was right meanwhile has freed it
		return Quota{KeyHash: key, WindowStart: now, Used: 1}, nil
	}
	return used, err
}

// Free forgets what was counted.
func (s *Store) Free(ctx context.Context, key []byte) error {
	return db.Fault(s.db.Write(ctx).Where("key_hash = ?", key).Delete(&Quota{}).Error)
}

// SweepQuotas deletes up to limit counts whose window began before the given time, and says how many.
func (s *Store) SweepQuotas(ctx context.Context, before time.Time, limit int) (int, error) {
	var keys [][]byte
	err := s.db.Read(ctx).Model(&Quota{}).Where("window_start < ?", before).Order("window_start").Limit(limit).Pluck("key_hash", &keys).Error
	if err != nil || len(keys) == 0 {
		return 0, db.Fault(err)
	}
	err = s.db.Write(ctx).Where("key_hash IN ? AND window_start < ?", keys, before).Delete(&Quota{}).Error
	return len(keys), db.Fault(err)
}
