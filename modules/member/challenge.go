package member

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"mall/modules/member/internal/factor"
	"mall/modules/member/internal/store"
	"mall/modules/member/internal/token"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/securitylog"
)

const (
	challengeLife  = 5 * time.Minute
	challengeTries = 5
	guesses        = 10 // wrong codes of a member's app within guessWindow, over all challenges
	guessWindow    = time.Hour
)

// The ways to prove who one is.
const (
	ByPassword     = "password"
	ByTOTP         = "totp"
	ByPasskey      = "passkey"
	ByRecoveryCode = "recovery_code"
)

// Challenge is a proof that is asked for.
type Challenge struct {
	Token          string
	Methods        []string
	PasskeyOptions []byte // what the browser's navigator.credentials.get takes; nil: no passkey is asked for
	ExpiresAt      time.Time
}

// Answer is what came back for a challenge: exactly one of a password, a code and a credential.
type Answer struct {
	Challenge  string
	Password   string
	Code       string
	Credential []byte
}

// ask makes a challenge for a member: of their second factor if they have one, else of their password.
func (m *Members) ask(ctx context.Context, who store.Member, session id.ID, purpose string) (Challenge, error) {
	asked := Challenge{Methods: []string{ByPassword}}
	var data []byte
	if who.SecondFactor {
		f, err := m.factorsOf(ctx, who.ID)
		if err != nil {
			return Challenge{}, err
		}
		asked.Methods = f.methods(m.passkeys != nil)
		if m.passkeys != nil && len(f.passkeys) > 0 {
			if asked.PasskeyOptions, data, err = m.passkeys.BeginUse(f.owner(who)); err != nil {
				return Challenge{}, err
			}
		}
	}
	var err error
	asked.Token, asked.ExpiresAt, err = m.keepChallenge(ctx, who.ID, session, purpose, data)
	return asked, err
}

func (m *Members) keepChallenge(ctx context.Context, member, session id.ID, purpose string, data []byte) (string, time.Time, error) {
	given, now := token.Challenge{ID: id.New(), Secret: token.NewSecret()}, m.now()
	row := store.Challenge{
		ID: given.ID, MemberID: member, SessionID: session, Purpose: purpose, SecretHash: given.Secret.Hash(), Data: data,
		CreatedAt: now, ExpiresAt: now.Add(challengeLife),
	}
	return given.String(), row.ExpiresAt, m.store.InsertChallenge(ctx, row)
}

// AnswerLogin is the second half of a login that was answered with a challenge; web says which kind of session is opened.
// Errors: Conflict challenge_over, Forbidden wrong_answer and banned, RateLimited after too many wrong codes.
func (m *Members) AnswerLogin(ctx context.Context, a Answer, web bool) (opened Opened, err error) {
	kind := store.API
	if web {
		kind = store.Web
	}
	err = m.answer(ctx, store.ForLogin, id.Nil, a, func(ctx context.Context, who store.Member) (err error) {
		opened, err = m.open(ctx, who, kind)
		return err
	})
	return opened, err
}

// answer takes the answer to a challenge, once, and does what it was asked for in the same transaction.
func (m *Members) answer(ctx context.Context, purpose string, session id.ID, a Answer, do func(ctx context.Context, who store.Member) error) error {
	row, who, err := m.challenged(ctx, purpose, session, a.Challenge)
	if err != nil {
		return err
	}
	proof, err := m.prove(ctx, who, row, a)
	if err == nil {
		err = m.take(ctx, row, proof, func(ctx context.Context) error { return do(ctx, who) })
	}
	what := securitylog.SecondFactor
	if purpose == store.ForStepUp {
		what = securitylog.StepUp
	}
	m.security.Write(ctx, securitylog.Event{What: what, Err: err, Member: who.ID, Reason: a.method()})
	return err
}

// challenged finds the challenge that an answer is for, and whose it is.
func (m *Members) challenged(ctx context.Context, purpose string, session id.ID, text string) (row store.Challenge, who store.Member, err error) {
	given, ok := token.ParseChallenge(text)
	if !ok {
		return row, who, challengeOver(nil)
	}
	row, err = m.store.Challenge(ctx, given.ID)
	if err != nil {
		return row, who, challengeOver(err)
	}
	if !given.Secret.Is(row.SecretHash) || row.Purpose != purpose || row.SessionID != session {
		return row, who, challengeOver(nil)
	}
	rows, err := m.store.Members(ctx, []id.ID{row.MemberID})
	switch {
	case err != nil:
		return row, who, err
	case len(rows) == 0:
		return row, who, challengeOver(nil)
	case rows[0].BannedAt != nil:
		return row, who, banned()
	}
	if err := m.store.CountTry(ctx, row.ID, m.now(), challengeTries); err != nil {
		return row, who, challengeOver(err)
	}
	return row, rows[0], nil
}

// take uses a challenge and its proof up, and does what they were for: all of it or nothing.
func (m *Members) take(ctx context.Context, row store.Challenge, proof, do func(ctx context.Context) error) error {
	answer := id.New()
	return m.store.TxOnce(ctx, func(ctx context.Context) error {
		if err := m.store.Answered(ctx, row.ID, answer); err != nil {
			return challengeOver(err)
		}
		if err := proof(ctx); err != nil {
			return err
		}
		return do(ctx)
	}, func(ctx context.Context) (bool, error) {
		now, err := m.store.Challenge(ctx, row.ID)
		return err == nil && now.AnsweredBy == answer, err
	})
}

