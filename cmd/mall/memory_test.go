package main

import "testing"

func TestTheCollectorsSetting(t *testing.T) {
	for _, c := range []struct {
		room, alive, least uint64
		want               int
	}{
		{leastRoom, 0, leastPercent, 400},
		{leastRoom, 4 << 20, leastPercent, 400},
		{leastRoom, 16 << 20, leastPercent, 125},
		{leastRoom, 80 << 20, leastPercent, 25},
		{mostRoom, 80 << 20, leastPercent, 80},
		{leastRoom, 1 << 30, leastPercent, 20},
		{restRoom, 40 << 20, restPercent, 10},
		{restRoom, 1 << 30, restPercent, 5},
	} {
		if got := percent(c.room, c.alive, c.least); got != c.want {
			t.Errorf("%d MiB of room with %d MiB alive: %d %%, want %d", c.room>>20, c.alive>>20, got, c.want)
		}
	}
	for _, c := range []struct {
		now, next int
		want      bool
	}{{0, 400, true}, {50, 58, false}, {50, 61, true}, {23, 7, true}, {7, 8, false}, {7, 23, true}} {
		if got := differs(c.now, c.next); got != c.want {
			t.Errorf("from %d to %d: %v, want %v", c.now, c.next, got, c.want)
		}
	}
}

// A rest begins once after each rush, a rush is seen at once, and the busier it is the more room there is.
func TestRushAndRest(t *testing.T) {
	const little, some, much = 100 << 10, 20 << 20, 100 << 20
	var p pace
	var all uint64
	for _, step := range []struct {
		what   string
		looks  int
		more   uint64
		begins int
		atRest bool
		room   uint64
	}{
		{"a herd", 4, much, 0, false, leastRoom + 3*moreRoom},
		{"a rush", 20, much, 0, false, mostRoom},
		{"not quiet for long enough", quietLooks - 1, little, 0, false, 0},
		{"quiet but for a burst", 1, quietMost - quietLooks*little, 1, true, 0},
		{"a lesser rush", 20, some, 0, false, 2 * some},
		{"quiet for long", 20, little, 1, true, leastRoom},
		{"a third rush", 1, much, 0, false, leastRoom + moreRoom},
		{"quiet again", quietLooks, little, 1, true, 0},
	} {
		begins := 0
		for range step.looks {
			all += step.more
			if p.look(all) {
				begins++
			}
		}
		if begins != step.begins || p.resting != step.atRest {
			t.Errorf("%s: a rest began %d times, want %d; then at rest: %v", step.what, begins, step.begins, p.resting)
		}
		if got := p.setting(80 << 20); step.atRest != (got == restPercent) {
			t.Errorf("%s: the setting is %d", step.what, got)
		}
		if step.room != 0 && p.room != step.room {
			t.Errorf("%s: %d MiB of room, want %d", step.what, p.room>>20, step.room>>20)
		}
	}
}
