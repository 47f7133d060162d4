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
// again for nothing. So the room to grow is a fixed amount, as long as that is a sensible share of what is alive.
const (
	roomToGrow  = 20 << 20
	growAtLeast = 20 // percent
	growAtMost  = 400
	lookEvery   = 2 * time.Second
	growTrifle  = 10 // a change of fewer percent points is not worth stopping the program for
)

// growth is the collector's setting for so many bytes alive: how many percent more may be allocated before it runs again.
func growth(alive uint64) int {
	return int(min(growAtMost, max(growAtLeast, roomToGrow*100/max(alive, 1))))
}

// paceCollector sets the collector's pace until ctx ends, unless GOGC says that somebody else has. GOMEMLIMIT holds either way.
func paceCollector(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	alive := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for now := 0; ; {
		metrics.Read(alive)
		if percent := growth(alive[0].Value.Uint64() + alive[1].Value.Uint64()); percent-now > growTrifle || now-percent > growTrifle {
			now = percent
			debug.SetGCPercent(now)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
