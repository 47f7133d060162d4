package pubsub

import (
	"testing"
	"time"

	"mall/modules/platform/id"
)

// What Redis answers about a channel counts only for as long as nobody has come or gone since it was asked.
func TestAnAnswerThatIsOlderThanAnAnnouncement(t *testing.T) {
	known := newSubscribed("t:")
	known.open("c")
	c := known.find("c")
	if known.alone("c") || known.alone("another") {
		t.Error("alone before Redis has said so")
	}
	asked := c.heard()
	if c.settle(asked, time.Now(), true); !known.alone("c") {
		t.Error("not alone although Redis has said so")
	}
	if c.otherCame(); known.alone("c") {
		t.Error("alone although somebody has come")
	}
	if c.settle(asked, time.Now(), true); known.alone("c") {
		t.Error("an answer from before the announcement counts")
	}
	c.settle(c.heard(), time.Now(), true)
	if c.settle(c.heard(), time.Now(), false); known.alone("c") {
		t.Error("alone although Redis has said otherwise")
	}
	if c.settle(c.heard(), time.Now().Add(-aloneFor), true); known.alone("c") {
		t.Error("alone although Redis was asked too long ago")
	}
	known.end("c")
	known.open("c")
	if c.settle(asked, time.Now(), true); known.alone("c") {
		t.Error("an answer from before the subscription was made anew counts")
	}
}

func TestCalls(t *testing.T) {
	c := call{id.New(), 1<<63 + 5}
	if got, ok := callOf(c.text()); !ok || got != c {
		t.Errorf("%v arrived as %v", c, got)
	}
	for _, text := range [][]byte{nil, c.text()[:18], append(c.text(), 0)} {
		if _, ok := callOf(text); ok {
			t.Errorf("%q counts as a call", text)
		}
	}
}
