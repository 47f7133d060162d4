package store

import (
	"slices"

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
		b.touch(room)
		b.owners = append(b.owners, ownerChange{q.ID, *owner})
		q.OwnerID = *owner
		b.named[q.ID] = q
	}
	before := b.state(room, q)
	if d.Change.State == nil || *d.Change.State == before {
		return Outcome{}
	}
	after := *d.Change.State
	b.touch(room)
	b.setState(room, q.ID, after)
	if body := d.Change.Notice(before, after); body != "" {
		return b.add(room, q.ID, d, body)
	}
	return Outcome{}
}

// state is an inquiry's state after what the batch has done to it.
func (b *batch) state(room *lockedRoom, q Inquiry) string {
	if q.ID == room.InquiryID {
		return room.State
	}
	if p := b.parked[q.ID]; p != nil {
		return p.state
	}
	if q.State == Waiting && slices.Contains(b.answers, room.ID) {
		return Open
	}
	return q.State
}

// setState gives an inquiry a state: the room itself when it is the current one.
func (b *batch) setState(room *lockedRoom, inquiry id.ID, state string) {
	if inquiry != room.InquiryID {
		b.park(room, inquiry, state)
		return
	}
	room.State = state
	// waiting_since stays: put back to waiting within the undo's seconds, the room waits since the same moment.
	if state == Waiting && room.WaitingSince == nil {
		at := b.now
		room.WaitingSince = &at
	}
}

// park lets an inquiry that is not, or no longer, its room's current one keep a state for itself.
func (b *batch) park(room *lockedRoom, inquiry id.ID, state string) {
	if b.parked == nil {
		b.parked = map[id.ID]*parkedState{}
	}
	b.parked[inquiry] = &parkedState{room.ID, state}
}
