package stream_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"mall/modules/chat/internal/stream"
	"mall/modules/platform/id"
)

var room = id.New()

func frame(seq int64) []byte { return []byte(strconv.FormatInt(seq, 10)) }

func texts(frames [][]byte) []string {
	var out []string
	for _, f := range frames {
		out = append(out, string(f))
	}
	return out
}

func want(t *testing.T, step stream.Step, gap bool, frames ...string) {
	t.Helper()
	if step.Gap != gap || !slices.Equal(texts(step.Frames), frames) {
		t.Errorf("got %q gap %v, want %q gap %v", texts(step.Frames), step.Gap, frames, gap)
	}
}

func TestOrder(t *testing.T) {
	s := stream.New()
	want(t, s.Offer(room, 5, frame(5)), false, "5")
	want(t, s.Offer(room, 5, frame(5)), false)
	want(t, s.Offer(room, 7, frame(7)), true)
	want(t, s.Offer(room, 6, frame(6)), false, "6", "7")
	want(t, s.Offer(room, 3, frame(3)), false)
}

func TestOwnSendIsNotEchoed(t *testing.T) {
	s := stream.New()
	want(t, s.Offer(room, 1, nil), false)
	want(t, s.Offer(room, 3, nil), true) // the ack of 3 shows that 2 is on its way
	want(t, s.Offer(room, 2, frame(2)), false, "2")
	want(t, s.Offer(room, 4, frame(4)), false, "4")
}

func TestResumeHoldsLiveMessagesUntilFilled(t *testing.T) {
	s := stream.New()
	s.Resume(room, 10)
	want(t, s.Offer(room, 13, frame(13)), false)
	for seq := int64(11); seq <= 12; seq++ {
		if s.Fill(room, seq, frame(seq)) == nil {
			t.Errorf("%d was not written", seq)
		}
	}
	want(t, s.Filled(room, false), false, "13")
	want(t, s.Offer(room, 12, frame(12)), false)
}

func TestResumeAfterLiveMessagesSendsTheWholeRoom(t *testing.T) {
	s := stream.New()
	want(t, s.Offer(room, 12, frame(12)), false, "12")
	s.Resume(room, 10)
	for seq := int64(11); seq <= 12; seq++ {
		if s.Fill(room, seq, frame(seq)) == nil {
			t.Errorf("%d was not written", seq)
		}
	}
	want(t, s.Filled(room, false), false)
	want(t, s.Offer(room, 13, frame(13)), false, "13")
}

func TestForgedSeqIsGivenUp(t *testing.T) {
	s := stream.New()
	want(t, s.Offer(room, 1, frame(1)), false, "1")
	want(t, s.Offer(room, 1_000_000, frame(0)), true)
	if _, ok := s.Reading(room); !ok {
		t.Fatal("the gap is not read")
	}
	want(t, s.Filled(room, true), false)
	want(t, s.Offer(room, 2, frame(2)), false, "2")
}

// Whatever is lost, doubled or reordered, and whenever the database is read, a connection gets its room
// strictly one after the other, and everything once the last read is done.
func TestAnySchedule(t *testing.T) {
	for seed := range uint64(3000) {
		if got, n, start := play(rand.New(rand.NewPCG(seed, 1))); !slices.Equal(got, ascending(start, n)) {
			t.Fatalf("seed %d: got %v, want %d..%d", seed, got, start+1, n)
		}
	}
}

func ascending(after, head int64) []int64 {
	var out []int64
	for seq := after + 1; seq <= head; seq++ {
		out = append(out, seq)
	}
	return out
}

// play sends 1..n through a lossy channel to a connection that resumes somewhere; it answers what the
// connection has in the order it learned of it.
func play(rnd *rand.Rand) (got []int64, head, start int64) {
	n := 1 + rnd.Int64N(40)
	start = rnd.Int64N(n + 1)
	s := stream.New()
	var stored int64 // how far the database is
	take := func(frames [][]byte) {
		for _, f := range frames {
			seq, _ := strconv.ParseInt(string(f), 10, 64)
			got = append(got, seq)
		}
	}
	read := func(final bool) {
		for seq := s.Last(room) + 1; seq <= stored; seq++ {
			if f := s.Fill(room, seq, frame(seq)); f != nil {
				take([][]byte{f})
			}
		}
		take(s.Filled(room, final).Frames)
	}
	var wire []int64
	stored = start
	s.Resume(room, start)
	resuming := true
	for stored < n || len(wire) > 0 {
		switch {
		case stored < n && rnd.IntN(2) == 0:
			stored++
			for range rnd.IntN(3) { // lost, once, or doubled
				wire = append(wire, stored)
			}
		case len(wire) > 0:
			i := rnd.IntN(len(wire))
			seq := wire[i]
			wire = slices.Delete(wire, i, i+1)
			take(s.Offer(room, seq, frame(seq)).Frames)
		}
		if resuming && rnd.IntN(3) == 0 {
			read(false)
			resuming = false
		}
		if _, ok := s.Reading(room); ok {
			read(rnd.IntN(2) == 0)
		}
	}
	s.Resume(room, s.Last(room))
	read(true)
	return got, n, start
}
