package client

import (
	"context"
	"time"

	"mall/cmd/faults/internal/record"
)

// mindGap reads what is missing before something that came, unless it comes by itself.
func (c *Client) mindGap(ctx context.Context, k *conn, roomID string) {
	c.mu.Lock()
	r := c.rooms[roomID]
	gap := r != nil && r.view.Gap() && !r.pulling && k.resuming <= 0
	c.mu.Unlock()
	if gap {
		c.pull(ctx, r, 0, gapPatience)
	}
}

// headSaid compares what the server says a room's head is with what is here.
func (c *Client) headSaid(ctx context.Context, k *conn, roomID string, head int64) {
	c.mu.Lock()
	r := c.rooms[roomID]
	behind := r != nil && r.view.Last() < head && k.resuming <= 0
	c.mu.Unlock()
	if behind {
		c.pull(ctx, r, head, gapPatience)
	}
}

// pullSoon reads up to a head that is known to be far.
func (c *Client) pullSoon(ctx context.Context, roomID string, head int64) {
	if r := c.rooms[roomID]; r != nil {
		c.pull(ctx, r, head, 0)
	}
}

// pull reads a room by REST until there is no gap and the head is reached. One at a time reads a room.
func (c *Client) pull(ctx context.Context, r *room, head int64, patience time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.pulling {
		return
	}
	r.pulling = true
	c.wg.Go(func() {
		c.wait(ctx, patience)
		for tries := 0; ctx.Err() == nil; {
			c.mu.Lock()
			last := r.view.Last()
			if last >= head && !r.view.Gap() {
				r.pulling = false
				c.mu.Unlock()
				return
			}
			early := r.view.waiting()
			c.mu.Unlock()
			page, err := c.cfg.Account.After(ctx, r.id, last)
			if err != nil {
				c.log.Add(record.Event{Kind: record.Note, Room: r.id, Note: "pull: " + err.Error()})
				c.failed(ctx, &tries)
				continue
			}
			head = c.pulled(r, page, early, head)
		}
		c.mu.Lock()
		r.pulling = false
		c.mu.Unlock()
	})
}

// failed waits before the next try of a read.
func (c *Client) failed(ctx context.Context, tries *int) {
	c.mu.Lock()
	pause := jitter(min(*tries, 2), c.rnd)
	c.mu.Unlock()
	*tries++
	c.wait(ctx, pause)
}

// pulled takes a page into the view. It answers the head to read up to: never past the one that the database has, or a
// head that somebody made up would be looked for without end. What had come before the page was asked for and is past
// its head never was.
func (c *Client) pulled(r *room, page Page, early []int64, head int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range page.Items {
		c.log.Add(record.Event{Kind: record.Pulled, Room: r.id, Seq: i.Seq, Key: i.Key, Body: i.Body, Epoch: page.Epoch})
		r.view.Take(i)
	}
	for _, seq := range early {
		if seq > page.Head {
			c.log.Add(record.Event{Kind: record.Note, Room: r.id, Seq: seq, Final: true, Note: "a message past the head"})
			delete(r.view.early, seq)
		}
	}
	return min(head, page.Head)
}
