package store

import (
	"context"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// The kinds of mailed links.
const (
	Proof = "proof" // proves an e-mail address
	Reset = "reset" // sets a new password
)

// Link is a link that was mailed. The migration explains why what is mailed is not in it.
type Link struct {
	ID        id.ID
	Kind      string
	MemberID  id.ID
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
}

// TableName is gorm's way to ask.
func (Link) TableName() string { return "member_links" }

const linkColumns = "id, kind, member_id, created_at, expires_at, used_at"

// InsertLink adds a link.
func (s *Store) InsertLink(ctx context.Context, row Link) error {
	return db.Fault(s.db.Write(ctx).Create(&row).Error)
}

// Link reads a link by id. NotFound: there is none.
func (s *Store) Link(ctx context.Context, link id.ID) (Link, error) {
	return one[Link](s.db.Read(ctx).Select(linkColumns).Where("id = ?", link))
}

// LockLink reads a link for a change in the same transaction.
func (s *Store) LockLink(ctx context.Context, link id.ID) (Link, error) {
	return one[Link](s.db.Write(ctx).Select(linkColumns).Where("id = ?", link).Clauses(forUpdate))
}

// LinksOf reads a member's links of a kind, used ones too.
func (s *Store) LinksOf(ctx context.Context, member id.ID, kind string) ([]Link, error) {
	return all[Link](s.db.Write(ctx).Select(linkColumns).Where("member_id = ? AND kind = ?", member, kind))
}

// UseLink marks a locked link as used.
func (s *Store) UseLink(ctx context.Context, link id.ID, at time.Time) error {
	return changed(s.db.Write(ctx).Model(&Link{}).Where("id = ? AND used_at IS NULL", link).UpdateColumn("used_at", at))
}

// DropLinks deletes a member's unused links of a kind.
func (s *Store) DropLinks(ctx context.Context, member id.ID, kind string) error {
	return db.Fault(s.db.Write(ctx).Where("member_id = ? AND kind = ? AND used_at IS NULL", member, kind).Delete(&Link{}).Error)
}

// SweepLinks deletes up to limit links that expired before the given time, and says how many.
func (s *Store) SweepLinks(ctx context.Context, before time.Time, limit int) (int, error) {
	var ids []id.ID
	err := s.db.Read(ctx).Model(&Link{}).Where("expires_at < ?", before).Order("expires_at").Limit(limit).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return 0, db.Fault(err)
	}
	return len(ids), db.Fault(s.db.Write(ctx).Where("id IN ?", ids).Delete(&Link{}).Error)
}
