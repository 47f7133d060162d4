package store

import (
	"bytes"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"mall/modules/platform/db"
)

// Attempts counts what was tried under one key since WindowStart.
type Attempts struct {
	EmailHash   []byte // the key: a hash of what is counted. Once that was logins for an e-mail only, hence the column's name
	WindowStart time.Time
	Attempts    int
}

// TableName is gorm's way to ask.
func (Attempts) TableName() string { return "member_login_attempts" }

// CountAttempts adds one attempt at now under each of the keys, or starts a new window where the last began at or before
// oldest, and answers the counts in the order of the keys. Callers at the same time each see at least their own attempt
// and all before it.
func (s *Store) CountAttempts(ctx context.Context, now, oldest time.Time, keys ...[]byte) ([]Attempts, error) {
	// MySQL assigns from left to right and sees what it has assigned: attempts must come before window_start.
	upsert := clause.OnConflict{
		Columns: []clause.Column{{Name: "email_hash"}},
		DoUpdates: clause.Set{
			{Column: clause.Column{Name: "attempts"}, Value: gorm.Expr("CASE WHEN member_login_attempts.window_start <= ? THEN 1 ELSE member_login_attempts.attempts + 1 END", oldest)},
			{Column: clause.Column{Name: "window_start"}, Value: gorm.Expr("CASE WHEN member_login_attempts.window_start <= ? THEN ? ELSE member_login_attempts.window_start END", oldest, now)},
		},
	}
	first := make([]Attempts, len(keys))
	for i, key := range keys {
		first[i] = Attempts{EmailHash: key, WindowStart: now, Attempts: 1}
	}
	ordered := slices.SortedFunc(slices.Values(first), func(a, b Attempts) int { return bytes.Compare(a.EmailHash, b.EmailHash) })
	if err := s.db.Write(ctx).Clauses(upsert).Create(&ordered).Error; err != nil { // in one order, so that no two wait for each other
		return nil, db.Fault(err)
	}
	counted, err := all[Attempts](s.db.Write(ctx).Select("email_hash, window_start, attempts").Where("email_hash IN ?", keys))
	for i := range first { // what is not found, a login that succeeded meanwhile has cleared
		for _, c := range counted {
			if bytes.Equal(c.EmailHash, first[i].EmailHash) {
				first[i] = c
			}
		}
	}
	return first, err
}

// ClearAttempts forgets the attempts under the keys.
func (s *Store) ClearAttempts(ctx context.Context, keys ...[]byte) error {
	return db.Fault(s.db.Write(ctx).Where("email_hash IN ?", keys).Delete(&Attempts{}).Error)
}

// UncountAttempts takes one attempt back under each of the keys.
func (s *Store) UncountAttempts(ctx context.Context, keys ...[]byte) error {
	return db.Fault(s.db.Write(ctx).Model(&Attempts{}).Where("email_hash IN ? AND attempts > 0", keys).
		UpdateColumn("attempts", gorm.Expr("attempts - 1")).Error)
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
