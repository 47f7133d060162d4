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
// again for nothing. So the room to grow follows what is allocated: about a second of it, within bounds.
const (
	restRoom  = 4 << 20
	leastRoom = 20 << 20
	mostRoom  = 64 << 20
	moreRoom  = 2 << 20 // at each look: a herd is over before there is much, and leaves less of a patchwork behind

	restPercent  = 5 // of what is alive, at least
	leastPercent = 20
	mostPercent  = 400
)

// percent is the collector's setting for a room to grow and so many bytes alive: how many percent more may be allocated
// before it runs again.
func percent(room, alive, least uint64) int {
	return int(min(mostPercent, max(least, room*100/max(alive, 1))))
}

const (
	lookEvery   = 500 * time.Millisecond
	quietLooks  = 6       // what was allocated lately is that of so many looks
	quietMost   = 6 << 20 // bytes allocated lately that make a rest: ten thousand idle connections, whose sweeps come in bursts, make 4
	worthIt     = 8 << 20 // free bytes that are worth a collection to give them back to the system
	growTrifle  = 10      // a change of fewer percent points is not worth stopping the program for
	restTrifle  = 2
	tellTrifles = 20 // below it, percent points count more
)

// pace follows how much is allocated.
type pace struct {
	allocated uint64 // at the last look, since the program began
	lately    [quietLooks]uint64
	at        int
	resting   bool
	room      uint64 // while it is busy
}

// look is told how much has been allocated in all, and says whether a rest has just begun.
func (p *pace) look(allocated uint64) (restBegins bool) {
	more := allocated - p.allocated
	p.allocated = allocated
	wanted := max(leastRoom, more*uint64(time.Second/lookEvery), p.room-p.room/8)
	p.room = min(mostRoom, wanted, max(leastRoom, p.room+moreRoom))
	p.lately[p.at] = more
	p.at = (p.at + 1) % quietLooks
	sum := uint64(0)
	for _, n := range p.lately {
		sum += n
	}
	before := p.resting
	p.resting = sum <= quietMost
	return p.resting && !before
}

// setting is the collector's, for so many bytes alive.
func (p *pace) setting(alive uint64) int {
	if p.resting {
		return percent(restRoom, alive, restPercent)
	}
	return percent(p.room, alive, leastPercent)
}

// paceCollector sets the collector's pace until ctx ends, unless GOGC says that somebody else has. GOMEMLIMIT holds either
// way. When a rest begins it gives back to the system what the rush before it needed, a herd of connections after a deploy
// above all: the runtime by itself keeps as much as the heap may grow to.
func paceCollector(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	seen := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	var p pace
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for now := 0; ; {
		metrics.Read(seen)
		restBegins := p.look(seen[2].Value.Uint64())
		if next := p.setting(seen[0].Value.Uint64() + seen[1].Value.Uint64()); differs(now, next) {
			now = next
			debug.SetGCPercent(now)
		}
		if restBegins && seen[3].Value.Uint64() >= worthIt {
			debug.FreeOSMemory()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// differs says that it is worth stopping the program to set another percentage.
func differs(now, next int) bool {
	trifle := growTrifle
	if min(now, next) < tellTrifles {
		trifle = restTrifle
	}
	return next-now > trifle || now-next > trifle
}
