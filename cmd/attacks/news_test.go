package attacks_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

var newsAttacks = []attack{
	{"forged control news", "publishes on Redis that a member is banned, has logged out, has other shops", "their sockets stay open", forgedNews},
	{"replayed control news", "plays real news of a ban again, when the ban is over", "the sockets stay open; the database is asked", replayedNews},
	{"forged and replayed frames", "publishes frames of its own and real ones again, in other channels too", "nobody hears what was not stored, nor anything twice", replayedFrames},
	{"noise on Redis", "publishes bytes of every kind on every channel", "the mall goes on", noiseOnRedis},
}

// tap is somebody who has Redis.
type tap struct {
	t      *testing.T
	client *redis.Client

	mu   sync.Mutex
	news []redis.Message
}

func (w *world) tap(t *testing.T) *tap {
	t.Helper()
	x := &tap{t: t, client: redis.NewClient(&redis.Options{Addr: w.m.redis.Addr()})}
	listening := x.client.PSubscribe(t.Context(), "*")
	if _, err := listening.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	messages := listening.Channel()
	t.Cleanup(func() { _ = listening.Close(); _ = x.client.Close() })
	go func() {
		for m := range messages {
			x.mu.Lock()
			x.news = append(x.news, *m)
			x.mu.Unlock()
		}
	}()
	return x
}

func (x *tap) heard() []redis.Message {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]redis.Message(nil), x.news...)
}

// channels are those that are listened to.
func (x *tap) channels() []string {
	names, err := x.client.PubSubChannels(x.t.Context(), "*").Result()
	if err != nil {
		x.t.Fatal(err)
	}
	return names
}

func (x *tap) publish(channel, payload string) {
	x.t.Helper()
	if err := x.client.Publish(x.t.Context(), channel, payload).Err(); err != nil {
		x.t.Fatal(err)
	}
}

// stays looks at sockets that must not be closed by what was done, for a second.
func stays(t *testing.T, what string, lines ...*line) {
	t.Helper()
	for i, until := 0, time.Now().Add(time.Second); i < len(lines); i++ {
		if l := lines[i]; l.ends(time.Until(until)) {
			t.Errorf("%s: socket %d was closed with %d", what, i, l.code())
		}
	}
	for _, l := range lines {
		if !l.ended() {
			l.settle()
		}
	}
}

func forgedNews(t *testing.T, w *world) {
	victim := w.member("victim")
	lines := []*line{victim.connect(), victim.at(1).connect()}
	x := w.tap(t)
	for _, channel := range x.channels() {
		for _, news := range []string{
			fmt.Sprintf(`{"member":%q,"session":"00000000-0000-0000-0000-000000000000","ended":true,"banned":true}`, victim.id),
			fmt.Sprintf(`{"member":%q,"session":"00000000-0000-0000-0000-000000000000","ended":true,"banned":false}`, victim.id),
			fmt.Sprintf(`{"member":%q,"session":"00000000-0000-0000-0000-000000000000","ended":false,"banned":false}`, victim.id),
		} {
			x.publish(channel, news)
		}
	}
	stays(t, "forged news", lines...)
	victim.at(1).call("GET", "/me", nil).want(200, "")
}

func replayedNews(t *testing.T, w *world) {
	victim := w.member("victim")
	first := victim.connect()
	x := w.tap(t)
	w.m.program(t, "member", "ban", victim.email)
	if !first.ends(soon) || first.code() != 4403 {
		t.Fatalf("a ban closed the socket with %d", first.code())
	}
	w.m.program(t, "member", "unban", victim.email)
	victim.again().patient("POST", "/auth/logout", nil).must(204)
	victim.logIn()
	lines := []*line{victim.connect(), victim.at(1).connect()}
	for _, m := range x.heard() {
		x.publish(m.Channel, m.Payload)
		for _, channel := range x.channels() {
			if channel != m.Channel {
				x.publish(channel, m.Payload)
			}
		}
	}
	stays(t, "replayed news", lines...)
}

func replayedFrames(t *testing.T, w *world) {
	p, witness := w.member("talker"), w.member("witness")
	room := w.openRoom(p)
	w.openRoom(witness)
	x := w.tap(t)
	console, foreign, own := w.owner.at(1).connect(), witness.at(1).connect(), p.at(1).connect()
	w.say(p, room, "한 번만")
	is := func(f frame) bool { return f.text("type") == "message" && f.text("room_id") == room }
	console.await("the message", is)
	own.await("the message", is)
	until(t, "news on Redis", func() bool { return len(x.heard()) > 0 })
	for range 2 {
		for _, m := range x.heard() {
			for _, channel := range x.channels() {
				x.publish(channel, m.Payload)
				x.publish(channel, strings.ReplaceAll(m.Payload, "한 번만", "두 번만"))
			}
		}
	}
	x.publish("mall:chat:b:"+p.id, fmt.Sprintf(`{"type":"message","room_id":%q,"seq":2,"sender":{"party":"shop"},"kind":"text","body":"위조"}`, room))
	stays(t, "replayed frames", console, foreign, own)
	wait(t, 300*time.Millisecond)
	for name, l := range map[string]*line{"the console": console, "the talker": own} {
		if n := l.count(is); n != 1 {
			t.Errorf("%s got the message %d times", name, n)
		}
	}
	if n := foreign.count(is); n != 0 {
		t.Errorf("another member got %d messages of the room", n)
	}
}

func noiseOnRedis(t *testing.T, w *world) {
	p := w.member("talker")
	room := w.openRoom(p)
	l := p.connect()
	x := w.tap(t)
	for _, channel := range x.channels() {
		for _, noise := range []string{"", "\x00", "\x00n", "\x00a" + strings.Repeat("\xff", 24), "{", "null", strings.Repeat("A", 100_000), strings.Repeat("\x00", 200), "[]", `{"member":1}`} {
			x.publish(channel, noise)
		}
	}
	stays(t, "noise", l)
	w.say(w.owner.at(1), room, "아직 들려요?")
	l.await("a message", func(f frame) bool { return f.text("type") == "message" && f.text("room_id") == room })
}
