package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// The kinds of session.
const (
	Web = "web" // the browser's cookie
	API = "api" // access and refresh tokens
)

// Session is one login. The migration explains the hashes.
type Session struct {
	ID          id.ID
	MemberID    id.ID
	Kind        string
	TokenHash   []byte
	RefreshHash []byte
	RefreshAlt  []byte
	RefreshUsed []byte
	RefreshedAt *time.Time
	CreatedAt   time.Time
	ExpiresAt   time.Time
	RevokedAt   *time.Time
	SteppedUpAt *time.Time // when the member last proved who they are
	IP          string
	UserAgent   string
	UsedAt      *time.Time
}

// TableName is gorm's way to ask.
func (Session) TableName() string { return "member_sessions" }

// NewAPISession is the session of an API client who has logged in now; unused for idle it ends. The hashes are those of
// the two halves of its refresh token.
func NewAPISession(member id.ID, family, refresh []byte, now time.Time, idle time.Duration) Session {
	return Session{ID: id.New(), MemberID: member, Kind: API, TokenHash: family, RefreshHash: refresh,
		CreatedAt: now, ExpiresAt: now.Add(idle), SteppedUpAt: &now}
}

const sessionColumns = "id, member_id, kind, token_hash, refresh_hash, refresh_alt, refresh_used, refreshed_at, created_at, expires_at, revoked_at, " +
	"stepped_up_at, ip, user_agent, used_at"

// Login is a session with what a principal needs of its member.
type Login struct {
	ID        id.ID
	MemberID  id.ID
	Kind      string
	TokenHash []byte
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt *time.Time
	UsedAt    *time.Time
	Name      string
	Operator  bool
	BannedAt  *time.Time

	SecondFactor bool
}

// Standing is what a session is worth now: a row for each shop that its member answers for, or one without.
type Standing struct {
	ID        id.ID
	Kind      string
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt sql.NullTime
	UsedAt    sql.NullTime
	BannedAt  sql.NullTime
	ShopID    id.ID // zero: none

	SecondFactor bool
}

// Standings reads sessions by id, ended ones too; unknown ids are left out. The rows of a session come together, and are
// good during the call only.
func (s *Store) Standings(ctx context.Context, ids []id.ID, each func(*Standing)) error {
	args := make([]any, len(ids))
	for i := range ids {
		args[i] = ids[i][:]
	}
	query := `SELECT s.id, s.kind, s.created_at, s.expires_at, s.revoked_at, s.used_at, m.banned_at, m.second_factor, t.shop_id
FROM member_sessions s JOIN member_members m ON m.id = s.member_id LEFT JOIN member_staff t ON t.member_id = s.member_id
WHERE s.id IN (?` + strings.Repeat(",?", max(0, len(ids)-1)) + ") ORDER BY s.id"
	var row Standing
	var kind sql.RawBytes
	return db.Fault(s.db.Query(ctx, query, args, func(rows *sql.Rows) error {
		err := rows.Scan(&row.ID, &kind, &row.CreatedAt, &row.ExpiresAt, &row.RevokedAt, &row.UsedAt, &row.BannedAt, &row.SecondFactor, &row.ShopID)
		if row.Kind = API; string(kind) == Web {
			row.Kind = Web
		}
		if err == nil {
			each(&row)
		}
		return err
	}))
}

// InsertSessions adds sessions.
func (s *Store) InsertSessions(ctx context.Context, rows ...Session) error {
	return insert(s.db.Write(ctx), rows)
}

// Logins finds sessions by id, ended ones too; unknown ids are left out.
func (s *Store) Logins(ctx context.Context, ids []id.ID) ([]Login, error) {
	return all[Login](s.db.Read(ctx).Table("member_sessions AS s").
		Select("s.id, s.member_id, s.kind, s.token_hash, s.created_at, s.expires_at, s.revoked_at, s.used_at, m.name, m.operator, m.second_factor, m.banned_at").
		Joins("JOIN member_members AS m ON m.id = s.member_id").Where("s.id IN ?", ids))
}

// LockSession reads a session for a change in the same transaction.
func (s *Store) LockSession(ctx context.Context, session id.ID) (Session, error) {
	return one[Session](s.db.Write(ctx).Select(sessionColumns).Where("id = ?", session).Clauses(forUpdate))
}

