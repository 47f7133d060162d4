package member

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/url"
	"time"

	"mall/modules/member/internal/factor"
	"mall/modules/member/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

const maxPasskeys = 10

// Factors is what a member can prove who they are with besides the password.
type Factors struct {
	TOTP          bool
	Passkeys      []Passkey
	RecoveryCodes int // that are left
}

// Passkey is one of a member's passkeys.
type Passkey struct {
	ID         id.ID
	Name       string
	CreatedAt  time.Time
	LastUsedAt *time.Time
}

// TOTPSecret is what an authenticator app is set up with.
type TOTPSecret struct{ Text, URI, QR string }

// factors are a member's factors as they are kept.
type factors struct {
	totp     bool
	passkeys []store.Passkey
	codes    int64
}

func (m *Members) factorsOf(ctx context.Context, member id.ID) (f factors, err error) {
	row, err := m.store.TOTP(ctx, member)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return f, err
	}
	f.totp = row.Secret != nil
	if f.passkeys, err = m.store.Passkeys(ctx, member); err != nil {
		return f, err
	}
	f.codes, err = m.store.CountRecoveryCodes(ctx, member)
	return f, err
}

func (f factors) any() bool { return f.totp || len(f.passkeys) > 0 }

func (f factors) methods(passkeys bool) (methods []string) {
	if passkeys && len(f.passkeys) > 0 {
		methods = append(methods, ByPasskey)
	}
	if f.totp {
		methods = append(methods, ByTOTP)
	}
	if f.codes > 0 {
		methods = append(methods, ByRecoveryCode)
	}
	return methods
}

func (f factors) owner(who store.Member) factor.Owner {
	o := factor.Owner{Member: who.ID, Email: who.Email, Name: who.Name, Passkeys: make([][]byte, len(f.passkeys))}
	for i, k := range f.passkeys {
		o.Passkeys[i] = k.Credential
	}
	return o
}

func (f factors) credential(hash []byte) []byte {
	for _, k := range f.passkeys {
		if bytes.Equal(k.CredentialHash, hash) {
			return k.Credential
		}
	}
	return nil
}

// Factors gives a member's own second factors.
func (m *Members) Factors(ctx context.Context, member id.ID) (Factors, error) {
	f, err := m.factorsOf(ctx, member)
	out := Factors{TOTP: f.totp, RecoveryCodes: int(f.codes), Passkeys: make([]Passkey, len(f.passkeys))}
	for i, k := range f.passkeys {
		out.Passkeys[i] = Passkey{k.ID, k.Name, k.CreatedAt, k.LastUsedAt}
	}
	return out, err
}

// BeginTOTP makes a secret for an authenticator app. One that is in use stays so until ConfirmTOTP has seen a code of the
// new one.
func (m *Members) BeginTOTP(ctx context.Context, member id.ID) (TOTPSecret, error) {
	rows, err := m.store.Members(ctx, []id.ID{member})
	if err != nil {
		return TOTPSecret{}, err
	}
	if len(rows) == 0 {
		return TOTPSecret{}, fault.Missing("member")
	}
	secret := factor.NewTOTP()
	if err := m.store.SetPendingTOTP(ctx, member, m.box.Seal(secret, member)); err != nil {
		return TOTPSecret{}, err
	}
	uri := factor.TOTPURI(secret, m.siteName(), rows[0].Email)
	picture, err := factor.QR(uri)
	return TOTPSecret{Text: factor.TOTPText(secret), URI: uri, QR: picture}, err
}

// siteName is what apps and browsers show beside a factor.
func (m *Members) siteName() string {
	if u, err := url.Parse(m.cfg.PublicURL); err == nil && u.Host != "" {
		return u.Host
	}
	return "mall"
}

// ConfirmTOTP turns the authenticator app on, and gives recovery codes when it is the member's first second factor.
// Errors: Conflict totp_not_begun, Forbidden wrong_answer.
func (m *Members) ConfirmTOTP(ctx context.Context, member id.ID, code string) ([]string, error) {
	row, err := m.store.TOTP(ctx, member)
	if fault.KindOf(err) == fault.NotFound || err == nil && row.Pending == nil {
		return nil, fault.New(fault.Conflict, "totp_not_begun", "No authenticator app is being set up.")
	}
	if err != nil {
		return nil, err
	}
	secret, err := m.box.Open(row.Pending, member)
	if err != nil {
		return nil, err
	}
	step, ok := factor.TOTPStep(secret, code, m.now(), 0)
	if !ok {
		return nil, wrongAnswer("code")
	}
	return m.changeFactors(ctx, member, "totp_added", func(ctx context.Context) error {
		return used(m.store.ConfirmTOTP(ctx, member, row.Pending, step), "code")
	}, func(ctx context.Context) (bool, error) {
		now, err := m.store.TOTP(ctx, member)
		return err == nil && bytes.Equal(now.Secret, row.Pending), err
	})
}

