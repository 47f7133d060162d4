package hist

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsFollowOneAnother(t *testing.T) {
	last := -1
	for us := int64(0); us < 1<<20; us++ {
		b := bucket(us)
		if b != last && b != last+1 {
			t.Fatalf("%d µs: bucket %d after %d", us, b, last)
		}
		last = b
		if h := highest(b); h < us || float64(h) > float64(us)*1.016+1 {
			t.Fatalf("%d µs: the bucket reaches to %d", us, h)
		}
	}
	if b := bucket(1 << 60); b >= buckets || highest(b) < most {
		t.Errorf("the longest: bucket %d of %d, to %d", b, buckets, highest(b))
	}
	if bucket(-5) != 0 {
		t.Error("before the beginning")
	}
}

// The percentiles are those of the sorted list, to the width of a bucket.
func TestPercentilesAreThoseOfTheList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h Hist
	var all []time.Duration
	for range 50_000 {
		d := time.Duration(r.ExpFloat64() * float64(7*time.Millisecond)).Truncate(time.Microsecond)
		all = append(all, d)
		h.Add(d)
	}
	slices.Sort(all)
	s := h.Snapshot()
	for _, share := range []float64{0, 0.5, 0.9, 0.95, 0.99, 0.9999, 1} {
		want := all[max(0, int(share*float64(len(all))+0.999999)-1)]
		if got := s.At(share); got < want || float64(got) > float64(want)*1.016+1000 {
			t.Errorf("p%g: %v, want %v", share*100, got, want)
		}
	}
	curve := s.Curve()
	if curve[0].Share != 0 || curve[len(curve)-1].Value != s.At(1) || len(curve) < 50 {
		t.Errorf("the curve: %d points", len(curve))
	}
	for i := range curve[1:] {
		if curve[i+1].Share < curve[i].Share || curve[i+1].Value < curve[i].Value {
			t.Errorf("the curve falls at %v", curve[i+1])
		}
	}
}

func TestBetweenTwoSnapshots(t *testing.T) {
	var h Hist
	h.Add(time.Second)
	before := h.Snapshot()
	h.Add(time.Millisecond)
	if d := h.Snapshot().Since(before); d.N != 1 || d.At(1) > 2*time.Millisecond {
		t.Errorf("%d, longest %v", d.N, d.At(1))
	}
	if (&Snapshot{}).At(0.5) != 0 || (&Snapshot{}).Curve() != nil {
		t.Error("nothing has no percentiles")
	}
}
