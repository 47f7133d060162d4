package client

import (
	"encoding/json"
	"math/rand/v2"
	"time"
)

// The contract's numbers for coming back.
const (
	backFirst = 500 * time.Millisecond
	backMost  = 30 * time.Second
)

// next says when to come back after a close: uniform(0, min(30 s, 0.5 s × 2^n)), within the spread that the server
// names, or never for the codes 44xx but 4401, which asks for a new token and one more try.
func next(code int, reason string, tries int, renewed bool, r *rand.Rand) (wait time.Duration, renew, never bool) {
	if code == 4401 {
		return 0, !renewed, renewed
	}
	if code >= 4400 && code < 4500 {
		return 0, false, true
	}
	if code == 1012 || code == 1001 {
		var say struct {
			Spread int64 `json:"spread_ms"`
		}
		if json.Unmarshal([]byte(reason), &say) == nil && say.Spread > 0 {
			return upTo(time.Duration(say.Spread)*time.Millisecond, r), false, false
		}
	}
	return jitter(tries, r), false, false
}

func jitter(tries int, r *rand.Rand) time.Duration {
	return upTo(min(backMost, backFirst<<min(tries, 10)), r)
}

func upTo(d time.Duration, r *rand.Rand) time.Duration {
	return time.Duration(r.Float64() * float64(d))
}
