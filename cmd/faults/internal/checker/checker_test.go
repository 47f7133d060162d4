package checker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"mall/cmd/faults/internal/record"
)

const (
	room  = "room-1"
	other = "room-2"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// story is a fault-free one: a buyer and a seller write six messages, then the buyer reconnects and misses two.
func story() (Stored, []Witness) {
	s := Stored{Epoch: "e1", Rooms: map[string]Room{room: {Head: 8, Count: 8, First: 1, Last: 8, Rows: map[int64]Message{}}}}
	var all []Message
	for seq := range int64(8) {
		m := Message{seq + 1, fmt.Sprintf("key-%d", seq+1), fmt.Sprintf("body %d", seq+1), "buyer"}
		s.Rooms[room].Rows[m.Seq] = m
		all = append(all, m)
	}
	at := noon
	tick := func() time.Time { at = at.Add(10 * time.Millisecond); return at }
	witness := func(name string, events ...record.Event) Witness {
		l := &record.Log{Client: name, Rooms: map[string]bool{room: true}}
		for _, e := range events {
			e.At, e.Room, e.Epoch = tick(), room, "e1"
			l.Add(e)
		}
		return Witness{Log: l, Views: map[string]View{room: {Has: slices.Clone(all), Fresh: slices.Clone(all)}}}
	}
	got := func(conn int, seq int64) record.Event {
		return record.Event{Kind: record.Message, Conn: conn, Seq: seq, Key: all[seq-1].Key, Body: all[seq-1].Body}
	}
	ack := func(conn int, seq int64) record.Event {
		return record.Event{Kind: record.Ack, Conn: conn, Seq: seq, Key: all[seq-1].Key}
	}
	resume := func(conn int, after int64) record.Event {
		return record.Event{Kind: record.Resume, Conn: conn, Seq: after}
	}
	resumed := func(conn int, head int64) record.Event {
		return record.Event{Kind: record.Resumed, Conn: conn, Seq: head}
	}
	buyer := witness("buyer", resume(1, 0), resumed(1, 0), ack(1, 1), got(1, 2), ack(1, 4), got(1, 3), ack(1, 5), got(1, 6),
		resume(2, 6), got(2, 8), got(2, 7), got(2, 8), resumed(2, 8)) // 8 came live before the resume took hold, and again
	seller := witness("seller", resume(1, 0), resumed(1, 0), got(1, 1), ack(1, 2), ack(1, 3), got(1, 4), got(1, 5), ack(1, 6), ack(1, 7), ack(1, 8))
	return s, []Witness{buyer, seller}
}

func TestAGoodStoryIsGood(t *testing.T) {
	s, w := story()
	if found := Judge(s, w); len(found) > 0 {
		t.Fatal(found)
	}
}

// Live messages may come between a resume and its taking hold, and then come again in their order.
func TestAResumeTakesHoldAtATimeOfItsOwn(t *testing.T) {
	for _, frames := range [][]int64{{7, 8}, {7, 7, 8}, {8, 7, 8}, {7, 8, 7, 8}, {8, 7, 8}} {
		events := []record.Event{{Kind: record.Resume, Conn: 1, Room: room, Seq: 6}}
		for _, seq := range frames {
			events = append(events, record.Event{Kind: record.Message, Conn: 1, Room: room, Seq: seq})
		}
		events = append(events, record.Event{Kind: record.Resumed, Conn: 1, Room: room, Seq: 8},
			record.Event{Kind: record.Message, Conn: 1, Room: room, Seq: 9})
		if found := judgeStreams("c", events); len(found) > 0 {
			t.Errorf("%v: %v", frames, found)
		}
	}
}

// Every kind of violation, planted into the good story, is found and sorted right.
func TestEachViolationIsCaught(t *testing.T) {
	add := func(w []Witness, e record.Event) {
		if e.Epoch == "" {
			e.Epoch = "e1"
		}
		e.At = noon.Add(time.Hour)
		w[0].Log.Add(e)
	}
	for _, c := range []struct {
		name  string
		want  Kind
		plant func(s *Stored, w []Witness)
	}{
		{"acked and not stored", Lost, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Ack, Conn: 2, Room: room, Seq: 9, Key: "key-9"})
		}},
		{"acked under another seq", Lost, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Ack, Conn: 2, Room: room, Seq: 2, Key: "key-1"})
		}},
		{"one key, two rows", Doubled, func(s *Stored, _ []Witness) {
			r := s.Rooms[room]
			r.Doubled = []string{"key-1"}
			s.Rooms[room] = r
		}},
		{"a hole in the room", Disordered, func(s *Stored, _ []Witness) {
			r := s.Rooms[room]
			r.Count = 7
			s.Rooms[room] = r
		}},
		{"a head behind the last message", Disordered, func(s *Stored, _ []Witness) {
			r := s.Rooms[room]
			r.Head, r.Count, r.Last = 8, 9, 9
			s.Rooms[room] = r
		}},
		{"a room that begins at 2", Disordered, func(s *Stored, _ []Witness) {
			r := s.Rooms[room]
			r.First = 2
			s.Rooms[room] = r
		}},
		{"delivered twice", Doubled, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Message, Conn: 2, Room: room, Seq: 7, Key: "key-7", Body: "body 7"})
		}},
		{"delivered again before and after a resume took hold, and once more", Doubled, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Resume, Conn: 3, Room: room, Seq: 6})
			for range 3 {
				add(w, record.Event{Kind: record.Message, Conn: 3, Room: room, Seq: 7, Key: "key-7", Body: "body 7"})
			}
		}},
		{"a resume that ends too soon", Lost, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Resume, Conn: 3, Room: room, Seq: 6})
			add(w, record.Event{Kind: record.Message, Conn: 3, Room: room, Seq: 8, Key: "key-8", Body: "body 8"}) // live
			add(w, record.Event{Kind: record.Resumed, Conn: 3, Room: room, Seq: 8})
		}},
		{"a resume that leaves one out", Disordered, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Resume, Conn: 3, Room: room, Seq: 4})
			for _, seq := range []string{"8", "5", "7", "8"} { // 8 came live
				add(w, record.Event{Kind: record.Message, Conn: 3, Room: room, Seq: int64(seq[0] - '0'), Key: "key-" + seq, Body: "body " + seq})
			}
		}},
		{"a jump", Disordered, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Resume, Conn: 3, Room: room, Seq: 2})
			add(w, record.Event{Kind: record.Resumed, Conn: 3, Room: room, Seq: 2})
			add(w, record.Event{Kind: record.Message, Conn: 3, Room: room, Seq: 4, Key: "key-4", Body: "body 4"})
		}},
		{"a step back", Disordered, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Resume, Conn: 3, Room: room, Seq: 6})
			add(w, record.Event{Kind: record.Resumed, Conn: 3, Room: room, Seq: 6})
			add(w, record.Event{Kind: record.Message, Conn: 3, Room: room, Seq: 5, Key: "key-5", Body: "body 5"})
		}},
		{"a room of strangers", Foreign, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Message, Conn: 2, Room: other, Seq: 1})
		}},
		{"a message that nobody wrote", Foreign, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Message, Conn: 2, Room: room, Seq: 9, Key: "k", Body: "forged"})
		}},
		{"other words than are stored", Foreign, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Pulled, Room: room, Seq: 7, Key: "key-7", Body: "forged"})
		}},
		{"the last message is missing in a view", Lost, func(_ *Stored, w []Witness) {
			v := w[1].Views[room]
			v.Has = v.Has[:7]
			w[1].Views[room] = v
		}},
		{"a view out of order", Disordered, func(_ *Stored, w []Witness) {
			v := w[1].Views[room]
			v.Has[2], v.Has[3] = v.Has[3], v.Has[2]
		}},
		{"a view with other words", Foreign, func(_ *Stored, w []Witness) { w[1].Views[room].Has[2].Body = "forged" }},
		{"a view with more than there is", Foreign, func(_ *Stored, w []Witness) {
			v := w[1].Views[room]
			v.Fresh = v.Fresh[:7]
			w[1].Views[room] = v
		}},
		{"an outbox that is not empty", Unsent, func(_ *Stored, w []Witness) { w[0].Unsent = 1 }},
		{"a refusal that is final", Other, func(_ *Stored, w []Witness) {
			add(w, record.Event{Kind: record.Refused, Room: room, Final: true, Note: "not_found"})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, w := story()
			c.plant(&s, w)
			found := Judge(s, w)
			if !slices.ContainsFunc(found, func(v Violation) bool { return v.Kind == c.want }) {
				t.Errorf("found %v, want one that is %s", found, c.want)
			}
		})
	}
}

