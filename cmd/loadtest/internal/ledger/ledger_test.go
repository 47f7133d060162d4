package ledger

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// room is a buyer and a seller with 20 messages in turns: lane 0 has the odd numbers, lane 1 the even ones.
type room struct {
	lanes [2]Lane
	views [2]View
}

// event is one thing that a side's connection is told.
type event struct {
	side int
	seq  int64
	ack  bool
}

const base = 5

// story is the way of everything when all goes well.
func story() (events []event) {
	for seq := int64(base + 1); seq <= base+20; seq++ {
		sender := int(seq) % 2
		events = append(events, event{sender, seq, true}, event{1 - sender, seq, false})
	}
	return events
}

func play(events []event) Verdict {
	r := &room{}
	for i := range r.lanes {
		r.lanes[i].Index = uint32(i)
		r.views[i].Begin(base)
		for range 10 {
			r.lanes[i].Issue(0)
		}
	}
	for _, e := range events {
		sender := int(e.seq) % 2
		n := uint32((e.seq - base - 1) / 2)
		if e.ack {
			r.lanes[sender].Acked(n, e.seq)
			r.views[e.side].Ack(e.seq, uint32(sender), n)
		} else {
			r.views[e.side].Message(e.seq, uint32(sender), n)
		}
	}
	return Judge([]*Lane{&r.lanes[0], &r.lanes[1]}, []*View{&r.views[0], &r.views[1]})
}

func TestNothingIsFoundWhereNothingIsWrong(t *testing.T) {
	if v := play(story()); !v.Clean() {
		t.Errorf("%+v", v)
	}
}

// An ack says nothing about the messages before it: it may be ahead of them.
func TestAnAckMayComeEarly(t *testing.T) {
	events := story()
	for i := range events {
		if i > 0 && events[i].ack && !events[i-1].ack && events[i].side == events[i-1].side {
			events[i], events[i-1] = events[i-1], events[i]
		}
	}
	if v := play(events); !v.Clean() {
		t.Errorf("%+v", v)
	}
}

// Whichever single message is dropped, shown twice or swapped with the next, it is found and named for what it is.
func TestEachSingleMistakeIsFound(t *testing.T) {
	whole := story()
	for i, e := range whole {
		if e.ack {
			continue
		}
		dropped := append(append([]event{}, whole[:i]...), whole[i+1:]...)
		if v := play(dropped); v.Lost != 1 || v.Doubled != 0 {
			t.Errorf("message %d dropped: %+v", e.seq, v)
		}
		for _, later := range []int{i + 1, len(whole)} {
			twice := append(append(append([]event{}, whole[:later]...), e), whole[later:]...)
			if v := play(twice); v != (Verdict{Doubled: 1}) {
				t.Errorf("message %d twice: %+v", e.seq, v)
			}
		}
		for j := i + 1; j < len(whole); j++ {
			if !whole[j].ack && whole[j].side == e.side {
				swapped := append([]event{}, whole...)
				swapped[i], swapped[j] = swapped[j], swapped[i]
				if v := play(swapped); v.Disordered == 0 || v.Lost != 0 || v.Doubled != 0 {
					t.Errorf("message %d swapped with %d: %+v", e.seq, whole[j].seq, v)
				}
				break
			}
		}
	}
}

// A message that is stored twice has two numbers; only its key tells.
func TestOneMessageUnderTwoNumbersIsFound(t *testing.T) {
	v := &View{}
	v.Message(1, 0, 0)
	v.Message(2, 0, 0)
	if got := Judge([]*Lane{{}, {Index: 1}}, []*View{{}, v}); got.Doubled != 1 {
		t.Errorf("%+v", got)
	}
}

// What was stored though its sender was never told is shown all the same, and no harm.
func TestAMessageWithoutAnAckIsNoMistake(t *testing.T) {
	events := story()
	without := append(append([]event{}, events[:4]...), event{events[4].side, events[4].seq, false})
	if v := play(append(without, events[5:]...)); !v.Clean() {
		t.Errorf("%+v", v)
	}
}

// An own message may be shown beside its ack, before or after it; twice it must not be.
func TestAnOwnMessageMayBeShownOnce(t *testing.T) {
	for _, order := range []string{"as", "sa", "ass", "sas", "ssa"} {
		v := &View{}
		for _, what := range order {
			if what == 'a' {
				v.Ack(1, 7, 0)
			} else {
				v.Own(1, 7, 0)
			}
		}
		v.Message(2, 8, 0)
		want := Verdict{Doubled: strings.Count(order, "s") - 1}
		if got := Judge([]*Lane{{Index: 7}, {Index: 8}}, []*View{v, {last: 2}}); got != want || v.Echoed() != 1 {
			t.Errorf("%s: %+v, want %+v; echoed %d", order, got, want, v.Echoed())
		}
	}
}

// While a connection resumes it is told things from two streams; afterwards everything is strict again.
func TestResumingTakesTwoStreams(t *testing.T) {
	whole := func() *View {
		v := &View{}
		v.Message(1, 0, 0)
		v.Resume()
		v.Message(4, 0, 3) // live
		for seq := int64(2); seq <= 4; seq++ {
			v.Message(seq, 0, uint32(seq-1))
		}
		return v
	}
	lanes := func() []*Lane {
		l := &Lane{}
		for n := range uint32(5) {
			l.Acked(n, int64(n+1))
		}
		return []*Lane{l, {Index: 1}}
	}
	v := whole()
	v.Resumed()
	v.Message(5, 0, 4)
	if got := Judge(lanes(), []*View{{last: 5}, v}); !got.Clean() {
		t.Errorf("%+v", got)
	}
	v.Message(5, 0, 4)
	if got := Judge(lanes(), []*View{{last: 5}, v}); got.Doubled != 1 {
		t.Errorf("twice after it: %+v", got)
	}
	v = &View{}
	v.Resume()
	v.Message(1, 0, 0)
	v.Message(4, 0, 3)
	v.Message(5, 0, 4)
	v.Resumed()
	if got := Judge(lanes(), []*View{{last: 5}, v}); got.Lost != 2 || got.Disordered != 1 {
		t.Errorf("two that the resumed stream left out: %+v", got)
	}
}

func TestALaneKnowsWhatHasNoAnswer(t *testing.T) {
	var l Lane
	for i := range 5 {
		l.Issue(int64(100 * i))
	}
	if at, first := l.Acked(2, 9); at != 200 || !first {
		t.Error("the ack of one in the middle", at, first)
	}
	if _, again := l.Acked(2, 9); again || l.Refused(2) {
		t.Error("it had its answer")
	}
	if at, waits := l.Due(3); at != 300 || !waits || !l.Refused(3) {
		t.Error("one that waits")
	}
	if _, waits := l.Due(3); waits || len(l.Pending()) != 3 || l.Pending()[2].N != 4 || l.Issued() != 5 {
		t.Error("three wait", l.Pending())
	}
}

func TestSetIsAMapOfNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var s, other Set
	want, wantOther := map[uint32]bool{}, map[uint32]bool{}
	for range 3000 {
		n := r.Uint32N(2000)
		if s.Add(n) == want[n] {
			t.Fatal("is it new?", n)
		}
		want[n] = true
		if m := r.Uint32N(900); r.IntN(2) == 0 {
			other.Add(m)
			wantOther[m] = true
		}
	}
	n := 0
	for x := range want {
		if !wantOther[x] {
			n++
		}
	}
	if s.Without(&other) != n || s.Without(nil) != len(want) {
		t.Errorf("%d and %d, want %d and %d", s.Without(&other), s.Without(nil), n, len(want))
	}
}
