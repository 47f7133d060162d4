// Package hub knows which connections of this process belong to which party.
package hub

import (
	"slices"
	"sync"
	"time"

	"mall/modules/platform/id"
)

// Party names one side of rooms: a buyer (a member) or a shop (all its staff).
type Party struct {
	Kind byte // 'b' or 's'
	ID   id.ID
}

// Buyer is the party of a member as a buyer.
func Buyer(member id.ID) Party { return Party{'b', member} }

// Shop is the party of a shop's staff.
func Shop(shop id.ID) Party { return Party{'s', shop} }

// Connection is one live connection. Its methods must not block and may not call back into the hub.
type Connection interface {
	// Message offers a room's message; the connection puts its messages in order itself. start is where the room's
	// messages begin for a connection that has been offered none of them yet.
	Message(room id.ID, seq int64, start Start, frame []byte)
	// Push sends a frame that has no number.
	Push(frame []byte)
}

// Start is where a room's messages begin for a connection: everything after that place was stored after the
// connection's party was positioned, and so is owed to it.
type Start struct {
	After int64 // this seq
	// Until is set instead where the party has more rooms than are listed and this is none of those: the place is
	// after the last message that was written until then.
	Until time.Time
}

// Known says whether the place is a seq.
func (s Start) Known() bool { return s.Until.IsZero() }

// Seen is a room and its head.
type Seen struct {
	Room id.ID
	Head int64
}

// shards keep connections of many parties from waiting for one lock.
const shards = 64

// Hub is safe for concurrent use.
type Hub struct {
	shard [shards]struct {
		sync.RWMutex
		parties map[Party]*partyState
	}
}

// partyState is a party that has connections here.
type partyState struct {
	connections  []Connection  // nearly always one or two, so a list beats a set
	positioned   chan struct{} // closed once it is positioned
	isPositioned bool
	asked        bool // somebody sees to it
	// reached is how far rooms have come, as far as this process knows. Whenever a room gets further all connections are
	// offered what is new, so that for a connection that has been offered nothing of a room, this is how far the room had
	// come when the connection began.
	reached  map[id.ID]int64
	unlisted time.Time // the rooms that are not in reached had no message after that; zero: they had none at all
}

// New is an empty hub.
func New() *Hub {
	h := &Hub{}
	for i := range h.shard {
		h.shard[i].parties = map[Party]*partyState{}
	}
	return h
}

func newState(connections []Connection) *partyState {
	return &partyState{connections: connections, positioned: make(chan struct{})}
}

// Join adds the connection to the party. It is offered messages once the party is positioned, which the channel tells by
// being closed; ask says that the caller has to see to it, with Position.
func (h *Hub) Join(p Party, c Connection) (positioned <-chan struct{}, ask bool) {
	s := &h.shard[p.ID[15]%shards]
	s.Lock()
	defer s.Unlock()
	at := s.parties[p]
	if at == nil {
		at = newState(nil)
		s.parties[p] = at
	}
	if !slices.Contains(at.connections, c) {
		at.connections = append(at.connections, c)
	}
	ask, at.asked = !at.asked, true
	return at.positioned, ask
}

// Position says how far the rooms of a party had come at a moment after the Join that gave the channel: those listed, and
// all others had no message after unlisted; zero: they had none at all. It does nothing when the party's connections
// have left meanwhile, or all positions were forgotten.
func (h *Hub) Position(p Party, positioned <-chan struct{}, rooms []Seen, unlisted time.Time) {
	s := &h.shard[p.ID[15]%shards]
	s.Lock()
	defer s.Unlock()
	at := s.parties[p]
	if at == nil || at.positioned != positioned || at.isPositioned {
		return
	}
	if at.reached == nil {
		at.reached = make(map[id.ID]int64, len(rooms))
	}
	for _, r := range rooms {
		at.reached[r.Room] = max(at.reached[r.Room], r.Head)
	}
	at.unlisted, at.isPositioned = unlisted, true
	close(at.positioned)
	at.positioned = done // one for all: most connections are idle and many
}

