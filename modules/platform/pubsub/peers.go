package pubsub

import (
	"crypto/cipher"
	"time"

	"mall/modules/platform/id"
)

// A seal that was recorded must not be played again: not to who has heard it, and not to who came later. Each link knows
// which numbers it has heard of whom. Of whom it knows nothing yet it asks that instance itself, with words that nobody
// has used before; only a living one can answer. Until then what the stranger says is held, and if no answer comes it is
// dropped. No clock takes part: those of instances differ, and are set.

const (
	maxPeers     = 4096            // a peer that is forgotten is a stranger again
	maxStrangers = 64              // whom we wait for at once: others must wait for their turn
	maxHeld      = 1024            // news of strangers; more are lost
	strangerFor  = 3 * time.Second // without an answer nobody is there any more
	maxSpoken    = 500             // questions and answers in a round of probes, so that what is played again costs next to nothing
	floors       = 5               // rounds of probes: what was said since the first of them may be heard by who has just asked
)

// peers are those who speak on a link. Only the link's receiving goroutine knows them.
type peers struct {
	roots     []root
	prefix    string
	known     map[id.ID]*peer
	strangers map[id.ID]*stranger
	held      int // news, of all strangers
	spoken    int // questions and answers, in this round of probes
}

// peer is an instance that has proven to be alive.
type peer struct {
	aead   cipher.AEAD
	hint   byte
	window window
}

// stranger is an instance that has the secret, but of which it is not known whether it still lives.
type stranger struct {
	aead  cipher.AEAD
	hint  byte
	words id.ID // that it has to answer with
	since time.Time
	asked bool
	held  []opened
	lost  bool // something of it could not be held
}

func newPeers(roots []root, prefix string) *peers {
	return &peers{roots: roots, prefix: prefix, known: map[id.ID]*peer{}, strangers: map[id.ID]*stranger{}}
}

// openStranger opens a seal of somebody of whom nothing is known, and gives the key that fits.
func (p *peers) openStranger(s sealed) (o opened, by cipher.AEAD, ok bool) {
	for _, r := range p.roots {
		if r.hint != s.hint() {
			continue
		}
		by = r.aead(s.sender(), p.prefix)
		if o, ok = s.open(by); ok {
			return o, by, true
		}
	}
	return opened{}, nil, false
}

// meet gives what is known of a stranger, nil when there are too many.
func (p *peers) meet(s sealed, by cipher.AEAD, now time.Time) *stranger {
	who := s.sender()
	st := p.strangers[who]
	if st == nil && len(p.strangers) < maxStrangers {
		st = &stranger{aead: by, hint: s.hint(), words: id.New(), since: now}
		p.strangers[who] = st
	}
	return st
}

// hold keeps what a stranger has said.
func (p *peers) hold(st *stranger, o opened) {
	if p.held == maxHeld {
		st.lost = true
		return
	}
	p.held++
	st.held = append(st.held, o)
}

func (p *peers) forget(who id.ID, st *stranger) {
	delete(p.strangers, who)
	p.held -= len(st.held)
}

// introduce makes a peer of a stranger who has answered. What it says is heard from floor on.
func (p *peers) introduce(who id.ID, st *stranger, floor uint64) {
	p.forget(who, st)
	if len(p.known) >= maxPeers {
		for other := range p.known {
			delete(p.known, other)
			break
		}
	}
	p.known[who] = &peer{st.aead, st.hint, windowAfter(floor)}
}

// round asks strangers once more. Those who do not answer are forgotten, with what they have said.
func (l *link) round(now time.Time) {
	l.peers.spoken = 0
	for who, st := range l.peers.strangers {
		if now.Sub(st.since) <= strangerFor {
			l.ask(who, st.words)
			continue
		}
		l.peers.forget(who, st)
		for _, o := range st.held {
			l.bus.refuse(o.channel, Unproven)
		}
	}
}

