package client

import (
	"context"
	"errors"
)

var errNoSocket = errors.New("client: no socket to say it on")

// Reauth brings a fresh token on the live connection; the diary shows when the server has taken it. An event stream takes
// nothing.
func (c *Client) Reauth(ctx context.Context) error {
	c.cfg.Account.Renew()
	token, err := c.cfg.Account.Token(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	k := c.conn
	c.mu.Unlock()
	if k == nil || k.socket() == nil {
		return errNoSocket
	}
	k.socket().write(encode(map[string]any{"type": "auth", "id": "auth", "token": token}))
	return nil
}
