package pubsub

import (
	"bytes"
	"testing"

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
	if c.settle(asked, true); !known.alone("c") {
		t.Error("not alone although Redis has said so")
	}
	if c.company(); known.alone("c") {
		t.Error("alone although somebody has come")
	}
	if c.settle(asked, true); known.alone("c") {
		t.Error("an answer from before the announcement counts")
	}
	c.settle(c.heard(), true)
	if c.settle(c.heard(), false); known.alone("c") {
		t.Error("alone although Redis has said otherwise")
	}
	known.end("c")
	known.open("c")
	if c.settle(asked, true); known.alone("c") {
		t.Error("an answer from before the subscription was made anew counts")
	}
}

func FuzzPayload(f *testing.F) {
	self, other := id.New(), id.New()
	for _, p := range [][]byte{nil, {own}, {own, own}, {own, ownNews}, announcement(other), []byte("{}")} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		text := wrap(payload)
		got, news := unwrap(text)
		if !news || !bytes.Equal(got, payload) {
			t.Fatalf("%q arrived as %q, as news: %v", payload, got, news)
		}
		if announcedByOther(text, self) {
			t.Fatalf("%q counts as an announcement", payload)
		}
		if _, news := unwrap(append([]byte{own, ownArrive}, payload...)); news {
			t.Fatal("what buses say to each other counts as news")
		}
	})
}

func TestAnnouncements(t *testing.T) {
	self, other := id.New(), id.New()
	if announcedByOther(announcement(self), self) || !announcedByOther(announcement(other), self) {
		t.Error("an announcement of ourselves says nothing, one of another does")
	}
}
