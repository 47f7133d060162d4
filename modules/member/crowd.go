package member

import (
	"context"

	"mall/modules/member/internal/store"
	"mall/modules/member/internal/token"
	"mall/modules/platform/id"
)

// OpenSessions opens an API session for each of the members without asking for a password. Like Seed it asks nobody's
// leave: it is for the people of a load test, who would take hours to log in one by one. The tokens stand in the
// order of the members; all sessions or none are opened.
func (m *Members) OpenSessions(ctx context.Context, members []id.ID) ([]Tokens, error) {
	rows, tokens := make([]store.Session, len(members)), make([]Tokens, len(members))
	for i, who := range members {
		family, secret := token.NewSecret(), token.NewSecret()
		rows[i] = m.apiSession(who, family, secret)
		var err error
		if tokens[i], err = m.tokens(rows[i], token.Refresh{SessionID: rows[i].ID, Family: family, Secret: secret}); err != nil {
			return nil, err
		}
	}
	err := m.store.Tx(ctx, func(ctx context.Context) error { return m.store.InsertSessions(ctx, rows...) })
	return tokens, err
}

// AnyBeyond says whether there is an account whose e-mail address is not of the domain.
func (m *Members) AnyBeyond(ctx context.Context, domain string) (bool, error) {
	return m.store.AnyBeyond(ctx, domain)
}
