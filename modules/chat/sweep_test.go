package chat_test

import (
	"log/slog"
	"strconv"
	"testing"
	"time"

	"mall/modules/chat"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// What Redis loses is found in time also where people never stop talking: the newest message, which may still be on its
// way, must not hide those before it (P9).
func TestATalkThatNeverPausesIsSwept(t *testing.T) {
	const limit, every, talk = 2500 * time.Millisecond, 100 * time.Millisecond, 60
	cfg, redis := testservers.MySQL(t), testservers.Redis(t)
	m := &mall{tokens: map[string]string{}, instances: []*instance{startInstance(t, cfg, nowhere), startInstance(t, cfg, redis.Addr())}}
	r := m.openRoom(t, "buyer")
	there := m.connect(t, 1, "owner")
	there.say(resume(there.epoch, map[string]int64{r.ID.String(): 0}))
	there.want("resumed")
	stored := make(chan time.Time, talk)
	go func() {
		defer close(stored)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for n := range talk {
			<-tick.C
			status, text := m.call(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": strconv.Itoa(n)})
			if status != 201 {
				t.Errorf("%d %s", status, text)
				return
			}
			stored <- time.Now()
		}
	}()
	var longest time.Duration
	for seq := int64(1); ; seq++ {
		at, more := <-stored
		if !more {
			break
		}
		if got := there.want("message"); got.Seq != seq {
			t.Fatalf("got seq %d, want %d", got.Seq, seq)
		}
		longest = max(longest, time.Since(at))
	}
	if longest > limit {
		t.Errorf("a message came %v after it was stored, limit %v", longest.Round(time.Millisecond), limit)
	}
}

// Staff who come in a busy hour are told of all rooms that have just changed in one frame: one for each would be more
// than a connection's queue holds, and they would be cut off as slow readers, again and again.
func TestABusyShopsStaffCome(t *testing.T) {
	const rooms = 600
	cfg := testservers.MySQL(t)
	m := newMall(t, cfg, testservers.Redis(t).Addr(), 1)
	d, err := db.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	check(t, err)
	defer func() { check(t, d.Close()) }()
	m.token(t, "owner")
	pairs := make([]chat.Pair, rooms)
	for i := range pairs {
		pairs[i] = chat.Pair{Buyer: id.New(), Shop: shopID}
	}
	_, err = chat.OpenRooms(t.Context(), d, pairs)
	check(t, err)
	_, err = d.SQL().ExecContext(t.Context(), "UPDATE chat_rooms SET head = 1, updated_at = UTC_TIMESTAMP(6) WHERE shop_id = ?", shopID)
	check(t, err)
	c := m.connect(t, 0, "owner")
	check(t, c.ws.SetReadDeadline(time.Now().Add(soon)))
	for {
		var f frame
		check(t, c.ws.ReadJSON(&f))
		if f.Type != "hb" || len(f.Heads) == 0 {
			continue
		}
		if len(f.Heads) != rooms {
			t.Errorf("a frame tells of %d rooms, want %d", len(f.Heads), rooms)
		}
		return
	}
}
