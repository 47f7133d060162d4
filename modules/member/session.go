package member

import (
	"context"
	"time"

	"mall/modules/member/internal/store"
	"mall/modules/member/internal/token"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

// LogOut ends a session: at once here, on other instances when they hear of it, after 3 s at the latest. Ending
// an ended one is fine.
func (m *Members) LogOut(ctx context.Context, p *identity.Principal) error {
	err := m.end(ctx, p.SessionID, p.MemberID)
	m.security.Write(ctx, securitylog.Event{What: securitylog.Logout, Err: err, Member: p.MemberID})
	return err
}

func (m *Members) end(ctx context.Context, session, member id.ID) error {
	return m.changeOnce(ctx, Notice{Member: member, Session: session},
		func(ctx context.Context) error { return m.store.EndSession(ctx, session, m.now()) },
		func(ctx context.Context) (bool, error) {
			logins, err := m.store.Logins(ctx, []id.ID{session})
			return len(logins) == 1 && logins[0].RevokedAt != nil, err
		})
}

// Refresh gives a new token pair for a refresh token, which is used up by it. Errors: Unauthenticated with
// invalid_token, session_ended, or token_reused.
//
// A used token that comes again betrays that two parties hold it, so the whole session ends. There is one honest
// reason to send it again: its answer was lost. Within refresh_grace it is therefore answered with another pair,
// as long as none of the answers to it has been used. That is no gift to a thief: of all answers to one token
// only the first to be used stays good, the use of a second ends the session, and the owner uses theirs in one
// access token's life. The two newest answers are good, so that a lost one's late twin does no harm.
func (m *Members) Refresh(ctx context.Context, text string) (Tokens, error) {
	sent, ok := token.ParseRefresh(text)
	if !ok {
		return Tokens{}, invalidToken()
	}
	next, reused := token.NewSecret(), false
	var row store.Session
	err := m.store.Tx(ctx, func(ctx context.Context) (err error) {
		if row, err = m.store.LockSession(ctx, sent.SessionID); err != nil {
			return err
		}
		if row.Kind != store.API || !sent.Family.Is(row.TokenHash) {
			return invalidToken()
		}
		if !live(row.RevokedAt, row.ExpiresAt, m.now()) {
			return sessionEnded()
		}
		if reused = !m.rotate(&row, sent.Secret, next); reused {
			return m.end(ctx, row.ID, row.MemberID) // and commit that
		}
		return m.store.SetRefresh(ctx, row)
	})
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return Tokens{}, invalidToken()
	case err != nil:
		return Tokens{}, err
	case reused:
		m.security.Write(ctx, securitylog.Event{What: securitylog.TokenReuse, Err: tokenReused(), Member: row.MemberID, Target: row.ID})
		return Tokens{}, tokenReused()
	}
	return m.tokens(row, token.Refresh{SessionID: row.ID, Family: sent.Family, Secret: next})
}

// rotate makes next good in place of sent; false when sent was used before and may not be sent again.
func (m *Members) rotate(row *store.Session, sent, next token.Secret) bool {
	now := m.now()
	switch {
	case sent.Is(row.RefreshHash) || sent.Is(row.RefreshAlt):
		row.RefreshUsed, row.RefreshedAt = sent.Hash(), &now
		row.RefreshAlt = nil
	case sent.Is(row.RefreshUsed) && now.Sub(*row.RefreshedAt) <= m.cfg.RefreshGrace:
		row.RefreshAlt = row.RefreshHash
	default:
		return false
	}
	row.RefreshHash = next.Hash()
	row.ExpiresAt, row.UsedAt = m.expiry(row.CreatedAt, m.cfg.RefreshIdle), &now
	return true
}

// expiry is the end of a session used now.
func (m *Members) expiry(created time.Time, idle time.Duration) time.Time {
	end := m.now().Add(idle)
	if last := created.Add(m.cfg.SessionMax); last.Before(end) {
		return last
	}
	return end
}

func live(revoked *time.Time, expires, now time.Time) bool {
	return revoked == nil && expires.After(now)
}

func tokenReused() error {
	return fault.New(fault.Unauthenticated, "token_reused", "This token was used before, so its session has been ended.")
}

func invalidToken() error {
	return fault.New(fault.Unauthenticated, "invalid_token", "This token is not one of ours.")
}

func banned() error { return fault.New(fault.Forbidden, "banned", "This account is closed.") }

func sessionEnded() error {
	return fault.New(fault.Unauthenticated, "session_ended", "This session has ended; log in again.")
}
