package writer_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/chat/internal/writer"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// A room that another transaction holds delays only itself, and what is sent to it is stored in order.
func TestALockedRoomDelaysOnlyItself(t *testing.T) {
	t.Parallel()
	d := testservers.Open(t, testservers.MySQL(t))
	locked, free := openRoom(t, d), openRoom(t, d)
	w := start(t, patient, store.New(d))
	release := hold(t, d, locked.ID)
	first := send(t, w, draft(locked, "1"))
	send(t, w, draft(free, "free")).stored(t, 1)
	second := send(t, w, draft(locked, "2"))
	send(t, w, draft(free, "free")).stored(t, 2)
	third := send(t, w, draft(locked, "3"))
	if first.answered() || second.answered() || third.answered() {
		t.Error("answered while the room is locked")
	}
	release()
	first.stored(t, 1)
	second.stored(t, 2)
	third.stored(t, 3)
	send(t, w, draft(locked, "4")).stored(t, 4)
}

// What stood in the queue when the room was found locked must not be stored before what waits for it.
func TestNothingOvertakesWhatWaits(t *testing.T) {
	t.Parallel()
	d := testservers.Open(t, testservers.MySQL(t))
	locked, free := openRoom(t, d), openRoom(t, d)
	found, queued, passed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	calls := 0 // of the lane, which makes one at a time
	w := start(t, patient, gate{Store: store.New(d),
		before: func(_ []store.Draft, skipLocked bool) {
			if !skipLocked {
				<-passed // the lane has been through its queue
			}
		},
		after: func(skipLocked bool) {
			if !skipLocked {
				return
			}
			if calls++; calls == 1 {
				close(found)
				<-queued
			}
		}})
	release := hold(t, d, locked.ID)
	first := send(t, w, draft(locked, "first"))
	<-found
	release()
	second := send(t, w, draft(locked, "second"))
	behind := send(t, w, draft(free, "behind"))
	close(queued)
	behind.stored(t, 1)
	close(passed)
	first.stored(t, 1)
	second.stored(t, 2)
}

// Rooms that wait for locks must not use up the connections that everybody else needs.
func TestManyLockedRoomsLeaveConnections(t *testing.T) {
	t.Parallel()
	cfg := testservers.MySQL(t)
	cfg.MaxOpen = 8
	d, holder := testservers.Open(t, cfg), testservers.Open(t, cfg)
	free := openRoom(t, d)
	var rooms []store.Room
	var ids []id.ID
	for range 12 {
		r := openRoom(t, d)
		rooms, ids = append(rooms, r), append(ids, r.ID)
	}
	w := start(t, writer.Config{Lanes: 2, Batch: 100, Queue: 1000, Patience: soon}, store.New(d))
	release := hold(t, holder, ids...)
	var waiting []sent
	for _, r := range rooms {
		waiting = append(waiting, send(t, w, draft(r, "waits")))
	}
	began := time.Now()
	for i := range 20 {
		send(t, w, draft(free, "free")).stored(t, int64(i+1))
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("others waited %v", took)
	}
	release()
	for _, s := range waiting {
		s.stored(t, 1)
	}
}

// Patience ends also for those who wait for a locked room, and for their turn to wait.
func TestPatienceWithLockedRooms(t *testing.T) {
	t.Parallel()
	d := testservers.Open(t, testservers.MySQL(t))
	var rooms []store.Room
	for range 5 {
		rooms = append(rooms, openRoom(t, d))
	}
	cfg := patient
	cfg.Patience = time.Second
	w := start(t, cfg, store.New(d))
	for _, r := range rooms {
		hold(t, d, r.ID)
	}
	began := time.Now()
	var all []sent
	for _, r := range rooms {
		all = append(all, send(t, w, draft(r, "1")), send(t, w, draft(r, "2")))
	}
	for _, s := range all {
		s.refused(t, fault.Unavailable)
	}
	if took := time.Since(began); took > 2*cfg.Patience {
		t.Errorf("the last answer came after %v", took)
	}
}

