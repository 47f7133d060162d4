package member

import (
	"context"
	"time"

	"mall/modules/member/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

// How many links that set a new password are mailed, while one is good. Who asks for somebody else's only fills that
// member's mailbox with links, of which the newest is good: nobody is kept from theirs.
const (
	resetsPerPair    = 3  // for one address from one network
	resetsPerAddress = 10 // for one address
	resetsPerNetwork = 20 // from one network
)

// AskPasswordReset mails a link that sets a new password to whoever has an account with that address. The answer, and the
// time it takes, are the same when nobody has: the letter, or none, is written later. Errors: RateLimited.
func (m *Members) AskPasswordReset(ctx context.Context, email string) error {
	normal, _ := normalEmail(email)
	from, window := network(identity.OriginOf(ctx).IP), m.cfg.ResetLife
	err := m.limits(ctx, "Too many letters were asked for; look into your mailbox.", window,
		atMost{resetsPerNetwork, []string{"resets of a network", from}},
		atMost{resetsPerPair, []string{"resets of a network for an address", from, normal}},
		atMost{resetsPerAddress, []string{"resets for an address", normal}})
	if err != nil {
		return err
	}
	who, err := m.memberOrNobody(ctx, normal)
	if err == nil {
		err = m.store.Tx(ctx, func(ctx context.Context) error { return m.post(ctx, letter{Kind: letterReset, Member: who.ID}) })
	}
	m.security.Write(ctx, securitylog.Event{What: securitylog.PasswordReset, Err: err, Target: who.ID, Reason: "asked"})
	return err
}

// ResetPassword takes the token of a mailed link and sets a new password. All logins of the member end, whoever has them;
// the address is proved by it; what was counted against the account is forgotten. Errors: Invalid link_invalid or
// weak_password, Forbidden banned, Busy.
func (m *Members) ResetPassword(ctx context.Context, text, plain string) error {
	link, err := m.readLink(ctx, text, store.Reset)
	if err == nil {
		err = m.resetPassword(ctx, link, plain)
	}
	m.security.Write(ctx, securitylog.Event{What: securitylog.PasswordReset, Err: err, Member: link.MemberID, Reason: "redeemed"})
	return err
}

func (m *Members) resetPassword(ctx context.Context, link store.Link, plain string) error {
	rows, err := m.store.Members(ctx, []id.ID{link.MemberID})
	switch {
	case err != nil:
		return err
	case len(rows) == 0:
		return linkInvalid()
	case rows[0].BannedAt != nil:
		return banned()
	}
	who := rows[0]
	hash, err := m.newHash(ctx, plain, who)
	if err != nil {
		return err
	}
	now, keys := m.now(), m.countsOf(ctx, who.Email)
	return m.redeem(ctx, link, func(ctx context.Context) error {
		if err := m.setPassword(ctx, who, hash); err != nil {
			return err
		}
		if err := m.store.ProveEmail(ctx, who.ID, now); err != nil {
			return err
		}
		if err := m.store.EndSessionsOf(ctx, who.ID, now); err != nil {
			return err
		}
		m.afterCommit(ctx, Notice{Member: who.ID})
		return m.store.ClearAttempts(ctx, keys.pair, keys.account)
	}, m.hasPassword(who.ID, hash))
}

// newHash checks a new password of a member and hashes it.
func (m *Members) newHash(ctx context.Context, plain string, who store.Member) (string, error) {
	if err := checkPassword(plain, who.Email, who.Name); err != nil {
		return "", err
	}
	slot, err := m.hasher.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer slot.Release()
	return slot.Hash(plain), nil
}

// setPassword stores a new password, makes links that would set another worthless, and tells the member.
func (m *Members) setPassword(ctx context.Context, who store.Member, hash string) error {
	err := m.store.SetPassword(ctx, who.ID, who.PasswordHash, hash)
	if fault.KindOf(err) == fault.NotFound {
		return fault.New(fault.Conflict, "password_changed", "The password was changed meanwhile.")
	}
	if err != nil {
		return err
	}
	if err := m.store.DropLinks(ctx, who.ID, store.Reset); err != nil {
		return err
	}
	from := identity.OriginOf(ctx)
	return m.post(ctx, letter{Kind: letterPassword, Member: who.ID, IP: from.IP, Device: agentText(from.UserAgent), At: m.now()})
}

func (m *Members) hasPassword(member id.ID, hash string) func(ctx context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		rows, err := m.store.Members(ctx, []id.ID{member})
		return len(rows) == 1 && rows[0].PasswordHash == hash, err
	}
}

