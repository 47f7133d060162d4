package stream_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

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

// begun is a stream whose room has begun after a seq.
func begun(after int64) *stream.Stream {
	s := stream.New()
	s.Begin(room, after)
	return s
}

func TestOrder(t *testing.T) {
	s := begun(4)
	want(t, s.Offer(room, 5, frame(5)), false, "5")
	want(t, s.Offer(room, 5, frame(5)), false)
	want(t, s.Offer(room, 7, frame(7)), true)
	want(t, s.Offer(room, 6, frame(6)), false, "6", "7")
	want(t, s.Offer(room, 3, frame(3)), false)
}

// What comes first is no place to begin at: what it has overtaken is owed as well, whoever wrote first.
func TestAStreamBeginsWhereItIsTold(t *testing.T) {
	s := stream.New()
	want(t, s.Offer(room, 3, frame(3)), false) // of a room that has not begun nothing is known
	s.Begin(room, 2)
	s.Begin(room, 7)                     // the first place counts
	want(t, s.Offer(room, 4, nil), true) // the connection's own send
	want(t, s.Offer(room, 3, frame(3)), false, "3")
	want(t, s.Offer(room, 5, frame(5)), false, "5")
}

func TestAPlaceThatMustBeLookedFor(t *testing.T) {
	until := time.Unix(1, 0)
	s := stream.New()
	s.BeginUntil(room, until)
	want(t, s.Offer(room, 9, frame(9)), true)
	if at, ok := s.Unknown(room); !ok || !at.Equal(until) {
		t.Fatalf("unknown: %v %v", at, ok)
	}
	if _, ok := s.Reading(room); !ok {
		t.Fatal("the room is not read")
	}
	want(t, s.Filled(room, false), false) // the database was away
	want(t, s.Offer(room, 1, frame(1)), false)
	if !s.Behind(room, 9) {
		t.Fatal("the room is not read again")
	}
	s.Found(room, 6)
	s.Found(room, 8) // the first place counts
	if _, ok := s.Unknown(room); ok || s.Last(room) != 0 {
		t.Fatalf("the place lies past what was offered: %d", s.Last(room))
	}
	for seq := int64(1); seq <= 8; seq++ {
		if s.Fill(room, seq, frame(seq)) == nil {
			t.Errorf("%d was not written", seq)
		}
	}
	want(t, s.Filled(room, false), false, "9")

	s = stream.New()
	s.BeginUntil(room, until)
	s.Resume(room, 4) // the client knows better
	s.Found(room, 2)
	if _, ok := s.Unknown(room); ok || s.Last(room) != 4 {
		t.Fatalf("last is %d", s.Last(room))
	}
}

func TestOwnSendIsNotEchoed(t *testing.T) {
	s := begun(0)
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
	s := begun(11)
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
	s := begun(0)
	want(t, s.Offer(room, 1, frame(1)), false, "1")
	want(t, s.Offer(room, 1_000_000, frame(0)), true)
	if _, ok := s.Reading(room); !ok {
		t.Fatal("the gap is not read")
	}
	want(t, s.Filled(room, false), true)
	if _, ok := s.Reading(room); !ok {
		t.Fatal("there is no second look")
	}
	want(t, s.Filled(room, true), false)
	want(t, s.Offer(room, 2, frame(2)), false, "2")
}

