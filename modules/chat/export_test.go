package chat

import (
	"context"

	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
)

// Ask has the chat ask others than the members, before it runs.
func (c *Chat) Ask(instead func(Members) Members) { c.members = instead(c.members) }

// CheckEvery is how often the logins behind connections are looked at.
const CheckEvery = checkEvery

// CheckLogins is one such look: tests need not wait for its turn.
func (c *Chat) CheckLogins(ctx context.Context) { c.checkLogins(ctx) }

// FillResumes takes every place for resumes, as a herd does, until release is called.
func (c *Chat) FillResumes() (release func()) {
	for range cap(c.resumes.all) {
		c.resumes.all <- struct{}{}
	}
	return func() {
		for range cap(c.resumes.all) {
			<-c.resumes.all
		}
	}
}

// Moved lets a message arrive in so many rooms of each connection.
func (c *Chat) Moved(rooms int) {
	c.each(func(s *session) {
		for range rooms {
			s.Message(id.New(), 1, hub.Start{}, nil)
		}
	})
}

// Note lets clients have read so many rooms, none of which is written yet.
func (c *Chat) Note(rooms int) {
	for range rooms {
		room := id.New()
		c.moves.note(store.Move{Room: room, Member: id.New(), Party: store.Buyer, Buyer: room, Shop: room, Delivered: 1, Read: 1})
	}
}
