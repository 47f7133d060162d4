package attacks_test

import (
	"testing"
)

// attack is one row: what a stranger does and what must be seen. The text of a row is what a failure says first.
type attack struct {
	name string
	does string
	seen string
	play func(t *testing.T, w *world)
}

// row runs an attack in a world that it shares with others, each with people of its own.
func (a attack) run(t *testing.T, w *world) {
	t.Run(a.name, func(t *testing.T) {
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("the attack: %s\nmust be seen: %s", a.does, a.seen)
			}
		})
		a.play(t, w.in(t))
	})
}

// On one process with embedded stores, and on two instances with MySQL and Redis: an attack stands where what it aims at
// is the same on all, on the cheaper one.
func TestAttacksOnOneProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, posted(t, embedded, generous()...))
	for _, list := range [][]attack{accountAttacks, factorAttacks, staffAttacks, jsonAttacks, leakAttacks, textAttacks, tokenAttacks, socketAttacks, edgeAttacks, personAttacks} {
		for _, a := range list {
			a.run(t, w)
		}
	}
}

func TestAttacksOnTwoInstances(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pair(t, generous()...))
	for _, list := range [][]attack{pageAttacks, newsAttacks, instanceAttacks} {
		for _, a := range list {
			a.run(t, w)
		}
	}
}

// person makes a member for one attack.
func (w *world) member(name string) *person {
	w.t.Helper()
	return w.m.member(w.t, name)
}
