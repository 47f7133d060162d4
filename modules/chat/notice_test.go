package chat_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/chat"
	"mall/modules/member"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// recorder notes all that is published on a Redis, as whoever has its password can.
type recorder struct {
	t      *testing.T
	client *redis.Client
	mu     sync.Mutex
	said   []*redis.Message
}

func record(t *testing.T, addr string) *recorder {
	t.Helper()
	r := &recorder{t: t, client: redis.NewClient(&redis.Options{Addr: addr})}
	sub := r.client.PSubscribe(t.Context(), "mall:*")
	_, err := sub.Receive(t.Context())
	check(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for m := range sub.Channel() {
			r.mu.Lock()
			r.said = append(r.said, m)
			r.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		check(t, sub.Close())
		running.Wait()
		check(t, r.client.Close())
	})
	return r
}

// on are the messages of channels that have this in their name.
func (r *recorder) on(part string) (found []*redis.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.said {
		if strings.Contains(m.Channel, part) {
			found = append(found, m)
		}
	}
	return found
}

// play publishes messages again.
func (r *recorder) play(some []*redis.Message) {
	r.t.Helper()
	for _, m := range some {
		check(r.t, r.client.Publish(r.t.Context(), m.Channel, m.Payload).Err())
	}
}

// Whoever can write to Redis closes nobody's connections: not with words of their own, not with those of instances.
func TestNoticesThatNobodyGave(t *testing.T) {
	redis := testservers.Redis(t)
	m := newMall(t, testservers.MySQL(t), redis.Addr(), 2)
	until(t, "linked", func() bool { return m.instances[0].bus.Connected() && m.instances[1].bus.Connected() })
	r := record(t, redis.Addr())
	stays := m.connect(t, 1, "buyer")
	second := m.logIn(t, 0, "buyer")
	first := m.tokens["buyer"]
	m.tokens["buyer"] = second
	left := m.connect(t, 1, "buyer")
	known := len(r.on(":member"))
	m.rest(t, 0, "buyer", "POST", "/auth/logout", nil, 204, nil) // a real notice
	if code := left.closed(); code != 4401 {
		t.Fatalf("closed with %d, want 4401", code)
	}
	until(t, "the notice is recorded", func() bool { return len(r.on(":member")) > known })
	m.tokens["buyer"] = first

	forged := `{"member":"` + buyerID.String() + `","session":"` + id.Nil.String() + `","ended":true,"banned":true}`
	for _, channel := range []string{"mall:member", "mall:s1:member"} {
		check(t, r.client.Publish(t.Context(), channel, forged).Err())
	}
	before, stolen := m.instances[1].bus.Stats(), r.on(":member")
	for range 50 {
		r.play(stolen)
	}
	until(t, "all are refused", func() bool {
		s := m.instances[1].bus.Stats()
		return s.Replayed >= before.Replayed+50 && s.Forged >= 1
	})
	if stays.answers(); m.instances[1].chat.Status().Connections != 1 {
		t.Error("somebody's connection has ended")
	}
	m.rest(t, 1, "buyer", "GET", "/me", nil, 200, nil)
}

// Frames that have come are not heard again, whatever kind they are of.
func TestFramesThatAreSaidAgain(t *testing.T) {
	redis := testservers.Redis(t)
	m := newMall(t, testservers.MySQL(t), redis.Addr(), 2)
	until(t, "linked", func() bool { return m.instances[0].bus.Connected() && m.instances[1].bus.Connected() })
	room := m.openRoom(t, "buyer")
	buyer := m.connect(t, 0, "buyer")
	r := record(t, redis.Addr())
	owner := m.connect(t, 1, "owner")
	buyer.say(send(room.ID, "하나"))
	buyer.skipTo("ack")
	owner.skipTo("message")
	buyer.say(map[string]any{"type": "typing", "room_id": room.ID, "on": true})
	owner.skipTo("typing")
	owner.say(map[string]any{"type": "read", "room_id": room.ID, "seq": 1})
	buyer.skipTo("receipt")
	stolen := r.on(":chat:")
	for _, f := range stolen {
		if strings.Contains(f.Payload, "하나") || strings.Contains(f.Payload, room.ID.String()) {
			t.Error("who reads in Redis reads what is written")
		}
	}
	r.play(stolen)
	refused := func() (n int64) {
		for _, in := range m.instances {
			n += in.bus.Stats().Replayed
		}
		return n
	}
	until(t, "refused", func() bool { return refused() >= 2 })
	buyer.say(send(room.ID, "둘"))
	buyer.skipTo("ack")
	for owner.presence = false; ; {
		got := owner.next()
		if got.Type == "message" && got.Seq == 2 {
			break
		}
		if got.Type != "receipt" { // the sweep tells that again
			t.Errorf("heard again: %+v", got)
		}
	}
}

// watched counts how often it is asked what has become of logins, and may be away.
type watched struct {
	chat.Members
	asked, fails atomic.Int64
}