// prove looks whether an answer is right; what it gives uses it up, in the transaction of what it was asked for.
func (m *Members) prove(ctx context.Context, who store.Member, row store.Challenge, a Answer) (proof func(ctx context.Context) error, err error) {
	switch method := a.method(); {
	case method == ByPassword && !who.SecondFactor && row.Purpose == store.ForStepUp:
		return m.provePassword(ctx, who, a.Password)
	case method == ByTOTP && who.SecondFactor:
		return m.proveTOTP(ctx, who.ID, a.Code)
	case method == ByRecoveryCode && who.SecondFactor:
		return m.proveRecoveryCode(ctx, who.ID, a.Code)
	case method == ByPasskey && who.SecondFactor:
		return m.provePasskey(ctx, who, row.Data, a.Credential)
	}
	return nil, fault.New(fault.Invalid, "bad_request", "An answer is one of what the challenge asks for.")
}

func notOneProof() error {
	return fault.New(fault.Invalid, "bad_request", "An answer has exactly one of password, code and credential, and it is not empty.")
}

// method is how an answer proves something; "" when it is none or several.
func (a Answer) method() string {
	switch {
	case a.Password != "" && a.Code == "" && len(a.Credential) == 0:
		return ByPassword
	case len(a.Credential) > 0 && a.Password == "" && a.Code == "":
		return ByPasskey
	case a.Code != "" && a.Password == "" && len(a.Credential) == 0 && digits(a.Code):
		return ByTOTP
	case a.Code != "" && a.Password == "" && len(a.Credential) == 0:
		return ByRecoveryCode
	}
	return ""
}

func digits(code string) bool {
	for _, c := range code {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(code) == 6
}

func (m *Members) provePassword(ctx context.Context, who store.Member, plain string) (func(ctx context.Context) error, error) {
	slot, err := m.hasher.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer slot.Release()
	_, err = m.ownPassword(ctx, slot, who.ID, plain)
	if fault.CodeOf(err) == "wrong_password" {
		err = wrongAnswer("password")
	}
	return func(context.Context) error { return nil }, err
}

// proveTOTP counts a try before it is looked at. Passkeys and recovery codes, which nobody guesses, are not counted: who keeps
// guessing a member's codes does not keep them out.
func (m *Members) proveTOTP(ctx context.Context, member id.ID, code string) (func(ctx context.Context) error, error) {
	row, err := m.store.TOTP(ctx, member)
	if err != nil || row.Secret == nil {
		return nil, cmp.Or(used(err, "code"), wrongAnswer("code"))
	}
	err = m.limit(ctx, "Too many wrong codes.", guesses, guessWindow, "codes", member.String())
	if err != nil {
		return nil, err
	}
	secret, err := m.box.Open(row.Secret, member)
	if err != nil { // the token secret is another one, and the old one is not known
		m.log.ErrorContext(ctx, "the secret of an authenticator app cannot be decrypted", slog.Any("error", err))
		return nil, fault.New(fault.Conflict, "totp_lost", "The authenticator app must be set up anew; use another factor.")
	}
	step, ok := factor.TOTPStep(secret, code, m.now(), row.LastStep)
	if !ok {
		return nil, wrongAnswer("code")
	}
	return func(ctx context.Context) error {
		if err := used(m.store.UseTOTP(ctx, member, step), "code"); err != nil {
			return err
		}
		return m.store.ClearAttempts(ctx, counterKey("codes", member.String()))
	}, nil
}

func (m *Members) proveRecoveryCode(ctx context.Context, member id.ID, code string) (func(ctx context.Context) error, error) {
	hash := factor.RecoveryHash(member, code)
	has, err := m.store.HasRecoveryCode(ctx, member, hash)
	if err == nil && !has {
		err = wrongAnswer("code")
	}
	return func(ctx context.Context) error { return used(m.store.UseRecoveryCode(ctx, member, hash), "code") }, err
}

func (m *Members) provePasskey(ctx context.Context, who store.Member, asked, answer []byte) (func(ctx context.Context) error, error) {
	if m.passkeys == nil || asked == nil {
		return nil, wrongAnswer("credential")
	}
	f, err := m.factorsOf(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	moved, hash, err := m.passkeys.Use(f.owner(who), asked, answer)
	if errors.Is(err, factor.ErrRefused) {
		return nil, wrongAnswer("credential")
	}
	if err != nil {
		return nil, err
	}
	was := f.credential(hash)
	return func(ctx context.Context) error {
		return used(m.store.UsePasskey(ctx, who.ID, hash, was, moved, m.now()), "credential")
	}, nil
}

// challengeOver is the one answer for a challenge that is unknown, expired, used or tried too often.
func challengeOver(err error) error {
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	return fault.New(fault.Conflict, "challenge_over", "This challenge is over; begin again.")
}

// used is err, but for a proof that is not there (any more).
func used(err error, field string) error {
	if fault.KindOf(err) == fault.NotFound {
		return wrongAnswer(field)
	}
	return err
}

func wrongAnswer(field string) error {
	return &fault.Error{Kind: fault.Forbidden, Code: "wrong_answer", Field: field, Message: "That does not prove who you are."}
}
