package writer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/chat/internal/writer"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// batches is a store whose first call waits until it is opened, and the sizes of all calls.
type batches struct {
	gate
	entered, open chan struct{}
	mu            sync.Mutex
	sizes         []int
}

func holdFirst(d *db.DB) *batches {
	b := &batches{entered: make(chan struct{}), open: make(chan struct{})}
	b.gate = gate{Store: store.New(d), before: func(drafts []store.Draft, _ bool) {
		b.mu.Lock()
		b.sizes = append(b.sizes, len(drafts))
		first := len(b.sizes) == 1
		b.mu.Unlock()
		if first {
			close(b.entered)
			<-b.open
		}
	}}
	return b
}

func (b *batches) taken() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sizes)
}

// What comes while a batch is on its way is the next one: many senders share a few transactions.
func TestSendsShareTransactions(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := holdFirst(d)
		w := start(t, patient, s)
		rooms := []store.Room{openRoom(t, d), openRoom(t, d), openRoom(t, d)}
		all := []sent{send(t, w, draft(rooms[0], "0"))}
		<-s.entered
		for i := 1; i < 200; i++ {
			all = append(all, send(t, w, draft(rooms[i%3], fmt.Sprint(i))))
		}
		close(s.open)
		for _, one := range all {
			one.stored(t, 0)
		}
		if got := s.taken(); !slices.Equal(got, []int{1, 100, 99}) {
			t.Errorf("batches of %v", got)
		}
		for i, r := range rooms {
			for j, body := range bodies(t, d, r.ID) {
				if body != fmt.Sprint(i+3*j) {
					t.Fatalf("room %d: %q is number %d", i, body, j+1)
				}
			}
		}
	})
}

// However many send at once, a room's answers come in the order of its numbers, without a gap.
func TestAnswersComeInOrder(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		cfg := patient
		cfg.Batch = 7
		if d.Dialect() == db.MySQL {
			cfg.Lanes = 4
		}
		w := start(t, cfg, store.New(d))
		rooms := make([]store.Room, 5)
		last := map[id.ID]*atomic.Int64{}
		for i := range rooms {
			rooms[i] = openRoom(t, d)
			last[rooms[i].ID] = &atomic.Int64{}
		}
		const senders, each = 8, 25
		var wg, answers sync.WaitGroup
		for range senders {
			wg.Go(func() {
				for i := range each {
					answers.Add(1)
					w.Enqueue(draft(rooms[i%len(rooms)], "x"), time.Now(), func(o store.Outcome) {
						defer answers.Done()
						if before := last[o.Message.RoomID].Swap(o.Message.Seq); o.Err != nil || o.Message.Seq != before+1 {
							t.Errorf("%d was answered after %d: %v", o.Message.Seq, before, o.Err)
						}
					})
				}
			})
		}
		wg.Wait()
		answers.Wait()
		for _, r := range rooms {
			if n := len(bodies(t, d, r.ID)); n != senders*each/len(rooms) {
				t.Errorf("%d stored", n)
			}
		}
	})
}

func TestOneKeyIsOneMessage(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := start(t, patient, store.New(d))
		one := draft(openRoom(t, d), "once")
		all := make([]sent, 20)
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() { all[i] = send(t, w, one) })
		}
		wg.Wait()
		fresh := 0
		for _, s := range all {
			if o := s.stored(t, 1); !o.Dup {
				fresh++
			}
		}
		if got := bodies(t, d, one.RoomID); fresh != 1 || len(got) != 1 {
			t.Errorf("%d are told that theirs is new, stored %q", fresh, got)
		}
		other := one
		other.Body = "something else"
		send(t, w, other).refused(t, fault.Conflict)
	})
}

