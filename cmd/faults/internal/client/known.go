package client

import "time"

// Hold takes a login that was made elsewhere, by its tokens.
func (a *Account) Hold(access, refresh string, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.access, a.refresh, a.until = access, refresh, until
}
