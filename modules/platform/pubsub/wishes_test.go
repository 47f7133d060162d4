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

// hear lets w take an answer. What was not asked for ends the link.
func (m *redisModel) hear(w *wishes, name string, on bool) {
	if err := w.answered(name, on); err != nil {
		m.reset(w)
	}
}

func (m *redisModel) reset(w *wishes) {
	w.forget()
	*m = redisModel{sends: map[string]bool{}}
}

// Whatever comes, goes, breaks, moves away and is answered late: a confirmed channel is one that Redis sends, and
// once everything is answered Redis sends exactly what is wanted.
func TestWishesInAnyOrder(t *testing.T) {
	for seed := range uint64(2000) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		calls := map[string]uint64{} // the latest of each channel
		w := newWishes(newLones("t:"), func(name string, number uint64) { calls[name] = number }, func() {})
		m := &redisModel{sends: map[string]bool{}}
		listeners := map[string]int{}
		for range 60 {
			name := strconv.Itoa(rnd.IntN(3))
			switch rnd.IntN(8) {
			case 6: // Redis answers an announcement, of now or of before
				w.announced(name, calls[name]-uint64(rnd.IntN(2)), rnd.IntN(3)-1, nil)
			case 7:
				w.heard(name, calls[name]-uint64(rnd.IntN(2)))
			case 0, 1:
				w.add(name)
				listeners[name]++
			case 2:
				if listeners[name] > 0 {
					listeners[name]--
					w.remove(name)
				}
			case 3:
				on, off := w.take(1 + rnd.IntN(3))
				m.told(on, true)
				m.told(off, false)
			case 4:
				if len(m.answers) > 0 {
					name, on := m.answer()
					m.hear(w, name, on)
				}
			case 5:
				switch rnd.IntN(10) {
				case 0: // the link breaks
					m.reset(w)
				case 1: // the channel moves to another server
					if m.sends[name] {
						m.sends[name] = false
						m.hear(w, name, false)
					}
				}
			}
			for name, c := range w.channels {
				if c.listeners > 0 && c.isConfirmed() && !m.sends[name] {
					t.Fatalf("seed %d: %s counts as confirmed and Redis does not send it", seed, name)
				}
				if (w.lones.find(name) != nil) != c.coming || c.isConfirmed() && !c.coming {
					t.Fatalf("seed %d: %s may count as ours alone: %v, its news come: %v, confirmed: %v", seed, name, w.lones.find(name) != nil, c.coming, c.isConfirmed())
				}
			}
		}
		settle(w, m)
		for name, number := range calls {
			w.announced(name, number, 2, nil)
			w.heard(name, number)
			w.heard(name, number)
		}
		for name, n := range listeners {
			if m.sends[name] != (n > 0) {
				t.Fatalf("seed %d: %s has %d listeners, Redis sends it: %v", seed, name, n, m.sends[name])
			}
			if n > 0 && !w.channels[name].isConfirmed() {
				t.Fatalf("seed %d: %s was never confirmed", seed, name)
			}
			if n == 0 && w.channels[name] != nil {
				t.Fatalf("seed %d: %s is kept for nobody", seed, name)
			}
		}
		if len(w.changed) > 0 {
			t.Fatalf("seed %d: left over %v", seed, w.changed)
		}
	}
}

func settle(w *wishes, m *redisModel) {
	for {
		on, off := w.take(10)
		m.told(on, true)
		m.told(off, false)
		if len(m.answers) == 0 {
			return
		}
		for len(m.answers) > 0 {
			name, on := m.answer()
			m.hear(w, name, on)
		}
	}
}

func TestWhoWentOnWithoutAConfirmationIsToldOfIt(t *testing.T) {
	told, calls := 0, map[string]uint64{}
	w := newWishes(newLones("t:"), func(name string, number uint64) { calls[name] = number }, func() { told++ })
	late := func(name string) bool {
		t.Helper()
		if err := w.answered(name, true); err != nil {
			t.Fatal(err)
		}
		told = 0
		w.announced(name, calls[name], 0, nil)
		return told > 0
	}
	w.add("a")
	w.add("b")
	w.take(10)
	w.miss("a")
	if !late("a") || late("b") {
		t.Error("only a has missed something")
	}
	w.miss("a") // it is confirmed by now
	w.forget()
	if on, _ := w.take(10); len(on) != 2 || !late("a") { // what was said while there was no link
		t.Errorf("told of %v again", slices.Sorted(slices.Values(on)))
	}
}

// A channel is confirmed once all that Redis counts besides us have answered, in whatever order the answers come, or what
// they may have been told before has lapsed.
func TestWhoKnowsOfUs(t *testing.T) {
	var number uint64
	w := newWishes(newLones("t:"), func(_ string, n uint64) { number = n }, func() {})
	subscribed := func() *channel {
		t.Helper()
		w.add("a")
		w.take(10)
		if err := w.answered("a", true); err != nil {
			t.Fatal(err)
		}
		return w.channels["a"]
	}
	c := subscribed()
	w.heard("a", number)
	w.announced("a", number, 2, nil)
	w.heard("a", number-1)
	if c.isConfirmed() {
		t.Fatal("confirmed by one of two")
	}
	if w.heard("a", number); !c.isConfirmed() {
		t.Error("not confirmed though both know")
	}
	w.heard("a", number) // one that Redis had not counted yet
	for name, refused := range map[string]struct {
		others int
		err    error
	}{"nobody answers": {others: 1}, "Redis does not take it": {err: errAway}, "Redis does not know of us": {others: -1}} {
		w.forget()
		c = subscribed()
		began := time.Now()
		w.announced("a", number, refused.others, refused.err)
		select {
		case <-c.confirmed:
		case <-time.After(time.Minute):
			t.Fatalf("%s: never confirmed", name)
		}
		if took := time.Since(began); took < loneFor {
			t.Errorf("%s: confirmed after %v", name, took)
		}
		w.remove("a")
	}
}

// A server that gives a channel up by itself is found out whatever has been asked of it meanwhile.
func TestAChannelThatMovesAway(t *testing.T) {
	for asked := range 3 {
		w := newWishes(newLones("t:"), func(string, uint64) {}, func() {})
		w.add("a")
		w.take(10)
		if err := w.answered("a", true); err != nil {
			t.Fatal(err)
		}
		answers := []bool{false} // by itself
		for i := range asked {   // to leave, and to come back
			if i == 0 {
				w.remove("a")
			} else {
				w.add("a")
			}
			w.take(10)
			answers = append(answers, i == 1)
		}
		found := 0
		for _, on := range answers {
			if err := w.answered("a", on); err != nil {
				found++
			}
		}
		if found == 0 {
			t.Errorf("asked %d times, and the move is not found", asked)
		}
	}
}
