package client

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"mall/cmd/faults/internal/record"
)

// draft is a message in the outbox. It leaves it with an ack, or with a refusal that is final.
type draft struct {
	room, key, body string
	answer          chan frame // what the server says to the latest try; the oldest answer is kept
	done            chan struct{}
}

// Write puts a message into the outbox; key is its client_msg_id.
func (c *Client) Write(roomID, key, body string) {
	c.log.Add(record.Event{Kind: record.Write, Room: roomID, Key: key, Body: body})
	c.mu.Lock()
	r := c.rooms[roomID]
	r.outbox = append(r.outbox, &draft{room: roomID, key: key, body: body, answer: make(chan frame, 1), done: make(chan struct{})})
	c.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// sendFrom sends a room's outbox in order, one message in flight.
func (c *Client) sendFrom(ctx context.Context, r *room) {
	for {
		c.mu.Lock()
		var d *draft
		if len(r.outbox) > 0 {
			d = r.outbox[0]
		}
		c.mu.Unlock()
		if d == nil {
			select {
			case <-r.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		if !c.deliver(ctx, d) {
			return
		}
		c.mu.Lock()
		r.outbox = r.outbox[1:]
		c.mu.Unlock()
	}
}

// deliver tries until the message is stored, or refused for good; false when ctx ended first.
func (c *Client) deliver(ctx context.Context, d *draft) bool {
	defer c.unregister(d)
	for ctx.Err() == nil {
		conn := c.connected(ctx)
		if conn == nil {
			return false
		}
		if c.try(ctx, conn, d) {
			return true
		}
	}
	return false
}

func (c *Client) try(ctx context.Context, conn *conn, d *draft) (settled bool) {
	if ws := conn.socket(); ws != nil {
		return c.send(ctx, conn, ws, d)
	}
	return c.post(ctx, d)
}

// send is one try by socket; a late ack of an earlier one does as well.
func (c *Client) send(ctx context.Context, conn *conn, ws *socket, d *draft) (settled bool) {
	id := c.register(d)
	c.log.Add(record.Event{Kind: record.Send, Conn: conn.n, On: conn.on, Room: d.room, Key: d.key})
	ws.write(encode(map[string]any{"type": "send", "id": id, "room_id": d.room, "client_msg_id": d.key, "body": d.body}))
	patience := time.NewTimer(ackPatience)
	defer patience.Stop()
	select {
	case <-d.done:
	case f := <-d.answer:
		if !f.Retryable {
			return true
		}
		c.wait(ctx, c.pause(f.RetryAfterMS))
	case <-conn.over:
	case <-patience.C:
		c.log.Add(record.Event{Kind: record.Silence, Conn: conn.n, On: conn.on, Room: d.room, Key: d.key})
	case <-ctx.Done():
	}
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// pause spreads retries over twice the time that the server asks for.
func (c *Client) pause(afterMS int64) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	least := time.Duration(max(afterMS, 100)) * time.Millisecond
	return least + upTo(least, c.rnd)
}

// connected waits for a connection; nil when ctx ends first.
func (c *Client) connected(ctx context.Context) *conn {
	for {
		c.mu.Lock()
		conn, up := c.conn, c.up
		c.mu.Unlock()
		if conn != nil {
			return conn
		}
		select {
		case <-up:
		case <-ctx.Done():
			return nil
		}
	}
}

func (c *Client) register(d *draft) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids++
	id := strconv.Itoa(c.ids)
	c.drafts[id] = d
	return id
}

func (c *Client) unregister(d *draft) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, other := range c.drafts {
		if other == d {
			delete(c.drafts, id)
		}
	}
}

// acked takes an ack, late ones too: the key says whose it is.
func (c *Client) acked(conn *conn, f frame) {
	c.log.Add(record.Event{Kind: record.Ack, Conn: conn.n, On: conn.on, Room: f.RoomID, Seq: f.Seq, Key: f.Key, Dup: f.Dup, Epoch: conn.epoch})
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.drafts[f.ID]
	r := c.rooms[f.RoomID]
	if d == nil || r == nil || d.key != f.Key {
		return
	}
	select {
	case <-d.done:
	default:
		close(d.done)
	}
	r.view.Take(Item{f.Seq, f.Key, d.body, c.party()})
}

// refused takes the error of a send; others have no draft.
func (c *Client) refused(conn *conn, f frame) {
	c.mu.Lock()
	d := c.drafts[f.ID]
	c.mu.Unlock()
	e := record.Event{Kind: record.Refused, Conn: conn.n, On: conn.on, Note: f.Code, Final: !f.Retryable}
	if d != nil {
		e.Room, e.Key = d.room, d.key
	} else {
		e.Body = fmt.Sprintf("request %q", f.ID)
	}
	c.log.Add(e)
	if d != nil {
		select {
		case d.answer <- f:
		default:
		}
	}
}
