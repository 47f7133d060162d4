package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The collector's own rule lets the heap grow by as much as is alive in it, stacks included. For a chat that is wrong at
// both ends: with few connections it collects all the time, and with ten thousand, which hardly allocate, it keeps as much
// again for nothing. So the room to grow is a fixed amount, as long as that is a sensible share of what is alive, and less
// while little is allocated.
type growth struct {
	room        uint64 // bytes
	least, most int    // percent of what is alive
}

var (
	busy   = growth{room: 20 << 20, least: 20, most: 400}
	atRest = growth{room: 4 << 20, least: 5, most: 400}
)

// percent is the collector's setting for so many bytes alive: how many percent more may be allocated before it runs again.
func (g growth) percent(alive uint64) int {
	return int(min(uint64(g.most), max(uint64(g.least), g.room*100/max(alive, 1))))
}

const (
	lookEvery   = 500 * time.Millisecond
	quietMost   = 2 << 20 // bytes allocated between two looks that are little: ten thousand idle connections, whose sweeps come in bursts, make 1
	quietLooks  = 6       // so many looks in a row at which it was little make a rest
	worthIt     = 8 << 20 // free bytes that are worth a collection to give them back to the system
	growTrifle  = 10      // a change of fewer percent points is not worth stopping the program for
	restTrifle  = 2
	tellTrifles = 20 // below it, percent points count more
)

// pace follows how much is allocated.
type pace struct {
	allocated uint64 // at the last look, since the program began
	quiet     int
}

// look says how much the heap may grow when so much has been allocated in all, and whether a rest has just begun.
func (p *pace) look(allocated uint64) (g growth, restBegins bool) {
	little := allocated-p.allocated <= quietMost
	p.allocated = allocated
	if !little {
		p.quiet = 0
		return busy, false
	}
	if p.quiet < quietLooks {
		p.quiet++
		restBegins = p.quiet == quietLooks
	}
	if p.quiet < quietLooks {
		return busy, false
	}
	return atRest, restBegins
}

// paceCollector sets the collector's pace until ctx ends, unless GOGC says that somebody else has. GOMEMLIMIT holds either
// way. When a rest begins it gives back to the system what the rush before it needed, a herd of connections after a deploy
// above all: the runtime by itself keeps as much as the heap may grow to.
func paceCollector(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	seen := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	var p pace
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for now := 0; ; {
		metrics.Read(seen)
		g, restBegins := p.look(seen[2].Value.Uint64())
		if percent := g.percent(seen[0].Value.Uint64() + seen[1].Value.Uint64()); differs(now, percent) {
			now = percent
			debug.SetGCPercent(now)
		}
		if restBegins && seen[3].Value.Uint64() >= worthIt {
			debug.FreeOSMemory()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// differs says that it is worth stopping the program to set another percentage.
func differs(now, percent int) bool {
	trifle := growTrifle
	if min(now, percent) < tellTrifles {
		trifle = restTrifle
	}
	return percent-now > trifle || now-percent > trifle
}