// A connection's stream with any one frame left out, doubled or exchanged with another is always caught.
func TestAnyFlawInAStreamIsCaught(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 0))
		n := int64(4 + r.IntN(20))
		events := []record.Event{{Kind: record.Resume, Conn: 1, Room: room, Seq: 3}}
		if r.IntN(2) == 0 {
			events = append(events, record.Event{Kind: record.Resumed, Conn: 1, Room: room, Seq: 3})
		}
		var frames []int
		for seq := int64(4); seq < 4+n; seq++ {
			kind := record.Message
			if r.IntN(4) == 0 && seq > 4 {
				kind = record.Ack
			} else {
				frames = append(frames, len(events))
			}
			events = append(events, record.Event{Kind: kind, Conn: 1, Room: room, Seq: seq})
		}
		if found := judgeStreams("c", events); len(found) > 0 {
			t.Fatalf("seed %d: a good stream is blamed: %v", seed, found)
		}
		if len(frames) < 3 {
			continue
		}
		i := frames[1+r.IntN(len(frames)-2)]
		bad := slices.Clone(events)
		switch r.IntN(3) {
		case 0:
			bad = slices.Delete(bad, i, i+1)
		case 1:
			bad = slices.Insert(bad, i, bad[i])
		default:
			j := frames[len(frames)-1]
			bad[i], bad[j] = bad[j], bad[i]
		}
		if len(judgeStreams("c", bad)) == 0 {
			t.Fatalf("seed %d: not caught: %v", seed, bad)
		}
	}
}

