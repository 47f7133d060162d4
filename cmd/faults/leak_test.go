package main

import "testing"

func TestALeakIsWhatPoolsDoNotExplain(t *testing.T) {
	before := holding{goroutines: 33, files: 14}
	for name, c := range map[string]struct {
		now  holding
		want bool
	}{
		"as before":                        {holding{33, 14, 0, 0, 0}, false},
		"within the slack":                 {holding{33 + slack, 14 + slack, 0, 0, 0}, false},
		"goroutines":                       {holding{34 + slack, 14, 0, 0, 0}, true},
		"files":                            {holding{33, 15 + slack, 0, 0, 0}, true},
		"a connection that nobody returns": {holding{33, 14, 1, 0, 0}, true},
	} {
		if got := c.now.leaks(before); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestALifeMayNotGrowWithEachFault(t *testing.T) {
	first := holding{goroutines: 33, files: 14, heap: 20 << 20}
	for name, c := range map[string]struct {
		now  holding
		want bool
	}{
		"as at first":    {first, false},
		"a few":          {holding{33 + lifeSlack, 14 + lifeSlack, 0, 25 << 20, 0}, false},
		"goroutines":     {holding{34 + lifeSlack, 14, 0, 20 << 20, 0}, true},
		"files":          {holding{33, 15 + lifeSlack, 0, 20 << 20, 0}, true},
		"memory":         {holding{33, 14, 0, 26 << 20, 0}, true},
		"less than then": {holding{20, 10, 0, 10 << 20, 0}, false},
	} {
		if got := c.now.grew(first, 0); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	var g growth
	g.note(first, holding{40, 12, 0, 21 << 20, 0})
	g.note(first, holding{35, 15, 0, 20 << 20, 0})
	if g != (growth{7, 1, 1 << 20}) {
		t.Errorf("%+v", g)
	}
}
