package chat

import (
	"context"
	"math"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// page is a part of a room's history, ascending, and the head when it was read.
type page struct {
	messages []store.Message
	head     int64
}

// history reads a page before or after a seq, or the newest one. Pages do not move while messages arrive.
func (c *Chat) history(ctx context.Context, room id.ID, before, after *int64, limit int) (page, error) {
	if before != nil && after != nil {
		return page{}, fault.Invalidf("after_seq", "bad_request", "Ask for what is before a seq or after one, not both.")
	}
	var p page
	var err error
	if after != nil {
		p.messages, err = c.store.After(ctx, room, *after, limit)
	} else {
		to := int64(math.MaxInt64)
		if before != nil {
			to = *before
		}
		p.messages, err = c.store.Before(ctx, room, to, limit)
	}
	if err != nil {
		return page{}, err
	}
	heads, err := c.store.Heads(ctx, []id.ID{room}) // after the messages, so that it is never behind them
	if err != nil {
		return page{}, err
	}
	if len(heads) > 0 {
		p.head = heads[0].Head
	}
	return p, nil
}
