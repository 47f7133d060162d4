package member

import (
	"encoding/json"
	"sync"
	"time"

	"mall/modules/platform/id"
)

// Notice says of whom instances must ask the database again. It does not say what has changed: whoever made one up would
// cost a query, and end nothing.
type Notice struct {
	Member  id.ID `json:"member"`
	Session id.ID `json:"session"` // of this session only; the nil id: of all
}

// Bus carries notices to the other instances, as well as it can: what is lost is made up for by the short memory of each
// instance.
type Bus interface {
	Publish(channel string, payload []byte)
	Handle(prefix string, fn func(channel string, payload []byte)) // who takes what others publish there
	Listen(channel string)
}

// Channel is the bus' on which notices travel.
const Channel = "member"

// listen has notices of other instances heard from the moment on at which the bus runs.
func (m *Members) listen() {
	m.bus.Handle(Channel, m.receive)
	m.bus.Listen(Channel)
}

// announce tells the other instances what to forget.
func (m *Members) announce(n Notice) {
	text, err := json.Marshal(n)
	if err != nil { // ids always encode
		panic(err)
	}
	m.bus.Publish(Channel, text)
}

// receive takes what another instance has announced.
func (m *Members) receive(_ string, payload []byte) {
	var n Notice
	if err := json.Unmarshal(payload, &n); err != nil {
		m.log.Warn("news about a member cannot be read", "error", err)
		return
	}
	m.heard(n)
}

// OnChanged registers fn for members of whom something has changed that connections stand on: a session ended before its
// time, a ban, other shops. It is called on every instance, on the one that acted and on those that heard of it, and once
// the change is committed and forgotten here: who asks from then on learns what is so now. Register before the first
// request; fn must not block.
func (m *Members) OnChanged(fn func(member id.ID)) { m.changed = append(m.changed, fn) }

const (
	heardEvery = 50 * time.Millisecond // notices of others about members that come faster are taken together
	maxHeard   = 100_000               // members that wait; a flood of more is somebody's who has the secret
)

// notices are those of other instances about members, which may come in a flood: to forget a member is to look at every
// session that is remembered.
type notices struct {
	mu      sync.Mutex
	waiting map[id.ID]struct{}
	due     bool // a timer runs, after which those that wait are taken
}

// add is false when the caller has to take the notice, and to look a moment later what has come since.
func (n *notices) add(member id.ID) (waits bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.due {
		n.due = true
		return false
	}
	if len(n.waiting) < maxHeard {
		n.waiting[member] = struct{}{}
	}
	return true
}

// next gives what has come meanwhile; when that is nothing, the next one need not wait.
func (n *notices) next() map[id.ID]struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	some := n.waiting
	n.waiting, n.due = map[id.ID]struct{}{}, len(some) > 0
	return some
}

// heard takes in what another instance announced: at once, or with others a moment later.
func (m *Members) heard(n Notice) {
	if !n.Session.IsZero() {
		m.heed(n)
		return
	}
	if !m.notices.add(n.Member) {
		m.heed(n)
		time.AfterFunc(heardEvery, m.takeWaiting)
	}
}

func (m *Members) takeWaiting() {
	if some := m.notices.next(); len(some) > 0 {
		m.recent.ForgetMembers(some)
		m.callChanged(some)
		time.AfterFunc(heardEvery, m.takeWaiting)
	}
}

// heed forgets what is remembered of a session or a member, and then tells who looks after the connections.
func (m *Members) heed(n Notice) {
	one := map[id.ID]struct{}{n.Member: {}}
	if n.Session.IsZero() {
		m.recent.ForgetMembers(one)
	} else {
		m.recent.Forget(n.Session)
	}
	m.callChanged(one)
}

func (m *Members) callChanged(members map[id.ID]struct{}) {
	for member := range members {
		for _, fn := range m.changed {
			fn(member)
		}
	}
}

// tell takes in what this instance did, and announces it. It is called after the COMMIT: who asks the database
// from then on gets the new answer.
func (m *Members) tell(n Notice) {
	m.heed(n)
	if m.bus != nil {
		m.announce(n)
	}
}
