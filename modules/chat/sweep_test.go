package chat_test

import (
	"strconv"
	"testing"
	"time"

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
