// Package schedule says when an open-loop load's messages are due. It knows nothing of answers: people do not wait
// with their questions until the server is ready for them.
package schedule

import (
	"context"
	"math/rand/v2"
	"time"
)

// Poisson are arrivals of many people who know nothing of each other.
type Poisson struct {
	rnd  *rand.Rand
	mean float64 // µs between two
	next float64
}

// NewPoisson makes arrivals of so many a second from a moment on, in microseconds since the run began.
func NewPoisson(perSecond float64, from int64, seed uint64) *Poisson {
	p := &Poisson{rnd: rand.New(rand.NewPCG(seed, 0)), mean: 1e6 / perSecond, next: float64(from)} //nolint:gosec // the same for the same seed
	p.advance()
	return p
}

func (p *Poisson) advance() { p.next += p.rnd.ExpFloat64() * p.mean }

// Next gives when the next one is due and goes on to the one after it.
func (p *Poisson) Next() (at int64) {
	at = int64(p.next)
	p.advance()
	return at
}

// Play calls do for each arrival until one is due after until, or ctx ends. now is the run's clock. When do or the
// machine holds it up, the missed arrivals follow at once, each with the time at which it was due.
func (p *Poisson) Play(ctx context.Context, now func() int64, until int64, do func(at int64)) {
	for at := p.Next(); at < until; at = p.Next() {
		for wait := at - now(); wait > 0 && ctx.Err() == nil; wait = at - now() {
			doze(min(time.Duration(wait)*time.Microsecond, longestDoze))
		}
		if ctx.Err() != nil {
			return
		}
		do(at)
	}
}

// longestDoze is how long the end of the context may go unnoticed.
const longestDoze = 50 * time.Millisecond
