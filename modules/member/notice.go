package member

import (
	"context"
	"log/slog"
	"time"

	"mall/modules/platform/id"
)

// Notice tells what instances must forget about a member at once.
type Notice struct {
	Member  id.ID `json:"member"`
	Session id.ID `json:"session"` // of this session only; the nil id: of all
	Ended   bool  `json:"ended"`   // the sessions are over; else the member's shops or roles have changed
	Banned  bool  `json:"banned"`  // they are over because the member is kept out
}

// Announcer carries notices to the other instances, as well as it can: what is lost is made up for by the short
// memory of each instance. Redis Pub/Sub does; the receiving side calls Heard.
type Announcer interface {
	Announce(ctx context.Context, n Notice) error
}

// announceWait bounds what an act waits for its announcement.
const announceWait = time.Second

// hooks are called on every instance: on the one that acted, and on those that heard of it.
type hooks struct {
	banned       []func(member id.ID)
	ended        []func(session, member id.ID)
	shopsChanged []func(member id.ID)
}

// OnEnded registers fn for sessions that ended before their time: logged out, betrayed, banned. The nil session
// means all of the member's. Register before the first request; fn must not block.
func (m *Members) OnEnded(fn func(session, member id.ID)) { m.hooks.ended = append(m.hooks.ended, fn) }

// OnBanned registers fn for members who are kept out from now on; what is registered for the end of their sessions is
// called after it. Register before the first request; fn must not block.
func (m *Members) OnBanned(fn func(member id.ID)) { m.hooks.banned = append(m.hooks.banned, fn) }

// OnShopsChanged registers fn for members who answer for other shops, or in another role, than before. Register
// before the first request; fn must not block.
func (m *Members) OnShopsChanged(fn func(member id.ID)) {
	m.hooks.shopsChanged = append(m.hooks.shopsChanged, fn)
}

// Heard takes in what another instance announced.
func (m *Members) Heard(n Notice) {
	if n.Session.IsZero() {
		m.recent.ForgetMember(n.Member)
	} else {
		m.recent.Forget(n.Session)
	}
	if n.Banned {
		for _, fn := range m.hooks.banned {
			fn(n.Member)
		}
	}
	if n.Ended {
		for _, fn := range m.hooks.ended {
			fn(n.Session, n.Member)
		}
		return
	}
	for _, fn := range m.hooks.shopsChanged {
		fn(n.Member)
	}
}

// tell takes in what this instance did, and announces it. It is called after the COMMIT: who asks the database
// from then on gets the new answer.
func (m *Members) tell(ctx context.Context, n Notice) {
	m.Heard(n)
	if m.announcer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceWait) // the client may be gone already
	defer cancel()
	if err := m.announcer.Announce(ctx, n); err != nil {
		m.log.WarnContext(ctx, "other instances learn of a changed session a moment later", slog.Any("error", err))
	}
}
