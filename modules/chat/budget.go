package chat

import (
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// budget holds each member to so many acts, over all of their connections to this instance and their calls to it.
type budget struct {
	perSecond rate.Limit
	burst     int
	members   *otter.Cache[id.ID, *rate.Limiter]
}

// budgetLasts is how long what a member has spent is remembered: longer than a budget takes to be full again.
const budgetLasts = 2 * time.Minute

func newBudget(perSecond float64, burst int) (*budget, error) {
	members, err := otter.New(&otter.Options[id.ID, *rate.Limiter]{MaximumSize: 100_000, ExpiryCalculator: otter.ExpiryAccessing[id.ID, *rate.Limiter](budgetLasts)})
	return &budget{rate.Limit(perSecond), burst, members}, err
}

// allow counts an act. after says when it is allowed, if not now.
func (b *budget) allow(member id.ID) (after time.Duration, ok bool) {
	l, known := b.members.GetIfPresent(member)
	if !known {
		l, _ = b.members.SetIfAbsent(member, rate.NewLimiter(b.perSecond, b.burst))
	}
	if l.Allow() {
		return 0, true
	}
	return time.Duration(float64(time.Second) / float64(b.perSecond)), false
}

// close ends the clearing away of what is remembered no longer.
func (b *budget) close() { b.members.StopAllGoroutines() }

// mayChange counts what a member changes of rooms: opens a subject, changes an inquiry, blocks. Each is told to everybody in
// the room, and some with a notice that stays.
func (c *Chat) mayChange(member id.ID) error {
	if after, ok := c.changes.allow(member); !ok {
		return fault.Retry(fault.RateLimited, "rate_limited", "That is too much at once; try again in a moment.", after)
	}
	return nil
}

// sameTyping is how long the same said again of the same room tells nobody anything.
const sameTyping = 2 * time.Second

// mayType says whether a connection's typing is worth telling. What is not is dropped without a word: nobody waits for an
// answer to it.
func (s *session) mayType(r request) bool {
	now := time.Now()
	if s.typed.room == r.RoomID && s.typed.on == r.On && now.Sub(s.typed.at) < sameTyping {
		return false
	}
	if _, ok := s.chat.typings.allow(s.who.Load().MemberID); !ok {
		return false
	}
	s.typed.room, s.typed.on, s.typed.at = r.RoomID, r.On, now
	return true
}
