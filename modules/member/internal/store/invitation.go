package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Invitation is an e-mail address that a shop has invited to its staff.
type Invitation struct {
	ID        id.ID
	ShopID    id.ID
	Email     string // normalised
	Role      string
	InvitedBy id.ID
	CreatedAt time.Time
	ExpiresAt time.Time
}

// TableName is gorm's way to ask.
func (Invitation) TableName() string { return "member_invitations" }

const invitationColumns = "id, shop_id, email, role, invited_by, created_at, expires_at"

// InsertInvitation adds an invitation. Conflict: the shop has one for the address.
func (s *Store) InsertInvitation(ctx context.Context, row Invitation) error {
	return insert(s.db.Write(ctx), []Invitation{row})
}

// Invitation finds one by id, whether or not it has expired.
func (s *Store) Invitation(ctx context.Context, invitation id.ID) (Invitation, error) {
	return one[Invitation](s.db.Read(ctx).Select(invitationColumns).Where("id = ?", invitation))
}

// InvitationsOf are a shop's invitations that have not expired by now.
func (s *Store) InvitationsOf(ctx context.Context, shop id.ID, now time.Time) ([]Invitation, error) {
	return all[Invitation](s.db.Read(ctx).Select(invitationColumns).Where("shop_id = ? AND expires_at > ?", shop, now).Order("created_at, id"))
}

// InvitationsFor are the invitations for an address that have not expired by now, at most limit, the newest first.
func (s *Store) InvitationsFor(ctx context.Context, email string, now time.Time, limit int) ([]Invitation, error) {
	return all[Invitation](s.db.Read(ctx).Select(invitationColumns).Where("email = ? AND expires_at > ?", email, now).
		Order("created_at DESC, id").Limit(limit))
}

// DeleteInvitation removes an invitation. NotFound: there is none.
func (s *Store) DeleteInvitation(ctx context.Context, invitation id.ID) error {
	return changed(s.db.Write(ctx).Where("id = ?", invitation).Delete(&Invitation{}))
}

// DeleteExpiredInvitation makes room for a new invitation of a shop to an address, where the last has expired.
func (s *Store) DeleteExpiredInvitation(ctx context.Context, shop id.ID, email string, now time.Time) error {
	return db.Fault(s.db.Write(ctx).Where("shop_id = ? AND email = ? AND expires_at <= ?", shop, email, now).Delete(&Invitation{}).Error)
}

// DeleteInvitationsBy removes what a member has invited to a shop, but for the roles they may still give.
func (s *Store) DeleteInvitationsBy(ctx context.Context, shop, member id.ID, still ...string) error {
	q := s.db.Write(ctx).Where("shop_id = ? AND invited_by = ?", shop, member)
	if len(still) > 0 {
		q = q.Where("role NOT IN ?", still)
	}
	return db.Fault(q.Delete(&Invitation{}).Error)
}

// DeleteInvitationsOf removes all that a member has invited, to any shop. It reads the whole table, which is small: for what
// is rare.
func (s *Store) DeleteInvitationsOf(ctx context.Context, member id.ID) error {
	return db.Fault(s.db.Write(ctx).Where("invited_by = ?", member).Delete(&Invitation{}).Error)
}

// SweepInvitations deletes up to limit invitations that expired before the given time, and says how many.
func (s *Store) SweepInvitations(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.sweep(ctx, &Invitation{}, before, limit)
}

// sweep deletes up to limit rows of a table, known by ids, that expired before the given time.
func (s *Store) sweep(ctx context.Context, table any, before time.Time, limit int) (int, error) {
	old := func(q *gorm.DB) *gorm.DB { return q.Model(table).Where("expires_at < ?", before) }
	var ids []id.ID
	err := old(s.db.Read(ctx)).Order("expires_at").Limit(limit).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return 0, db.Fault(err)
	}
	return len(ids), db.Fault(old(s.db.Write(ctx)).Where("id IN ?", ids).Delete(table).Error)
}
