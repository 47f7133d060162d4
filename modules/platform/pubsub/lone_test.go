package pubsub

import (
	"bytes"
	"testing"
	"time"

	"mall/modules/platform/id"
)

// What Redis answers about a channel counts only for as long as nobody has come or gone since it was asked.
func TestAnAnswerThatIsOlderThanAnAnnouncement(t *testing.T) {
	known := newLones("t:")
	known.open("c")
	c := known.find("c")
	if known.alone("c") || known.alone("another") {
		t.Error("alone before Redis has said so")
	}
	asked := c.heard()
	if c.settle(asked, time.Now(), true); !known.alone("c") {
		t.Error("not alone although Redis has said so")
	}
	if c.company(); known.alone("c") {
		t.Error("alone although somebody has come")
	}
	if c.settle(asked, time.Now(), true); known.alone("c") {
		t.Error("an answer from before the announcement counts")
	}
	c.settle(c.heard(), time.Now(), true)
	if c.settle(c.heard(), time.Now(), false); known.alone("c") {
		t.Error("alone although Redis has said otherwise")
	}
	if c.settle(c.heard(), time.Now().Add(-loneFor), true); known.alone("c") {
		t.Error("alone although Redis was asked too long ago")
	}
	known.end("c")
	known.open("c")
	if c.settle(asked, time.Now(), true); known.alone("c") {
		t.Error("an answer from before the subscription was made anew counts")
	}
}

func FuzzPayload(f *testing.F) {
	for _, p := range [][]byte{nil, {own}, {own, own}, {own, ownNews}, call{id.New(), 7}.text(ownArrive), []byte("{}")} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		text := wrap(payload)
		got, news := unwrap(text)
		if !news || !bytes.Equal(got, payload) {
			t.Fatalf("%q arrived as %q, as news: %v", payload, got, news)
		}
		if kind, _ := callOf(text); kind == ownArrive || kind == ownHeard {
			t.Fatalf("%q counts as an announcement or an answer", payload)
		}
		if _, news := unwrap(append([]byte{own, ownArrive}, payload...)); news {
			t.Fatal("what buses say to each other counts as news")
		}
	})
}

func TestCalls(t *testing.T) {
	c := call{id.New(), 1<<63 + 5}
	for _, kind := range []byte{ownArrive, ownHeard} {
		if k, got := callOf(c.text(kind)); k != kind || got != c {
			t.Errorf("%c of %v arrived as %c of %v", kind, c, k, got)
		}
	}
	for _, text := range [][]byte{nil, c.text(ownArrive)[:18], append(c.text(ownArrive), 0), append([]byte{1}, c.text(ownArrive)[1:]...)} {
		if kind, _ := callOf(text); kind != 0 {
			t.Errorf("%q counts as %c", text, kind)
		}
	}
}
