package bucket

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"
)

func key(n uint64) (k Key) {
	binary.BigEndian.PutUint64(k.Who[:], n)
	return k
}

func TestABucketGivesItsBurstAndThenItsRate(t *testing.T) {
	s, l := NewStore(1000), PerMinute(60, 3)
	for i, tc := range []struct {
		at   time.Duration
		ok   bool
		wait time.Duration
	}{
		{0, true, 0}, {0, true, 0}, {0, true, 0}, {0, false, time.Second}, {400 * time.Millisecond, false, 600 * time.Millisecond},
		{time.Second, true, 0}, {time.Second, false, time.Second}, {time.Hour, true, 0}, {time.Hour, true, 0}, {time.Hour, true, 0},
		{time.Hour, false, time.Second},
	} {
		if wait, ok := s.take(key(1), l, tc.at); ok != tc.ok || wait != tc.wait {
			t.Errorf("%d, at %v: %v, %v, want %v, %v", i, tc.at, wait, ok, tc.wait, tc.ok)
		}
	}
}

// A rate of which a fraction is left is a rate still, and none is no limit.
func TestLimits(t *testing.T) {
	s := NewStore(1000)
	slow := PerMinute(0.5, 0.25)
	if _, ok := s.take(key(1), slow, 0); !ok {
		t.Error("a burst of less than one lets nobody in")
	}
	if wait, ok := s.take(key(1), slow, time.Minute); ok || wait != time.Minute {
		t.Errorf("half a token after half the time: %v, %v", wait, ok)
	}
	for range 1000 {
		if _, ok := s.take(key(2), PerMinute(0, 5), 0); !ok {
			t.Fatal("no limit limits")
		}
	}
	if n := s.Len(); n != 1 {
		t.Errorf("%d buckets for one who is limited", n)
	}
}

// However many come, no more than so many are remembered; who asks too much is not forgotten for them, and who has been
// away for long is the first to be.
func TestTheStoreIsBounded(t *testing.T) {
	const most = 64 * 64
	s, l := NewStore(most), PerMinute(60, 10)
	for range 10 {
		s.take(key(0), l, 0)
	}
	for n := uint64(1); n <= 100_000; n++ {
		s.take(key(n), l, 0)
	}
	if n := s.Len(); n > most {
		t.Errorf("%d buckets, want at most %d", n, most)
	}
	if _, ok := s.take(key(0), l, 0); ok {
		t.Error("a crowd of strangers emptied the memory of who asked too much")
	}
	for n := uint64(1); n <= 200; n++ {
		s.take(key(n+1_000_000), l, time.Hour)
	}
	if n := s.Len(); n > most/2 {
		t.Errorf("%d buckets are kept though nearly all are full", n)
	}
}

// Many ask at once: each gets what is theirs and not one more, whoever else asks.
func TestNobodysBucketIsAnothers(t *testing.T) {
	const people, burst = 50, 20
	s, l := NewStore(100_000), PerMinute(0.001, burst)
	var got [people][2]int
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range burst {
				for who := range people {
					for of := range 2 {
						k := key(uint64(who))
						k.Of = uint8(of)
						if _, ok := s.Take(k, l); ok {
							mu.Lock()
							got[who][of]++
							mu.Unlock()
						}
					}
				}
			}
		})
	}
	wait.Wait()
	for who := range people {
		if got[who] != [2]int{burst, burst} {
			t.Errorf("%d got %v, want %d of each", who, got[who], burst)
		}
	}
}

func TestPlacesAreGivenBack(t *testing.T) {
	p := NewPlaces()
	if !p.Enter(key(1), 2) || !p.Enter(key(1), 2) || p.Enter(key(1), 2) {
		t.Error("two places are not two")
	}
	if !p.Enter(key(2), 2) {
		t.Error("another's places are taken")
	}
	p.Leave(key(1))
	if !p.Enter(key(1), 2) || p.Enter(key(1), 2) {
		t.Error("a place that was left is not there")
	}
	for range 100 {
		if !p.Enter(key(3), 0) {
			t.Fatal("no limit limits")
		}
	}
	for range 100 {
		p.Leave(key(3))
	}
	p.Leave(key(1))
	p.Leave(key(1))
	p.Leave(key(2))
	for i := range p.parts {
		if n := len(p.parts[i].taken); n != 0 {
			t.Errorf("%d are remembered who have nothing under way", n)
		}
	}
}

func TestTakingAllocatesNothing(t *testing.T) {
	s, p, l := NewStore(1000), NewPlaces(), PerMinute(1e9, 1e9)
	k := key(7)
	s.Take(k, l)
	if n := testing.AllocsPerRun(1000, func() {
		s.Take(k, l)
		p.Enter(k, 5)
		p.Leave(k)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTake(b *testing.B) {
	s, l := NewStore(1<<17), PerMinute(1e12, 1e12)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for n := uint64(0); pb.Next(); n++ {
			s.Take(key(n%1000), l)
		}
	})
}
