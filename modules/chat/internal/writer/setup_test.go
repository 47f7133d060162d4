package writer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mall/modules/chat/internal/store"
	"mall/modules/chat/internal/writer"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is how long a test waits for what must come.
const soon = time.Minute

// patient is a writer that a busy machine does not make impatient.
var patient = writer.Config{Lanes: 1, Batch: 100, Queue: 1000, Patience: soon}

// gate is the real store with a look at what the writer asks of it.
type gate struct {
	*store.Store
	before func(drafts []store.Draft, skipLocked bool) // may hold the call up
	after  func(skipLocked bool)
	behind func(appendAfter func() ([]store.Outcome, error)) ([]store.Outcome, error)
}

func (g gate) Append(ctx context.Context, drafts []store.Draft, skipLocked bool) ([]store.Outcome, error) {
	if g.before != nil {
		g.before(drafts, skipLocked)
	}
	out, err := g.Store.Append(ctx, drafts, skipLocked)
	if g.after != nil {
		g.after(skipLocked)
	}
	return out, err
}

func (g gate) AppendAfter(ctx context.Context, drafts []store.Draft, held id.ID) ([]store.Outcome, error) {
	if g.behind == nil {
		return g.Store.AppendAfter(ctx, drafts, held)
	}
	return g.behind(func() ([]store.Outcome, error) { return g.Store.AppendAfter(ctx, drafts, held) })
}

// start makes a writer that ends with the test.
func start(t *testing.T, cfg writer.Config, s writer.Appender) *writer.Writer {
	t.Helper()
	w := writer.New(cfg, s)
	t.Cleanup(w.Close)
	return w
}

// sent is a draft given to the writer, and its answer.
type sent struct {
	draft  store.Draft
	answer chan store.Outcome
}

// send gives a draft to the writer. A second answer would fail the test.
func send(t *testing.T, w *writer.Writer, d store.Draft) sent {
	t.Helper()
	return sendAsked(t, w, d, time.Now())
}

// sendAsked is for a draft whose sender has waited since then.
func sendAsked(t *testing.T, w *writer.Writer, d store.Draft, asked time.Time) sent {
	t.Helper()
	s := sent{d, make(chan store.Outcome, 1)}
	var once sync.Once
	w.Enqueue(d, asked, func(o store.Outcome) {
		first := false
		once.Do(func() { first = true; s.answer <- o })
		if !first {
			t.Error("answered twice")
		}
	})
	return s
}

// outcome waits for the answer.
func (s sent) outcome(t *testing.T) store.Outcome {
	t.Helper()
	select {
	case o := <-s.answer:
		return o
	case <-time.After(soon):
		t.Fatal("no answer")
		return store.Outcome{}
	}
}

// stored waits for the answer, which must be a stored message with the seq; 0: any.
func (s sent) stored(t *testing.T, seq int64) store.Outcome {
	t.Helper()
	o := s.outcome(t)
	if o.Err != nil || o.Message.Body != s.draft.Body || seq != 0 && o.Message.Seq != seq {
		t.Fatalf("answer to %.20q: seq %d, %v; want seq %d", s.draft.Body, o.Message.Seq, o.Err, seq)
	}
	return o
}

// refused waits for the answer, which must be an error of the kind.
func (s sent) refused(t *testing.T, kind fault.Kind) {
	t.Helper()
	if o := s.outcome(t); o.Err == nil || fault.KindOf(o.Err) != kind {
		t.Fatalf("answer to %.20q: seq %d, %v; want kind %d", s.draft.Body, o.Message.Seq, o.Err, kind)
	}
}

func (s sent) answered() bool { return len(s.answer) > 0 }

func openRoom(t *testing.T, d *db.DB) store.Room {
	t.Helper()
	o, err := store.New(d).OpenRoom(t.Context(), store.Opening{BuyerID: id.New(), ShopID: id.New(), Subject: "general"})
	check(t, err)
	return o.Room
}

func draft(r store.Room, body string) store.Draft {
	return store.Draft{RoomID: r.ID, Party: store.Buyer, SenderID: r.BuyerID, SenderName: "누구", Kind: "text", Body: body, ClientMsgID: id.New()}
}

// bodies are what a room holds, in order; its numbers must be 1, 2, 3 …
func bodies(t *testing.T, d *db.DB, room id.ID) []string {
	t.Helper()
	ms, err := store.New(d).After(t.Context(), room, 0, 10_000)
	check(t, err)
	var texts []string
	for i := range ms {
		if ms[i].Seq != int64(i+1) {
			t.Fatalf("message %d has seq %d", i+1, ms[i].Seq)
		}
		texts = append(texts, ms[i].Body)
	}
	return texts
}

// hold locks rooms until the func it gives is called.
func hold(t *testing.T, d *db.DB, rooms ...id.ID) (release func()) {
	t.Helper()
	tx, err := d.SQL().BeginTx(t.Context(), nil)
	check(t, err)
	release = sync.OnceFunc(func() { _ = tx.Rollback() })
	t.Cleanup(release)
	for _, room := range rooms {
		var x []byte
		check(t, tx.QueryRowContext(t.Context(), "SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE", room).Scan(&x))
	}
	return release
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(soon); !done(); <-tick.C {
		if time.Now().After(limit) {
			t.Fatal("never: " + what)
		}
	}
}
