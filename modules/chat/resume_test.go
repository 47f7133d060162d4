package chat_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"mall/modules/chat"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

func deadline() time.Time { return time.Now().Add(soon) }

// write sends n messages of the buyer by REST, on the instances in turn.
func (m *mall) write(t *testing.T, room id.ID, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		m.rest(t, i%len(m.instances), "buyer", "POST", "/chat/rooms/"+room.String()+"/messages",
			map[string]any{"client_msg_id": id.New(), "body": strconv.Itoa(i)}, 201, nil)
	}
}

func resume(epoch string, rooms map[string]int64) map[string]any {
	return map[string]any{"type": "resume", "id": "r", "epoch": epoch, "rooms": rooms}
}

func TestResumeGivesExactlyWhatWasMissed(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		m.write(t, r.ID, 1, 30)
		c := m.connect(t, m.last(), "owner")
		c.say(resume(c.epoch, map[string]int64{r.ID.String(): 7}))
		for seq := int64(8); seq <= 30; seq++ {
			if got := c.want("message"); got.Seq != seq || got.Body != strconv.FormatInt(seq, 10) {
				t.Fatalf("got %+v, want seq %d", got, seq)
			}
		}
		if got := c.want("resumed"); got.ID != "r" || got.Heads[r.ID.String()] != 30 {
			t.Errorf("resumed %+v", got)
		}
		m.write(t, r.ID, 31, 33)
		for seq := int64(31); seq <= 33; seq++ {
			if got := c.want("message"); got.Seq != seq {
				t.Fatalf("live after the resume: seq %d, want %d", got.Seq, seq)
			}
		}
	})
}

// While others write without a pause, a connection that resumes gets each message once and in order.
func TestResumeWhileMessagesArrive(t *testing.T) {
	m, _ := pair(t)
	r := m.openRoom(t, "buyer")
	const total = 120
	var writing sync.WaitGroup
	writing.Go(func() { m.write(t, r.ID, 1, total) })
	defer writing.Wait()
	until(t, "the talk is under way", func() bool { return m.room(t, 0, "owner", r.ID).Head > 20 })
	c := m.connect(t, 1, "owner")
	c.say(resume(c.epoch, map[string]int64{r.ID.String(): 0}))
	resumed := false
	next := int64(1)
	for next <= total || !resumed {
		got := c.next()
		switch got.Type {
		case "message":
			if !resumed && got.Seq > next && next == 1 {
				continue // live, before the resume was read: the client had not named its place yet
			}
			if got.Seq != next {
				t.Fatalf("seq %d, want %d", got.Seq, next)
			}
			next++
		case "resumed":
			resumed = true
		default:
			t.Fatalf("got %+v", got)
		}
	}
}

func TestResumeFromTooFarOrFromElsewhere(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	m.write(t, r.ID, 1, 60)
	c := m.connect(t, 0, "owner")
	c.say(resume(c.epoch, map[string]int64{r.ID.String(): 2}))
	if got := c.want("too_far"); got.RoomID != r.ID || got.Head != 60 {
		t.Errorf("too_far %+v", got)
	}
	c.want("resumed")
	m.write(t, r.ID, 61, 61)
	if got := c.want("message"); got.Seq != 61 {
		t.Errorf("after too_far: %+v", got)
	}
	c.say(resume("another epoch", map[string]int64{r.ID.String(): 60}))
	if got := c.want("reset"); got.Epoch != c.epoch || got.Heads[r.ID.String()] != 61 {
		t.Errorf("foreign epoch: %+v", got)
	}
	c.say(resume(c.epoch, map[string]int64{r.ID.String(): 62}))
	if got := c.want("reset"); got.ID != "r" {
		t.Errorf("past the head: %+v", got)
	}
	absent := id.New()
	c.say(resume(c.epoch, map[string]int64{absent.String(): 0}))
	if got := c.want("resumed"); len(got.Heads) != 0 || len(got.Missing) != 1 || got.Missing[0] != absent {
		t.Errorf("a room that is not there: %+v", got)
	}
	many := map[string]int64{}
	for range 201 {
		many[id.New().String()] = 0
	}
	c.say(resume(c.epoch, many))
	if got := c.want("error"); got.Code != "bad_request" {
		t.Errorf("too many rooms: %+v", got)
	}
}

