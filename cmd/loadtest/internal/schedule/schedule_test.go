package schedule

import (
	"context"
	"math"
	"testing"
	"time"
)

func TestArrivalsComeAtTheirRate(t *testing.T) {
	p := NewPoisson(1000, 5_000_000, 1)
	const n = 50_000
	var last int64
	short := 0
	for i := range n {
		at := p.Next()
		if i == 0 && at < 5_000_000 || at < last {
			t.Fatal("an arrival in the past", at, last)
		}
		if at-last < 1000 {
			short++
		}
		last = at
	}
	if got := float64(last-5_000_000) / n; math.Abs(got-1000) > 20 {
		t.Errorf("%.0f µs between two, want 1000", got)
	}
	if got := float64(short) / n; math.Abs(got-(1-1/math.E)) > 0.01 { // of people who know nothing of each other
		t.Errorf("%.3f of them come sooner than the mean, want 0.632", got)
	}
}

// What is held up does not move what follows: every arrival keeps the time at which it was due.
func TestBeingHeldUpMovesNothing(t *testing.T) {
	now := int64(0) // a clock that stands still but for one long hold-up
	want := NewPoisson(1000, 0, 2)
	n := 0
	NewPoisson(1000, 0, 2).Play(t.Context(), func() int64 { now += 500; return now }, 200_000, func(at int64) {
		if due := want.Next(); at != due {
			t.Fatalf("arrival %d at %d, want %d", n, at, due)
		}
		if n++; n == 50 {
			now += 100_000
		}
	})
	if n < 150 {
		t.Errorf("%d arrivals", n)
	}
}

func TestTheEndOfTheContextIsTheEnd(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	began := time.Now()
	NewPoisson(0.001, 0, 3).Play(ctx, func() int64 { return time.Since(began).Microseconds() }, math.MaxInt64, func(int64) {})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
