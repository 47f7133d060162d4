package ledger

import "fmt"

// View is what one connection has been shown of one room, from a known place on. Its own messages count by their
// acks, which may come before the messages before them. It is not safe for concurrent use.
type View struct {
	last     int64              // everything up to here is there
	ahead    map[int64]struct{} // own acks, and while it resumes messages, past a hole
	holes    map[int64]struct{} // skipped when something later was shown
	resuming bool
	received []from
	acked    []from // own messages, by lane
	echoed   int

	doubled, disordered int
	found               []string // the first few mistakes, for whoever looks for their cause
}

// mostFound is how many mistakes of a view are told one by one.
const mostFound = 3

func (v *View) find(format string, args ...any) {
	if len(v.found) < mostFound {
		v.found = append(v.found, fmt.Sprintf(format, args...))
	}
}

type from struct {
	lane uint32
	keys Set
}

// Begin says up to where the room was known before.
func (v *View) Begin(head int64) { v.last = head }

// Last is the seq up to which nothing is missing, but for what Judge counts as lost.
func (v *View) Last() int64 { return v.last }

// Shown takes a message that has no key of this run.
func (v *View) Shown(seq int64) { v.place(seq) }

// Message takes a message of a lane; false when it had been shown before.
func (v *View) Message(seq int64, lane, n uint32) (first bool) {
	first = keysOf(&v.received, lane).Add(n)
	placed := v.place(seq)
	if placed && !first { // the same message under another number
		v.doubled++
		v.find("message %d had been shown under another number", seq)
	}
	return first
}

// Ack takes the number of an own message, whose sender it tells.
func (v *View) Ack(seq int64, lane, n uint32) {
	keysOf(&v.acked, lane).Add(n)
	if v.keysFrom(lane).has(n) { // it was shown before its ack
		v.echoed++
		return
	}
	if _, hole := v.holes[seq]; hole { // it was skipped for a message that came too soon
		delete(v.holes, seq)
		return
	}
	if seq <= v.last || v.has(seq) {
		v.doubled++
		v.find("the ack %d came for a number that was taken, after %d", seq, v.last)
		return
	}
	v.keep(seq)
}

// Own takes an own message that was shown, beside its ack or in a resumed stream.
func (v *View) Own(seq int64, lane, n uint32) {
	first := keysOf(&v.received, lane).Add(n)
	switch {
	case keysOf(&v.acked, lane).has(n) && (first || v.resuming):
		v.echoed++
	default:
		v.place(seq)
	}
}

// Echoed is how many own messages were shown though an ack tells of them. It does no harm: every client must know what it
// has by its number.
func (v *View) Echoed() int { return v.echoed }

// place puts a shown message where it belongs; false when that number had been shown before.
func (v *View) place(seq int64) bool {
	_, hole := v.holes[seq]
	switch {
	case hole: // late, which was counted when it was skipped
		delete(v.holes, seq)
		return true
	case seq <= v.last || v.has(seq):
		if !v.resuming {
			v.doubled++
			v.find("message %d came a second time, after %d", seq, v.last)
		}
		return false
	case seq > v.last+1 && !v.resuming:
		v.skipTo(seq)
	}
	v.keep(seq)
	return true
}

func (v *View) has(seq int64) bool {
	_, there := v.ahead[seq]
	return there
}

func (v *View) keep(seq int64) {
	if seq != v.last+1 {
		if v.ahead == nil {
			v.ahead = map[int64]struct{}{}
		}
		v.ahead[seq] = struct{}{}
		return
	}
	v.last = seq
	for v.has(v.last + 1) {
		v.last++
		delete(v.ahead, v.last)
	}
}

// skipTo goes on past a hole: whatever is missing before seq should have been shown before it.
func (v *View) skipTo(seq int64) {
	skipped := false
	for missing := v.last + 1; missing < seq; missing++ {
		if v.has(missing) {
			delete(v.ahead, missing)
			continue
		}
		if v.holes == nil {
			v.holes = map[int64]struct{}{}
		}
		v.holes[missing] = struct{}{}
		skipped = true
	}
	if skipped {
		v.disordered++
		v.find("message %d came after %d", seq, v.last)
	}
	v.last = seq - 1
}

// keysOf finds the keys of a lane, or begins them.
func keysOf(all *[]from, lane uint32) *Set {
	for i := range *all {
		if (*all)[i].lane == lane {
			return &(*all)[i].keys
		}
	}
	*all = append(*all, from{lane: lane})
	return &(*all)[len(*all)-1].keys
}

// Resume says that what was missed is asked for: until Resumed, messages may come in two streams at once, the
// live one and the missed one, and the same message in both.
func (v *View) Resume() { v.resuming = true }

// Resumed says that everything missed has been shown; what is still missing then is out of order.
func (v *View) Resumed() {
	v.resuming = false
	for v.has(v.last+1) || len(v.ahead) > 0 {
		least := int64(0)
		for seq := range v.ahead {
			if least == 0 || seq < least {
				least = seq
			}
		}
		delete(v.ahead, least)
		v.skipTo(least)
		v.keep(least)
	}
}
