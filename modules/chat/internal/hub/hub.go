// Package hub knows which connections of this process belong to which party.
package hub

import (
	"slices"
	"sync"

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
	// Message offers a room's message; the connection puts its messages in order itself.
	Message(room id.ID, seq int64, frame []byte)
	// Push sends a frame that has no number.
	Push(frame []byte)
}

// shards keep connections of many parties from waiting for one lock.
const shards = 64

// Hub is safe for concurrent use.
type Hub struct {
	shard [shards]struct {
		sync.RWMutex
		parties map[Party][]Connection // nearly always one or two, so a list beats a set
	}
}

// New is an empty hub.
func New() *Hub {
	h := &Hub{}
	for i := range h.shard {
		h.shard[i].parties = map[Party][]Connection{}
	}
	return h
}

// Join adds the connection to the party; first says whether it is the party's first one here.
func (h *Hub) Join(p Party, c Connection) (first bool) {
	s := &h.shard[p.ID[15]%shards]
	s.Lock()
	defer s.Unlock()
	all := s.parties[p]
	if !slices.Contains(all, c) {
		s.parties[p] = append(all, c)
	}
	return len(all) == 0
}

// Leave takes the connection out of the party; last says whether none is left here.
func (h *Hub) Leave(p Party, c Connection) (last bool) {
	s := &h.shard[p.ID[15]%shards]
	s.Lock()
	defer s.Unlock()
	all := s.parties[p]
	at := slices.Index(all, c)
	if at < 0 {
		return false
	}
	if len(all) == 1 {
		delete(s.parties, p)
		return true
	}
	s.parties[p] = slices.Delete(all, at, at+1)
	return false
}

// Message offers a message to the party's connections here, but not to the one that sent it.
func (h *Hub) Message(p Party, room id.ID, seq int64, frame []byte, sender Connection) {
	s := &h.shard[p.ID[15]%shards]
	s.RLock()
	defer s.RUnlock()
	for _, c := range s.parties[p] {
		if c != sender {
			c.Message(room, seq, frame)
		}
	}
}

// Push sends a frame that has no number to the party's connections here, but not to its origin.
func (h *Hub) Push(p Party, frame []byte, origin Connection) {
	s := &h.shard[p.ID[15]%shards]
	s.RLock()
	defer s.RUnlock()
	for _, c := range s.parties[p] {
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
	return slices.Clone(s.parties[p])
}
