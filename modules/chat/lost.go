package chat

import (
	"context"
	"slices"
	"sync"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
)

const (
	lossKept  = 128 // known messages that are looked for, the newest
	lossAdded = 32  // of them, those that one look adds of what was told, and of what heartbeats said

	// lossProven: what is missing counts when it is missing again so much later. A cluster's other node may lag.
	lossProven = time.Second

	// lossClaims is how many members' clients must name messages past a room's head before they are believed without
	// anything that the instance knows itself: any client can name any number.
	lossClaims = 3
)

// losses notices that the database has lost commits: a replica was promoted that did not have them, or an older copy
// was restored. It then gives their numbers to other messages, which clients take for those that they have. Only a new
// epoch helps, and that is an operator's to name.
//
// Whatever is lost, the newest is: so each sweep looks for the newest messages that this instance knows to have been
// stored. Those that it has told itself it knows by their keys, so that others under their numbers do not hide them; of
// those of other instances it knows what heartbeats have said of rooms' heads. All of that is kept for other ends: no
// send does anything for it.
type losses struct {
	known []knownMessage // the oldest first; only the sweeper touches it
	taken time.Time      // what was told until then is in it

	mu       sync.Mutex
	since    time.Time          // when this instance has learned of the present epoch
	heard    map[id.ID]int64    // by room, since the last look
	claims   int64              // resumes that named a message past the head, in all epochs
	claimers map[id.ID]struct{} // whose they were in this one, as far as they are counted
	found    *Loss
}

type knownMessage struct {
	store.Known

	missing time.Time // since when; zero: it is there
}

// Loss is what an operator is shown of messages that were acked and are gone.
type Loss struct {
	Noticed time.Time `json:"noticed"`
	By      string    `json:"by"` // "instance": it knows of them itself; "clients": several members' clients do
	Room    id.ID     `json:"room"`
	Seq     int64     `json:"seq"`
	Mend    string    `json:"mend"`
}

// renewing is what helps.
const renewing = "run `mall epoch renew`"

func newLosses() *losses { return &losses{heard: map[id.ID]int64{}, claimers: map[id.ID]struct{}{}} }

// newEpoch forgets everything: what was known of another epoch says nothing of this one.
func (l *losses) newEpoch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known, l.taken, l.since, l.found = nil, time.Now(), time.Now(), nil
	clear(l.heard)
	clear(l.claimers)
}

// hear takes heads of rooms as a connection is told them. Those that it was sent in another epoch do not count.
func (l *losses) hear(began time.Time, heads map[id.ID]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if began.Before(l.since) {
		return
	}
	for room, seq := range heads {
		l.hearOne(room, seq)
	}
}

// hearOne takes a head; the caller holds the lock.
func (l *losses) hearOne(room id.ID, seq int64) {
	if known, has := l.heard[room]; has || len(l.heard) < lossAdded {
		l.heard[room] = max(known, seq)
	}
}

// gather adds the newest of what is known since the last time, whether or not the database answers.
func (l *losses) gather(told *tracer) {
	newest := told.newest(l.taken, lossAdded)
	for _, p := range slices.Backward(newest) {
		l.add(store.Known{Room: p.room, Seq: p.seq, Key: p.key})
		l.taken = p.at
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for room, seq := range l.heard {
		l.add(store.Known{Room: room, Seq: seq})
	}
	clear(l.heard)
	l.known = slices.Delete(l.known, 0, max(0, len(l.known)-lossKept))
}

func (l *losses) add(k store.Known) {
	same := func(m knownMessage) bool { return m.Room == k.Room && m.Seq == k.Seq }
	if !slices.ContainsFunc(l.known, same) {
		l.known = append(l.known, knownMessage{Known: k})
	}
}

func (l *losses) all() []store.Known {
	all := make([]store.Known, len(l.known))
	for i, m := range l.known {
		all[i] = m.Known
	}
	return all
}

// judge takes what a look has not found, and gives those that an earlier look had not found either.
func (l *losses) judge(missing []store.Known, now time.Time) (lost []store.Known) {
	for i := range l.known {
		m := &l.known[i]
		switch {
		case !slices.Contains(missing, m.Known):
			m.missing = time.Time{}
		case m.missing.IsZero():
			m.missing = now
		case now.Sub(m.missing) >= lossProven:
			lost = append(lost, m.Known)
		}
	}
	return lost
}

// note keeps the first loss of this epoch; false when there was one already.
func (l *losses) note(loss Loss) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.found != nil {
		return false
	}
	loss.Noticed, loss.Mend = time.Now().UTC(), renewing
	l.found = &loss
	return true
}

// loss is what was noticed in this epoch; nil: nothing.
func (l *losses) loss() *Loss {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.found
}

func (l *losses) claimed() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.claims
}

// claim counts a resume that names a message past its room's head; members is how many have in this epoch.
func (l *losses) claim(member id.ID) (members int, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.claims++
	_, known := l.claimers[member]
	if !known && len(l.claimers) < lossClaims {
		l.claimers[member] = struct{}{}
	}
	return len(l.claimers), !known && len(l.claimers) == 1
}

// lookForLosses asks the database for what is known to have been stored. It tells of a loss once in an epoch.
func (c *Chat) lookForLosses(ctx context.Context) {
	if c.losses.loss() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	missing, err := c.store.Missing(ctx, c.losses.all())
	if err != nil {
		return // the next sweep looks again, and tells of the database
	}
	lost := c.losses.judge(missing, time.Now())
	if len(lost) == 0 {
		return
	}
	if now, err := c.store.Epoch(ctx); err != nil || now != c.epoch() {
		return // an operator has renewed it meanwhile, as is right
	}
	c.tellLoss(Loss{By: "instance", Room: lost[0].Room, Seq: lost[0].Seq})
}

func (c *Chat) tellLoss(l Loss) {
	if c.losses.note(l) {
		c.log.Error("messages that were acked are gone from the database: an older copy was restored, "+
			"or a server took over that did not have them; "+renewing+", since until then others get their numbers",
			"noticed_by", l.By, "room", l.Room, "seq", l.Seq)
	}
}

// pastHead is told of a client that has come with a message past its room's head, in the present epoch. Where this
// instance knows that the room has been so far, the next look finds it gone, or there; else the client's word is all.
func (s *session) pastHead(room id.ID, after, head int64) {
	c := s.chat
	if s.reached(room) >= after {
		c.losses.hear(s.began, map[id.ID]int64{room: after})
		return
	}
	members, first := c.losses.claim(s.who.Load().MemberID)
	if first {
		c.log.Warn("a client names a message that its room does not have; "+
			"if the database was restored or another server has taken over, "+renewing,
			"session", s.id, "room", room, "seq", after, "head", head)
	}
	if members == lossClaims {
		c.tellLoss(Loss{By: "clients", Room: room, Seq: after})
	}
}

// reached is how far a room of the connection's parties has come, as far as this instance knows.
func (s *session) reached(room id.ID) (seq int64) {
	for _, p := range s.parties {
		if start, ok := s.chat.relay.Hub().Start(p, room); ok && start.Known() {
			seq = max(seq, start.After)
		}
	}
	return seq
}
