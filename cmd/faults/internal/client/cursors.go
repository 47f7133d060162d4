package client

import (
	"context"

	"mall/cmd/faults/internal/record"
)

// Cursor is what a party, or here a member, has received and read of a room.
type Cursor struct {
	Delivered int64 `json:"delivered_seq"`
	Read      int64 `json:"read_seq"`
}

func (a Cursor) with(b Cursor) Cursor {
	return Cursor{max(a.Delivered, b.Delivered), max(a.Read, b.Read)}
}

// The parties.
const (
	Buyer = "buyer"
	Shop  = "shop"
)

func (c *Client) party() string {
	if c.cfg.Shop == "" {
		return Buyer
	}
	return Shop
}

// told takes what the server says of a party's cursor. Cursors only grow.
func (c *Client) told(roomID, party string, now Cursor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.rooms[roomID]; r != nil {
		r.cursors[party] = r.cursors[party].with(now)
	}
}

// learnCursors lists the rooms, as every client does that comes: what happened to cursors while it was away is told nowhere
// else.
func (c *Client) learnCursors(ctx context.Context, k *conn) {
	for tries := 0; ctx.Err() == nil; {
		select {
		case <-k.over:
			return
		default:
		}
		rooms, epoch, err := c.cfg.Account.List(ctx, c.cfg.Shop)
		if err != nil {
			c.log.Add(record.Event{Kind: record.Note, Conn: k.n, On: k.on, Note: "list: " + err.Error()})
			c.failed(ctx, &tries)
			continue
		}
		if c.takeList(rooms, epoch) {
			return
		}
		c.failed(ctx, &tries)
	}
}

// takeList is false when the list is of another life of the database than the views: an instance may notice a new life some
// seconds after another.
func (c *Client) takeList(rooms []Listed, epoch string) bool {
	c.mu.Lock()
	same := c.epoch == epoch
	c.mu.Unlock()
	for _, r := range rooms {
		for party, cursor := range r.Cursors {
			if same {
				c.told(r.ID, party, cursor)
			}
		}
	}
	return same
}

// Said is what the client has to say of a room's cursors.
func (c *Client) Said(roomID string) Cursor {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rooms[roomID].said
}

// Cursor is what the client knows of a party's cursor in a room.
func (c *Client) Cursor(roomID, party string) Cursor {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rooms[roomID].cursors[party]
}

// Unread counts the other party's messages past what the own one has read; ok is false when the client does not have all
// of them.
func (c *Client) Unread(roomID string) (n int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, own := c.rooms[roomID], c.party()
	read := r.cursors[own].Read
	for _, i := range r.view.Items {
		if i.Seq > read && i.Party != own && i.Party != "system" {
			n++
		}
	}
	return n, read >= r.view.Base
}

// Party is whose side the client is on.
func (c *Client) Party() string { return c.party() }

// Shop is the shop that the client answers for; empty for a buyer's.
func (c *Client) Shop() string { return c.cfg.Shop }

// Events says that the client listens to an event stream.
func (c *Client) Events() bool { return c.cfg.Events }