// What Redis loses without a word is found by comparing heads: here the last message of a talk, with nothing
// after it to show that it is missing.
func TestTheLostLastMessageIsFound(t *testing.T) {
	cfg, redis := testservers.MySQL(t), testservers.Redis(t)
	// The first instance's publishes go nowhere; the second one's subscription is in the best of health.
	m := &mall{tokens: map[string]string{}, instances: []*instance{startInstance(t, cfg, "127.0.0.1:1"), startInstance(t, cfg, redis.Addr())}}
	r := m.openRoom(t, "buyer")
	there := m.connect(t, 1, "owner")
	for seq := int64(1); seq <= 3; seq++ {
		m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": "?"}, 201, nil)
		if got := there.want("message"); got.Seq != seq {
			t.Errorf("got seq %d, want %d", got.Seq, seq)
		}
	}
	if m.instances[1].chat.Status().Degraded {
		t.Error("the second instance's Redis was well")
	}
}

// A receipt that Redis loses without a word is found as well, on whichever side it is missing, and told once.
func TestTheLostReceiptIsFound(t *testing.T) {
	cfg, redis := testservers.MySQL(t), testservers.Redis(t)
	m := &mall{tokens: map[string]string{}, instances: []*instance{startInstance(t, cfg, "127.0.0.1:1"), startInstance(t, cfg, redis.Addr())}}
	r := m.openRoom(t, "buyer")
	m.write(t, r.ID, 1, 3)
	there := m.connect(t, 1, "owner")
	for seq := int64(2); seq <= 3; seq++ {
		m.rest(t, 0, "buyer", "PUT", "/chat/rooms/"+r.ID.String()+"/cursor", map[string]any{"read_seq": seq}, 200, nil)
		if got := there.skipTo("receipt"); got.ReadSeq != seq || got.Party != "buyer" {
			t.Errorf("receipt %+v, want one of %d", got, seq)
		}
	}
}

// After a restore an operator begins a new epoch: everybody is sent back, and told that what they have is of
// another epoch.
func TestANewEpochMakesEverybodyReadAnew(t *testing.T) {
	cfg := testservers.SQLite(t)
	m := newMall(t, cfg, "", 1)
	r := m.openRoom(t, "buyer")
	m.write(t, r.ID, 1, 2)
	c := m.connect(t, 0, "buyer")
	renewed, err := chat.RenewEpoch(t.Context(), testservers.Open(t, cfg))
	check(t, err)
	if got := c.closed(); got != 4510 {
		t.Errorf("closed with %d, want 4510", got)
	}
	again := m.connect(t, 0, "buyer")
	if again.epoch != renewed || again.epoch == c.epoch {
		t.Errorf("epoch %s, want %s", again.epoch, renewed)
	}
	again.say(resume(c.epoch, map[string]int64{r.ID.String(): 2}))
	if got := again.want("reset"); got.Epoch != renewed {
		t.Errorf("reset %+v", got)
	}
}

// With Redis gone a send is acked as ever and reaches those on the same instance at once; when Redis is
// back, the other instance finds out what it has missed by itself.
func TestRedisMayGoAndComeBack(t *testing.T) {
	m, redis := pair(t)
	r := m.openRoom(t, "buyer")
	buyer, here, there := m.connect(t, 0, "buyer"), m.connect(t, 0, "agent"), m.connect(t, 1, "owner")
	buyer.say(send(r.ID, "1"))
	buyer.want("ack")
	for _, c := range []*client{here, there} {
		c.want("message")
	}
	check(t, redis.Stop())
	until(t, "the loss of Redis shows", func() bool { return m.instances[0].chat.Status().Degraded && m.instances[1].chat.Status().Degraded })
	buyer.say(send(r.ID, "2"))
	if got := buyer.want("ack"); got.Seq != 2 {
		t.Errorf("ack %+v", got)
	}
	if got := here.want("message"); got.Seq != 2 {
		t.Errorf("same instance: %+v", got)
	}
	check(t, redis.Start(t.Context()))
	if got := there.want("message"); got.Seq != 2 {
		t.Errorf("other instance: %+v", got)
	}
	buyer.say(send(r.ID, "3"))
	buyer.want("ack")
	for _, c := range []*client{here, there} {
		if got := c.want("message"); got.Seq != 3 {
			t.Errorf("after all: %+v", got)
		}
	}
}
