// Package recent remembers for a moment what the database says about sessions, so that a busy client costs
// no query a request.
package recent

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"mall/modules/member/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// loadTimeout bounds a load, which serves many callers, so that no single caller's context can; and how long a caller
// waits for its turn and its load together. It leaves time to answer whoever sends a message within 3 s.
const loadTimeout = 2 * time.Second

var errSlow = fault.Retry(fault.Unavailable, "unavailable", "The mall cannot reach its records at the moment.", time.Second)

// Session is a login as the database had it at ReadAt, ended or not. It is shared: never change one.
type Session struct {
	store.Login

	Shops  []identity.ShopRole
	ReadAt time.Time // taken before the query
}

// Load reads sessions; unknown ids are left out.
type Load func(ctx context.Context, ids []id.ID) ([]*Session, error)

// Cache is bounded in size and in the age of what it answers. It is safe for concurrent use.
type Cache struct {
	entries *otter.Cache[id.ID, *Session]
	life    time.Duration
	now     func() time.Time
	load    Load
	flights singleflight.Group

	waits   sync.Mutex
	waiting []*wait // sessions that the next query will ask for
	loaders int

	mu         sync.RWMutex
	generation uint64 // grows with every Forget; what was read in an older one is not kept
}

// New makes a cache of at most size sessions, none answered later than life after it was read.
func New(size int, life time.Duration, now func() time.Time, load Load) *Cache {
	entries := otter.Must(&otter.Options[id.ID, *Session]{MaximumSize: size})
	return &Cache{entries: entries, life: life, now: now, load: load}
}

// Get answers a session, from memory or by one query for all who ask at the same time. Errors: fault.NotFound,
// fault.Unavailable when that takes too long, those of the load, and ctx's own.
func (c *Cache) Get(ctx context.Context, session id.ID) (*Session, error) {
	if s, ok := c.fresh(session); ok {
		return s, nil
	}
	generation := c.current()
	flight := c.flights.DoChan(flightKey(session, generation), func() (any, error) { return c.together(session) })
	patience := time.NewTimer(loadTimeout)
	defer patience.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-patience.C:
		return nil, errSlow
	case r := <-flight:
		if r.Err != nil {
			return nil, r.Err
		}
		if found, ok := r.Val.(*Session); ok && found != nil {
			return found, nil
		}
		return nil, fault.Missing("session")
	}
}

// A herd that comes back asks for thousands of sessions at once: a few queries are under way, and whatever waits
// for the next one shares it.
const (
	maxLoaders = 4
	maxBatch   = 500
)

// wait is a session that somebody waits for; found is nil when there is none.
type wait struct {
	session id.ID
	found   *Session
	err     error
	done    chan struct{}
}

// together reads a session in one query with others that are wanted now.
func (c *Cache) together(session id.ID) (*Session, error) {
	w := &wait{session: session, done: make(chan struct{})}
	c.waits.Lock()
	c.waiting = append(c.waiting, w)
	start := c.loaders < maxLoaders
	if start {
		c.loaders++
	}
	c.waits.Unlock()
	if start {
		c.loadWaiting()
	}
	<-w.done
	return w.found, w.err
}

// loadWaiting reads batch after batch until nobody waits.
func (c *Cache) loadWaiting() {
	for batch := c.takeWaiting(); len(batch) > 0; batch = c.takeWaiting() {
		ids := make([]id.ID, len(batch))
		for i, w := range batch {
			ids[i] = w.session
		}
		ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
		found, err := c.read(ctx, ids, c.current())
		cancel()
		bySession := make(map[id.ID]*Session, len(found))
		for _, s := range found {
			bySession[s.ID] = s
		}
		for _, w := range batch {
			w.found, w.err = bySession[w.session], err
			close(w.done)
		}
	}
}

// takeWaiting takes the next batch, or ends the loader that asks.
func (c *Cache) takeWaiting() []*wait {
	c.waits.Lock()
	defer c.waits.Unlock()
	n := min(len(c.waiting), maxBatch)
	batch := c.waiting[:n:n]
	c.waiting = c.waiting[n:]
	if n == 0 {
		c.loaders--
	}
	return batch
}

// GetAll answers many sessions, with one query for those that are not in memory; unknown ids are left out.
func (c *Cache) GetAll(ctx context.Context, sessions []id.ID) ([]*Session, error) {
	found := make([]*Session, 0, len(sessions))
	var missing []id.ID
	for _, x := range sessions {
		if s, ok := c.fresh(x); ok {
			found = append(found, s)
		} else {
			missing = append(missing, x)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	read, err := c.read(ctx, missing, c.current())
	return append(found, read...), err
}

// Forget drops a session. Whoever asks from now on gets what the database says then.
func (c *Cache) Forget(session id.ID) {
	c.nextGeneration()
	c.entries.Invalidate(session)
}

// ForgetMembers drops all sessions of some members. It looks at every entry: that is a millisecond, and rare.
func (c *Cache) ForgetMembers(members map[id.ID]struct{}) {
	c.nextGeneration()
	for session, s := range c.entries.All() {
		if _, ok := members[s.MemberID]; ok {
			c.entries.Invalidate(session)
		}
	}
}

func (c *Cache) fresh(session id.ID) (*Session, bool) {
	s, ok := c.entries.GetIfPresent(session)
	return s, ok && c.now().Sub(s.ReadAt) < c.life
}

func (c *Cache) read(ctx context.Context, sessions []id.ID, generation uint64) ([]*Session, error) {
	read, err := c.load(ctx, sessions)
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.generation == generation { // else it may have been read before what made somebody call Forget
		for _, s := range read {
			c.entries.Set(s.ID, s)
		}
	}
	return read, nil
}

func (c *Cache) current() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.generation
}

// nextGeneration waits for loads that are being stored, so that the caller's Invalidate comes after them.
func (c *Cache) nextGeneration() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
}

// flightKey keeps callers who come after a Forget from joining a load that began before it.
func flightKey(session id.ID, generation uint64) string {
	return string(binary.BigEndian.AppendUint64(session[:], generation))
}