func (w *watched) Review(ctx context.Context, logins []id.ID, each func(id.ID, member.Standing)) error {
	w.asked.Add(1)
	if w.fails.Add(-1) >= 0 {
		return errors.New("the database is away")
	}
	return w.Members.Review(ctx, logins, each)
}

// guarded is a mall of two instances; how often the first of them looks at logins is counted.
func guarded(t *testing.T) (*mall, *watched) {
	t.Helper()
	w, cfg, redis := &watched{}, testservers.SQLite(t), testservers.Redis(t)
	m := &mall{tokens: map[string]string{}, instances: []*instance{
		startInstance(t, cfg, redis.Addr(), func(p *parts) { p.members = func(real chat.Members) chat.Members { w.Members = real; return w } }),
		startInstance(t, cfg, redis.Addr())}}
	until(t, "they hear each other", func() bool {
		m.instances[1].notice(t, id.New())
		return m.instances[0].bus.Stats().Received > 0
	})
	return m, w
}

// notice has an instance tell the others that something of a member has changed.
func (in *instance) notice(t *testing.T, about id.ID) {
	t.Helper()
	text, err := json.Marshal(member.Notice{Member: about})
	check(t, err)
	in.bus.Publish(member.Channel, text)
}

// flood tells another instance so often of a member, and as often of nobody, without dropping anything.
func flood(t *testing.T, from, to *instance, about id.ID, times int) {
	t.Helper()
	const atOnce = 1000
	said, heard := from.bus.Stats().Published, to.bus.Stats().Received
	for n := range times {
		from.notice(t, about)
		from.notice(t, id.New())
		if n%atOnce == atOnce-1 {
			until(t, "said", func() bool { return from.bus.Stats().Published-said >= int64(2*(n+1)) })
		}
	}
	until(t, "heard", func() bool { return to.bus.Stats().Received-heard >= int64(2*times) })
}

// A flood of notices, even of real ones, is a few questions to the database and ends nothing.
func TestAFloodOfNotices(t *testing.T) {
	m, w := guarded(t)
	stays := m.connect(t, 0, "buyer")
	before, began := w.asked.Load(), time.Now()
	flood(t, m.instances[1], m.instances[0], buyerID, 20_000)
	until(t, "looked", func() bool { return w.asked.Load() > before })
	took := time.Since(began)
	if n := w.asked.Load() - before; n > 3+int64(took/(100*time.Millisecond)) {
		t.Errorf("40,000 notices in %v were %d questions", took, n)
	}
	stays.answers()
}

// While the database does not answer, a notice is kept; it ends nothing by itself, and everything once it is confirmed.
func TestANoticeOutlivesAnOutage(t *testing.T) {
	m, w := guarded(t)
	stays := m.connect(t, 0, "owner")
	c := m.connect(t, 0, "buyer")
	w.fails.Store(3)
	check(t, m.instances[0].members.Ban(t.Context(), buyerID))
	until(t, "asked in vain", func() bool { return w.fails.Load() < 1 })
	if code := c.closed(); code != 4403 {
		t.Errorf("closed with %d, want 4403", code)
	}
	stays.answers()
}

// soonEnough is how long a real notice may take to end a connection on another instance.
const soonEnough = 800 * time.Millisecond

// A ban and a logout end connections elsewhere at once, also after Redis was frozen; what was lost meanwhile is found when
// it is back.
func TestRealNoticesEndConnectionsAtOnce(t *testing.T) {
	redis := testservers.Redis(t)
	m := newMall(t, testservers.MySQL(t), redis.Addr(), 2)
	linked := func() bool { return m.instances[0].bus.Connected() && m.instances[1].bus.Connected() }
	until(t, "linked", linked)
	logout := func(what string) {
		t.Helper()
		m.tokens["buyer"] = m.logIn(t, 0, "buyer")
		c := m.connect(t, 1, "buyer")
		began := time.Now()
		m.rest(t, 0, "buyer", "POST", "/auth/logout", nil, 204, nil)
		code := c.closed()
		if took := time.Since(began); code != 4401 || took > soonEnough {
			t.Errorf("%s: closed with %d after %v", what, code, took)
		}
	}
	logout("calm")
	m.tokens["buyer"] = m.logIn(t, 0, "buyer")
	lost := m.connect(t, 1, "buyer")
	check(t, redis.Pause())
	until(t, "noticed", func() bool { return !linked() })
	m.rest(t, 0, "buyer", "POST", "/auth/logout", nil, 204, nil)
	check(t, redis.Resume())
	began := time.Now()
	code := lost.closed()
	if took := time.Since(began); code != 4401 || took > soon {
		t.Errorf("lost while Redis was frozen: closed with %d after %v", code, took)
	}
	until(t, "linked again", linked)
	logout("thawed")
	other := m.connect(t, 1, "other")
	began = time.Now()
	check(t, m.instances[0].members.Ban(t.Context(), otherID))
	code = other.closed()
	if took := time.Since(began); code != 4403 || took > soonEnough {
		t.Errorf("a ban: closed with %d after %v", code, took)
	}
}
