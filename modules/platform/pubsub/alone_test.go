package pubsub_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
)

// settled waits until the bus knows that nobody else listens to the channel.
func (s *station) settled(t *testing.T, channel string) {
	t.Helper()
	until(t, "alone", func() bool {
		s.Publish(channel, []byte("anybody?"))
		return s.Alone(channel)
	})
}

func TestNobodyIsToldWhatNobodyElseHears(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		s := tune(t, client)
		check(t, s.Subscribe(t.Context(), "mine"))
		until(t, "the announcement is answered", func() bool { return s.Stats().Announced == 1 && s.Alone("mine") })
		before := s.Stats()
		for range 100 {
			s.Publish("mine", []byte("x"))
		}
		if now := s.Stats(); now.Skipped != before.Skipped+100 || now.Published != before.Published || now.Dropped != 0 {
			t.Errorf("100 news on our own channel: before %+v, after %+v", before, now)
		}
		for range 100 {
			s.Publish("not mine", []byte("x"))
		}
		until(t, "all others are published", func() bool { return s.Stats().Published == before.Published+100 })
	})
}

// Who arrives is heard of at once, and not only when what Redis has said has grown old.
func TestAnArrivalIsHeardOf(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		a, b := tune(t, client), tune(t, client)
		check(t, a.Subscribe(t.Context(), "c"))
		fastest := time.Hour
		for i := range 5 {
			a.settled(t, "c")
			began := time.Now()
			check(t, b.Subscribe(t.Context(), "c"))
			until(t, "heard of", func() bool { return !a.Alone("c") })
			fastest = min(fastest, time.Since(began))
			a.Publish("c", []byte(strconv.Itoa(i)))
			b.hearsPast(t, "c anybody?", "c "+strconv.Itoa(i)) // on a slow machine what settled asked is still on its way
			b.Unsubscribe("c")
			until(t, "left", func() bool { return listeners(t, client, "c") == 1 })
		}
		if fastest > pubsub.AloneFor/2 {
			t.Errorf("the fastest of 5 arrivals was heard of after %v", fastest)
		}
	})
}

// Once a Subscribe has come back without an error, nothing is left out any more: not for an instant.
func TestWhoHasSubscribedHearsAllThatIsSaidFromThenOn(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		a, b := tune(t, client), tune(t, client)
		check(t, a.Subscribe(t.Context(), "c"))
		skipped := int64(0)
		for i := range 50 {
			a.settled(t, "c")
			check(t, b.Subscribe(t.Context(), "c"))
			a.Publish("c", []byte(strconv.Itoa(i)))
			b.hearsPast(t, "c anybody?", "c "+strconv.Itoa(i))
			b.Unsubscribe("c")
			until(t, "left", func() bool { return listeners(t, client, "c") == 1 })
			skipped = a.Stats().Skipped
		}
		if skipped == 0 {
			t.Error("nothing was skipped: the test proves nothing")
		}
	})
}

// Who listens and does not say that he knows of us keeps us waiting a short time, and what may have been left out for us
// meanwhile is asked for when it no longer can be.
func TestASilentListenerKeepsUsWaiting(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		s := tune(t, client)
		until(t, "linked", s.Connected)
		listen(t, client, "c")
		resumed := s.resumed.Load()
		began := time.Now()
		if err := s.Subscribe(t.Context(), "c"); err == nil {
			t.Error("the listener has answered")
		}
		until(t, "subscribed", func() bool { return s.Subscribe(t.Context(), "c") == nil })
		if took := time.Since(began); took < pubsub.AloneFor {
			t.Errorf("subscribed after %v", took)
		}
		until(t, "resumed", func() bool { return s.resumed.Load() > resumed })
	})
}

func TestALostAnnouncementCostsAWhile(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		s := tune(t, client)
		check(t, s.Subscribe(t.Context(), "c"))
		s.settled(t, "c")
		silent := listen(t, client, "c")
		began := time.Now()
		skipped := s.Stats().Skipped
		var got *redis.Message
		until(t, "published again", func() bool {
			s.Publish("c", []byte("news"))
			select {
			case got = <-silent:
			default:
			}
			return got != nil
		})
		took := time.Since(began)
		if _, said := s.Said(got); said != "news" || took > pubsub.AloneFor+time.Second {
			t.Errorf("%q arrived after %v", said, took)
		}
		if s.Stats().Skipped == skipped {
			t.Error("nothing was skipped: the test proves nothing")
		}
	})
}

