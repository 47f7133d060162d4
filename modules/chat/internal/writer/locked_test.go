package writer_test

import (
	"slices"
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
