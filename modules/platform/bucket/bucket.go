// Package bucket counts in memory how often somebody asks, and how much of theirs is under way.
package bucket

import (
	"hash/maphash"
	"sync"
	"time"
)

// Limit is a token bucket: so many at once, and then one each step. The zero Limit is none.
type Limit struct {
	step, room time.Duration
}

// PerMinute is a limit of so many a minute; burst may come at once. Where either is zero or less there is no limit.
func PerMinute(rate, burst float64) Limit {
	if rate <= 0 || burst <= 0 {
		return Limit{}
	}
	step := max(1, time.Duration(float64(time.Minute)/rate))
	return Limit{step, max(step, time.Duration(float64(step)*burst))}
}

// Key names a bucket: of what, and whose.
type Key struct {
	Of  uint8
	Who [16]byte
}

// parts is in how many a store is divided, so that those who ask at once seldom wait for each other.
const parts = 64

// Store keeps buckets, at most so many. It holds for each when it will be full again; one that is full is forgotten. It is
// safe for concurrent use.
type Store struct {
	seed  maphash.Seed
	began time.Time
	most  int // in a part
	parts [parts]part
}

type part struct {
	mu    sync.Mutex
	fulls map[Key]time.Duration // from the store's beginning
	swept time.Duration
}

// NewStore makes a store that remembers at most so many buckets.
func NewStore(most int) *Store {
	s := &Store{seed: maphash.MakeSeed(), began: time.Now(), most: max(1, most/parts)}
	for i := range s.parts {
		s.parts[i].fulls = map[Key]time.Duration{}
	}
	return s
}

// Take takes a token. Where there is none it says how long one takes to come.
func (s *Store) Take(k Key, l Limit) (wait time.Duration, ok bool) {
	return s.take(k, l, time.Since(s.began))
}

func (s *Store) take(k Key, l Limit, now time.Duration) (wait time.Duration, ok bool) {
	if l.step == 0 {
		return 0, true
	}
	p := &s.parts[shard(s.seed, k)]
	p.mu.Lock()
	defer p.mu.Unlock()
	full, known := p.fulls[k]
	full = max(full, now) + l.step
	if wait := full - now - l.room; wait > 0 {
		return wait, false
	}
	if !known && len(p.fulls) >= s.most {
		p.makeRoom(now)
	}
	p.fulls[k] = full
	return 0, true
}

func shard(seed maphash.Seed, k Key) uint64 { return maphash.Bytes(seed, k.Who[:]) % parts }

const (
	sweepEvery = time.Second
	looks      = 16
)

// makeRoom forgets the buckets that are full; they are as good as unknown. When there are none it forgets, of some, the one
// that is full soonest: whoever asks too much is remembered longest, however many strangers come.
func (p *part) makeRoom(now time.Duration) {
	if now-p.swept >= sweepEvery {
		p.swept = now
		before := len(p.fulls)
		for k, full := range p.fulls {
			if full <= now {
				delete(p.fulls, k)
			}
		}
		if len(p.fulls) < before {
			return
		}
	}
	var soonest Key
	least, seen := time.Duration(0), 0
	for k, full := range p.fulls { // Go begins anywhere
		if seen == 0 || full < least {
			soonest, least = k, full
		}
		if seen++; seen == looks {
			break
		}
	}
	delete(p.fulls, soonest)
}

// Len is how many buckets are remembered.
func (s *Store) Len() (n int) {
	for i := range s.parts {
		p := &s.parts[i]
		p.mu.Lock()
		n += len(p.fulls)
		p.mu.Unlock()
	}
	return n
}

// Places counts what is under way. It is safe for concurrent use.
type Places struct {
	seed  maphash.Seed
	parts [parts]struct {
		mu    sync.Mutex
		taken map[Key]int
	}
}

// NewPlaces counts from nothing.
func NewPlaces() *Places {
	p := &Places{seed: maphash.MakeSeed()}
	for i := range p.parts {
		p.parts[i].taken = map[Key]int{}
	}
	return p
}

// Enter takes one of somebody's places, of which there are so many; 0: any number. Leave must follow where it says true.
func (p *Places) Enter(k Key, most int) bool {
	part := &p.parts[shard(p.seed, k)]
	part.mu.Lock()
	defer part.mu.Unlock()
	n := part.taken[k]
	if most > 0 && n >= most {
		return false
	}
	part.taken[k] = n + 1
	return true
}

// Leave gives the place back.
func (p *Places) Leave(k Key) {
	part := &p.parts[shard(p.seed, k)]
	part.mu.Lock()
	defer part.mu.Unlock()
	if n := part.taken[k]; n > 1 {
		part.taken[k] = n - 1
	} else {
		delete(part.taken, k)
	}
}