// Without the link nobody is known to be away, and with a new one Redis is asked anew: who came meanwhile hears
// everything, told of or not.
func TestALostLinkIsNotAlone(t *testing.T) {
	t.Parallel()
	client := open(t, testservers.Redis(t).Addr())
	s := tune(t, client)
	check(t, s.Subscribe(t.Context(), "c"))
	s.settled(t, "c")
	own := links(t, client)
	silent := listen(t, client, "c")
	for _, link := range own {
		check(t, client.ClientKillByFilter(t.Context(), "ID", link).Err())
	}
	until(t, "noticed", func() bool { return !s.Connected() })
	s.Publish("c", []byte("during"))
	until(t, "rebuilt", func() bool { return s.Connected() && s.Stats().Announced == 2 })
	s.Publish("c", []byte("after"))
	for _, want := range []string{"during", "after"} {
		select {
		case got := <-silent:
			if _, said := s.Said(got); said != want {
				t.Errorf("heard %q, want %q", said, want)
			}
		case <-time.After(soon):
			t.Fatalf("%q was not heard", want)
		}
		if want == "during" { // the announcement of the new link
			<-silent
		}
	}
}

// links are the ids of the connections that have subscribed to something.
func links(t *testing.T, client redis.UniversalClient) (ids []string) {
	t.Helper()
	all, err := client.ClientList(t.Context()).Result()
	check(t, err)
	for line := range strings.Lines(all) {
		if !strings.Contains(line, " sub=0 ") {
			x, _, _ := strings.Cut(strings.TrimPrefix(line, "id="), " ")
			ids = append(ids, x)
		}
	}
	return ids
}

// Stations come to channels and go, and everybody talks all the time. Whoever has come, and has been heard of,
// hears all that is said from then on.
func TestComingAndGoingWhileEverybodyTalks(t *testing.T) {
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		var all []*talker
		for range 4 {
			all = append(all, newTalker(t, client))
		}
		channels := []string{"a", "b", "c"}
		for _, s := range all {
			s.babble(t, channels)
		}
		t.Run("all", func(t *testing.T) {
			for i, channel := range channels {
				t.Run(channel, func(t *testing.T) {
					t.Parallel()
					churn(t, all, channel, rand.New(rand.NewPCG(uint64(i), 7)))
				})
			}
		})
		var skipped int64
		for _, s := range all {
			if s.Stats().Dropped > 0 {
				t.Errorf("too much was said: %+v", s.Stats())
			}
			skipped += s.Stats().Skipped
		}
		if skipped == 0 {
			t.Error("nothing was skipped: the test proves nothing")
		}
	})
}

const babble = "…"

// talker is a station that notes all that it hears but babble.
type talker struct {
	*station
	mu   sync.Mutex
	said map[string]bool
}

func newTalker(t *testing.T, client redis.UniversalClient) *talker {
	s := &talker{said: map[string]bool{}}
	s.station = attune(t, client, func(channel string, payload []byte) {
		if string(payload) != babble {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.said[channel+" "+string(payload)] = true
		}
	})
	return s
}

func (s *talker) has(said string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said[said]
}

// babble says something on all channels until the test ends: often, and still less than slow machines carry.
func (s *talker) babble(t *testing.T, channels []string) {
	stop := make(chan struct{})
	var talking sync.WaitGroup
	talking.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				for _, c := range channels {
					s.Publish(c, []byte(babble))
				}
			}
		}
	})
	t.Cleanup(func() { close(stop); talking.Wait() })
}

// churn lets talkers come to the channel and go, one at a time, and all say something after each.
func churn(t *testing.T, all []*talker, channel string, rnd *rand.Rand) {
	in := map[*talker]bool{}
	for round := range 60 {
		s := all[rnd.IntN(len(all))]
		if in[s] {
			s.Unsubscribe(channel)
			delete(in, s)
			until(t, "gone", func() bool { return int(listeners(t, s.client, channel)) == len(in) })
		} else {
			s.arrive(t, channel, in)
			in[s] = true
		}
		for i, from := range all {
			text := fmt.Sprintf("round %d, talker %d", round, i)
			lost := from.Stats().Failed
			from.Publish(channel, []byte(text))
			for to := range in {
				if to == from {
					continue
				}
				until(t, "heard", func() bool {
					if failed := from.Stats().Failed; failed > lost { // Redis took too long to answer: it may be lost
						lost = failed
						from.Publish(channel, []byte(text))
					}
					return to.has(channel + " " + text)
				})
			}
		}
	}
}

// arrive subscribes and waits until all who are there have heard of it.
func (s *talker) arrive(t *testing.T, channel string, there map[*talker]bool) {
	t.Helper()
	before := map[*talker]uint64{}
	for other := range there {
		before[other] = other.Arrivals(channel)
	}
	check(t, s.Subscribe(t.Context(), channel))
	for other, n := range before {
		until(t, "heard of", func() bool { return other.Arrivals(channel) > n })
	}
}
