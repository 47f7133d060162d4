package client

import (
	"context"
	"strings"
	"time"

	"mall/cmd/faults/internal/record"
)

// take does what a frame asks for.
func (c *Client) take(ctx context.Context, k *conn, f frame) {
	switch f.Type {
	case "welcome":
		c.welcomed(ctx, k, f)
	case "message":
		c.log.Add(record.Event{Kind: record.Message, Conn: k.n, On: k.on, Room: f.RoomID, Seq: f.Seq, Key: f.Key, Body: f.Body, Epoch: k.epoch})
		c.keep(ctx, k, f)
	case "ack":
		c.acked(k, f)
		c.mindGap(ctx, k, f.RoomID)
	case "error":
		if id, mark := strings.CutPrefix(f.ID, markID); mark {
			c.markRefused(ctx, k, id, f)
			return
		}
		c.refused(k, f)
		c.resumeRefused(ctx, k, f)
	case "resumed":
		for room, head := range f.Heads {
			c.log.Add(record.Event{Kind: record.Resumed, Conn: k.n, On: k.on, Room: room, Seq: head})
		}
		c.resumed(ctx, k, f.Heads)
	case "too_far":
		c.log.Add(record.Event{Kind: record.TooFar, Conn: k.n, On: k.on, Room: f.RoomID, Seq: f.Head})
		c.pullSoon(ctx, f.RoomID, f.Head)
	case "reset":
		c.reset(ctx, k, f)
	case "hb":
		for room, head := range f.Heads {
			c.headSaid(ctx, k, room, head)
		}
	case "receipt":
		c.log.Add(record.Event{Kind: record.Receipt, Conn: k.n, On: k.on, Room: f.RoomID, Seq: f.ReadSeq, Note: f.Party})
		c.told(f.RoomID, f.Party, Cursor{f.DeliveredSeq, f.ReadSeq})
	case "ok":
		c.log.Add(record.Event{Kind: record.Authed, Conn: k.n, On: k.on})
	}
}

// resumeID marks the answers of resumes; sends have numbers.
const resumeID = "resume"

// roomsAtOnce is the contract's limit of one resume.
const roomsAtOnce = 200

// welcomed asks for what was missed. The outbox may go on at once.
func (c *Client) welcomed(ctx context.Context, k *conn, f frame) {
	k.epoch = f.Epoch
	k.beats(time.Duration(f.HeartbeatMS) * time.Millisecond)
	c.log.Add(record.Event{Kind: record.Welcome, Conn: k.n, On: k.on, Epoch: f.Epoch})
	c.mu.Lock()
	if c.epoch == "" {
		c.epoch = f.Epoch
	}
	c.mu.Unlock()
	if k.socket() != nil {
		c.resume(ctx, k)
	} else {
		c.newLife(k)
	}
	c.mu.Lock()
	c.conn = k
	close(c.up)
	if k.socket() == nil {
		k.resuming = 1
		c.wg.Go(func() { c.catchUp(ctx, k) })
	}
	c.mu.Unlock()
	c.wg.Go(func() { c.learnCursors(ctx, k) })
}

func (c *Client) resume(ctx context.Context, k *conn) {
	c.mu.Lock()
	epoch := c.epoch
	var parts []map[string]int64
	n := 0
	for id, r := range c.rooms {
		if r.lost {
			continue
		}
		if n%roomsAtOnce == 0 {
			parts = append(parts, map[string]int64{})
		}
		n++
		parts[len(parts)-1][id] = r.view.Last()
	}
	k.resuming = len(parts)
	if len(parts) == 0 {
		c.readyAt = time.Now() // there is nothing to be told
	}
	c.mu.Unlock()
	for _, rooms := range parts {
		for id, after := range rooms {
			c.log.Add(record.Event{Kind: record.Resume, Conn: k.n, On: k.on, Room: id, Seq: after, Epoch: epoch})
		}
		k.socket().write(encode(map[string]any{"type": "resume", "id": resumeID, "epoch": epoch, "rooms": rooms}))
	}
	c.wg.Go(func() {
		patience := time.NewTimer(resumePatience)
		defer patience.Stop()
		select {
		case <-k.over:
		case <-ctx.Done():
		case <-patience.C:
			c.mu.Lock()
			waiting := k.resuming > 0
			c.mu.Unlock()
			if waiting {
				c.log.Add(record.Event{Kind: record.Note, Conn: k.n, On: k.on, Note: record.NotResumed})
				k.shut()
			}
		}
	})
}

func (c *Client) resumed(ctx context.Context, k *conn, heads map[string]int64) {
	c.mu.Lock()
	k.resuming--
	ready := k.resuming <= 0
	if ready {
		c.readyAt = time.Now()
	}
	c.mu.Unlock()
	for room, head := range heads {
		c.headSaid(ctx, k, room, head)
	}
	if ready {
		c.marksAgain()
		for room := range c.rooms {
			c.mindGap(ctx, k, room)
		}
	}
}

func (c *Client) resumeRefused(ctx context.Context, k *conn, f frame) {
	if f.ID != resumeID {
		return
	}
	pause := c.pause(f.RetryAfterMS)
	c.wg.Go(func() {
		c.wait(ctx, pause)
		if ctx.Err() == nil {
			c.resume(ctx, k)
		}
	})
}

// reset makes everything void: the rooms are read again from their beginning, in the epoch that the server names.
func (c *Client) reset(ctx context.Context, k *conn, f frame) {
	c.log.Add(record.Event{Kind: record.Reset, Conn: k.n, On: k.on, Epoch: f.Epoch})
	c.mu.Lock()
	again := c.epoch != f.Epoch
	c.mu.Unlock()
	c.void(f.Epoch)
	c.lose(f.Heads)
	c.wg.Go(func() { c.learnCursors(ctx, k) })
	for id, head := range f.Heads {
		c.pullSoon(ctx, id, head)
	}
	if again {
		c.wg.Go(func() { // from where the rooms have been read to
			c.untilRead(ctx, f.Heads)
			select {
			case <-k.over:
			default:
				c.resume(ctx, k)
			}
		})
	}
}

// void forgets everything, for another life of the database.
func (c *Client) void(epoch string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch = epoch
	for _, r := range c.rooms {
		r.view.Void()
		r.cursors, r.said, r.unsaid = map[string]Cursor{}, Cursor{}, false
	}
}

// lose takes note of the rooms that a reset does not name: there are none such any more. Whoever has more rooms than fit
// into one resume cannot tell by one reset, and keeps them.
func (c *Client) lose(heads map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, r := range c.rooms {
		_, there := heads[id]
		r.lost = !there && len(c.rooms) <= roomsAtOnce
	}
}

func (c *Client) untilRead(ctx context.Context, heads map[string]int64) {
	for id, head := range heads {
		for ctx.Err() == nil && c.rooms[id] != nil && c.Last(id) < head {
			c.wait(ctx, 20*time.Millisecond)
		}
	}
}

// keep takes a message into the view.
func (c *Client) keep(ctx context.Context, k *conn, f frame) {
	c.mu.Lock()
	if r := c.rooms[f.RoomID]; r != nil {
		r.view.Take(f.item())
	}
	c.mu.Unlock()
	c.mindGap(ctx, k, f.RoomID)
}