// RemoveTOTP takes the authenticator app away. Errors: NotFound, Conflict second_factor_needed.
func (m *Members) RemoveTOTP(ctx context.Context, member id.ID) error {
	_, err := m.changeFactors(ctx, member, "totp_removed", func(ctx context.Context) error {
		return missing("authenticator app", m.store.DeleteTOTP(ctx, member))
	}, func(ctx context.Context) (bool, error) {
		f, err := m.factorsOf(ctx, member)
		return err == nil && !f.totp, err
	})
	return err
}

// BeginPasskey gives what the browser makes a passkey by, and the challenge to send along with it. Errors: Conflict
// passkeys_unavailable where the mall is reached by an address instead of a name, passkey_limit.
func (m *Members) BeginPasskey(ctx context.Context, p *identity.Principal) (challenge string, options []byte, err error) {
	if m.passkeys == nil {
		return "", nil, fault.New(fault.Conflict, "passkeys_unavailable", "Browsers make passkeys only for a mall that has a name.")
	}
	rows, err := m.store.Members(ctx, []id.ID{p.MemberID})
	if err != nil {
		return "", nil, err
	}
	f, err := m.factorsOf(ctx, p.MemberID)
	if err != nil || len(rows) == 0 {
		return "", nil, cmp.Or[error](err, fault.Missing("member"))
	}
	if len(f.passkeys) >= maxPasskeys {
		return "", nil, passkeyLimit()
	}
	options, asked, err := m.passkeys.BeginAdd(f.owner(rows[0]))
	if err != nil {
		return "", nil, err
	}
	challenge, _, err = m.keepChallenge(ctx, p.MemberID, p.SessionID, store.ForPasskey, asked)
	return challenge, options, err
}

// AddPasskey keeps the passkey that the browser has made, and gives recovery codes when it is the member's first second
// factor. Errors: Invalid (name), Conflict challenge_over and passkey_limit, Forbidden wrong_answer.
func (m *Members) AddPasskey(ctx context.Context, p *identity.Principal, challenge, name string, made []byte) (Passkey, []string, error) {
	clean, err := cleanName(name, maxName)
	if err != nil {
		return Passkey{}, nil, err
	}
	asked, who, err := m.challenged(ctx, store.ForPasskey, p.SessionID, challenge)
	if err != nil {
		return Passkey{}, nil, err
	}
	f, err := m.factorsOf(ctx, who.ID)
	if err != nil || m.passkeys == nil {
		return Passkey{}, nil, cmp.Or(err, challengeOver(nil))
	}
	credential, hash, err := m.passkeys.Add(f.owner(who), asked.Data, made)
	if errors.Is(err, factor.ErrRefused) {
		return Passkey{}, nil, wrongAnswer("credential")
	}
	if err != nil {
		return Passkey{}, nil, err
	}
	row := store.Passkey{ID: id.New(), MemberID: who.ID, CredentialHash: hash, Credential: credential, Name: clean, CreatedAt: m.now()}
	codes, err := m.changeFactors(ctx, who.ID, "passkey_added", func(ctx context.Context) error {
		if err := m.store.Answered(ctx, asked.ID, row.ID); err != nil {
			return challengeOver(err)
		}
		if there, err := m.store.Passkeys(ctx, who.ID); err != nil || len(there) >= maxPasskeys {
			return cmp.Or(err, passkeyLimit())
		}
		return m.store.InsertPasskey(ctx, row)
	}, func(ctx context.Context) (bool, error) {
		now, err := m.store.Challenge(ctx, asked.ID)
		return err == nil && now.AnsweredBy == row.ID, err
	})
	return Passkey{row.ID, row.Name, row.CreatedAt, nil}, codes, err
}

// RemovePasskey takes one of a member's passkeys away. Errors: NotFound, Conflict second_factor_needed.
func (m *Members) RemovePasskey(ctx context.Context, member, passkey id.ID) error {
	_, err := m.changeFactors(ctx, member, "passkey_removed", func(ctx context.Context) error {
		return missing("passkey", m.store.DeletePasskey(ctx, member, passkey))
	}, func(ctx context.Context) (bool, error) {
		rows, err := m.store.Passkeys(ctx, member)
		for _, r := range rows {
			if r.ID == passkey {
				return false, nil
			}
		}
		return err == nil, err
	})
	return err
}

