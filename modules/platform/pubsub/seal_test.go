package pubsub

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/id"
)

// silentBus is a bus without a Redis, which counts what it is given.
func silentBus(heard *[]string) *Bus {
	b := New(nil, "t", Secrets, nil)
	b.Handle("", func(channel string, payload []byte) { *heard = append(*heard, channel+" "+string(payload)) })
	return b
}

// A seal is good as it is, on its channel, and nothing else is.
func TestASealCannotBeBent(t *testing.T) {
	s := New(nil, "t", Secrets, nil)
	full := "t:s1:member"
	text := s.links[0].sealer.seal(nil, full, kindNews, []byte("words"))
	if bytes.Contains(text, []byte("words")) {
		t.Error("who can read in Redis reads what is said")
	}
	hear := func(channel string, text []byte) (heard []string, refused int64) {
		b := silentBus(&heard)
		l := b.links[0]
		l.peers.known[s.self] = &peer{l.peers.roots[0].aead(s.self, l.prefix), l.peers.roots[0].hint, windowAfter(0)}
		if err := l.take(&redis.Message{Channel: channel, Payload: string(text)}); err != nil {
			t.Fatal(err)
		}
		return heard, b.forged.Load() + b.replayed.Load()
	}
	if heard, refused := hear(full, text); len(heard) != 1 || heard[0] != "member words" || refused != 0 {
		t.Fatalf("the real one: %q, refused %d", heard, refused)
	}
	if heard, refused := hear(full+"x", text); len(heard) > 0 || refused != 1 {
		t.Errorf("on another channel: %q, refused %d", heard, refused)
	}
	for i := range text {
		bent := bytes.Clone(text)
		bent[i] ^= 1
		if heard, refused := hear(full, bent); len(heard) > 0 || refused != 1 {
			t.Errorf("bit of byte %d turned: %q, refused %d", i, heard, refused)
		}
		if heard, refused := hear(full, text[:i]); len(heard) > 0 || refused != 1 {
			t.Errorf("cut at byte %d: %q, refused %d", i, heard, refused)
		}
	}
}

// Many seals share their room until they are sent.
func TestSealsInOneRoom(t *testing.T) {
	b := New(nil, "t", Secrets, nil)
	s := b.links[0].sealer
	var room []byte
	var texts [][]byte
	for i := range 100 {
		from := len(room)
		room = s.seal(room, "c", kindNews, bytes.Repeat([]byte{byte(i)}, i))
		texts = append(texts, room[from:])
	}
	for i, text := range texts {
		o, ok := sealed{text, "c"}.open(s.aead)
		if !ok || o.number != uint64(i)+1 || !bytes.Equal(o.payload, bytes.Repeat([]byte{byte(i)}, i)) {
			t.Fatalf("seal %d: %v %+v", i, ok, o)
		}
	}
}

// Of several secrets with one hint the right one is found; a secret that is not known opens nothing.
func TestSecretsThatShareAHint(t *testing.T) {
	roots := rootsOf([][]byte{[]byte("one"), []byte("another")})
	roots[1].hint = roots[0].hint
	sender := id.New()
	for i, r := range roots {
		text := newSealer(r, sender, "t:").seal(nil, "t:c", kindNews, nil)
		if _, by, ok := newPeers(roots, "t:").openStranger(sealed{text, "t:c"}); !ok || by == nil {
			t.Errorf("secret %d opens nothing", i)
		}
		if _, _, ok := newPeers(roots[1-i:2-i], "t:").openStranger(sealed{text, "t:c"}); ok {
			t.Errorf("the other secret opens what secret %d has sealed", i)
		}
	}
}

