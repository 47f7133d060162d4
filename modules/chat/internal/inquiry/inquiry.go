// Package inquiry is the rules of a room and its inquiries: who waits for an answer, and since when; in which state
// each inquiry is; which reply comes too late, which send is a retry, who may write. It knows no database and no clock:
// what is stored is given to it, and so is the moment.
package inquiry

import (
	"time"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// The parties of a room, as stored and as the wire spells them. System is the mall itself.
const (
	Buyer  = "buyer"
	Shop   = "shop"
	System = "system"
)

// The states of an inquiry.
const (
	Waiting = "waiting" // the buyer has written and no staff has answered
	Open    = "open"
	Held    = "held"
	Done    = "done"
)

// Room is what messages change of a room. The state of its current inquiry is the room's own, so that a message changes
// one row and not two.
type Room struct {
	Head         int64 // the last message's seq
	BuyerCount   int64 // of messages
	ShopCount    int64
	InquiryID    id.ID // the current one
	Inquiries    int   // how many the room has
	State        string
	WaitingSince *time.Time // the first question that has not been answered; see Changes.SetState
	UpdatedAt    time.Time
	Blocks       int // who has blocked it
}

// Who has blocked a room, as bits of Blocks.
const (
	byBuyer = 1
	byShop  = 2
)

func blockBy(party string) int {
	if party == Buyer {
		return byBuyer
	}
	return byShop
}

// BlockedBy says whether the party has blocked the room.
func (r *Room) BlockedBy(party string) bool { return r.Blocks&blockBy(party) != 0 }

// errBlocked is the answer to a party that writes into a blocked room.
func (r *Room) errBlocked(party string) error {
	if r.BlockedBy(party) {
		return fault.New(fault.Forbidden, "blocked", "You have blocked this talk; unblock it to write.")
	}
	return fault.New(fault.Forbidden, "blocked", "The other side has blocked this talk.")
}

// TurnTo makes another inquiry, which is in the given state, the current one. What staff have put aside or closed stays
// so; otherwise the room waits for an answer as it did before, since opening a subject asks nothing. Whoever calls it
// keeps the state of the inquiry that was current.
func (r *Room) TurnTo(inquiry id.ID, state string) {
	r.InquiryID = inquiry
	switch {
	case state == Held || state == Done:
		r.State = state
	case r.State != Waiting:
		r.State = Open
	}
}

// count takes the next seq and moves the current inquiry's state: a buyer's message waits for an answer, a staff's
// message is one, and a notice changes nothing. answered: the buyer had been waiting.
func (r *Room) count(party string, now time.Time) (answered bool) {
	r.Head++
	r.UpdatedAt = now
	switch party {
	case Buyer:
		r.BuyerCount++
		if r.WaitingSince == nil || r.State != Waiting { // what was put away had stopped waiting
			r.wait(now)
		}
		r.State = Waiting
	case Shop:
		r.ShopCount++
		r.State = Open
		answered = r.WaitingSince != nil
		r.WaitingSince = nil
	}
	return answered
}

func (r *Room) wait(now time.Time) { r.WaitingSince = &now }

// ErrStale is the answer to a reply that a colleague has overtaken.
var ErrStale = fault.New(fault.Conflict, "stale", "A colleague has answered meanwhile.")

// Reply is what staff write who have seen the room up to a seq; a colleague's answer past it makes it stale.
type Reply struct {
	Sender id.ID
	Seen   int64
}

// MayBeStale says whether anything stands past what the sender has seen, in a room with this head.
func (r Reply) MayBeStale(head int64) bool { return head > r.Seen }

// OvertakenBy says whether a message of the same room makes the reply stale.
func (r Reply) OvertakenBy(party string, sender id.ID, seq int64) bool {
	return party == Shop && sender != r.Sender && seq > r.Seen
}

// Words are what a retry has in common with its first try. A card is known by its key alone: its name and price may
// have changed in between.
type Words struct{ Body, CardKey string }

// CheckRetry compares a send with what its retry key has been used for. Conflict "client_msg_id_conflict": other words.
func CheckRetry(sent, stored Words) error {
	if sent != stored {
		return fault.New(fault.Conflict, "client_msg_id_conflict", "This client_msg_id was used for another message.")
	}
	return nil
}
