package member

import (
	"context"
	"time"

	"mall/modules/platform/id"
	"mall/modules/platform/securitylog"
)

// demoLock is since when a locked demo account counts as banned: every way to log in refuses the banned already. No ban
// by an operator has this moment, so that unlocking lets in nobody whom an operator keeps out.
var demoLock = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// LockDemo keeps everybody out of those of the accounts that exist, ends their sessions, and says how many it has locked.
// It is for a mall that was started with demo data once and is no demo any more: the passwords are in its documentation.
func (m *Members) LockDemo(ctx context.Context, accounts []id.ID) (locked int, err error) {
	rows, err := m.store.Members(ctx, accounts)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		if r.BannedAt != nil {
			continue
		}
		err := m.change(ctx, Notice{Member: r.ID}, func(ctx context.Context) error {
			if err := m.store.LockMembers(ctx, []id.ID{r.ID}, demoLock); err != nil {
				return err
			}
			return m.store.EndSessionsOf(ctx, r.ID, m.now())
		})
		if err != nil {
			return locked, err
		}
		locked++
		m.security.Write(ctx, securitylog.Event{What: securitylog.Ban, Target: r.ID, Reason: "demo_off"})
	}
	return locked, nil
}

// UnlockDemo lets those of the accounts in again that LockDemo has locked.
func (m *Members) UnlockDemo(ctx context.Context, accounts []id.ID) error {
	return m.store.UnlockMembers(ctx, accounts, demoLock)
}
