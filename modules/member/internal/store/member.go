package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Member is an account.
type Member struct {
	ID           id.ID
	Email        string // normalised
	Name         string
	PasswordHash string
	Operator     bool
	SecondFactor bool
	BannedAt     *time.Time
	CreatedAt    time.Time

	EmailProvedAt *time.Time
}

// TableName is gorm's way to ask.
func (Member) TableName() string { return "member_members" }

const memberColumns = "id, email, name, password_hash, operator, second_factor, banned_at, created_at, email_proved_at"

// InsertMembers adds accounts. Conflict: an id or e-mail is taken.
func (s *Store) InsertMembers(ctx context.Context, rows ...Member) error {
	return insert(s.db.Write(ctx), rows)
}

// MemberByEmail finds an account by its normalised e-mail.
func (s *Store) MemberByEmail(ctx context.Context, email string) (Member, error) {
	return one[Member](s.db.Read(ctx).Select(memberColumns).Where("email = ?", email))
}

// Members finds accounts by id, in no order; ids that nobody has are left out.
func (s *Store) Members(ctx context.Context, ids []id.ID) ([]Member, error) {
	return all[Member](s.db.Read(ctx).Select(memberColumns).Where("id IN ?", ids))
}

// AnyBeyond says whether there is an account whose e-mail address is not of the domain.
func (s *Store) AnyBeyond(ctx context.Context, domain string) (bool, error) {
	var ids []id.ID
	err := s.db.Read(ctx).Model(&Member{}).Where("email NOT LIKE ?", "%@"+domain).Limit(1).Pluck("id", &ids).Error
	return len(ids) > 0, db.Fault(err)
}

// LockMember makes all who open shops with, or give shops to, this member wait for the transaction's end.
func (s *Store) LockMember(ctx context.Context, member id.ID) (Member, error) {
	return one[Member](s.db.Write(ctx).Select(memberColumns).Where("id = ?", member).Clauses(forUpdate))
}

// SetPassword gives a member another password, which ends the logins that wait for a second factor after the old one. Conflict: was is not the one they have.
func (s *Store) SetPassword(ctx context.Context, member id.ID, was, hash string) error {
	if err := s.db.Write(ctx).Where("member_id = ?", member).Delete(&Challenge{}).Error; err != nil {
		return db.Fault(err)
	}
	return changed(s.db.Write(ctx).Model(&Member{}).Where("id = ? AND password_hash = ?", member, was).UpdateColumn("password_hash", hash))
}

// ProveEmail notes that a member has shown that their address is theirs; an earlier proof stays.
func (s *Store) ProveEmail(ctx context.Context, member id.ID, at time.Time) error {
	return db.Fault(s.db.Write(ctx).Model(&Member{}).Where("id = ? AND email_proved_at IS NULL", member).UpdateColumn("email_proved_at", at).Error)
}

// SetOperator makes a member run the mall, or no longer. NotFound: nobody has the id.
func (s *Store) SetOperator(ctx context.Context, member id.ID, operator bool) error {
	return changed(s.db.Write(ctx).Model(&Member{}).Where("id = ?", member).UpdateColumn("operator", operator))
}

// Operators are the members who run the mall, by their e-mail. It reads the whole table: for whoever asks once.
func (s *Store) Operators(ctx context.Context) ([]Member, error) {
	return all[Member](s.db.Read(ctx).Select(memberColumns).Where("operator = ?", true).Order("email"))
}

// SetBanned bans a member from at on, or no longer when at is nil. NotFound: nobody has the id.
func (s *Store) SetBanned(ctx context.Context, member id.ID, at *time.Time) error {
	return changed(s.db.Write(ctx).Model(&Member{}).Where("id = ?", member).UpdateColumn("banned_at", at))
}

// insert adds rows in few statements. More than one statement is all or none only inside Tx.
func insert[T any](q *gorm.DB, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	return db.Fault(q.CreateInBatches(rows, 500).Error)
}

// changed answers NotFound when an UPDATE or DELETE found no row.
func changed(q *gorm.DB) error {
	if q.Error == nil && q.RowsAffected == 0 {
		return db.Fault(gorm.ErrRecordNotFound)
	}
	return db.Fault(q.Error)
}
