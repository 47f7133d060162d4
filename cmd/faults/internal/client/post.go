package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"mall/cmd/faults/internal/record"
)

// post is one try to send by REST. It is on no connection of the diary's: the balancer picks the instance, and the event
// stream brings the message like anybody's.
func (c *Client) post(ctx context.Context, d *draft) (settled bool) {
	c.mu.Lock()
	epoch := c.epoch
	c.mu.Unlock()
	c.log.Add(record.Event{Kind: record.Send, Room: d.room, Key: d.key})
	limited, cancel := context.WithTimeout(ctx, ackPatience)
	defer cancel()
	var ack struct {
		Seq int64
		Dup bool
	}
	_, err := c.cfg.Account.Call(limited, http.MethodPost, "/chat/rooms/"+d.room+"/messages", map[string]string{"client_msg_id": d.key, "body": d.body}, &ack)
	if err == nil {
		c.log.Add(record.Event{Kind: record.Ack, Room: d.room, Key: d.key, Seq: ack.Seq, Dup: ack.Dup, Epoch: epoch})
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.epoch == epoch { // else the view is of another life of the database
			c.rooms[d.room].view.Take(Item{ack.Seq, d.key, d.body, c.party()})
		}
		return true
	}
	return c.notPosted(ctx, limited, d, err)
}

// notPosted writes down what became of a try that brought no ack, and waits until the next one; settled says that there
// is to be none.
func (c *Client) notPosted(ctx, limited context.Context, d *draft, err error) (settled bool) {
	var refused *Problem
	e := record.Event{Kind: record.Note, Room: d.room, Key: d.key, Note: "send: " + err.Error()} // the call's connection broke
	afterMS := int64(0)
	switch {
	case ctx.Err() != nil:
		return false
	case errors.As(err, &refused):
		e.Kind, e.Note, e.Final = record.Refused, fmt.Sprintf("%d %s", refused.Status, refused.Code), !c.again(refused)
		afterMS = refused.RetryAfterMS
	case limited.Err() != nil:
		e.Kind, e.Note = record.Silence, ""
	}
	c.log.Add(e)
	if !e.Final {
		c.wait(ctx, c.pause(afterMS))
	}
	return e.Final
}

// again says whether a refused call may be repeated: after a while, or with another token.
func (c *Client) again(p *Problem) bool {
	if p.Status == http.StatusUnauthorized {
		c.cfg.Account.Renew()
		return true
	}
	return p.Status == http.StatusTooManyRequests || p.Status >= http.StatusInternalServerError
}
