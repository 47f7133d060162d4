package writer_test

import (
	"fmt"
	"math/rand/v2"
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
	"mall/modules/platform/testservers"
)

// insist sends until the draft is stored, as a client does; every refusal must be worth another try.
func insist(t *testing.T, w *writer.Writer, d store.Draft) store.Outcome {
	t.Helper()
	for limit := time.Now().Add(soon); ; {
		o := send(t, w, d).outcome(t)
		if o.Err == nil {
			return o
		}
		if !fault.KindOf(o.Err).Retryable() {
			t.Errorf("%q is told that it failed: %v", d.Body, o.Err)
			return o
		}
		if time.Now().After(limit) {
			t.Errorf("%q is not stored: %v", d.Body, o.Err)
			return o
		}
	}
}

// The database freezes or dies: everybody is answered within the patience that they were promised, what was
// answered as stored stays so, and everything else is there once after it was sent again with the same key.
func TestTheDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	server := testservers.PrivateMySQL(t)
	dsn, err := server.CreateDatabase(t.Context(), "mall")
	check(t, err)
	d := testservers.Open(t, testservers.Migrated(t, db.Config{Driver: db.MySQL, DSN: dsn, ReadTimeout: 3 * time.Second}))
	t.Run("frozen", func(t *testing.T) { sendThrough(t, d, server.Pause, server.Resume) })
	t.Run("killed", func(t *testing.T) {
		sendThrough(t, d, server.Kill, func() error { return server.Start(t.Context()) })
	})
}

func sendThrough(t *testing.T, d *db.DB, fail, mend func() error) {
	cfg := writer.Config{Lanes: 4, Batch: 20, Queue: 1000, Patience: 1500 * time.Millisecond}
	w := start(t, cfg, store.New(d))
	rooms := []store.Room{openRoom(t, d), openRoom(t, d), openRoom(t, d)}
	drafts, first := make([]store.Draft, 300), make([]store.Outcome, 300)
	var flying sync.WaitGroup
	for i := range drafts {
		if i == 100 { // some are under way
			check(t, fail())
		}
		drafts[i] = draft(rooms[i%3], fmt.Sprint(i))
		flying.Add(1)
		since := time.Now()
		w.Enqueue(drafts[i], since, func(o store.Outcome) {
			defer flying.Done()
			first[i] = o
			if o.Err != nil && !fault.KindOf(o.Err).Retryable() {
				t.Errorf("%d is told that it failed: %v", i, o.Err)
			}
			if took := time.Since(since); took > cfg.Patience+time.Second {
				t.Errorf("%d waited %v for an answer", i, took)
			}
		})
	}
	flying.Wait()
	check(t, mend())
	var again sync.WaitGroup
	for i := range drafts {
		again.Go(func() {
			if o := insist(t, w, drafts[i]); first[i].Err == nil && (o.Message.Seq != first[i].Message.Seq || !o.Dup) {
				t.Errorf("%d was stored as %d and is now %d, dup %v", i, first[i].Message.Seq, o.Message.Seq, o.Dup)
			}
		})
	}
	again.Wait()
	for _, r := range rooms {
		got := bodies(t, d, r.ID)
		slices.Sort(got)
		if n := len(slices.Compact(slices.Clone(got))); n != 100 || len(got) != 100 {
			t.Errorf("%d messages in a room, %d different ones, want 100", len(got), n)
		}
	}
}

// through gives a database behind a link.
func through(t *testing.T) (*testservers.Link, *db.DB) {
	t.Helper()
	l, cfg := testservers.Through(t, testservers.MySQL(t))
	cfg.CommitTimeout, cfg.ReadTimeout = 500*time.Millisecond, time.Second
	return l, testservers.Open(t, cfg)
}

// An error of COMMIT is not a failure: what was stored after all is answered as stored, what was not may be
// sent again, and neither is there twice.
func TestACommitWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		what testservers.Fate
		kept bool
	}{"lost before": {testservers.Lost, false}, "lost after": {testservers.Stored, true}, "silent": {testservers.Silent, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, d := through(t)
			w := start(t, patient, store.New(d))
			room := openRoom(t, d)
			send(t, w, draft(room, "0")).stored(t, 1)
			l.MeetCommits(testservers.Nth(1, tc.what))
			one := draft(room, "1")
			s := send(t, w, one)
			if tc.kept {
				s.stored(t, 2)
			} else {
				s.refused(t, fault.Unavailable)
				if got := bodies(t, d, room.ID); len(got) != 1 {
					t.Errorf("stored %q", got)
				}
			}
			if o := insist(t, w, one); o.Message.Seq != 2 || o.Dup != tc.kept {
				t.Errorf("sent again: seq %d, dup %v", o.Message.Seq, o.Dup)
			}
			send(t, w, draft(room, "2")).stored(t, 3)
			if got := bodies(t, d, room.ID); !slices.Equal(got, []string{"0", "1", "2"}) {
				t.Errorf("stored %q", got)
			}
		})
	}
}

