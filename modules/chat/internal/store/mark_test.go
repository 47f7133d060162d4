package store

import (
	"testing"
	"time"
)

// How far a look for changes goes back does not depend on whether clocks run on, stand still or are set.
func TestHowFarALookGoesBack(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { x := noon.Add(d); return &x }
	var m Mark
	for _, step := range []struct {
		name        string
		now, proven *time.Time
		failed      bool
		since       *time.Time
	}{
		{"nothing proven yet", at(0), nil, false, at(-lookUnproven)},
		{"still nothing", at(2 * time.Second), nil, false, at(2*time.Second - lookUnproven)},
		{"proven", at(4 * time.Second), at(3 * time.Second), false, at(4*time.Second - lookUnproven)},
		{"all is well", at(6 * time.Second), at(5 * time.Second), false, at(3*time.Second - lookBack)},
		{"no COMMIT comes back", at(60 * time.Second), at(5 * time.Second), false, at(5*time.Second - lookBack)},
		{"nor now", at(120 * time.Second), at(5 * time.Second), false, at(5*time.Second - lookBack)},
		{"they have come back", at(122 * time.Second), at(121 * time.Second), false, at(5*time.Second - lookBack)},
		{"the database is away", at(124 * time.Second), at(123 * time.Second), true, at(121*time.Second - lookBack)},
		{"it is back", at(240 * time.Second), at(239 * time.Second), false, at(121*time.Second - lookBack)},
		{"the clock is set an hour ahead", at(time.Hour), at(241 * time.Second), false, at(239*time.Second - lookBack)},
		{"it runs on", at(time.Hour + 2*time.Second), at(time.Hour + time.Second), false, at(241*time.Second - lookBack)},
		{"it is set back", at(300 * time.Second), at(time.Hour + 2*time.Second), false, at(300*time.Second - lookBack)},
		{"and runs on", at(302 * time.Second), at(301 * time.Second), false, at(300*time.Second - lookBack)},
	} {
		if since := m.Since(*step.now); !since.Equal(*step.since) {
			t.Errorf("%s: since %v, want %v", step.name, since.Sub(noon), step.since.Sub(noon))
		}
		if !step.failed {
			m = m.After(*step.now, step.proven)
		}
	}
}