// ChangePassword sets a new password for a member who knows the present one, and ends their other logins. Who has a second
// factor must have proved it lately, too: the password is what may be known to others. Errors: Forbidden step_up_required,
// Invalid wrong_password (field current) or weak_password, RateLimited, Busy, Conflict password_changed.
func (m *Members) ChangePassword(ctx context.Context, p *identity.Principal, current, plain string) error {
	err := m.changePassword(ctx, p, current, plain)
	m.security.Write(ctx, securitylog.Event{What: securitylog.PasswordChange, Err: err, Member: p.MemberID})
	return err
}

func (m *Members) changePassword(ctx context.Context, p *identity.Principal, current, plain string) error {
	if err := m.factorLately(ctx, p); err != nil {
		return err
	}
	who, hash, err := m.provenHash(ctx, p.MemberID, current, plain)
	if err != nil {
		return err
	}
	return m.store.TxOnce(ctx, func(ctx context.Context) error {
		if err := m.setPassword(ctx, who, hash); err != nil {
			return err
		}
		return m.endOthers(ctx, p)
	}, m.hasPassword(who.ID, hash))
}

// factorLately is SteppedUp for an act that asks for the password itself, of which a step-up of who has no second factor is
// made. It comes before the password is looked at, so that who lacks the factor cannot try passwords here.
func (m *Members) factorLately(ctx context.Context, p *identity.Principal) error {
	rows, err := m.store.Members(ctx, []id.ID{p.MemberID})
	if err != nil || len(rows) == 0 || !rows[0].SecondFactor {
		return err
	}
	return m.SteppedUp(ctx, p)
}

// provenHash looks at the present password and hashes the new one, in one turn.
func (m *Members) provenHash(ctx context.Context, member id.ID, current, plain string) (store.Member, string, error) {
	slot, err := m.hasher.Acquire(ctx)
	if err != nil {
		return store.Member{}, "", err
	}
	defer slot.Release()
	who, err := m.ownPassword(ctx, slot, member, current)
	if err != nil {
		return who, "", err
	}
	if err := checkPassword(plain, who.Email, who.Name); err != nil {
		return who, "", err
	}
	return who, slot.Hash(plain), nil
}

// endOthers ends a member's logins but the one that asks, in the transaction of ctx.
func (m *Members) endOthers(ctx context.Context, p *identity.Principal) error {
	now := m.now()
	others, err := m.store.OthersOpen(ctx, p.MemberID, p.SessionID, now)
	if err != nil || len(others) == 0 {
		return err
	}
	for _, session := range others {
		m.afterCommit(ctx, Notice{Member: p.MemberID, Session: session})
	}
	return m.store.EndSessions(ctx, others, now)
}

// Login is an open session of a member, as they see it.
type Login struct {
	ID        id.ID
	Kind      string
	Current   bool // the one that asks
	CreatedAt time.Time
	UsedAt    time.Time // to within 10 minutes
	IP        string
	UserAgent string
}

// Logins lists the open logins of whoever asks, the newest first.
func (m *Members) Logins(ctx context.Context, p *identity.Principal) ([]Login, error) {
	rows, err := m.store.OpenSessions(ctx, p.MemberID, m.now(), maxLogins)
	if err != nil {
		return nil, err
	}
	logins := make([]Login, len(rows))
	for i, r := range rows {
		logins[i] = Login{ID: r.ID, Kind: r.Kind, Current: r.ID == p.SessionID, CreatedAt: r.CreatedAt, UsedAt: r.CreatedAt, IP: r.IP, UserAgent: r.UserAgent}
		if r.UsedAt != nil {
			logins[i].UsedAt = *r.UsedAt
		}
	}
	return logins, nil
}

// EndLogin ends one of a member's own logins. Errors: NotFound for one that is not theirs; one that has ended is fine.
func (m *Members) EndLogin(ctx context.Context, p *identity.Principal, session id.ID) error {
	rows, err := m.store.Logins(ctx, []id.ID{session})
	switch {
	case err != nil:
		return err
	case len(rows) == 0, rows[0].MemberID != p.MemberID:
		return fault.Missing("login")
	}
	err = m.end(ctx, session, p.MemberID)
	m.security.Write(ctx, securitylog.Event{What: securitylog.SessionEnd, Err: err, Member: p.MemberID, Target: session})
	return err
}

// EndOtherLogins ends all of a member's logins but the one that asks.
func (m *Members) EndOtherLogins(ctx context.Context, p *identity.Principal) error {
	err := m.store.Tx(ctx, func(ctx context.Context) error { return m.endOthers(ctx, p) })
	m.security.Write(ctx, securitylog.Event{What: securitylog.SessionEnd, Err: err, Member: p.MemberID, Reason: "others"})
	return err
}
