package client

import (
	"context"
	"net/http"

	"mall/cmd/faults/internal/record"
)

// Mark says that the member has received all that this client has of a room, and with read also that they have read it.
// The client sees to it that the server gets to know: it says it again after an error, and on the next connection.
func (c *Client) Mark(roomID string, read bool) (seq int64) {
	c.mu.Lock()
	r := c.rooms[roomID]
	seq = r.view.Last()
	said := Cursor{Delivered: seq}
	if read {
		said.Read = seq
	}
	now := r.said.with(said)
	changed := now != r.said
	r.said, r.unsaid = now, r.unsaid || changed
	c.mu.Unlock()
	if changed {
		c.wakeMarks()
	}
	return seq
}

func (c *Client) wakeMarks() {
	select {
	case c.marking <- struct{}{}:
	default:
	}
}

// marksAgain has everything said that the party is not known to have: what an instance gathers of cursors dies with it.
func (c *Client) marksAgain() {
	c.mu.Lock()
	for _, r := range c.rooms {
		r.unsaid = r.unsaid || r.said.with(r.cursors[c.party()]) != r.cursors[c.party()]
	}
	c.mu.Unlock()
	c.wakeMarks()
}

// sayMarks tells the server what is unsaid.
func (c *Client) sayMarks(ctx context.Context) {
	for {
		select {
		case <-c.marking:
		case <-ctx.Done():
			return
		}
		k := c.connected(ctx)
		if k == nil {
			return
		}
		for id, r := range c.rooms {
			c.mu.Lock()
			said, due := r.said, r.unsaid
			r.unsaid = false
			c.mu.Unlock()
			if due {
				c.sayMark(ctx, k, id, said)
			}
		}
	}
}

// markID begins the request ids of marks; the room's follows.
const markID = "mark "

func (c *Client) sayMark(ctx context.Context, k *conn, roomID string, said Cursor) {
	if ws := k.socket(); ws != nil {
		ws.write(encode(map[string]any{"type": "delivered", "id": markID + roomID, "room_id": roomID, "seq": said.Delivered}))
		if said.Read > 0 {
			ws.write(encode(map[string]any{"type": "read", "id": markID + roomID, "room_id": roomID, "seq": said.Read}))
		}
		return
	}
	var now Cursor
	body := map[string]int64{"delivered_seq": said.Delivered, "read_seq": said.Read}
	if _, err := c.cfg.Account.Call(ctx, http.MethodPut, "/chat/rooms/"+roomID+"/cursor", body, &now); err != nil {
		c.log.Add(record.Event{Kind: record.Note, Room: roomID, Note: "mark: " + err.Error()})
		c.markLater(ctx, roomID, 0)
		return
	}
	c.told(roomID, c.party(), now)
}

// markRefused takes the error of a mark. One for good is of another life of the database, whose end makes the mark void.
func (c *Client) markRefused(ctx context.Context, k *conn, roomID string, f frame) {
	c.log.Add(record.Event{Kind: record.Note, Conn: k.n, On: k.on, Room: roomID, Note: "mark: " + f.Code})
	if f.Retryable {
		c.markLater(ctx, roomID, f.RetryAfterMS)
	}
}

func (c *Client) markLater(ctx context.Context, roomID string, afterMS int64) {
	pause := c.pause(afterMS)
	c.wg.Go(func() {
		c.wait(ctx, pause)
		c.mu.Lock()
		if r := c.rooms[roomID]; r != nil && r.said != (Cursor{}) {
			r.unsaid = true
		}
		c.mu.Unlock()
		c.wakeMarks()
	})
}
