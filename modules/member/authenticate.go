package member

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"mall/modules/member/internal/recent"
	"mall/modules/member/internal/store"
	"mall/modules/member/internal/token"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// Bearer finds who an access token speaks for. Errors: Unauthenticated with token_expired, invalid_token or
// session_ended; Forbidden banned, which no new token helps; Unavailable.
func (m *Members) Bearer(ctx context.Context, text string) (*identity.Principal, error) {
	claims, err := m.access.Read(text)
	if errors.Is(err, token.ErrExpired) {
		return nil, fault.New(fault.Unauthenticated, "token_expired", "This token has expired; refresh it.")
	}
	if err != nil {
		return nil, invalidToken()
	}
	s, err := m.session(ctx, claims.SessionID)
	if err != nil {
		return nil, err
	}
	if s.Kind != store.API || s.MemberID != claims.MemberID {
		return nil, invalidToken()
	}
	p := m.principal(s)
	if claims.ExpiresAt.Before(p.ExpiresAt) {
		p.ExpiresAt = claims.ExpiresAt
	}
	return p, nil
}

// Cookie finds who a web session's cookie speaks for, and keeps the session alive. Errors: Unauthenticated with
// invalid_token or session_ended; Unavailable.
func (m *Members) Cookie(ctx context.Context, value string) (*identity.Principal, error) {
	cookie, ok := token.ParseCookie(value)
	if !ok {
		return nil, invalidToken()
	}
	s, err := m.session(ctx, cookie.SessionID)
	if fault.KindOf(err) == fault.Forbidden {
		return nil, sessionEnded() // the browser is nobody's now, and may show the login
	}
	if err != nil {
		return nil, err
	}
	if s.Kind != store.Web || !cookie.Secret.Is(s.TokenHash) {
		return nil, invalidToken()
	}
	return m.principal(s), nil
}

// Standing is what has become of a session.
type Standing struct {
	Principal *identity.Principal // with the present shops and roles; ExpiresAt is the session's own. nil: it is over
	Banned    bool                // it is over because its member is kept out
}

// Check looks again at sessions that were authenticated a moment ago: mostly from memory, else in one query. What it
// leaves out is over. Looking keeps web sessions alive.
func (m *Members) Check(ctx context.Context, sessions []id.ID) (map[id.ID]Standing, error) {
	found, err := m.recent.GetAll(ctx, sessions)
	if err != nil {
		return nil, err
	}
	standings := make(map[id.ID]Standing, len(found))
	for _, s := range found {
		switch {
		case s.BannedAt != nil:
			standings[s.ID] = Standing{Banned: true}
		case m.lives(s):
			standings[s.ID] = Standing{Principal: m.principal(s)}
		}
	}
	return standings, nil
}

// Review is Check for many sessions at once, such as all behind the sockets of an instance: it asks the database alone and
// remembers none of them. each gets every session that is known, once; its principal has the member's shops without
// names and roles, and is good during the call only. Ask for some hundreds at a time.
func (m *Members) Review(ctx context.Context, sessions []id.ID, each func(session id.ID, s Standing)) error {
	if len(sessions) == 0 {
		return nil
	}
	now, p := m.now(), &identity.Principal{}
	var last store.Standing
	late := map[id.ID]time.Time{} // web sessions in use whose end is to move; what it is then, the next look tells
	tell := func() {
		switch {
		case last.ID.IsZero():
		case last.BannedAt.Valid:
			each(last.ID, Standing{Banned: true})
		case last.RevokedAt.Valid || !last.ExpiresAt.After(now):
			each(last.ID, Standing{})
		default:
			p.SessionID, p.ExpiresAt, p.Cookie = last.ID, last.ExpiresAt, last.Kind == store.Web
			if end, due := m.slides(last.Kind, last.CreatedAt, last.ExpiresAt, last.UsedAt.Time); due {
				late[last.ID] = end
			}
			each(last.ID, Standing{Principal: p})
		}
	}
	err := m.store.Standings(ctx, sessions, func(row *store.Standing) {
		if row.ID != last.ID {
			tell()
			last, p.Shops = *row, p.Shops[:0]
		}
		if !row.ShopID.IsZero() && (row.SecondFactor || !m.cfg.demands(false, true)) {
			p.Shops = append(p.Shops, identity.ShopRole{ShopID: row.ShopID})
		}
	})
	if err != nil {
		return err
	}
	tell()
	for session, end := range late {
		m.extend(ctx, session, end)
	}
	return nil
}

