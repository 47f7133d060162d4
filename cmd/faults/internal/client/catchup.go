package client

import (
	"context"
	"time"

	"mall/cmd/faults/internal/record"
)

// catchUp is what a resume is to a socket: an event stream takes no requests, so each room is read by REST from where it
// is to its head. What the stream brings meanwhile waits in the views.
func (c *Client) catchUp(ctx context.Context, k *conn) {
	for _, r := range c.rooms {
		if !c.readOn(ctx, k, r) {
			return
		}
	}
	c.mu.Lock()
	k.resuming = 0
	if c.conn == k {
		c.readyAt = time.Now()
	}
	c.mu.Unlock()
	c.marksAgain()
	for id := range c.rooms {
		c.mindGap(ctx, k, id)
	}
}

// readOn reads a room to its head; false when the connection ended first.
func (c *Client) readOn(ctx context.Context, k *conn, r *room) bool {
	for tries := 0; ; {
		select {
		case <-ctx.Done():
			return false
		case <-k.over:
			return false
		default:
		}
		c.mu.Lock()
		last, early := r.view.Last(), r.view.waiting()
		c.mu.Unlock()
		page, err := c.cfg.Account.After(ctx, r.id, last)
		if err != nil {
			c.log.Add(record.Event{Kind: record.Note, Room: r.id, Note: "catching up: " + err.Error()})
			c.failed(ctx, &tries)
			continue
		}
		c.pulled(r, page, early, page.Head)
		if c.Last(r.id) >= page.Head {
			return true
		}
	}
}

// newLife makes void what is of another life of the database than the stream's.
func (c *Client) newLife(k *conn) {
	c.mu.Lock()
	foreign := c.epoch != k.epoch
	c.mu.Unlock()
	if foreign {
		c.log.Add(record.Event{Kind: record.Reset, Conn: k.n, On: k.on, Epoch: k.epoch})
		c.void(k.epoch)
	}
}
