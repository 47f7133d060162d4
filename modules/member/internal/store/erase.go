package store

import (
	"context"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// SessionsOf are a member's logins, ended ones too, the newest first.
func (s *Store) SessionsOf(ctx context.Context, member id.ID) ([]Session, error) {
	return all[Session](s.db.Read(ctx).Select("id, member_id, kind, created_at, expires_at, revoked_at").
		Where("member_id = ?", member).Order("created_at DESC, id").Limit(1000))
}

// EraseMember leaves of an account only its id, closed for ever, and deletes its logins. The address is free again.
// NotFound: nobody has the id.
func (s *Store) EraseMember(ctx context.Context, member id.ID, name string, at time.Time) error {
	err := changed(s.db.Write(ctx).Model(&Member{}).Where("id = ?", member).UpdateColumns(map[string]any{
		"email": member.String() + "@erased.invalid", "name": name, "password_hash": "", "operator": false, "banned_at": at}))
	if err != nil {
		return err
	}
	return db.Fault(s.db.Write(ctx).Where("member_id = ?", member).Delete(&Session{}).Error)
}
