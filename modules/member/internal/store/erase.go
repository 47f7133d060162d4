package store

import (
	"context"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// SessionsOf are a member's logins, ended ones too, the newest first.
func (s *Store) SessionsOf(ctx context.Context, member id.ID) ([]Session, error) {
	return all[Session](s.db.Read(ctx).Select("id, member_id, kind, created_at, expires_at, revoked_at, ip, user_agent, used_at").
		Where("member_id = ?", member).Order("created_at DESC, id").Limit(1000))
}

// EraseMember leaves of an account only its id, closed for ever, and deletes all that hangs on it or on its address. The
// address is free again. NotFound: nobody has the id.
func (s *Store) EraseMember(ctx context.Context, member id.ID, email, name string, at time.Time) error {
	err := changed(s.db.Write(ctx).Model(&Member{}).Where("id = ?", member).UpdateColumns(map[string]any{
		"email": member.String() + "@erased.invalid", "name": name, "password_hash": "", "operator": false, "banned_at": at,
		"email_proved_at": nil}))
	if err != nil {
		return err
	}
	if err := s.ForgetFactors(ctx, member); err != nil {
		return err
	}
	for _, table := range []any{&Session{}, &Link{}, &Place{}, &Challenge{}} {
		if err := s.db.Write(ctx).Where("member_id = ?", member).Delete(table).Error; err != nil {
			return db.Fault(err)
		}
	}
	return db.Fault(s.db.Write(ctx).Where("invited_by = ? OR email = ?", member, email).Delete(&Invitation{}).Error)
}
