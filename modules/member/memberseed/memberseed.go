// Package memberseed logs members in who have shown no password: the people of load tests, who would take hours to log
// in one by one, and those of other modules' tests. The program that is shipped does not hold it, so it can do so for
// nobody.
package memberseed

import (
	"context"
	"time"

	"mall/modules/member"
	"mall/modules/member/internal/store"
	"mall/modules/member/internal/token"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Seeder opens sessions in one database.
type Seeder struct {
	cfg    member.Config
	store  *store.Store
	access *token.Access
}

// New makes a seeder with the settings of the mall whose sessions it is to open. Error: the token secret is none.
func New(cfg member.Config, d *db.DB) (*Seeder, error) {
	keys, err := cfg.Keys()
	if err != nil {
		return nil, err
	}
	access := token.NewAccess(keys, cfg.TokenIssuer, cfg.TokenAudience, cfg.AccessLife, now)
	return &Seeder{cfg, store.New(d), access}, nil
}

// now is the time as both databases keep it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// OpenSessions opens an API session for each of the members. The tokens stand in the order of the members; all sessions
// or none are opened. It is as if they had logged in, but for what the mall tells them of a login.
func (s *Seeder) OpenSessions(ctx context.Context, members []id.ID) ([]member.Tokens, error) {
	rows, tokens := make([]store.Session, len(members)), make([]member.Tokens, len(members))
	for i, who := range members {
		family, secret := token.NewSecret(), token.NewSecret()
		rows[i] = store.NewAPISession(who, family.Hash(), secret.Hash(), now(), s.cfg.RefreshIdle)
		access, err := s.access.Issue(who, rows[i].ID)
		if err != nil {
			return nil, err
		}
		refresh := token.Refresh{SessionID: rows[i].ID, Family: family, Secret: secret}
		tokens[i] = member.Tokens{Access: access, AccessLife: s.cfg.AccessLife,
			Refresh: refresh.String(), RefreshLife: s.cfg.RefreshIdle}
	}
	return tokens, s.store.Tx(ctx, func(ctx context.Context) error { return s.store.InsertSessions(ctx, rows...) })
}

// AnyBeyond says whether there is an account whose e-mail address is not of the domain.
func (s *Seeder) AnyBeyond(ctx context.Context, domain string) (bool, error) {
	return s.store.AnyBeyond(ctx, domain)
}