// What a send has waited before it comes to the writer is part of its patience; where that is half spent it is refused at
// once, since those of its batch would have no longer.
func TestPatienceBeginsWhenTheSenderAsks(t *testing.T) {
	t.Parallel()
	d := testservers.Open(t, testservers.MySQL(t))
	r := openRoom(t, d)
	cfg := patient
	cfg.Patience = 10 * time.Second
	w := start(t, cfg, store.New(d))
	hold(t, d, r.ID)
	asked := time.Now().Add(-cfg.Patience * 2 / 5)
	late := sendAsked(t, w, draft(r, "1"), asked)
	began := time.Now()
	sendAsked(t, w, draft(r, "2"), began.Add(-cfg.Patience*3/5)).refused(t, fault.Unavailable)
	if took := time.Since(began); took > cfg.Patience/5 {
		t.Errorf("a send whose patience was half spent was refused after %v", took)
	}
	late.refused(t, fault.Unavailable)
	if took := time.Since(asked); took > cfg.Patience {
		t.Errorf("answered %v after the sender asked, who has a patience of %v", took, cfg.Patience)
	}
}

// A locked room takes only so many that wait, and Close waits for them.
func TestALockedRoomIsBusyAndClosed(t *testing.T) {
	t.Parallel()
	d := testservers.Open(t, testservers.MySQL(t))
	room := openRoom(t, d)
	cfg := patient
	cfg.Batch = 3
	entered := make(chan struct{}, 10)
	w := writer.New(cfg, gate{Store: store.New(d), before: func(_ []store.Draft, skipLocked bool) {
		if !skipLocked {
			entered <- struct{}{}
		}
	}})
	release := hold(t, d, room.ID)
	all := []sent{send(t, w, draft(room, "1"))}
	<-entered
	for range 3 {
		all = append(all, send(t, w, draft(room, "waits")))
	}
	send(t, w, draft(room, "too many")).refused(t, fault.Busy)
	closed := make(chan struct{})
	go func() { defer close(closed); w.Close() }()
	release()
	<-closed
	for i, s := range all {
		s.stored(t, int64(i+1))
	}
	if got := bodies(t, d, room.ID); !slices.Equal(got, []string{"1", "waits", "waits", "waits"}) {
		t.Errorf("stored %q", got)
	}
}

// Two lanes store at the same time, but take turns while another instance holds most rooms of a batch.
func TestLanesTakeTurnsWhereRoomsAreHeld(t *testing.T) {
	t.Parallel()
	d := testservers.Open(t, testservers.MySQL(t))
	lane := func(n byte) store.Room { // a room of that lane
		for {
			if r := openRoom(t, d); r.ID[15]%2 == n {
				return r
			}
		}
	}
	free, one, two, other := lane(0), lane(0), lane(0), lane(1)
	var mu sync.Mutex
	var events []string
	happens := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, what)
	}
	inLane, go0, met := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var w *writer.Writer
	var late sent
	var once, onceAfter sync.Once
	cfg := patient
	cfg.Lanes = 2
	w = writer.New(cfg, gate{Store: store.New(d),
		before: func(ds []store.Draft, _ bool) {
			switch ds[0].Body {
			case "free":
				once.Do(func() { close(inLane) })
				<-go0
			case "meanwhile":
				close(met)
			case "late":
				happens("the other lane stores")
			}
		},
		behind: func(appendAfter func() ([]store.Outcome, error)) ([]store.Outcome, error) {
			onceAfter.Do(func() { late = send(t, w, draft(other, "late")) })
			out, err := appendAfter()
			happens("waited")
			return out, err
		}})
	t.Cleanup(w.Close)
	w.TakeTurnsFor(soon)
	release := hold(t, d, one.ID, two.ID)
	first := send(t, w, draft(free, "free"))
	<-inLane
	meanwhile := send(t, w, draft(other, "meanwhile"))
	select {
	case <-met: // although the first lane is in the middle of a batch
	case <-time.After(soon):
		t.Fatal("the other lane waits without need")
	}
	meanwhile.stored(t, 1)
	a, b := send(t, w, draft(one, "a")), send(t, w, draft(two, "b")) // one batch, with all of its rooms held
	close(go0)
	first.stored(t, 1)
	until(t, "the lane has waited for a room", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(events) >= 2
	})
	release()
	a.stored(t, 1)
	b.stored(t, 1)
	late.stored(t, 2)
	if events[0] != "waited" {
		t.Errorf("%q", events)
	}
}