// SetRefresh stores the refresh columns and the expiry of a locked session.
func (s *Store) SetRefresh(ctx context.Context, row Session) error {
	return changed(s.db.Write(ctx).Model(&Session{}).Where("id = ?", row.ID).UpdateColumns(map[string]any{
		"refresh_hash": row.RefreshHash, "refresh_alt": row.RefreshAlt, "refresh_used": row.RefreshUsed,
		"refreshed_at": row.RefreshedAt, "expires_at": row.ExpiresAt, "used_at": row.UsedAt,
	}))
}

// UseSession notes that a session that has not ended was used at a time, and moves its end to until. What another has
// written, of a later use, stays.
func (s *Store) UseSession(ctx context.Context, session id.ID, at, until time.Time) error {
	return db.Fault(s.db.Write(ctx).Model(&Session{}).
		Where("id = ? AND revoked_at IS NULL AND expires_at <= ? AND (used_at IS NULL OR used_at < ?)", session, until, at).
		UpdateColumns(map[string]any{"expires_at": until, "used_at": at}).Error)
}

// OpenSessions reads a member's sessions that have not ended, the newest first.
func (s *Store) OpenSessions(ctx context.Context, member id.ID, now time.Time, limit int) ([]Session, error) {
	return all[Session](s.db.Read(ctx).Select(sessionColumns).
		Where("member_id = ? AND revoked_at IS NULL AND expires_at > ?", member, now).Order("created_at DESC, id DESC").Limit(limit))
}

// OthersOpen reads, for a change in the same transaction, the ids of a member's sessions that have not ended but one.
func (s *Store) OthersOpen(ctx context.Context, member, but id.ID, now time.Time) ([]id.ID, error) {
	var ids []id.ID
	err := s.db.Write(ctx).Model(&Session{}).Where("member_id = ? AND id <> ? AND revoked_at IS NULL AND expires_at > ?", member, but, now).
		Clauses(forUpdate).Pluck("id", &ids).Error
	return ids, db.Fault(err)
}

// EndSessions revokes sessions by id.
func (s *Store) EndSessions(ctx context.Context, ids []id.ID, at time.Time) error {
	return db.Fault(s.db.Write(ctx).Model(&Session{}).Where("id IN ? AND revoked_at IS NULL", ids).UpdateColumn("revoked_at", at).Error)
}

// EndSession revokes a session; one that is over stays as it is.
func (s *Store) EndSession(ctx context.Context, session id.ID, at time.Time) error {
	return db.Fault(s.db.Write(ctx).Model(&Session{}).
		Where("id = ? AND revoked_at IS NULL", session).UpdateColumn("revoked_at", at).Error)
}

// EndSessionsOf revokes all sessions of a member, and the logins that wait for a second factor.
func (s *Store) EndSessionsOf(ctx context.Context, member id.ID, at time.Time) error {
	if err := s.db.Write(ctx).Where("member_id = ?", member).Delete(&Challenge{}).Error; err != nil {
		return db.Fault(err)
	}
	return db.Fault(s.db.Write(ctx).Model(&Session{}).
		Where("member_id = ? AND revoked_at IS NULL", member).UpdateColumn("revoked_at", at).Error)
}

// SweepSessions deletes up to limit sessions that expired before the given time, and says how many.
func (s *Store) SweepSessions(ctx context.Context, before time.Time, limit int) (int, error) {
	var ids []id.ID
	err := s.db.Read(ctx).Model(&Session{}).Where("expires_at < ?", before).Order("expires_at").Limit(limit).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return 0, db.Fault(err)
	}
	// Asked again, in case one was extended in between.
	err = s.db.Write(ctx).Where("id IN ? AND expires_at < ?", ids, before).Delete(&Session{}).Error
	return len(ids), db.Fault(err)
}

// LeastUsed are the live sessions of a member beyond the most that were used last.
func (s *Store) LeastUsed(ctx context.Context, member id.ID, now time.Time, most int) ([]id.ID, error) {
	var ids []id.ID
	err := s.db.Write(ctx).Model(&Session{}).Where("member_id = ? AND revoked_at IS NULL AND expires_at > ?", member, now).
		Order("COALESCE(used_at, created_at) DESC, id DESC").Offset(most).Limit(most).Pluck("id", &ids).Error
	return ids, db.Fault(err)
}
