package inquiry

import (
	"time"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// Changes is a room and what a batch does to it, one message or change after the other. What is stored of its inquiries
// stays as it was until the batch is: each call is given the stored state, and knows itself what has come since.
type Changes struct {
	Room

	Changed  bool // the room itself
	Answered bool // all its waiting inquiries are open, but for those that Parked names
	// Parked are the states of inquiries that are not, or no longer, the current one. nil: of none.
	Parked map[id.ID]string
}

// Send is a message as the rules see it.
type Send struct {
	Party     string
	InquiryID id.ID  // what it is about; zero: the current inquiry
	Stored    string // its stored state; "": it was the current one before the batch, or is none of the room's
	Stale     bool   // see Reply
}

// Take takes the next seq, which is Head then, for a send at a moment, and gives the inquiry that it is about. A
// person's message makes that the current one; a notice does not. Errors, which change nothing: Forbidden "blocked",
// ErrStale, Invalid when the room has no such inquiry.
func (c *Changes) Take(s Send, now time.Time) (inquiry id.ID, err error) {
	switch {
	case c.Blocks != 0 && s.Party != System:
		return id.Nil, c.errBlocked(s.Party)
	case s.Stale:
		return id.Nil, ErrStale
	}
	inquiry = c.InquiryID
	if !s.InquiryID.IsZero() && s.InquiryID != c.InquiryID {
		if s.Stored == "" && c.Parked[s.InquiryID] == "" { // what the batch has turned away from is the room's too
			return id.Nil, fault.Invalidf("inquiry_id", "not_found", "The room has no such inquiry.")
		}
		inquiry = s.InquiryID
		if s.Party != System {
			c.turnTo(inquiry, s.Stored)
		}
	}
	c.count(s.Party, now)
	return inquiry, nil
}

// TakeNotice takes the next seq for what the mall says of a change; it may be said in a blocked room too.
func (c *Changes) TakeNotice(now time.Time) { c.count(System, now) }

// count is Room's, for the other inquiries too: an answer is one to all that the buyer has asked in the room.
func (c *Changes) count(party string, now time.Time) {
	c.Changed = true
	if !c.Room.count(party, now) || c.Inquiries < 2 {
		return
	}
	c.Answered = true
	for inquiry, state := range c.Parked {
		if state == Waiting {
			c.Parked[inquiry] = Open
		}
	}
}

// turnTo is Room's; the inquiry that was current keeps its state for itself.
func (c *Changes) turnTo(inquiry id.ID, stored string) {
	state := c.stateOf(inquiry, stored)
	delete(c.Parked, inquiry)
	c.park(c.InquiryID, c.State)
	c.TurnTo(inquiry, state)
}

// stateOf is an inquiry's state now.
func (c *Changes) stateOf(inquiry id.ID, stored string) string {
	if inquiry == c.InquiryID {
		return c.State
	}
	if state, parked := c.Parked[inquiry]; parked {
		return state
	}
	if stored == Waiting && c.Answered {
		return Open
	}
	return stored
}

// SetState gives one of the room's inquiries a state and returns the one before: the same again changes nothing. A room
// whose current inquiry is put away keeps WaitingSince: put back to waiting within the undo's seconds, it waits since
// the same moment.
func (c *Changes) SetState(inquiry id.ID, stored, state string, now time.Time) (before string) {
	before = c.stateOf(inquiry, stored)
	if before == state {
		return before
	}
	c.Touch(now)
	if inquiry != c.InquiryID {
		c.park(inquiry, state)
		return before
	}
	c.State = state
	if state == Waiting && c.WaitingSince == nil {
		c.wait(now)
	}
	return before
}

// park lets an inquiry that is not, or no longer, the current one keep a state for itself.
func (c *Changes) park(inquiry id.ID, state string) {
	if c.Parked == nil {
		c.Parked = map[id.ID]string{}
	}
	c.Parked[inquiry] = state
}

// SetBlock blocks the room for a party, or takes that back, and says so with a notice, which takes the next seq. false:
// it was so already, and nothing has changed.
func (c *Changes) SetBlock(party string, on bool, now time.Time) bool {
	if c.BlockedBy(party) == on {
		return false
	}
	c.Blocks ^= blockBy(party)
	c.TakeNotice(now)
	return true
}

// Touch notes that something else of the room's inquiries has changed.
func (c *Changes) Touch(now time.Time) {
	c.Changed = true
	c.UpdatedAt = now
}
