package chat

import "context"

// CheckEvery is how often the logins behind connections are looked at.
const CheckEvery = checkEvery

// CheckLogins is one such look: tests need not wait for its turn.
func (c *Chat) CheckLogins(ctx context.Context) { c.checkLogins(ctx) }
