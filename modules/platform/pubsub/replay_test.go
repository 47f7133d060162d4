package pubsub_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
)

// thief can read and write in Redis, and has no secret.
type thief struct {
	t      *testing.T
	client redis.UniversalClient
}

// tap records what is said on a channel.
func (th thief) tap(channel string) <-chan *redis.Message { return listen(th.t, th.client, channel) }

// play publishes something on a channel.
func (th thief) play(channel, text string) {
	th.t.Helper()
	name := pubsub.FullName(th.client, "t", channel)
	if c, clustered := th.client.(*redis.ClusterClient); clustered {
		check(th.t, c.SPublish(th.t.Context(), name, text).Err())
		return
	}
	check(th.t, th.client.Publish(th.t.Context(), name, text).Err())
}

// silent shows that nothing was heard: what comes next is what another instance says now.
func (s *station) silent(t *testing.T, channel string) {
	t.Helper()
	s.gets(t, channel, "the next")
}

func TestForgeriesAreRefused(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		s := tune(t, client)
		check(t, s.Subscribe(t.Context(), "member"))
		th := thief{t, client}
		for _, text := range []string{"", "x", `{"member":"…","ended":true,"banned":true}`, string(make([]byte, 200))} {
			th.play("member", text)
		}
		stranger := pubsub.New(client, "t", [][]byte{[]byte("a guess")}, quiet)
		tapped := th.tap("chat")
		run(t, stranger)
		stranger.Publish("chat", []byte("banned"))
		th.play("member", (<-tapped).Payload)
		until(t, "refused", func() bool { return s.Stats().Forged >= 5 })
		s.silent(t, "member")
	})
}

// run lets a bus work until the test ends.
func run(t *testing.T, bus *pubsub.Bus) {
	t.Helper()
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- bus.Run(ctx) }()
	t.Cleanup(func() { cancel(); check(t, within(ended)) })
}

// What was really said is heard once, on its own channel.
func TestNothingIsHeardTwice(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		s, speaker := tune(t, client), tune(t, client)
		check(t, s.Subscribe(t.Context(), "member"))
		check(t, s.Subscribe(t.Context(), "chat"))
		th := thief{t, client}
		tapped := th.tap("member")
		speaker.Publish("member", []byte("banned"))
		s.hears(t, "member banned")
		stolen := (<-tapped).Payload
		for range 3 {
			th.play("member", stolen)
		}
		until(t, "refused", func() bool { return s.Stats().Replayed == 3 })
		th.play("chat", stolen)
		until(t, "refused elsewhere", func() bool { return s.Stats().Forged+s.Stats().Replayed == 4 })
		s.silent(t, "member")
		s.silent(t, "chat")
	})
}

// Who has just come hears nothing that was said before, neither of an instance that has ended nor of one that lives.
func TestOldSealsAreNotHeardByWhoComesLater(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		ended, lives := tune(t, client), tune(t, client)
		th := thief{t, client}
		tapped := th.tap("member")
		ended.Publish("member", []byte("of one that has ended"))
		lives.Publish("member", []byte("of one that lives"))
		stolen := []string{(<-tapped).Payload, (<-tapped).Payload}
		ended.stop()
		lives.Rounds(pubsub.Floors)

		s := tune(t, client)
		until(t, "subscribed", func() bool { return s.Subscribe(t.Context(), "member") == nil }) // the thief listens and says nothing
		for _, text := range stolen {
			th.play("member", text)
		}
		until(t, "refused", func() bool { return s.Stats().Replayed == 1 && s.Stats().Unproven == 1 })
		s.silent(t, "member")
	})
}

// The first words of an instance that nobody knows are heard as soon as it has shown that it lives.
func TestAStrangersFirstWords(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		s := tune(t, client)
		check(t, s.Subscribe(t.Context(), "c"))
		for range 10 { // it says them before anybody can have asked who it is
			speaker := pubsub.New(client, "t", pubsub.Secrets, quiet)
			speaker.Publish("c", []byte("one"))
			speaker.Publish("c", []byte("two"))
			run(t, speaker)
			s.hears(t, "c one")
			s.hears(t, "c two")
		}
		if st := s.Stats(); st.Forged+st.Replayed+st.Unproven > 0 {
			t.Errorf("refused: %+v", st)
		}
	})
}

// A secret is changed in two steps, with all instances at work: first all can open what it seals, then it seals.
func TestSecretsAreChangedOneAfterTheOther(t *testing.T) {
	client := open(t, testservers.Redis(t).Addr())
	older, newer := []byte("the older secret"), []byte("the newer secret")
	a := tuneWith(t, client, [][]byte{older, newer})
	b := tuneWith(t, client, [][]byte{newer, older})
	c := tuneWith(t, client, [][]byte{newer})
	for _, s := range []*station{a, b, c} {
		_ = s.Subscribe(t.Context(), "c") // of those who do not understand each other nobody knows
	}
	until(t, "subscribed", func() bool { return listeners(t, client, "c") == 3 })
	a.Publish("c", []byte("sealed with the older"))
	b.hears(t, "c sealed with the older")
	b.Publish("c", []byte("sealed with the newer"))
	a.hears(t, "c sealed with the newer")
	c.hears(t, "c sealed with the newer")
	if c.Stats().Forged == 0 {
		t.Error("a secret that was taken away still opens")
	}
}

// A probe that somebody else sends does not make a deaf link look alive.
func TestAForgedProbe(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	s := tune(t, open(t, server.Addr()))
	direct := open(t, server.Addr())
	th := thief{t, direct}
	tapped := th.tap(s.ProbeChannel())
	stolen := (<-tapped).Payload
	th.play(s.ProbeChannel(), "?")
	th.play(s.ProbeChannel(), stolen)
	until(t, "refused", func() bool { return s.Stats().Forged == 1 && s.Stats().Replayed == 1 })
}

// Whoever wants to know is told why something was refused.
func TestRefusalsAreTold(t *testing.T) {
	client := open(t, "")
	told := make(chan string, 10)
	bus := pubsub.New(client, "t", pubsub.Secrets, quiet)
	bus.OnRefused(func(channel string, why pubsub.Refusal) { told <- channel + " " + string(why) })
	run(t, bus)
	until(t, "linked", bus.Connected)
	check(t, bus.Subscribe(t.Context(), "member"))
	thief{t, client}.play("member", "nonsense")
	if got := <-told; got != pubsub.FullName(client, "t", "member")+" forged" {
		t.Errorf("told %q", got)
	}
}