// The window takes each number once, in whatever order, and none that is too far back.
func FuzzWindow(f *testing.F) {
	f.Add(uint64(0), uint64(1))
	f.Add(uint64(1<<40), uint64(2))
	f.Fuzz(func(t *testing.T, floor, seed uint64) {
		floor %= 1 << 62
		w, seen, rnd := windowAfter(floor), map[uint64]bool{}, rand.New(rand.NewPCG(seed, 7))
		top := floor
		for range 2000 {
			n := top - min(top, uint64(rnd.IntN(windowSize+64))) + uint64(rnd.IntN(40))
			if rnd.IntN(50) == 0 {
				n = top + uint64(rnd.IntN(3*windowSize))
			}
			want := n > floor && !seen[n] && (n > top || top-n < windowSize)
			if got := w.fresh(n); got != want {
				t.Fatalf("%d with %d on top and %d below: fresh is %v", n, top, floor, got)
			}
			if want {
				w.mark(n)
				seen[n], top = true, max(top, n)
			}
		}
	})
}

// An answer that was given before, to another question or another instance, lets nobody in.
func TestAnOldAnswerProvesNothing(t *testing.T) {
	var heard []string
	b := silentBus(&heard)
	l := b.links[0]
	gone := New(nil, "t", Secrets, nil)
	say := func(channel string, kind byte, payload []byte) {
		full := l.prefix + channel
		l.hear(sealed{gone.links[0].sealer.seal(nil, full, kind, payload), full})
	}
	say(l.probe, kindAnswer, call{id.New(), 0}.text())
	say("member", kindNews, []byte("banned"))
	say(l.probe, kindAnswer, call{id.New(), 0}.text())
	say(l.probe, kindAnswer, nil)
	if len(heard) > 0 || len(l.peers.known) > 0 {
		t.Fatalf("heard %q of a stranger", heard)
	}
	words := l.peers.strangers[gone.self].words
	say(l.probe, kindAnswer, call{words, 0}.text())
	if len(heard) != 1 || heard[0] != "member banned" {
		t.Errorf("the right answer: heard %q", heard)
	}
	if b.forged.Load()+b.replayed.Load() > 0 {
		t.Errorf("refused: %+v", b.Stats())
	}
}

// However many strangers speak, and however much, what is kept of them is bounded.
func TestAFloodOfOldSeals(t *testing.T) {
	var heard []string
	b := silentBus(&heard)
	l := b.links[0]
	for range 3 * maxStrangers {
		gone := New(nil, "t", Secrets, nil)
		for range 50 {
			l.hear(sealed{gone.links[0].sealer.seal(nil, l.prefix+"c", kindNews, payload), l.prefix + "c"})
		}
	}
	lane := l.lane.Load()
	if len(l.peers.strangers) > maxStrangers || l.peers.held > maxHeld || len(lane.calls) > maxStrangers {
		t.Errorf("%d strangers, %d held, %d questions", len(l.peers.strangers), l.peers.held, len(lane.calls))
	}
	l.round(time.Now().Add(2 * strangerFor))
	if len(l.peers.strangers)+l.peers.held > 0 || len(heard) > 0 {
		t.Errorf("%d strangers, %d held, heard %q", len(l.peers.strangers), l.peers.held, heard)
	}
	asker := New(nil, "t", Secrets, nil)
	for range 3 * maxSpoken {
		words := id.New()
		l.hear(sealed{asker.links[0].sealer.seal(nil, l.prefix+l.probe, kindAsk, words[:]), l.prefix + l.probe})
	}
	if n := len(lane.calls); n > maxStrangers+maxSpoken {
		t.Errorf("%d questions and answers wait", n)
	}
}

// Nothing that comes from Redis is heard but what an instance with the secret has sealed for that channel.
func FuzzHear(f *testing.F) {
	other := New(nil, "t", Secrets, nil)
	full := "t:s1:member"
	good := other.links[0].sealer.seal(nil, full, kindNews, []byte("x"))
	f.Add(full, good)
	f.Add(full, good[:sealSize])
	f.Add(full, []byte(strings.Repeat("\x01", 100)))
	f.Add("t:s1:hello", good)
	f.Fuzz(func(t *testing.T, channel string, text []byte) {
		var heard []string
		b := silentBus(&heard)
		l := b.links[0]
		l.peers.known[other.self] = &peer{other.links[0].sealer.aead, other.links[0].sealer.head[1], windowAfter(0)}
		l.hear(sealed{text, channel})
		if same := channel == full && bytes.Equal(text, good); same != (len(heard) == 1) {
			t.Fatalf("heard %q", heard)
		}
	})
}
