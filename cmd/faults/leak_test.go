package main

import "testing"

func TestALeakIsWhatPoolsDoNotExplain(t *testing.T) {
	before := holding{goroutines: 33, files: 14}
	for name, c := range map[string]struct {
		now  holding
		want bool
	}{
		"as before":                        {holding{33, 14, 0}, false},
		"within the slack":                 {holding{33 + slack, 14 + slack, 0}, false},
		"goroutines":                       {holding{34 + slack, 14, 0}, true},
		"files":                            {holding{33, 15 + slack, 0}, true},
		"a connection that nobody returns": {holding{33, 14, 1}, true},
	} {
		if got := c.now.leaks(before); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
