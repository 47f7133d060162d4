package pubsub

import (
	"errors"
	"sync"
)

var errMoved = errors.New("pubsub: the server has given up a channel")

// wishes are the channels that this instance wants to hear, and what Redis has been told of them. Nothing
// here talks to Redis or waits for it: a slow Redis must not make those who come and go wait for each other.
type wishes struct {
	lones    *lones               // the confirmed ones
	announce func(channel string) // is told of a channel that is confirmed; it must not block

	mu       sync.Mutex
	channels map[string]*channel
	changed  map[string]struct{} // Redis may not have been told of these
	wake     chan struct{}       // holds a token when something has changed
}

type channel struct {
	listeners int
	asked     bool          // what Redis was told last: to send its news, or not
	pending   int           // how often Redis was told and has not answered
	confirmed chan struct{} // closed while Redis sends its news
	missed    bool          // somebody went on without waiting for that
}

func newWishes(l *lones, announce func(channel string)) *wishes {
	return &wishes{lones: l, announce: announce, channels: map[string]*channel{}, changed: map[string]struct{}{}, wake: make(chan struct{}, 1)}
}

// add counts one listener more; the answer is closed once Redis sends the channel's news.
func (w *wishes) add(name string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.channels[name]
	if c == nil {
		c = &channel{confirmed: make(chan struct{})}
		w.channels[name] = c
	}
	if c.listeners++; c.listeners == 1 {
		w.change(name)
	}
	return c.confirmed
}

// miss says that somebody goes on although the channel is not confirmed.
func (w *wishes) miss(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.channels[name]; c != nil && !c.isConfirmed() {
		c.missed = true
	}
}

// remove takes one add back.
func (w *wishes) remove(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.channels[name]
	if c == nil || c.listeners == 0 {
		return
	}
	if c.listeners--; c.listeners > 0 {
		return
	}
	if c.asked || c.pending > 0 {
		w.change(name)
		return
	}
	delete(w.channels, name)
	delete(w.changed, name)
}

func (w *wishes) change(name string) {
	w.changed[name] = struct{}{}
	signal(w.wake)
}

// signal puts a token where there is none.
func signal(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

// take gives at most limit channels that Redis must be told of, and notes that it is.
func (w *wishes) take(limit int) (on, off []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name := range w.changed {
		if len(on)+len(off) == limit {
			break
		}
		delete(w.changed, name)
		c := w.channels[name]
		if c == nil || c.asked == (c.listeners > 0) {
			continue // wanted and left again, or the other way round
		}
		c.asked = !c.asked
		c.pending++
		if c.asked {
			on = append(on, name)
		} else {
			off = append(off, name)
			w.unconfirm(name, c)
		}
	}
	return on, off
}

// answered notes what Redis says of a channel: that its news come from now on, or no more. late says that they
// come and that somebody has missed some. Only the last answer outstanding counts: behind an earlier one the
// news may end again. An error says that Redis was not asked for this: the channel has moved to another server.
func (w *wishes) answered(name string, on bool) (late bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.channels[name]
	if c == nil || !c.expects(on) {
		return false, errMoved
	}
	if c.pending--; c.pending > 0 {
		return false, nil
	}
	if c.asked {
		w.confirm(name, c)
		late, c.missed = c.missed, false
		return late, nil
	}
	if c.listeners == 0 {
		delete(w.channels, name)
		delete(w.changed, name)
	}
	return false, nil
}

// expects says whether that is the next answer: what Redis was told alternates, and ends with asked.
func (c *channel) expects(on bool) bool {
	return c.pending > 0 && on == (c.asked == (c.pending%2 == 1))
}

// forget says that Redis knows nothing of us any more: it must be told of all channels again.
func (w *wishes) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, c := range w.channels {
		c.asked, c.pending = false, 0
		w.unconfirm(name, c)
		if c.listeners > 0 {
			w.change(name)
			continue
		}
		delete(w.channels, name)
		delete(w.changed, name)
	}
}

func (w *wishes) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.channels)
}

// confirm lets those who wait for the channel go on. The others are to be told first, so that little is left
// of the time in which they do not know of us.
func (w *wishes) confirm(name string, c *channel) {
	w.lones.open(name)
	w.announce(name)
	close(c.confirmed)
}

// unconfirm lets those who add the channel from now on wait again.
func (w *wishes) unconfirm(name string, c *channel) {
	if c.isConfirmed() {
		w.lones.end(name)
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
