package store

import (
	"context"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// LockMembers bans those of the members who are not banned, as of at.
func (s *Store) LockMembers(ctx context.Context, members []id.ID, at time.Time) error {
	return db.Fault(s.db.Write(ctx).Model(&Member{}).Where("id IN ? AND banned_at IS NULL", members).UpdateColumn("banned_at", at).Error)
}

// UnlockMembers lets those of the members in again who were banned as of at, and nobody else.
func (s *Store) UnlockMembers(ctx context.Context, members []id.ID, at time.Time) error {
	return db.Fault(s.db.Write(ctx).Model(&Member{}).Where("id IN ? AND banned_at = ?", members, at).UpdateColumn("banned_at", nil).Error)
}
