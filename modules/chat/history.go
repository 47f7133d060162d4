package chat

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// page is a part of a room's history, ascending, and the head when it was read.
type page struct {
	messages []store.Message
	head     int64
	epoch    string
	buffer   *pageBuffer // what is used again once the page has been written; nil: nothing
}

// pageBuffer is the memory of a page. Pages are asked for more than anything else and are as long as a letter each: made
// anew every time they would keep the garbage collector busier than the database.
type pageBuffer struct {
	messages []store.Message
	text     []byte
}

var pageBuffers = sync.Pool{New: func() any { return new(pageBuffer) }}

// free gives the page's memory back; the page is gone then.
func (p page) free(text []byte) {
	if p.buffer == nil {
		return
	}
	clear(p.messages) // texts of messages are not kept
	p.buffer.messages, p.buffer.text = p.messages[:0], text[:0]
	pageBuffers.Put(p.buffer)
}

// history reads a page before or after a seq, or the newest one. Pages do not move while messages arrive.
func (c *Chat) history(ctx context.Context, room id.ID, before, after *int64, limit int) (page, error) {
	if before != nil && after != nil {
		return page{}, fault.Invalidf("after_seq", "bad_request", "Ask for what is before a seq or after one, not both.")
	}
	var p page
	var err error
	switch {
	case after != nil:
		p.messages, err = c.store.After(ctx, room, *after, limit)
	case before != nil:
		p.messages, err = c.store.Before(ctx, room, *before, limit)
	default:
		p.buffer = pageBuffers.Get().(*pageBuffer)
		if p.messages, err = c.store.Newest(ctx, room, limit, p.buffer.messages); err == nil && len(p.messages) > 0 {
			p.head = p.messages[len(p.messages)-1].Seq
		}
		return p, err
	}
	if err != nil {
		return page{}, err
	}
	heads, err := c.store.Heads(ctx, []id.ID{room}) // after the messages, so that it is never behind them
	if err == nil && len(heads) > 0 {
		p.head = heads[0].Head
	}
	return p, err
}

// VisitListMessagesResponse writes the page as the generated code would write an api.MessagePage, by hand: it is the
// answer that is asked for most.
func (p page) VisitListMessagesResponse(w http.ResponseWriter) error {
	size := 100
	for i := range p.messages {
		size += messageSize + len(p.messages[i].Body)
	}
	var b []byte
	if p.buffer != nil {
		b = p.buffer.text
	}
	b = appendText(append(slices.Grow(b, size), `{"epoch":`...), p.epoch)
	b = strconv.AppendInt(append(b, `,"head":`...), p.head, 10)
	b = append(b, `,"items":[`...)
	for i := range p.messages {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMessage(append(b, '{'), &p.messages[i])
	}
	b = append(b, "]}\n"...)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, err := w.Write(b)
	p.free(b)
	return err
}