// The second look gives up what the first one left, and not what was stored and has come since.
func TestASecondLookKeepsWhatIsNewer(t *testing.T) {
	s := begun(0)
	want(t, s.Offer(room, 1, frame(1)), false, "1")
	want(t, s.Offer(room, 9, frame(9)), true)
	s.Reading(room)
	want(t, s.Filled(room, false), true)
	s.Reading(room)
	want(t, s.Offer(room, 3, frame(3)), false)
	want(t, s.Filled(room, true), true)
	want(t, s.Offer(room, 2, frame(2)), false, "2", "3")
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

// reader reads a room from the database as the connection's owner does: what it has read may be old by the
// time it is filled in.
type reader struct {
	round int
	read  []int64 // nil: it asks the database next
	asked bool
	done  bool
}

// life is one connection, its readers, and what it has been sent.
type life struct {
	t       *testing.T
	s       *stream.Stream
	have    int64 // the last seq that the client has; each frame must be the next one
	stored  int64
	readers []*reader
	gaps    int // reported and not looked after yet
}

func (l *life) take(frames ...[]byte) {
	for _, f := range frames {
		seq, _ := strconv.ParseInt(string(f), 10, 64)
		if seq != l.have+1 {
			l.t.Fatalf("got %d after %d", seq, l.have)
		}
		l.have = seq
	}
}

func (l *life) offer(seq int64) {
	step := l.s.Offer(room, seq, frame(seq))
	l.take(step.Frames...)
	if step.Gap {
		l.gaps++
	}
}

func (l *life) resume(after int64) {
	l.s.Resume(room, after)
	l.have = after
	l.readers = append(l.readers, &reader{})
}

func (l *life) lookAfterGap() {
	l.gaps--
	if _, ok := l.s.Reading(room); ok {
		l.readers = append(l.readers, &reader{})
	}
}

// step takes a reader one step on: ask, fill in, or finish.
func (l *life) step(r *reader) {
	const page = 3
	switch {
	case !r.asked:
		after := l.s.Last(room)
		r.read = ascending(after, min(l.stored, after+page))
		r.asked = true
	case r.read != nil:
		for _, seq := range r.read {
			if f := l.s.Fill(room, seq, frame(seq)); f != nil {
				l.take(f)
			}
		}
		r.asked = len(r.read) < page
		r.read = nil
	default:
		step := l.s.Filled(room, r.round > 0)
		l.take(step.Frames...)
		r.done = true
		if step.Gap {
			if _, more := l.s.Reading(room); more {
				r.round, r.asked, r.done = r.round+1, false, false
			}
		}
	}
	l.readers = slices.DeleteFunc(l.readers, func(r *reader) bool { return r.done })
}

// However resumes, reads and late or doubled messages interleave, each frame is the next one, and when
// nothing was lost on the way the client has everything once the reads are done, without any sweep.
func TestReadsInAnyInterleaving(t *testing.T) {
	for seed := range uint64(20000) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		l := &life{t: t, s: stream.New(), stored: rnd.Int64N(10)}
		l.resume(rnd.Int64N(l.stored + 1))
		n := l.stored + 1 + rnd.Int64N(25)
		var wire []int64
		for l.stored < n || len(wire) > 0 || l.gaps > 0 || len(l.readers) > 0 {
			switch rnd.IntN(8) {
			case 0, 1:
				if l.stored < n {
					l.stored++
					for range 1 + rnd.IntN(2) {
						wire = append(wire, l.stored)
					}
				}
			case 2, 3:
				if len(wire) > 0 {
					i := rnd.IntN(min(len(wire), 4))
					seq := wire[i]
					wire = slices.Delete(wire, i, i+1)
					l.offer(seq)
				}
			case 4:
				if l.gaps > 0 {
					l.lookAfterGap()
				}
			case 5, 6:
				if len(l.readers) > 0 {
					l.step(l.readers[rnd.IntN(len(l.readers))])
				}
			default:
				if rnd.IntN(8) == 0 && l.stored < n {
					l.resume(max(0, l.have-rnd.Int64N(3)))
				}
			}
		}
		if l.have != n {
			t.Fatalf("seed %d: the client has %d of %d", seed, l.have, n)
		}
	}
}

func BenchmarkOffer(b *testing.B) {
	b.Run("in order", func(b *testing.B) {
		s, f, seq := begun(0), frame(1), int64(0)
		b.ReportAllocs()
		for b.Loop() {
			seq++
			s.Offer(room, seq, f)
		}
	})
	b.Run("in pairs swapped", func(b *testing.B) {
		s, f, seq := begun(0), frame(1), int64(0)
		s.Offer(room, seq, f)
		b.ReportAllocs()
		for b.Loop() {
			s.Offer(room, seq+2, f)
			s.Offer(room, seq+1, f)
			seq += 2
		}
	})
}