// done is what those who come later wait for.
var done = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Forget takes back all positions: what was known of rooms no longer counts. Connections that are here are offered nothing
// any more and should be closed; those that join from now on wait for new ones.
func (h *Hub) Forget() {
	for i := range h.shard {
		s := &h.shard[i]
		s.Lock()
		for p, at := range s.parties {
			s.parties[p] = newState(at.connections)
		}
		s.Unlock()
	}
}

// Leave takes the connection out of the party.
func (h *Hub) Leave(p Party, c Connection) {
	s := &h.shard[p.ID[15]%shards]
	s.Lock()
	defer s.Unlock()
	at := s.parties[p]
	if at == nil {
		return
	}
	i := slices.Index(at.connections, c)
	if i < 0 {
		return
	}
	if at.connections = slices.Delete(at.connections, i, i+1); len(at.connections) == 0 {
		delete(s.parties, p)
	}
}

// all is empty for a party without connections here.
func (at *partyState) all() []Connection {
	if at == nil {
		return nil
	}
	return at.connections
}

// start is where a room begins for connections that have been offered none of it.
func (at *partyState) start(room id.ID) Start {
	if seq, ok := at.reached[room]; ok {
		return Start{After: seq}
	}
	return Start{Until: at.unlisted} // of a party with all its rooms listed, one that was opened since: after nothing
}

// reach notes that a room has come so far.
func (at *partyState) reach(room id.ID, seq int64) Start {
	start := at.start(room)
	if seq == 1 && !start.Known() { // there is nothing before the first message
		start = Start{}
	}
	if at.reached == nil {
		at.reached = map[id.ID]int64{}
	}
	at.reached[room] = max(at.reached[room], seq)
	return start
}

// Start is where a room begins for connections of the party that have been offered none of it; false while the party
// has no position.
func (h *Hub) Start(p Party, room id.ID) (Start, bool) {
	s := &h.shard[p.ID[15]%shards]
	s.RLock()
	defer s.RUnlock()
	at := s.parties[p]
	if at == nil || !at.isPositioned {
		return Start{}, false
	}
	return at.start(room), true
}

// Awaits says whether the party still waits for the position that the Join which gave the channel has asked for.
func (h *Hub) Awaits(p Party, positioned <-chan struct{}) bool {
	s := &h.shard[p.ID[15]%shards]
	s.RLock()
	defer s.RUnlock()
	at := s.parties[p]
	return at != nil && at.positioned == positioned && !at.isPositioned
}

// Reach notes that a room of the party has come so far, and gives the connections here, which are to be offered what
// is new to them, with the room's start for those that have been offered none of it. None, if the party has no position yet.
func (h *Hub) Reach(p Party, room id.ID, head int64) (Start, []Connection) {
	s := &h.shard[p.ID[15]%shards]
	s.Lock()
	defer s.Unlock()
	at := s.parties[p]
	if at == nil || !at.isPositioned {
		return Start{}, nil
	}
	return at.reach(room, head), slices.Clone(at.connections)
}

// Message offers a message to the party's connections here, but not to the one that sent it.
func (h *Hub) Message(p Party, room id.ID, seq int64, frame []byte, sender Connection) {
	s := &h.shard[p.ID[15]%shards]
	s.Lock()
	defer s.Unlock()
	at := s.parties[p]
	if at == nil {
		return
	}
	start := at.reach(room, seq)
	if !at.isPositioned {
		return // it was stored before the position
	}
	for _, c := range at.connections {
		if c != sender {
			c.Message(room, seq, start, frame)
		}
	}
}

// Push sends a frame that has no number to the party's connections here, but not to its origin.
func (h *Hub) Push(p Party, frame []byte, origin Connection) {
	s := &h.shard[p.ID[15]%shards]
	s.RLock()
	defer s.RUnlock()
	for _, c := range s.parties[p].all() {
		if c != origin {
			c.Push(frame)
		}
	}
}

// Parties lists the parties that have connections here.
func (h *Hub) Parties() []Party {
	var all []Party
	for i := range h.shard {
		s := &h.shard[i]
		s.RLock()
		for p := range s.parties {
			all = append(all, p)
		}
		s.RUnlock()
	}
	return all
}

// Connections lists a party's connections here.
func (h *Hub) Connections(p Party) []Connection {
	s := &h.shard[p.ID[15]%shards]
	s.RLock()
	defer s.RUnlock()
	return slices.Clone(s.parties[p].all())
}
