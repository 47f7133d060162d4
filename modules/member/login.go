package member

import (
	"context"
	"time"

	"mall/modules/member/internal/store"
	"mall/modules/member/internal/token"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/securitylog"
)

// Tokens is what an API client carries. The lives count from now.
type Tokens struct {
	Access      string
	AccessLife  time.Duration
	Refresh     string
	RefreshLife time.Duration
}

// WebSession is what a browser carries. The cookie may be kept for Life; the session ends earlier when unused.
type WebSession struct {
	Cookie string
	Life   time.Duration
	Me     Me
}

// Opened is what a right password leads to.
type Opened struct {
	Tokens    Tokens     // of the session that an API client has now
	Web       WebSession // of the session that a browser has now
	Challenge *Challenge // instead of either: a second factor is asked for
}

// LogIn opens a session for an API client. Errors: Unauthenticated invalid_credentials (wrong password or no such
// account), Forbidden banned, RateLimited after too many tries (rate_limited, login_guarded), Busy.
func (m *Members) LogIn(ctx context.Context, email, plain string) (Opened, error) {
	return m.logIn(ctx, email, plain, store.API)
}

// OpenWebSession opens a session for a browser. Errors: as LogIn.
func (m *Members) OpenWebSession(ctx context.Context, email, plain string) (Opened, error) {
	return m.logIn(ctx, email, plain, store.Web)
}

func (m *Members) logIn(ctx context.Context, email, plain, kind string) (Opened, error) {
	who, err := m.verify(ctx, email, plain)
	if err != nil {
		m.security.Write(ctx, securitylog.Event{What: securitylog.Login, Err: err, Target: who.ID, Reason: kind})
		return Opened{}, err
	}
	return m.admit(ctx, who, kind)
}

// admit decides what follows a right password.
func (m *Members) admit(ctx context.Context, who store.Member, kind string) (Opened, error) {
	if who.SecondFactor {
		asked, err := m.ask(ctx, who, id.Nil, store.ForLogin)
		return Opened{Challenge: &asked}, err
	}
	return m.open(ctx, who, kind)
}

// open gives a member who has proved all that is asked for a new session of the kind.
func (m *Members) open(ctx context.Context, who store.Member, kind string) (o Opened, err error) {
	if kind == store.Web {
		o.Web, err = m.openWeb(ctx, who)
	} else {
		o.Tokens, err = m.openAPI(ctx, who)
	}
	m.security.Write(ctx, securitylog.Event{What: securitylog.Login, Err: err, Member: who.ID, Reason: kind})
	return o, err
}

// maxLogins are open at once of one member: a phone, a tablet and a few computers have room, and what a script opens again
// and again has an end.
const maxLogins = 100

// endSurplus ends the logins that have been unused the longest, where a member has too many.
func (m *Members) endSurplus(ctx context.Context, member id.ID) error {
	surplus, err := m.store.LeastUsed(ctx, member, m.now(), maxLogins)
	if err != nil {
		return err
	}
	for _, session := range surplus {
		if err := m.end(ctx, session, member); err != nil {
			return err
		}
	}
	return nil
}

// keepSession stores a new session with where it was opened.
func (m *Members) keepSession(ctx context.Context, who store.Member, row store.Session) error {
	return m.store.Tx(ctx, func(ctx context.Context) error {
		if err := m.store.InsertSessions(ctx, openedFrom(ctx, row)); err != nil {
			return err
		}
		if err := m.endSurplus(ctx, who.ID); err != nil {
			return err
		}
		return m.notePlace(ctx, who, row.ID)
	})
}

func (m *Members) openAPI(ctx context.Context, who store.Member) (Tokens, error) {
	family, secret := token.NewSecret(), token.NewSecret()
	row := store.NewAPISession(who.ID, family.Hash(), secret.Hash(), m.now(), m.cfg.RefreshIdle)
	if err := m.keepSession(ctx, who, row); err != nil {
		return Tokens{}, err
	}
	return m.tokens(row, token.Refresh{SessionID: row.ID, Family: family, Secret: secret})
}

// tokens is the pair for a session as it now is.
func (m *Members) tokens(row store.Session, refresh token.Refresh) (Tokens, error) {
	access, err := m.access.Issue(row.MemberID, row.ID)
	return Tokens{
		Access: access, AccessLife: m.cfg.AccessLife,
		Refresh: refresh.String(), RefreshLife: row.ExpiresAt.Sub(m.now()),
	}, err
}

func (m *Members) openWeb(ctx context.Context, who store.Member) (WebSession, error) {
	shops, err := m.shopsOf(ctx, []id.ID{who.ID})
	if err != nil {
		return WebSession{}, err
	}
	cookie, now := token.Cookie{SessionID: id.New(), Secret: token.NewSecret()}, m.now()
	err = m.keepSession(ctx, who, store.Session{
		ID: cookie.SessionID, MemberID: who.ID, Kind: store.Web, TokenHash: cookie.Secret.Hash(),
		CreatedAt: now, ExpiresAt: now.Add(m.cfg.WebIdle), SteppedUpAt: &now,
	})
	me := m.me(who, shops[who.ID])
	return WebSession{Cookie: cookie.String(), Life: m.cfg.SessionMax, Me: me}, err
}

// verify finds who knows the password. A stranger learns nothing from the answer or its time: an e-mail without
// an account is counted, hashed and refused like a wrong password. With an error too the member is who was tried for, or
// the zero one.
func (m *Members) verify(ctx context.Context, email, plain string) (store.Member, error) {
	slot, err := m.hasher.Acquire(ctx)
	if err != nil {
		return store.Member{}, err
	}
	defer slot.Release()
	normal, _ := normalEmail(email)
	keys, err := m.countLogin(ctx, normal)
	if err != nil {
		return store.Member{}, err
	}
	row, err := m.memberOrNobody(ctx, email)
	if err != nil {
		return store.Member{}, err
	}
	matches, err := slot.Matches(plain, row.PasswordHash)
	if err != nil {
		return row, err
	}
	if !matches {
		return row, fault.New(fault.Unauthenticated, "invalid_credentials", "The e-mail address or the password is wrong.")
	}
	if row.BannedAt != nil {
		return row, banned()
	}
	return row, m.forgive(ctx, keys)
}