// session is a session that lives.
func (m *Members) session(ctx context.Context, session id.ID) (*recent.Session, error) {
	s, err := m.recent.Get(ctx, session)
	if fault.KindOf(err) == fault.NotFound {
		return nil, sessionEnded()
	}
	if err != nil {
		return nil, err
	}
	if s.BannedAt != nil {
		return nil, banned()
	}
	if !m.lives(s) {
		return nil, sessionEnded()
	}
	return s, nil
}

func (m *Members) lives(s *recent.Session) bool {
	return live(s.RevokedAt, s.ExpiresAt, m.now()) && s.BannedAt == nil
}

// principal is who a session speaks for. The roles of a member who lacks a second factor that is demanded of them are
// left out, so that no part of the mall lets them act by one.
func (m *Members) principal(s *recent.Session) *identity.Principal {
	p := &identity.Principal{
		MemberID: s.MemberID, SessionID: s.ID, Name: s.Name, Operator: s.Operator, Shops: s.Shops,
		ExpiresAt: s.ExpiresAt, Cookie: s.Kind == store.Web,
	}
	if !s.SecondFactor && m.cfg.demands(s.Operator, len(s.Shops) > 0) {
		p.FactorDemanded, p.Operator = true, false
		if m.cfg.demands(false, true) {
			p.Shops = nil
		}
	}
	return p
}

// readSessions is what the memory of sessions asks when it does not know.
func (m *Members) readSessions(ctx context.Context, ids []id.ID) ([]*recent.Session, error) {
	readAt := m.now()
	rows, err := m.store.Logins(ctx, ids)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	members := make([]id.ID, len(rows))
	for i, r := range rows {
		members[i] = r.MemberID
	}
	shops, err := m.shopsOf(ctx, members)
	if err != nil {
		return nil, err
	}
	sessions := make([]*recent.Session, len(rows))
	for i, r := range rows {
		sessions[i] = &recent.Session{Login: r, Shops: shops[r.MemberID], ReadAt: readAt}
		m.slide(ctx, sessions[i])
	}
	return sessions, nil
}

// slideStep is how long a use of a web session may go unwritten, and its end stay behind: it saves a write at almost
// every use.
const slideStep = 10 * time.Minute

// slide moves the end of a web session in use. When that fails the session has its old end, and the next use
// tries again.
func (m *Members) slide(ctx context.Context, s *recent.Session) {
	if !m.lives(s) {
		return
	}
	used := s.CreatedAt
	if s.UsedAt != nil {
		used = *s.UsedAt
	}
	if end, due := m.slides(s.Kind, s.CreatedAt, s.ExpiresAt, used); due && m.extend(ctx, s.ID, end) {
		s.ExpiresAt = end
	}
}

// slides says whether a use of a session is to be written, and where its end moves then: never to an earlier time. A
// session that was not used yet has no time of its last use.
func (m *Members) slides(kind string, created, expires, used time.Time) (end time.Time, due bool) {
	if kind != store.Web {
		return expires, false // its use is written when its tokens are refreshed
	}
	if used.IsZero() {
		used = created
	}
	end = m.expiry(created, m.cfg.WebIdle)
	if end.Before(expires) {
		end = expires
	}
	return end, m.now().Sub(used) >= slideStep
}

func (m *Members) extend(ctx context.Context, session id.ID, end time.Time) bool {
	err := m.store.UseSession(ctx, session, m.now(), end)
	if err != nil {
		m.log.WarnContext(ctx, "a web session was not extended", slog.Any("error", err))
	}
	return err == nil
}
