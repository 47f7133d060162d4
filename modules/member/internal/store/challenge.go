package store

import (
	"context"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// What a challenge is for.
const (
	ForLogin   = "login"
	ForStepUp  = "step_up"
	ForPasskey = "passkey"
)

// Challenge is a proof that was asked for.
type Challenge struct {
	ID         id.ID
	MemberID   id.ID
	SessionID  id.ID // the login that asked; zero: there is none yet
	Purpose    string
	SecretHash []byte
	Data       []byte
	Tries      int
	AnsweredBy id.ID // names the answer that was taken; zero: none was
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// TableName is gorm's way to ask.
func (Challenge) TableName() string { return "member_challenges" }

// InsertChallenge adds a challenge.
func (s *Store) InsertChallenge(ctx context.Context, row Challenge) error {
	return insert(s.db.Write(ctx), []Challenge{row})
}

// Challenge finds one by id.
func (s *Store) Challenge(ctx context.Context, challenge id.ID) (Challenge, error) {
	return one[Challenge](s.db.Read(ctx).
		Select("id, member_id, session_id, purpose, secret_hash, data, tries, answered_by, created_at, expires_at").Where("id = ?", challenge))
}

// CountTry counts an answer to a challenge before it is looked at. NotFound: it has expired, was answered, or had most tries.
func (s *Store) CountTry(ctx context.Context, challenge id.ID, now time.Time, most int) error {
	return changed(s.db.Write(ctx).Exec("UPDATE member_challenges SET tries = tries + 1"+
		" WHERE id = ? AND answered_by IS NULL AND expires_at > ? AND tries < ?", challenge, now, most))
}

// Answered takes an answer. NotFound: another one was.
func (s *Store) Answered(ctx context.Context, challenge, answer id.ID) error {
	return changed(s.db.Write(ctx).Model(&Challenge{}).Where("id = ? AND answered_by IS NULL", challenge).UpdateColumn("answered_by", answer))
}

// SweepChallenges deletes up to limit challenges that expired before the given time, and says how many.
func (s *Store) SweepChallenges(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.sweep(ctx, &Challenge{}, before, limit)
}

// StepUp says when a member last proved who they are in a session; nil: never. NotFound: there is no such session, or it
// has ended.
func (s *Store) StepUp(ctx context.Context, session id.ID) (*time.Time, error) {
	row, err := one[struct{ SteppedUpAt *time.Time }](s.db.Read(ctx).Model(&Session{}).Select("stepped_up_at").
		Where("id = ? AND revoked_at IS NULL", session))
	return row.SteppedUpAt, err
}

// SetStepUp notes that a member has proved who they are in a session. NotFound: it has ended.
func (s *Store) SetStepUp(ctx context.Context, session id.ID, at time.Time) error {
	return changed(s.db.Write(ctx).Model(&Session{}).Where("id = ? AND revoked_at IS NULL", session).UpdateColumn("stepped_up_at", at))
}

// SetSecondFactor says whether a member has one.
func (s *Store) SetSecondFactor(ctx context.Context, member id.ID, has bool) error {
	return db.Fault(s.db.Write(ctx).Model(&Member{}).Where("id = ?", member).UpdateColumn("second_factor", has).Error)
}