func TestAnOldLifeOfTheDatabaseIsNotHeldAgainstTheNewOne(t *testing.T) {
	s, w := story()
	w[0].Log.Add(record.Event{Kind: record.Ack, Conn: 2, Room: room, Seq: 99, Key: "gone", Epoch: "e0"})
	w[0].Log.Add(record.Event{Kind: record.Message, Conn: 2, Room: room, Seq: 9, Key: "gone", Epoch: "e0"})
	if found := Judge(s, w); len(found) > 0 {
		t.Fatal(found)
	}
}

func TestTimesAreMeasured(t *testing.T) {
	at := func(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }
	sender := &record.Log{Client: "sender"}
	for _, e := range []record.Event{
		{At: at(0), Kind: record.Write, Room: room, Key: "k1"},
		{At: at(0), Kind: record.Send, Conn: 1, Room: room, Key: "k1"},
		{At: at(100), Kind: record.Refused, Conn: 1, Room: room, Key: "k1"},
		{At: at(200), Kind: record.Send, Conn: 1, Room: room, Key: "k1"},
		{At: at(4000), Kind: record.Ack, Conn: 1, On: "a", Room: room, Key: "k1", Seq: 1},
		{At: at(5000), Kind: record.Send, Conn: 1, Room: room, Key: "k2"},
		{At: at(5100), Kind: record.Closed, Conn: 1},
	} {
		sender.Add(e)
	}
	near, far := &record.Log{Client: "near"}, &record.Log{Client: "far"}
	near.Add(record.Event{At: at(4050), Kind: record.Message, On: "a", Room: room, Seq: 1})
	far.Add(record.Event{At: at(6000), Kind: record.Pulled, Room: room, Seq: 1})
	logs := []*record.Log{sender, near, far}
	if c := Count(logs, Window{}); c.Sends != 1 || c.Acked != 1 || c.Retried != 1 || c.Longest != 2*time.Second || c.Near != 50*time.Millisecond {
		t.Errorf("counts %+v", c)
	}
	late, slowest := Unanswered(logs, Window{}, 3*time.Second)
	if len(late) != 1 || slowest != 3800*time.Millisecond {
		t.Errorf("late %v, slowest %v", late, slowest)
	}
	if acks := Within(logs, Window{From: at(3000), To: at(4500)}, record.Ack); len(acks) != 1 {
		t.Errorf("acks %v", acks)
	}
}
