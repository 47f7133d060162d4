package pubsub

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
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
	if _, err := w.answered(name, on); err != nil {
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
		w, m := newWishes(newLones("t:"), func(string) {}), &redisModel{sends: map[string]bool{}}
		listeners := map[string]int{}
		for range 60 {
			name := strconv.Itoa(rnd.IntN(3))
			switch rnd.IntN(6) {
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
				if (w.lones.find(name) != nil) != c.isConfirmed() {
					t.Fatalf("seed %d: %s may count as ours alone: %v, confirmed: %v", seed, name, !c.isConfirmed(), c.isConfirmed())
				}
			}
		}
		settle(w, m)
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
	w := newWishes(newLones("t:"), func(string) {})
	late := func(name string) bool {
		late, err := w.answered(name, true)
		if err != nil {
			t.Fatal(err)
		}
		return late
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
	if on, _ := w.take(10); len(on) != 2 || late("a") {
		t.Errorf("told of %v again", slices.Sorted(slices.Values(on)))
	}
}

// A server that gives a channel up by itself is found out whatever has been asked of it meanwhile.
func TestAChannelThatMovesAway(t *testing.T) {
	for asked := range 3 {
		w := newWishes(newLones("t:"), func(string) {})
		w.add("a")
		w.take(10)
		if _, err := w.answered("a", true); err != nil {
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
			if _, err := w.answered("a", on); err != nil {
				found++
			}
		}
		if found == 0 {
			t.Errorf("asked %d times, and the move is not found", asked)
		}
	}
}
