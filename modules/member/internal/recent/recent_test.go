package recent

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mall/modules/member/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// table stands for the database: it counts queries and can hold one open.
type table struct {
	mu      sync.Mutex
	rows    map[id.ID]store.Login
	queries atomic.Int64
	hold    chan struct{}
	now     func() time.Time
}

func (b *table) load(_ context.Context, ids []id.ID) ([]*Session, error) {
	b.queries.Add(1)
	readAt := b.now()
	b.mu.Lock()
	var found []*Session
	for _, x := range ids {
		if row, ok := b.rows[x]; ok {
			found = append(found, &Session{Login: row, ReadAt: readAt})
		}
	}
	hold := b.hold
	b.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return found, nil
}

func (b *table) put(row store.Login) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows[row.ID] = row
}

func newTable(size int) (*table, *Cache) {
	b := &table{rows: map[id.ID]store.Login{}, now: time.Now}
	return b, New(size, 3*time.Second, time.Now, b.load)
}

func get(t *testing.T, c *Cache, session id.ID) *Session {
	t.Helper()
	s, err := c.Get(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnswersFromMemoryForItsLife(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	b := &table{rows: map[id.ID]store.Login{}, now: clock}
	c := New(10, 3*time.Second, clock, b.load)
	row := store.Login{ID: id.New(), Name: "before"}
	b.put(row)
	get(t, c, row.ID)
	row.Name = "after"
	b.put(row)
	now = now.Add(3*time.Second - 1)
	if s := get(t, c, row.ID); s.Name != "before" || b.queries.Load() != 1 {
		t.Errorf("within its life: %q after %d queries", s.Name, b.queries.Load())
	}
	now = now.Add(1)
	if s := get(t, c, row.ID); s.Name != "after" || b.queries.Load() != 2 {
		t.Errorf("after its life: %q after %d queries", s.Name, b.queries.Load())
	}
}

func TestManyAskersCostOneQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := newTable(10)
		row := store.Login{ID: id.New()}
		b.put(row)
		b.hold = make(chan struct{})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { get(t, c, row.ID) })
		}
		synctest.Wait()
		close(b.hold)
		wg.Wait()
		if n := b.queries.Load(); n != 1 {
			t.Errorf("%d queries, want 1", n)
		}
	})
}

// A herd asks for many sessions at once: whoever waits while a few queries are under way shares the next one.
func TestAHerdSharesQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := newTable(1000)
		rows := make([]store.Login, 300)
		for i := range rows {
			rows[i] = store.Login{ID: id.New(), Name: string(rune('a' + i))}
			b.put(rows[i])
		}
		b.hold = make(chan struct{})
		var wg sync.WaitGroup
		for _, row := range rows {
			wg.Go(func() {
				if got := get(t, c, row.ID); got.Name != row.Name {
					t.Errorf("%q got %q", row.Name, got.Name)
				}
			})
		}
		synctest.Wait()
		close(b.hold)
		wg.Wait()
		if n := b.queries.Load(); n > maxLoaders+1 {
			t.Errorf("%d queries, want at most %d", n, maxLoaders+1)
		}
		if _, err := c.Get(t.Context(), id.New()); fault.KindOf(err) != fault.NotFound {
			t.Errorf("a session that is not there: %v", err)
		}
	})
}

// A load that read the row before it was revoked must neither be kept nor be given to those who come later.
func TestForgetBeatsALoadUnderWay(t *testing.T) {
	for name, forget := range map[string]func(*Cache, store.Login){
		"by session": func(c *Cache, row store.Login) { c.Forget(row.ID) },
		"by member":  func(c *Cache, row store.Login) { c.ForgetMembers(map[id.ID]struct{}{row.MemberID: {}}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, c := newTable(10)
				row := store.Login{ID: id.New(), MemberID: id.New()}
				b.put(row)
				held := make(chan struct{})
				b.hold = held
				var early sync.WaitGroup
				early.Go(func() { get(t, c, row.ID) })
				synctest.Wait() // it has read, and waits
				revoked := time.Now()
				row.RevokedAt = &revoked
				b.put(row)
				b.mu.Lock()
				b.hold = nil
				b.mu.Unlock()
				forget(c, row)
				if s := get(t, c, row.ID); s.RevokedAt == nil {
					t.Error("an asker after Forget joined the load from before it")
				}
				close(held)
				early.Wait()
				if s := get(t, c, row.ID); s.RevokedAt == nil {
					t.Error("the load from before Forget was kept")
				}
			})
		})
	}
}

func TestForgetMembersLeavesOthers(t *testing.T) {
	b, c := newTable(10)
	mine, other := store.Login{ID: id.New(), MemberID: id.New()}, store.Login{ID: id.New(), MemberID: id.New()}
	b.put(mine)
	b.put(other)
	get(t, c, mine.ID)
	get(t, c, other.ID)
	c.ForgetMembers(map[id.ID]struct{}{mine.MemberID: {}})
	get(t, c, other.ID)
	if n := b.queries.Load(); n != 2 {
		t.Errorf("the other member was asked for again: %d queries", n)
	}
	get(t, c, mine.ID)
	if n := b.queries.Load(); n != 3 {
		t.Errorf("the member is still remembered: %d queries", n)
	}
}

func TestGetAllAsksOnceForWhatIsMissing(t *testing.T) {
	b, c := newTable(10)
	rows := []store.Login{{ID: id.New()}, {ID: id.New()}, {ID: id.New()}}
	for _, r := range rows {
		b.put(r)
	}
	get(t, c, rows[0].ID)
	found, err := c.GetAll(t.Context(), []id.ID{rows[0].ID, rows[1].ID, rows[2].ID, id.New()})
	if err != nil || len(found) != 3 || b.queries.Load() != 2 {
		t.Errorf("%d sessions after %d queries: %v", len(found), b.queries.Load(), err)
	}
	if _, err := c.GetAll(t.Context(), []id.ID{rows[1].ID, rows[2].ID}); err != nil || b.queries.Load() != 2 {
		t.Errorf("what GetAll read is not remembered: %d queries, %v", b.queries.Load(), err)
	}
}

func TestUnknownSessionsAreNotKept(t *testing.T) {
	_, c := newTable(10)
	for range 100 {
		if _, err := c.Get(t.Context(), id.New()); fault.KindOf(err) != fault.NotFound {
			t.Fatal(err)
		}
	}
	if n := c.entries.EstimatedSize(); n != 0 {
		t.Errorf("%d made-up sessions take room", n)
	}
}

func TestAnAskerMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := newTable(10)
		row := store.Login{ID: id.New()}
		b.put(row)
		b.hold = make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Get(ctx, row.ID); !errors.Is(err, context.Canceled) {
				t.Errorf("the one who left got %v", err)
			}
		})
		wg.Go(func() { get(t, c, row.ID) }) // the one who stays is served
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(b.hold)
		wg.Wait()
	})
}

func TestSizeIsBounded(t *testing.T) {
	b, c := newTable(10)
	for range 1000 {
		row := store.Login{ID: id.New()}
		b.put(row)
		get(t, c, row.ID)
	}
	c.entries.CleanUp()
	if n := c.entries.EstimatedSize(); n > 10 {
		t.Errorf("%d entries, want at most 10", n)
	}
}
