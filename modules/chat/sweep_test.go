package chat_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"mall/modules/chat/chatseed"
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

// Staff who come to a busy shop are sent nothing of what has been said before, however much of it was said just now, and
// everything that is said from then on: also in rooms that are not among the latest.
func TestABusyShopsStaffCome(t *testing.T) {
	const rooms, late = 1300, 3
	cfg := testservers.MySQL(t)
	// The first instance's publishes go nowhere, so that what is said there comes by the sweep alone.
	m := &mall{tokens: map[string]string{}, instances: []*instance{startInstance(t, cfg, nowhere), startInstance(t, cfg, testservers.Redis(t).Addr())}}
	old := m.openRoom(t, "buyer")
	said := func(n int) {
		m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+old.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": strconv.Itoa(n)}, 201, nil)
	}
	for n := range late {
		said(n)
	}
	d := testservers.Open(t, cfg)
	_, err := d.SQL().ExecContext(t.Context(), "UPDATE chat_messages SET created_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR")
	check(t, err)
	_, err = d.SQL().ExecContext(t.Context(), "UPDATE chat_rooms SET updated_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR")
	check(t, err)
	pairs := make([]chatseed.Pair, rooms)
	for i := range pairs {
		pairs[i] = chatseed.Pair{Buyer: id.New(), Shop: shopID}
	}
	_, err = chatseed.Rooms(t.Context(), d, pairs)
	check(t, err)
	_, err = d.SQL().ExecContext(t.Context(), "UPDATE chat_rooms SET head = 1, updated_at = UTC_TIMESTAMP(6) WHERE shop_id = ? AND id <> ?", shopID, old.ID)
	check(t, err)
	first, second := m.connect(t, 1, "owner"), m.connect(t, 1, "agent")
	said(late)
	for _, c := range []*client{first, second} {
		if got := c.want("message"); got.Seq != late+1 {
			t.Errorf("got seq %d, want %d", got.Seq, late+1)
		}
	}
	third := m.connect(t, 1, "owner")
	said(late + 1) // the sweep that finds it comes after the one before: nothing else was in either
	for _, c := range []*client{first, second, third} {
		if got := c.want("message"); got.Seq != late+2 {
			t.Errorf("got seq %d, want %d", got.Seq, late+2)
		}
	}
}

// What was stored after the welcome comes, whoever writes first: a connection that writes before it has heard of a
// message whose news was lost is owed that message all the same.
func TestAnOwnFirstMessageHidesNoneBeforeIt(t *testing.T) {
	cfg := testservers.MySQL(t)
	m := &mall{tokens: map[string]string{}, instances: []*instance{startInstance(t, cfg, nowhere), startInstance(t, cfg, testservers.Redis(t).Addr())}}
	r := m.openRoom(t, "buyer")
	there := m.connect(t, 1, "owner")
	m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": "is it there?"}, 201, nil)
	there.say(send(r.ID, "how can I help?"))
	var seqs []int64
	for range 2 {
		f := there.next()
		if f.Type != "ack" && f.Type != "message" {
			t.Fatalf("got %+v", f)
		}
		seqs = append(seqs, f.Seq)
	}
	if slices.Sort(seqs); !slices.Equal(seqs, []int64{1, 2}) {
		t.Errorf("got seqs %v", seqs)
	}
}

// A COMMIT that takes longer than any look back, since the server waits for its replica, hides nothing: once the message
// can be seen it comes in time (P6).
func TestAMessageOfASlowCommitComes(t *testing.T) {
	const stall = 14 * time.Second
	hold := testservers.KindOf(t).SemiSync()
	server := testservers.PrivateMySQL(t, hold.Options...)
	dsn, err := server.CreateDatabase(t.Context(), "mall")
	check(t, err)
	cfg := db.Config{Driver: db.MySQL, DSN: dsn}
	testservers.Migrated(t, cfg)
	m := &mall{tokens: map[string]string{}, instances: []*instance{startInstance(t, cfg, nowhere), startInstance(t, cfg, testservers.Redis(t).Addr())}}
	r := m.openRoom(t, "buyer")
	there := m.connect(t, 1, "owner")
	for _, set := range []string{"_timeout = " + strconv.FormatInt(stall.Milliseconds(), 10), "_enabled = ON"} {
		_, err := testservers.Open(t, cfg).SQL().ExecContext(t.Context(), "SET GLOBAL "+hold.Setting+set)
		check(t, err)
	}
	path := "/chat/rooms/" + r.ID.String() + "/messages"
	if status, text := m.call(t, 0, "buyer", "POST", path, map[string]any{"client_msg_id": id.New(), "body": "slow"}); status != 503 {
		t.Fatalf("%d %s", status, text)
	}
	untilWithin(t, stall+soon, "the message can be seen", func() bool {
		var page struct{ Head int64 }
		m.rest(t, 0, "buyer", "GET", path, nil, 200, &page)
		return page.Head == 1
	})
	seen := time.Now()
	if got := there.want("message"); got.Seq != 1 {
		t.Fatalf("got %+v", got)
	}
	if took := time.Since(seen); took > 5*time.Second {
		t.Errorf("it came %v after it could be seen", took)
	}
}
