package chat_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mall/modules/platform/testservers"
)

// fateOf lets the next COMMIT of a transaction that touches the table meet its fate, and nothing else.
func fateOf(l *testservers.Link, table string, fate testservers.Fate) {
	var done atomic.Bool
	l.Meet(func(s testservers.Sent) testservers.Fate {
		if s.Commits() && strings.Contains(s.Transaction, table) && done.CompareAndSwap(false, true) {
			return fate
		}
		return testservers.Passes
	})
}

// Whatever becomes of a COMMIT, an inquiry's change and its notice are stored together or not at all, and asking again
// after an answer that was lost stores no second notice. Everybody is told of each notice, in order.
func TestAnInquirysChangeAndItsNoticeAreOne(t *testing.T) {
	redis := testservers.Redis(t)
	cfg := testservers.MySQL(t)
	link, through := testservers.Through(t, cfg)
	through.CommitTimeout, through.ReadTimeout = 300*time.Millisecond, time.Second
	m := newMall(t, through, redis.Addr(), 1)
	m.instances = append(m.instances, startInstance(t, cfg, redis.Addr()))
	r := m.openRoom(t, "buyer")
	buyer := []*client{m.connect(t, 0, "buyer"), m.connect(t, 1, "buyer")}
	path := "/chat/rooms/" + r.ID.String() + "/inquiries/" + r.Inquiry.ID.String()
	states, notices := []string{"done", "held"}, []string{"inquiry_done", "inquiry_reopened"}
	fates := []testservers.Fate{testservers.Lost, testservers.Stored, testservers.Silent, testservers.Passes, testservers.Stored}
	again := 0
	for i := range 20 {
		change := map[string]any{"state": states[i%2]}
		fateOf(link, "chat_inquiries", fates[i%len(fates)])
		for {
			status, text := m.call(t, 0, "agent", "PATCH", path, change)
			if status == http.StatusOK {
				break
			}
			if wantUnavailable(t, fmt.Sprintf("change %d", i), status, text); t.Failed() {
				t.FailNow()
			}
			again++
		}
		m.rest(t, 1, "owner", "PATCH", path, change, http.StatusOK, nil) // as after an answer that was lost
		if now := m.room(t, 1, "buyer", r.ID); now.Head != int64(i+1) || now.Inquiry.State != states[i%2] {
			t.Fatalf("after change %d: head %d, state %s", i, now.Head, now.Inquiry.State)
		}
		for on, c := range buyer {
			if got := c.skipTo("message"); got.Seq != int64(i+1) || got.Body != notices[i%2] || got.Kind != "notice" {
				t.Fatalf("instance %d tells of change %d: %+v", on, i, got)
			}
		}
	}
	if again == 0 {
		t.Error("no COMMIT was lost: the case that this test is about did not happen")
	}
}
