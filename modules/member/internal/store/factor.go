package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// TOTP is a member's authenticator app; its secrets are encrypted.
type TOTP struct {
	MemberID id.ID
	Secret   []byte // nil: none is confirmed
	Pending  []byte // nil: none waits for its first code
	LastStep int64
}

// TableName is gorm's way to ask.
func (TOTP) TableName() string { return "member_totp" }

// TOTP finds a member's authenticator app. NotFound: none was ever begun.
func (s *Store) TOTP(ctx context.Context, member id.ID) (TOTP, error) {
	return one[TOTP](s.db.Read(ctx).Select("member_id, secret, pending, last_step").Where("member_id = ?", member))
}

// SetPendingTOTP keeps a secret until its first code has been seen.
func (s *Store) SetPendingTOTP(ctx context.Context, member id.ID, pending []byte) error {
	upsert := clause.OnConflict{Columns: []clause.Column{{Name: "member_id"}}, DoUpdates: clause.AssignmentColumns([]string{"pending"})}
	return db.Fault(s.db.Write(ctx).Clauses(upsert).Create(&TOTP{MemberID: member, Pending: pending}).Error)
}

// ConfirmTOTP makes the pending secret the one that counts. NotFound: another one is pending by now.
func (s *Store) ConfirmTOTP(ctx context.Context, member id.ID, pending []byte, step int64) error {
	return changed(s.db.Write(ctx).Model(&TOTP{}).Where("member_id = ? AND pending = ?", member, pending).
		UpdateColumns(map[string]any{"secret": pending, "pending": nil, "last_step": step}))
}

// UseTOTP takes the code of a step. NotFound: it or a later one was taken before.
func (s *Store) UseTOTP(ctx context.Context, member id.ID, step int64) error {
	return changed(s.db.Write(ctx).Model(&TOTP{}).Where("member_id = ? AND last_step < ?", member, step).UpdateColumn("last_step", step))
}

// DeleteTOTP removes a member's authenticator app. NotFound: there is none.
func (s *Store) DeleteTOTP(ctx context.Context, member id.ID) error {
	return changed(s.db.Write(ctx).Where("member_id = ?", member).Delete(&TOTP{}))
}

// Passkey is one of a member's passkeys.
type Passkey struct {
	ID             id.ID
	MemberID       id.ID
	CredentialHash []byte
	Credential     []byte
	Name           string
	CreatedAt      time.Time
	LastUsedAt     *time.Time
}

// TableName is gorm's way to ask.
func (Passkey) TableName() string { return "member_passkeys" }

// InsertPasskey adds a passkey. Conflict: somebody has it already.
func (s *Store) InsertPasskey(ctx context.Context, row Passkey) error {
	return insert(s.db.Write(ctx), []Passkey{row})
}

// Passkeys are a member's passkeys, the oldest first.
func (s *Store) Passkeys(ctx context.Context, member id.ID) ([]Passkey, error) {
	return all[Passkey](s.db.Read(ctx).Select("id, member_id, credential_hash, credential, name, created_at, last_used_at").
		Where("member_id = ?", member).Order("created_at, id"))
}

// UsePasskey keeps a passkey with its counter moved on. NotFound: the member does not have it any more, or it was used by
// somebody else since was was read.
func (s *Store) UsePasskey(ctx context.Context, member id.ID, hash, was, now []byte, at time.Time) error {
	return changed(s.db.Write(ctx).Model(&Passkey{}).Where("credential_hash = ? AND member_id = ? AND credential = ?", hash, member, was).
		UpdateColumns(map[string]any{"credential": now, "last_used_at": at}))
}

// DeletePasskey removes one of a member's passkeys. NotFound: there is none.
func (s *Store) DeletePasskey(ctx context.Context, member, passkey id.ID) error {
	return changed(s.db.Write(ctx).Where("id = ? AND member_id = ?", passkey, member).Delete(&Passkey{}))
}

// RecoveryCode is the hash of a code that has not been used.
type RecoveryCode struct {
	MemberID id.ID
	CodeHash []byte
}

// TableName is gorm's way to ask.
func (RecoveryCode) TableName() string { return "member_recovery_codes" }

// CountRecoveryCodes is how many codes a member has left.
func (s *Store) CountRecoveryCodes(ctx context.Context, member id.ID) (int64, error) {
	var n int64
	err := s.db.Read(ctx).Model(&RecoveryCode{}).Where("member_id = ?", member).Count(&n).Error
	return n, db.Fault(err)
}

// SetRecoveryCodes replaces a member's codes; none: takes them away.
func (s *Store) SetRecoveryCodes(ctx context.Context, member id.ID, hashes [][]byte) error {
	if err := s.db.Write(ctx).Where("member_id = ?", member).Delete(&RecoveryCode{}).Error; err != nil {
		return db.Fault(err)
	}
	rows := make([]RecoveryCode, len(hashes))
	for i, h := range hashes {
		rows[i] = RecoveryCode{member, h}
	}
	return insert(s.db.Write(ctx), rows)
}

// HasRecoveryCode says whether a member has a code left.
func (s *Store) HasRecoveryCode(ctx context.Context, member id.ID, hash []byte) (bool, error) {
	rows, err := all[RecoveryCode](s.db.Read(ctx).Select("member_id, code_hash").Where("member_id = ? AND code_hash = ?", member, hash))
	return len(rows) == 1, err
}

// UseRecoveryCode uses a code up. NotFound: the member has it no more.
func (s *Store) UseRecoveryCode(ctx context.Context, member id.ID, hash []byte) error {
	return changed(s.db.Write(ctx).Where("member_id = ? AND code_hash = ?", member, hash).Delete(&RecoveryCode{}))
}

// ForgetFactors removes all that a member can prove who they are with besides the password.
func (s *Store) ForgetFactors(ctx context.Context, member id.ID) error {
	for _, table := range []any{&TOTP{}, &Passkey{}, &RecoveryCode{}} {
		if err := s.db.Write(ctx).Where("member_id = ?", member).Delete(table).Error; err != nil {
			return db.Fault(err)
		}
	}
	return s.SetSecondFactor(ctx, member, false)
}
