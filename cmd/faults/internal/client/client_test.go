package client

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Whatever the order and however often messages come, the view is 1, 2, 3 … once each.
func TestViewPutsAnyOrderInOrder(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		const n = 30
		coming := append(r.Perm(n), r.Perm(n)...)
		v := View{Base: 7}
		for _, i := range coming {
			v.Take(Item{Seq: 8 + int64(i)})
		}
		if v.Last() != 7+n || v.Gap() {
			t.Fatalf("seed %d: last %d, gap %v", seed, v.Last(), v.Gap())
		}
		for i, m := range v.Items {
			if m.Seq != 8+int64(i) {
				t.Fatalf("seed %d: %d at place %d", seed, m.Seq, i)
			}
		}
	}
	v := View{}
	v.Take(Item{Seq: 2})
	if !v.Gap() || v.Last() != 0 {
		t.Error("a message that came too soon must wait")
	}
}

func TestCloseCodesSayWhenToComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		name    string
		code    int
		reason  string
		tries   int
		renewed bool
		most    time.Duration
		renew   bool
		never   bool
	}{
		{"deploy within the spread", 1012, `{"spread_ms":2000}`, 9, false, 2 * time.Second, false, false},
		{"a broken link at first", 1006, "", 0, false, 500 * time.Millisecond, false, false},
		{"a broken link at last", 1006, "", 50, false, 30 * time.Second, false, false},
		{"slow reader", 4508, "", 1, false, time.Second, false, false},
		{"token", 4401, "", 0, false, 0, true, false},
		{"token, twice", 4401, "", 0, true, 0, false, true},
		{"abuse", 4400, "", 0, false, 0, false, true},
		{"too many", 4409, "", 0, false, 0, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 200 {
				wait, renew, never := next(c.code, c.reason, c.tries, c.renewed, r)
				if wait > c.most || renew != c.renew || never != c.never {
					t.Fatalf("wait %v renew %v never %v", wait, renew, never)
				}
			}
		})
	}
}
