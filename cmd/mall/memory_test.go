package main

import "testing"

func TestTheCollectorsRoomToGrow(t *testing.T) {
	for alive, percent := range map[uint64]int{0: 400, 4 << 20: 400, 16 << 20: 125, 40 << 20: 50, 80 << 20: 25, 1 << 30: 20} {
		if got := busy.percent(alive); got != percent {
			t.Errorf("busy, with %d MiB alive: %d %%, want %d", alive>>20, got, percent)
		}
	}
	for alive, percent := range map[uint64]int{0: 400, 4 << 20: 100, 40 << 20: 10, 80 << 20: 5, 1 << 30: 5} {
		if got := atRest.percent(alive); got != percent {
			t.Errorf("at rest, with %d MiB alive: %d %%, want %d", alive>>20, got, percent)
		}
	}
	for _, c := range []struct {
		now, percent int
		want         bool
	}{{0, 400, true}, {50, 58, false}, {50, 61, true}, {23, 7, true}, {7, 8, false}, {7, 23, true}} {
		if got := differs(c.now, c.percent); got != c.want {
			t.Errorf("from %d to %d: %v, want %v", c.now, c.percent, got, c.want)
		}
	}
}

// A rest begins once after each rush, and a rush is seen at once.
func TestARestBeginsOnceAfterEachRush(t *testing.T) {
	const much, little = 100 << 20, 100 << 10
	var p pace
	var all uint64
	for _, step := range []struct {
		what   string
		looks  int
		more   uint64
		begins int
		after  growth
	}{
		{"a rush", 10, much, 0, busy},
		{"not quiet for long enough", quietLooks - 1, little, 0, busy},
		{"another rush", 1, much, 0, busy},
		{"quiet for long", 20, little, 1, atRest},
		{"a third rush", 1, much, 0, busy},
		{"quiet again", quietLooks, little, 1, atRest},
	} {
		begins, after := 0, growth{}
		for range step.looks {
			all += step.more
			g, restBegins := p.look(all)
			if after = g; restBegins {
				begins++
			}
		}
		if begins != step.begins || after != step.after {
			t.Errorf("%s: a rest began %d times, want %d; then %+v, want %+v", step.what, begins, step.begins, after, step.after)
		}
	}
}
