package chat

import (
	"context"
	"sync"
	"time"

	"mall/modules/platform/id"
)

const (
	lookEvery = 100 * time.Millisecond // however much news there is, the database is not asked more often
	lookAgain = 500 * time.Millisecond // after it has failed
)

// looks are the members of whom there is news: the database is asked what has become of their logins, and only what it
// says ends a connection.
type looks struct {
	mu      sync.Mutex
	members map[id.ID]struct{}
	wake    chan struct{} // holds a token when there are some
}

func newLooks() *looks {
	return &looks{members: map[id.ID]struct{}{}, wake: make(chan struct{}, 1)}
}

func (l *looks) add(members map[id.ID]struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for m := range members {
		l.members[m] = struct{}{}
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *looks) take() map[id.ID]struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	some := l.members
	l.members = map[id.ID]struct{}{}
	return some
}

// MemberChanged has it looked up whether the member's connections may go on: a logout, a ban or another shop may be
// behind it, or nothing. It does not wait.
func (c *Chat) MemberChanged(member id.ID) {
	c.mu.Lock()
	here := c.perMember[member] > 0
	c.mu.Unlock()
	if here {
		c.looks.add(map[id.ID]struct{}{member: {}})
	}
}

// looker asks for members of whom there is news, all that have come at once, until ctx ends. While the database is away
// it asks again: the news is not lost.
func (c *Chat) looker(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.looks.wake:
		}
		wait := lookEvery
		if some := c.looks.take(); !c.lookUp(ctx, some) {
			c.looks.add(some)
			wait = lookAgain
		}
		c.pause(ctx, wait)
	}
}

// lookUp is false when the database did not answer.
func (c *Chat) lookUp(ctx context.Context, members map[id.ID]struct{}) bool {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	return c.check(ctx, c.logins(func(member id.ID) bool {
		_, ok := members[member]
		return ok
	})) == nil
}
