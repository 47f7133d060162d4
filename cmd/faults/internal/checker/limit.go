package checker

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Send is one send that got through: it was counted at some moment between the two.
type Send struct{ Asked, Acked time.Time }

// JudgeRate names the worst stretch in which more than burst + rate*t of a member's sends got through, on all instances together.
// Whatever the true moments were, sends that were asked for and acked within a stretch were counted within it.
func JudgeRate(member string, sends []Send, rate float64, burst int) (found []Violation) {
	byAck := slices.Clone(sends)
	slices.SortFunc(byAck, func(a, b Send) int { return cmp.Compare(a.Acked.UnixNano(), b.Acked.UnixNano()) })
	worst, text := 0.0, ""
	for _, from := range sends {
		n := 0
		for _, s := range byAck {
			if s.Asked.Before(from.Asked) {
				continue
			}
			n++
			t := s.Acked.Sub(from.Asked)
			if over := float64(n) - float64(burst) - rate*t.Seconds(); over >= 1 && over > worst {
				worst, text = over, fmt.Sprintf("%d sends got through within %v: %.0f more than %d and %g a second allow", n, t.Round(time.Millisecond), over, burst, rate)
			}
		}
	}
	if text != "" {
		found = append(found, Violation{Other, member, "", 0, text})
	}
	return found
}
