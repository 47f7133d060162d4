package pubsub

import (
	"errors"
	"math"
	"sync"
	"time"
)

var errMoved = errors.New("pubsub: the server has given up a channel")

// subscriptions are the channels that this instance wants to hear, and what Redis has been told of them. Nothing
// here talks to Redis or waits for it: a slow Redis must not make those who come and go wait for each other.
type subscriptions struct {
	subscribed *subscribed                         // the channels whose news Redis sends
	announce   func(channel string, number uint64) // tells the others of a channel whose news come; it must not block
	late       func()                              // is told that news come of which somebody has missed some; it must not block

	mu       sync.Mutex
	channels map[string]*channel
	changed  map[string]struct{} // Redis may not have been told of these
	wake     chan struct{}       // holds a token when something has changed
	number   uint64              // of the last announcement
}

type channel struct {
	listeners int
	asked     bool          // what Redis was told last: to send its news, or not
	pending   int           // how often Redis was told and has not answered
	coming    bool          // Redis sends its news
	confirmed chan struct{} // closed while it does and all others that listen know of us
	missed    bool          // somebody went on without waiting for that

	number uint64      // of the announcement that others have to answer; 0: none is under way
	heard  int         // how many have
	others int         // how many are to; -1: Redis has not said yet
	lapse  *time.Timer // when those who have not said that they know of us know all the same
}

func newSubscriptions(l *subscribed, announce func(channel string, number uint64), late func()) *subscriptions {
	return &subscriptions{subscribed: l, announce: announce, late: late,
		channels: map[string]*channel{}, changed: map[string]struct{}{}, wake: make(chan struct{}, 1)}
}

// add counts one listener more; the answer is closed once Redis sends the channel's news.
func (s *subscriptions) add(name string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[name]
	if c == nil {
		c = &channel{confirmed: make(chan struct{})}
		s.channels[name] = c
	}
	if c.listeners++; c.listeners == 1 {
		s.change(name)
	}
	return c.confirmed
}

// miss says that somebody goes on although the channel is not confirmed.
func (s *subscriptions) miss(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.channels[name]; c != nil && !c.isConfirmed() {
		c.missed = true
	}
}

// remove takes one add back.
func (s *subscriptions) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[name]
	if c == nil || c.listeners == 0 {
		return
	}
	if c.listeners--; c.listeners > 0 {
		return
	}
	if c.asked || c.pending > 0 {
		s.change(name)
		return
	}
	delete(s.channels, name)
	delete(s.changed, name)
}

func (s *subscriptions) change(name string) {
	s.changed[name] = struct{}{}
	signal(s.wake)
}

// signal puts a token where there is none.
func signal(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

// take gives at most limit channels that Redis must be told of, and notes that it is.
func (s *subscriptions) take(limit int) (on, off []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.changed {
		if len(on)+len(off) == limit {
			break
		}
		delete(s.changed, name)
		c := s.channels[name]
		if c == nil || c.asked == (c.listeners > 0) {
			continue // wanted and left again, or the other way round
		}
		c.asked = !c.asked
		c.pending++
		if c.asked {
			on = append(on, name)
		} else {
			off = append(off, name)
			s.unconfirm(name, c)
		}
	}
	return on, off
}

// answered notes what Redis says of a channel: that its news come from now on, or no more. Only the last answer
// outstanding counts: behind an earlier one the news may end again. An error says that Redis was not asked for this: the
// channel has moved to another server.
func (s *subscriptions) answered(name string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[name]
	if c == nil || !c.expects(on) {
		return errMoved
	}
	if c.pending--; c.pending > 0 {
		return nil
	}
	if c.asked {
		s.begin(name, c)
	} else if c.listeners == 0 {
		delete(s.channels, name)
		delete(s.changed, name)
	}
	return nil
}

// expects says whether that is the next answer: what Redis was told alternates, and ends with asked.
func (c *channel) expects(on bool) bool {
	return c.pending > 0 && on == (c.asked == (c.pending%2 == 1))
}

// forget says that Redis knows nothing of us any more: it must be told of all channels again.
func (s *subscriptions) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, c := range s.channels {
		c.asked, c.pending = false, 0
		s.unconfirm(name, c)
		if c.listeners > 0 {
			c.missed = true
			s.change(name)
			continue
		}
		delete(s.channels, name)
		delete(s.changed, name)
	}
}

func (s *subscriptions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.channels)
}

// begin notes that Redis sends a channel's news, and asks the others that listen to say that they know of us: until then
// one of them may take the channel for his alone and leave out what he has to say.
func (s *subscriptions) begin(name string, c *channel) {
	s.number++
	c.coming, c.number, c.heard, c.others = true, s.number, 0, -1
	s.subscribed.open(name)
	s.announce(name, c.number)
}

// announced takes Redis' answer to an announcement: how many others listen. Those that do not answer know of us once what
// Redis told them before has lapsed; where Redis has not taken the announcement, that is all of them.
func (s *subscriptions) announced(name string, number uint64, others int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calling(name, number)
	if c == nil {
		return
	}
	if c.others = others; err != nil || others < 0 { // Redis does not even know of us: the link is about to break
		c.others = math.MaxInt
	}
	if c.heard < c.others {
		c.lapse = time.AfterFunc(aloneFor, func() { s.lapsed(name, number) })
		return
	}
	s.confirm(c)
}

// heard takes another instance's answer to an announcement.
func (s *subscriptions) heard(name string, number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calling(name, number)
	if c == nil {
		return
	}
	if c.heard++; c.others >= 0 && c.heard >= c.others {
		s.confirm(c)
	}
}

func (s *subscriptions) lapsed(name string, number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.calling(name, number); c != nil {
		s.confirm(c)
	}
}

// calling is the channel whose announcement of that number is under way, else nil.
func (s *subscriptions) calling(name string, number uint64) *channel {
	c := s.channels[name]
	if c == nil || c.number == 0 || c.number != number {
		return nil
	}
	return c
}

// confirm lets those who wait for the channel go on.
func (s *subscriptions) confirm(c *channel) {
	c.endCall()
	close(c.confirmed)
	if c.missed {
		c.missed = false
		s.late()
	}
}

func (c *channel) endCall() {
	c.number = 0
	if c.lapse != nil {
		c.lapse.Stop()
		c.lapse = nil
	}
}

// unconfirm lets those who add the channel from now on wait again.
func (s *subscriptions) unconfirm(name string, c *channel) {
	if !c.coming {
		return
	}
	c.coming = false
	c.endCall()
	s.subscribed.end(name)
	if c.isConfirmed() {
		c.confirmed = make(chan struct{})
	}
}

func (c *channel) isConfirmed() bool {
	select {
	case <-c.confirmed:
		return true
	default:
		return false
	}
}