// hear takes what somebody has sealed.
func (l *link) hear(s sealed) {
	if !s.whole() {
		l.bus.refuse(s.channel, Forged)
		return
	}
	from := s.sender()
	if from == l.bus.self {
		l.hearProbe(s)
		return
	}
	p := l.peers.known[from]
	if p == nil {
		l.hearStranger(s, time.Now())
		return
	}
	if !p.window.fresh(s.number()) {
		l.bus.refuse(s.channel, Replayed)
		return
	}
	o, ok := s.open(p.aead)
	if !ok || s.hint() != p.hint {
		l.bus.refuse(s.channel, Forged)
		return
	}
	p.window.mark(o.number)
	l.obey(o)
}

// hearProbe hears ourselves. What else we say is no news to us.
func (l *link) hearProbe(s sealed) {
	if s.channel != l.prefix+l.probe {
		return
	}
	o, ok := s.open(l.sealer.aead)
	switch {
	case !ok || o.kind != kindProbe:
		l.bus.refuse(s.channel, Forged)
		return
	case !l.probes.fresh(o.number):
		l.bus.refuse(s.channel, Replayed)
		return
	}
	l.probes.mark(o.number)
	now := time.Now()
	l.heard.Store(now.UnixNano())
	l.round(now)
}

// hearStranger holds what it says, and asks it to show that it is there.
func (l *link) hearStranger(s sealed, now time.Time) {
	o, by, ok := l.peers.openStranger(s)
	if !ok {
		l.bus.refuse(s.channel, Forged)
		return
	}
	switch o.kind {
	case kindAsk: // even a stranger learns that we live: else two strangers would wait for each other
		l.answer(o)
		return
	case kindAnswer:
		l.hearAnswer(o)
		return
	}
	st := l.peers.meet(s, by, now)
	if st == nil {
		l.bus.refuse(s.channel, Unproven)
		return
	}
	if o.kind != kindHello {
		l.peers.hold(st, o)
	}
	if !st.asked || o.kind == kindHello { // who greets has just begun to hear
		st.asked = true
		l.ask(o.sender, st.words)
	}
}

// ask has a stranger show that it lives.
func (l *link) ask(who, words id.ID) {
	if l.peers.spoken < maxSpoken {
		l.peers.spoken++
		l.lane.Load().ask(l, who, words)
	}
}

// answer says to who asks that we are there, and where what we have said begins that was said just now.
func (l *link) answer(o opened) {
	if len(o.payload) == len(id.ID{}) && l.peers.spoken < maxSpoken {
		l.peers.spoken++
		l.lane.Load().answer(l, o.sender, id.ID(o.payload), l.floor())
	}
}

// hearAnswer lets a stranger in, and obeys what it has said meanwhile.
func (l *link) hearAnswer(o opened) {
	c, ok := callOf(o.payload)
	st := l.peers.strangers[o.sender]
	if !ok || st == nil || st.words != c.instance {
		return // of an answer that was given before: it proves nothing
	}
	l.peers.introduce(o.sender, st, c.number)
	p := l.peers.known[o.sender]
	for _, held := range st.held {
		if !p.window.fresh(held.number) {
			l.bus.refuse(held.channel, Replayed)
			continue
		}
		p.window.mark(held.number)
		l.obey(held)
	}
	if st.lost {
		signal(l.bus.lost)
	}
}

// floor is the number that we had given some seconds ago.
func (l *link) floor() uint64 { return l.floors[floors-1].Load() }

// stepFloor begins a round of probes.
func (l *link) stepFloor() {
	for i := floors - 1; i > 0; i-- {
		l.floors[i].Store(l.floors[i-1].Load())
	}
	l.floors[0].Store(l.sealer.last.Load())
}

// Refusal is why what came was not taken.
type Refusal string

// The refusals.
const (
	Forged   Refusal = "forged"   // nobody with the secret has sealed it, or not for this channel
	Replayed Refusal = "replayed" // it has come before, or is far too late
	Unproven Refusal = "unproven" // who has said it once does not show that it still lives
)

// refuse counts, and tells who wants to know.
func (b *Bus) refuse(channel string, why Refusal) {
	switch why {
	case Forged:
		b.forged.Add(1)
	case Replayed:
		b.replayed.Add(1)
	case Unproven:
		b.unproven.Add(1)
	}
	if b.refused != nil {
		b.refused(channel, why)
	}
}