// RenewRecoveryCodes makes new codes; the old ones are worth nothing from then on. Errors: Conflict no_second_factor.
func (m *Members) RenewRecoveryCodes(ctx context.Context, member id.ID) ([]string, error) {
	codes := factor.NewRecoveryCodes()
	hashes := recoveryHashes(member, codes)
	err := m.store.TxOnce(ctx, func(ctx context.Context) error {
		who, err := m.store.LockMember(ctx, member)
		if err != nil {
			return missing("member", err)
		}
		if !who.SecondFactor {
			return fault.New(fault.Conflict, "no_second_factor", "Recovery codes stand in for a second factor; set one up first.")
		}
		if err := m.tellOfFactors(ctx, member); err != nil {
			return err
		}
		return m.store.SetRecoveryCodes(ctx, member, hashes)
	}, func(ctx context.Context) (bool, error) { return m.store.HasRecoveryCode(ctx, member, hashes[0]) })
	m.security.Write(ctx, securitylog.Event{What: securitylog.FactorChange, Err: err, Member: member, Reason: "recovery_codes_renewed"})
	return codes, err
}

// tellOfFactors writes to a member whose second factors change, in the transaction that changes them.
func (m *Members) tellOfFactors(ctx context.Context, member id.ID) error {
	from := identity.OriginOf(ctx)
	return m.post(ctx, letter{Kind: letterFactor, Member: member, IP: from.IP, Device: agentText(from.UserAgent), At: m.now()})
}

func recoveryHashes(member id.ID, codes []string) [][]byte {
	hashes := make([][]byte, len(codes))
	for i, c := range codes {
		hashes[i] = factor.RecoveryHash(member, c)
	}
	return hashes
}

// changeFactors changes a member's second factors with the member locked, so that what follows from there being one, or
// none any more, holds. It gives the recovery codes that come with the first.
func (m *Members) changeFactors(ctx context.Context, member id.ID, what string, change func(ctx context.Context) error, stored func(ctx context.Context) (bool, error)) (codes []string, err error) {
	err = m.store.TxOnce(ctx, func(ctx context.Context) error {
		who, err := m.store.LockMember(ctx, member)
		if err != nil {
			return missing("member", err)
		}
		if err := change(ctx); err != nil {
			return err
		}
		if err := m.tellOfFactors(ctx, member); err != nil {
			return err
		}
		f, err := m.factorsOf(ctx, member)
		if err != nil || f.any() == who.SecondFactor {
			return err
		}
		codes, err = m.firstOrLast(ctx, who, f.any())
		return err
	}, stored)
	m.security.Write(ctx, securitylog.Event{What: securitylog.FactorChange, Err: err, Member: member, Reason: what})
	return codes, err
}

// firstOrLast does what follows from a member's first second factor, or from their last one going.
func (m *Members) firstOrLast(ctx context.Context, who store.Member, has bool) (codes []string, err error) {
	shops, err := m.store.CountShopsOf(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	demanded := m.cfg.demands(who.Operator, shops > 0)
	if demanded && !has {
		return nil, fault.New(fault.Conflict, "second_factor_needed", "Your role demands a second factor; add another one first.")
	}
	if has {
		codes = factor.NewRecoveryCodes()
	}
	if err := m.store.SetRecoveryCodes(ctx, who.ID, recoveryHashes(who.ID, codes)); err != nil {
		return nil, err
	}
	if demanded { // the roles that were left out are theirs now
		db.AfterCommit(ctx, func() { m.tell(Notice{Member: who.ID}) })
	}
	return codes, m.store.SetSecondFactor(ctx, who.ID, has)
}

// ResetFactors takes all second factors of a member away who has lost them, and ends their sessions; nothing that comes over
// HTTP calls it. Errors: NotFound.
func (m *Members) ResetFactors(ctx context.Context, member id.ID) error {
	err := m.change(ctx, Notice{Member: member}, func(ctx context.Context) error {
		if _, err := m.store.LockMember(ctx, member); err != nil {
			return missing("member", err)
		}
		if err := m.store.ForgetFactors(ctx, member); err != nil {
			return err
		}
		return m.store.EndSessionsOf(ctx, member, m.now())
	})
	m.security.Write(ctx, securitylog.Event{What: securitylog.FactorChange, Err: err, Target: member, Reason: "reset_by_operator"})
	return err
}

func passkeyLimit() error {
	return fault.New(fault.Conflict, "passkey_limit", "A member has at most 10 passkeys.")
}
