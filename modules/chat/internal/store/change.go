package store

import (
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// InquiryChange is what staff change of a draft's inquiry; nil leaves a field as it is. The change and the notice that
// tells of it are stored together. What is as it should be already is left alone, and nothing is told of it: the same
// change again, after an answer that was lost, does nothing.
type InquiryChange struct {
	State *string
	Owner *id.ID
	// Notice is the body of the message that tells the room of a change of state; "" for none.
	Notice func(before, after string) string
}

// change does what a draft wants of an inquiry. fault.NotFound when the room has no such inquiry.
func (b *batch) change(room *lockedRoom, d *Draft) Outcome {
	q, ok := b.named[d.InquiryID]
	if !ok || q.RoomID != room.ID {
		return Outcome{Err: fault.Missing("inquiry")}
	}
	if owner := d.Change.Owner; owner != nil && *owner != q.OwnerID {
		room.Touch(b.now)
		b.owners = append(b.owners, ownerChange{q.ID, *owner})
		q.OwnerID = *owner
		b.named[q.ID] = q
	}
	if d.Change.State == nil {
		return Outcome{}
	}
	after := *d.Change.State
	before := room.SetState(q.ID, q.State, after, b.now)
	if before == after {
		return Outcome{}
	}
	body := d.Change.Notice(before, after)
	if body == "" {
		return Outcome{}
	}
	room.TakeNotice(b.now)
	return b.add(room, q.ID, d, body)
}
