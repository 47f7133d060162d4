package chat

import (
	"context"
	"sync"
	"time"

	"mall/modules/platform/id"
)

const (
	recheckEvery = 100 * time.Millisecond // however much news there is, the database is not asked more often
	recheckAgain = 500 * time.Millisecond // after it has failed
)

// rechecks are the members of whom there is news: the database is asked what has become of their logins, and only what
// it says ends a connection.
type rechecks struct {
	mu      sync.Mutex
	members map[id.ID]struct{}
	wake    chan struct{} // holds a token when there are some
}

func newRechecks() *rechecks {
	return &rechecks{members: map[id.ID]struct{}{}, wake: make(chan struct{}, 1)}
}

func (r *rechecks) add(members map[id.ID]struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for m := range members {
		r.members[m] = struct{}{}
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *rechecks) take() map[id.ID]struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.members
	r.members = map[id.ID]struct{}{}
	return found
}

// MemberChanged has it looked up whether the member's connections may go on: a logout, a ban or another shop may be
// behind it, or nothing. It does not wait.
func (c *Chat) MemberChanged(member id.ID) {
	c.mu.Lock()
	here := c.perMember[member] > 0
	c.mu.Unlock()
	if here {
		c.rechecks.add(map[id.ID]struct{}{member: {}})
	}
}

// rechecker asks for members of whom there is news, all that have come at once, until ctx ends. While the database is
// away it asks again: the news is not lost.
func (c *Chat) rechecker(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.rechecks.wake:
		}
		wait := recheckEvery
		if members := c.rechecks.take(); !c.recheckMembers(ctx, members) {
			c.rechecks.add(members)
			wait = recheckAgain
		}
		c.pause(ctx, wait)
	}
}

// recheckMembers is false when the database did not answer.
func (c *Chat) recheckMembers(ctx context.Context, members map[id.ID]struct{}) bool {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	return c.check(ctx, c.logins(func(member id.ID) bool {
		_, ok := members[member]
		return ok
	})) == nil
}
