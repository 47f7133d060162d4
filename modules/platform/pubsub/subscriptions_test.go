package pubsub

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

// redisModel answers what it is told, in order and later.
type redisModel struct {
	sends   map[string]bool // what it sends to us
	answers []string
	on      []bool
}

func (m *redisModel) told(names []string, on bool) {
	for _, n := range names {
		m.answers, m.on = append(m.answers, n), append(m.on, on)
	}
}

// answer lets one command take effect; its answer is what the caller hears of it.
func (m *redisModel) answer() (name string, on bool) {
	name, on = m.answers[0], m.on[0]
	m.sends[name] = on
	m.answers, m.on = m.answers[1:], m.on[1:]
	return name, on
}

// hear lets s take an answer. What was not asked for ends the link.
func (m *redisModel) hear(s *subscriptions, name string, on bool) {
	if err := s.answered(name, on); err != nil {
		m.reset(s)
	}
}

func (m *redisModel) reset(s *subscriptions) {
	s.forget()
	*m = redisModel{sends: map[string]bool{}}
}

// Whatever comes, goes, breaks, moves away and is answered late: a confirmed channel is one that Redis sends, and
// once everything is answered Redis sends exactly what is wanted.
func TestSubscriptionsInAnyOrder(t *testing.T) {
	for seed := range uint64(2000) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		calls := map[string]uint64{} // the latest of each channel
		s := newSubscriptions(newSubscribed("t:"), func(name string, number uint64) { calls[name] = number }, func() {})
		m := &redisModel{sends: map[string]bool{}}
		listeners := map[string]int{}
		for range 60 {
			name := strconv.Itoa(rnd.IntN(3))
			switch rnd.IntN(8) {
			case 6: // Redis answers an announcement, of now or of before
				s.announced(name, calls[name]-uint64(rnd.IntN(2)), rnd.IntN(3)-1, nil)
			case 7:
				s.heard(name, calls[name]-uint64(rnd.IntN(2)))
			case 0, 1:
				s.add(name)
				listeners[name]++
			case 2:
				if listeners[name] > 0 {
					listeners[name]--
					s.remove(name)
				}
			case 3:
				on, off := s.take(1 + rnd.IntN(3))
				m.told(on, true)
				m.told(off, false)
			case 4:
				if len(m.answers) > 0 {
					name, on := m.answer()
					m.hear(s, name, on)
				}
			case 5:
				switch rnd.IntN(10) {
				case 0: // the link breaks
					m.reset(s)
				case 1: // the channel moves to another server
					if m.sends[name] {
						m.sends[name] = false
						m.hear(s, name, false)
					}
				}
			}
			for name, c := range s.channels {
				if c.listeners > 0 && c.isConfirmed() && !m.sends[name] {
					t.Fatalf("seed %d: %s counts as confirmed and Redis does not send it", seed, name)
				}
				if (s.subscribed.find(name) != nil) != c.coming || c.isConfirmed() && !c.coming {
					t.Fatalf("seed %d: %s may count as ours alone: %v, its news come: %v, confirmed: %v", seed, name, s.subscribed.find(name) != nil, c.coming, c.isConfirmed())
				}
			}
		}
		settle(s, m)
		for name, number := range calls {
			s.announced(name, number, 2, nil)
			s.heard(name, number)
			s.heard(name, number)
		}
		for name, n := range listeners {
			if m.sends[name] != (n > 0) {
				t.Fatalf("seed %d: %s has %d listeners, Redis sends it: %v", seed, name, n, m.sends[name])
			}
			if n > 0 && !s.channels[name].isConfirmed() {
				t.Fatalf("seed %d: %s was never confirmed", seed, name)
			}
			if n == 0 && s.channels[name] != nil {
				t.Fatalf("seed %d: %s is kept for nobody", seed, name)
			}
		}
		if len(s.changed) > 0 {
			t.Fatalf("seed %d: left over %v", seed, s.changed)
		}
	}
}

func settle(s *subscriptions, m *redisModel) {
	for {
		on, off := s.take(10)
		m.told(on, true)
		m.told(off, false)
		if len(m.answers) == 0 {
			return
		}
		for len(m.answers) > 0 {
			name, on := m.answer()
			m.hear(s, name, on)
		}
	}
}

func TestWhoWentOnWithoutAConfirmationIsToldOfIt(t *testing.T) {
	told, calls := 0, map[string]uint64{}
	s := newSubscriptions(newSubscribed("t:"), func(name string, number uint64) { calls[name] = number }, func() { told++ })
	late := func(name string) bool {
		t.Helper()
		if err := s.answered(name, true); err != nil {
			t.Fatal(err)
		}
		told = 0
		s.announced(name, calls[name], 0, nil)
		return told > 0
	}
	s.add("a")
	s.add("b")
	s.take(10)
	s.miss("a")
	if !late("a") || late("b") {
		t.Error("only a has missed something")
	}
	s.miss("a") // it is confirmed by now
	s.forget()
	if on, _ := s.take(10); len(on) != 2 || !late("a") { // what was said while there was no link
		t.Errorf("told of %v again", slices.Sorted(slices.Values(on)))
	}
}

// A channel is confirmed once all that Redis counts besides us have answered, in whatever order the answers come, or what
// they may have been told before has lapsed.
func TestWhoKnowsOfUs(t *testing.T) {
	var number uint64
	s := newSubscriptions(newSubscribed("t:"), func(_ string, n uint64) { number = n }, func() {})
	subscribed := func() *channel {
		t.Helper()
		s.add("a")
		s.take(10)
		if err := s.answered("a", true); err != nil {
			t.Fatal(err)
		}
		return s.channels["a"]
	}
	c := subscribed()
	s.heard("a", number)
	s.announced("a", number, 2, nil)
	s.heard("a", number-1)
	if c.isConfirmed() {
		t.Fatal("confirmed by one of two")
	}
	if s.heard("a", number); !c.isConfirmed() {
		t.Error("not confirmed though both know")
	}
	s.heard("a", number) // one that Redis had not counted yet
	for name, refused := range map[string]struct {
		others int
		err    error
	}{"nobody answers": {others: 1}, "Redis does not take it": {err: errAway}, "Redis does not know of us": {others: -1}} {
		s.forget()
		c = subscribed()
		began := time.Now()
		s.announced("a", number, refused.others, refused.err)
		select {
		case <-c.confirmed:
		case <-time.After(time.Minute):
			t.Fatalf("%s: never confirmed", name)
		}
		if took := time.Since(began); took < aloneFor {
			t.Errorf("%s: confirmed after %v", name, took)
		}
		s.remove("a")
	}
}

// A server that gives a channel up by itself is found out whatever has been asked of it meanwhile.
func TestAChannelThatMovesAway(t *testing.T) {
	for asked := range 3 {
		s := newSubscriptions(newSubscribed("t:"), func(string, uint64) {}, func() {})
		s.add("a")
		s.take(10)
		if err := s.answered("a", true); err != nil {
			t.Fatal(err)
		}
		answers := []bool{false} // by itself
		for i := range asked {   // to leave, and to come back
			if i == 0 {
				s.remove("a")
			} else {
				s.add("a")
			}
			s.take(10)
			answers = append(answers, i == 1)
		}
		found := 0
		for _, on := range answers {
			if err := s.answered("a", on); err != nil {
				found++
			}
		}
		if found == 0 {
			t.Errorf("asked %d times, and the move is not found", asked)
		}
	}
}