// Hardly any send is a retry: one that is accepted costs two round trips, and no look for its key.
func TestAnAcceptedSendLooksForNoKey(t *testing.T) {
	t.Parallel()
	l, d := through(t)
	w := start(t, patient, store.New(d))
	room := openRoom(t, d)
	send(t, w, draft(room, "1")).stored(t, 1) // makes the connection
	var mu sync.Mutex
	var packets []string
	l.Meet(func(s testservers.Sent) testservers.Fate {
		mu.Lock()
		defer mu.Unlock()
		packets = append(packets, s.Text)
		return testservers.Passes
	})
	taken := func() (all []string) {
		mu.Lock()
		defer mu.Unlock()
		all, packets = packets, nil
		return all
	}
	send(t, w, draft(room, "2")).stored(t, 2)
	if got := taken(); len(got) != 2 || !strings.Contains(got[0], "FOR UPDATE") || !strings.Contains(got[1], "COMMIT") {
		t.Errorf("the send cost %d round trips: %q", len(got), got)
	}
	refused := draft(room, "3")
	refused.Refusal = fault.New(fault.Invalid, "too_long", "Too long.")
	send(t, w, refused).refused(t, fault.Invalid)
	if got := taken(); len(got) != 3 {
		t.Errorf("a refusal cost %d round trips: %q", len(got), got)
	}
}

// A retry whose own COMMIT is not answered is a retry all the same, whichever of its two tries loses the answer.
func TestARetryWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for try := range int64(2) {
		for name, fate := range map[string]testservers.Fate{"lost before": testservers.Lost, "lost after": testservers.Stored, "silent": testservers.Silent} {
			t.Run(fmt.Sprintf("%s, try %d", name, try+1), func(t *testing.T) {
				t.Parallel()
				l, d := through(t)
				w := start(t, patient, store.New(d))
				one := draft(openRoom(t, d), "1")
				send(t, w, one).stored(t, 1)
				l.MeetCommits(testservers.Nth(try+1, fate))
				if o := send(t, w, one).stored(t, 1); !o.Dup {
					t.Error("a retry is told as new")
				}
			})
		}
	}
}

// Many senders over a link that loses every third COMMIT or its answer: nobody is told that a message failed,
// each is there exactly once, and of the answers a sender got the numbers are true.
func TestManySendersOverABadLink(t *testing.T) {
	t.Parallel()
	l, d := through(t)
	cfg := patient
	cfg.Lanes, cfg.Batch, cfg.Patience = 3, 10, 4*time.Second
	w := start(t, cfg, store.New(d))
	rooms := []store.Room{openRoom(t, d), openRoom(t, d), openRoom(t, d), openRoom(t, d)}
	var cuts atomic.Int64
	l.MeetCommits(func() testservers.Fate {
		what := []testservers.Fate{testservers.Lost, testservers.Stored, testservers.Passes, testservers.Passes, testservers.Passes, testservers.Passes}[rand.IntN(6)]
		if what != testservers.Passes {
			cuts.Add(1)
		}
		return what
	})
	const senders, each = 12, 15
	var wg sync.WaitGroup
	var mu sync.Mutex
	answers := map[string]int64{}
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				body := fmt.Sprintf("%d/%d", s, i)
				o := insist(t, w, draft(rooms[(s+i)%4], body))
				mu.Lock()
				answers[body] = o.Message.Seq
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	l.MeetCommits(func() testservers.Fate { return testservers.Passes })
	total := 0
	for _, r := range rooms {
		for i, body := range bodies(t, d, r.ID) {
			total++
			if answers[body] != int64(i+1) {
				t.Errorf("%s has seq %d and was answered %d", body, i+1, answers[body])
			}
		}
	}
	if total != senders*each || cuts.Load() == 0 {
		t.Errorf("%d stored, want %d; the link was cut %d times", total, senders*each, cuts.Load())
	}
}
