package chat_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mall/modules/chat"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// lines is a log that tests read.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// of gives the lines of a level that name the command: a mall says other things, too.
func (l *lines) of(level string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, "level="+level) && strings.Contains(line, "mall epoch renew") {
			found = append(found, line)
		}
	}
	return found
}

func (l *lines) read(p *parts) { p.log = slog.New(slog.NewTextHandler(l, nil)) }

// lose takes back what a room has after a seq, as a server does that takes over without having had it.
func lose(t *testing.T, cfg db.Config, room id.ID, after int64) {
	t.Helper()
	d := testservers.Open(t, cfg)
	check(t, d.Write(t.Context()).Exec("DELETE FROM chat_messages WHERE room_id = ? AND seq > ?", room, after).Error)
	const back = "UPDATE chat_rooms SET head = ?, buyer_count = ? WHERE id = ?"
	check(t, d.Write(t.Context()).Exec(back, after, after, room).Error)
}

// figure reads one of the chat's metrics.
func figure(t *testing.T, c *chat.Chat, name string) float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	c.Measure(reg)
	families, err := reg.Gather()
	check(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no %s", name)
	return 0
}

// say lets somebody write in a room, by REST.
func (m *mall) say(t *testing.T, who string, room id.ID, times int) {
	t.Helper()
	for range times {
		message := map[string]any{"client_msg_id": id.New(), "body": "비밀"}
		m.rest(t, 0, who, "POST", "/chat/rooms/"+room.String()+"/messages", message, 201, nil)
	}
}

// What the database has lost is noticed, also where other messages have got the numbers already: once, with the command
// that helps and without a word of what was said. After it all is well, and the next loss is noticed as the first was.
func TestLostMessagesAreNoticed(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg db.Config) {
		var said lines
		m := &mall{tokens: map[string]string{}, instances: []*instance{startInstance(t, cfg, "", said.read)}}
		c := m.instances[0].chat
		for n, who := range []string{"buyer", "other"} {
			r := m.openRoom(t, who)
			m.say(t, who, r.ID, 4)
			lose(t, cfg, r.ID, 2)
			m.say(t, who, r.ID, 3)
			until(t, "the loss is noticed", func() bool { return c.Status().Lost != nil })
			lost := c.Status().Lost
			if lost.By != "instance" || lost.Room != r.ID || lost.Seq != 3 || time.Since(lost.Noticed) > soon {
				t.Errorf("got %+v", lost)
			}
			if got := figure(t, c, "mall_chat_lost"); got != 1 {
				t.Errorf("the gauge says %v", got)
			}
			errs := said.of("ERROR")
			if len(errs) != n+1 || !strings.Contains(errs[n], lost.Mend) || !strings.Contains(errs[n], r.ID.String()) {
				t.Errorf("logged %q", errs)
			}
			if strings.Contains(strings.Join(errs, ""), "비밀") {
				t.Errorf("what people say is in the log: %q", errs)
			}
			renewed, err := chat.RenewEpoch(t.Context(), testservers.Open(t, cfg))
			check(t, err)
			until(t, "the new life", func() bool { return c.Status().Epoch == renewed })
			if c.Status().Lost != nil || figure(t, c, "mall_chat_lost") != 0 {
				t.Errorf("in the new life: %+v", c.Status().Lost)
			}
		}
	})
}

// An instance that has not stored the messages itself knows them by what its connections were told.
func TestLostMessagesOfOthersAreNoticed(t *testing.T) {
	cfg, redis := testservers.MySQL(t), testservers.Redis(t)
	often := func(p *parts) { p.Chat.PingEvery = time.Second }
	m := newMall(t, cfg, redis.Addr(), 1)
	m.instances = append(m.instances, startInstance(t, cfg, redis.Addr(), often))
	r := m.openRoom(t, "buyer")
	there := m.connect(t, 1, "owner")
	m.say(t, "buyer", r.ID, 3)
	check(t, there.ws.SetReadDeadline(time.Now().Add(soon)))
	for head := int64(0); head < 3; {
		var f frame
		check(t, there.ws.ReadJSON(&f))
		if f.Type == "hb" {
			head = max(head, f.Heads[r.ID.String()])
		}
	}
	m.instances[0].stop()
	lose(t, cfg, r.ID, 1)
	until(t, "the loss is noticed", func() bool { return m.instances[1].chat.Status().Lost != nil })
	if lost := m.instances[1].chat.Status().Lost; lost.Room != r.ID || lost.Seq != 3 {
		t.Errorf("got %+v", lost)
	}
}

// Instances that were started after the loss know nothing of it, but clients do. One member's word is not believed,
// however often it is said: anybody can name any number.
func TestClientsKnowWhatIsLost(t *testing.T) {
	var said lines
	m := &mall{tokens: map[string]string{}}
	m.instances = append(m.instances, startInstance(t, testservers.MySQL(t), "", said.read))
	c := m.instances[0].chat
	r := m.openRoom(t, "buyer")
	m.write(t, r.ID, 1, 2)
	for n, who := range []string{"buyer", "buyer", "owner", "agent"} {
		if c.Status().Lost != nil {
			t.Errorf("noticed after %d claims", n)
		}
		back := m.connect(t, 0, who)
		back.say(resume(back.epoch, map[string]int64{r.ID.String(): 7}))
		back.want("reset")
		if got := figure(t, c, "mall_chat_past_head_total"); int(got) != n+1 {
			t.Errorf("%v claims are counted, want %d", got, n+1)
		}
	}
	if lost := c.Status().Lost; lost == nil || lost.By != "clients" || lost.Room != r.ID || lost.Seq != 7 {
		t.Errorf("got %+v", lost)
	}
	if warned, errs := said.of("WARN"), said.of("ERROR"); len(warned) != 1 || len(errs) != 1 {
		t.Errorf("logged %q and %q", warned, errs)
	}
	stranger := m.connect(t, 0, "stranger")
	stranger.say(resume(stranger.epoch, map[string]int64{r.ID.String(): 7}))
	stranger.want("resumed")
	if got := figure(t, c, "mall_chat_past_head_total"); got != 4 {
		t.Errorf("who has no seat is counted: %v", got)
	}
}
