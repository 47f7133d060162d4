package main

import (
	"context"
	"errors"
	"fmt"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
)

// What an instance may hold more after the last fault of its life than after the first, so that what a fault leaves
// behind is found even where each fault leaves little. Memory is what is alive after a collection: caches may fill and
// pools may keep a few buffers.
const (
	lifeSlack     = 8
	lifeHeap      = 4 << 20
	lifeHeapShare = 20 // the part of the first reading that may be added, as 1/n
	// redisBuffers is what go-redis keeps for a connection of its pool: 32 KiB to read by and 32 to write.
	redisBuffers = 64 << 10
	// crowdHeap is what caches, which hold 200,000 rooms and as many people, may keep of a crowd: cursorsUnwritten rooms and
	// buyers. 2.5 MiB were seen, about a KiB each.
	crowdHeap = 3 << 20
)

// lives is what is known of the instances' present lives, over all faults of a run.
type lives struct {
	first  map[string]reading // after the first fault of each life
	most   growth             // in a fault
	whole  growth             // from the first fault of a life to the last
	crowds int                // of busy shops that have come
}

type reading struct {
	holding
	fault  string
	crowds int // that had come by then
}

// growth is how much more was held, at most.
type growth struct{ goroutines, files, heap int }

func (g *growth) note(from, to holding) {
	g.goroutines, g.files, g.heap = max(g.goroutines, to.goroutines-from.goroutines), max(g.files, to.files-from.files), max(g.heap, to.heap-from.heap)
}

func (g growth) String() string {
	return fmt.Sprintf("%d goroutines, %d files, %.1f MiB", g.goroutines, g.files, float64(g.heap)/(1<<20))
}

// grew says whether that is more than a life may add in which a thousand rooms and people came and went so often.
func (h holding) grew(first holding, crowds int) bool {
	return h.goroutines > first.goroutines+lifeSlack || h.files > first.files+lifeSlack ||
		h.heap > first.heap+lifeHeap+first.heap/lifeHeapShare+crowds*crowdHeap
}

// judgeLives compares what each instance holds now with what it held after the first fault of its life.
func (s *stage) judgeLives(ctx context.Context, before, now []holding) error {
	if s.lives.first == nil {
		s.lives.first = map[string]reading{}
	}
	for n, i := range s.cluster.Instances {
		life := fmt.Sprintf("%s, life %d", i.Name, i.Life())
		first, lived := s.lives.first[life]
		if !lived {
			if err := warm(ctx, "http://"+i.Addr); err != nil {
				return fmt.Errorf("%s: %w", i.Name, err)
			}
		}
		if err := i.Collect(ctx); err != nil {
			return err
		}
		u, err := i.Use(ctx)
		if err != nil {
			return err
		}
		now[n].heap = u.Heap - now[n].redis*redisBuffers
		if !lived {
			s.lives.first[life] = reading{now[n], s.fault.name, s.lives.crowds}
			continue
		}
		before[n].heap = now[n].heap // was not collected: the heap is looked at over the life alone
		s.lives.most.note(before[n], now[n])
		s.lives.whole.note(first.holding, now[n])
		if now[n].grew(first.holding, s.lives.crowds-first.crowds) {
			s.violatef(checker.Leak, "%s holds more with each fault: since %q goroutines %d → %d, files %d → %d, memory %d → %d KiB", life, first.fault,
				first.goroutines, now[n].goroutines, first.files, now[n].files, first.heap>>10, now[n].heap>>10)
		}
	}
	return nil
}

// warm has an instance load what it loads once, a MiB of common passwords, which else would count as grown when the first
// person of its life signs up in a later fault. The sign-up is refused: its password is one of them.
func warm(ctx context.Context, base string) error {
	defer client.Forget() // or its connection would be held
	err := (&client.Account{Base: base, Email: "nobody@faults.test", Password: "password123"}).SignUp(ctx, "nobody")
	var refused *client.Problem
	if !errors.As(err, &refused) || refused.Code != "weak_password" {
		return fmt.Errorf("a common password was not refused: %w", err)
	}
	return nil
}