// A retry that a rule refuses today waits for its first try, wherever that is: in the same lane, or in a transaction of
// another instance that has not ended. Then it is answered as the first try was.
func TestARefusalWaitsForTheFirstTry(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		var tries atomic.Int64
		s := store.New(d)
		w := start(t, patient, gate{Store: s, before: func([]store.Draft, bool) { tries.Add(1) }})
		room := openRoom(t, d)
		refused := func(first store.Draft) store.Draft {
			first.Refusal = fault.New(fault.Invalid, "too_long", "Too long.")
			return first
		}
		one, two := draft(room, "1"), draft(room, "2")
		var first, again, elsewhere sent
		check(t, d.Tx(t.Context(), func(ctx context.Context) error {
			out, err := s.Append(ctx, []store.Draft{one}, false)
			if err != nil || out[0].Err != nil {
				return errors.Join(err, out[0].Err)
			}
			elsewhere = send(t, w, refused(one))
			first, again = send(t, w, two), send(t, w, refused(two))
			until(t, "the room is tried", func() bool { return tries.Load() > 0 })
			if elsewhere.answered() || again.answered() {
				t.Error("answered while the first try may still be stored")
			}
			return nil
		}))
		if o := elsewhere.stored(t, 1); !o.Dup {
			t.Error("a retry is told as new")
		}
		first.stored(t, 2)
		if o := again.stored(t, 2); !o.Dup {
			t.Error("a retry is told as new")
		}
		send(t, w, refused(draft(room, "3"))).refused(t, fault.Invalid)
		if got := bodies(t, d, room.ID); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("stored %q", got)
		}
	})
}

func TestARoomThatIsNot(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := start(t, patient, store.New(d))
		nowhere := draft(store.Room{ID: id.New(), BuyerID: id.New()}, "hello?")
		send(t, w, nowhere).refused(t, fault.NotFound)
		send(t, w, draft(openRoom(t, d), "here")).stored(t, 1)
	})
}

// A message that the database refuses, past all rules before it, fails alone and costs its batch little.
func TestAPoisonedMessageFailsAlone(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := holdFirst(d)
		w := start(t, patient, s)
		room, other := openRoom(t, d), openRoom(t, d)
		all := []sent{send(t, w, draft(room, "0"))}
		<-s.entered
		for i := 1; i < 64; i++ {
			body := fmt.Sprint(i)
			if i == 20 {
				body = strings.Repeat("독", 3000)
			}
			all = append(all, send(t, w, draft(room, body)), send(t, w, draft(other, body)))
		}
		close(s.open)
		for _, one := range all {
			if len(one.draft.Body) > 1000 {
				one.refused(t, fault.Unavailable)
			} else {
				one.stored(t, 0)
			}
		}
		for _, r := range []id.ID{room.ID, other.ID} {
			got := bodies(t, d, r)
			if len(got) < 62 || slices.ContainsFunc(got, func(b string) bool { return len(b) > 2 }) {
				t.Errorf("stored %q", got)
			}
			if !slices.IsSortedFunc(got, func(a, b string) int { return len(a) - len(b) }) {
				t.Errorf("out of order: %q", got)
			}
		}
		if n := len(s.taken()); n > 20 {
			t.Errorf("%d transactions", n)
		}
	})
}

func TestAFullQueueIsBusy(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := holdFirst(d)
		cfg := patient
		cfg.Queue = 3
		w := start(t, cfg, s)
		room := openRoom(t, d)
		all := []sent{send(t, w, draft(room, "0"))}
		<-s.entered
		for range 3 {
			all = append(all, send(t, w, draft(room, "waits")))
		}
		refused := send(t, w, draft(room, "too many"))
		if !refused.answered() {
			t.Error("a full queue must answer at once")
		}
		refused.refused(t, fault.Busy)
		close(s.open)
		for i, one := range all {
			one.stored(t, int64(i+1))
		}
		send(t, w, refused.draft).stored(t, 5)
	})
}

// Close stores what waits, also aside, and answers everybody.
func TestCloseAnswersEverybody(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := holdFirst(d)
		w := writer.New(patient, s)
		room := openRoom(t, d)
		all := []sent{send(t, w, draft(room, "0"))}
		<-s.entered
		for range 150 {
			all = append(all, send(t, w, draft(room, "waits")))
		}
		closed := make(chan struct{})
		go func() { defer close(closed); w.Close() }()
		var late sent
		until(t, "the writer is closing", func() bool {
			late = send(t, w, draft(room, "too late"))
			if !late.answered() { // it came before the closing
				all = append(all, late)
				return false
			}
			return true
		})
		late.refused(t, fault.Unavailable)
		close(s.open)
		<-closed
		for i, one := range all {
			if !one.answered() {
				t.Fatal("closed before all were answered")
			}
			one.stored(t, int64(i+1))
		}
		w.Close() // again
		send(t, w, draft(room, "after")).refused(t, fault.Unavailable)
	})
}
