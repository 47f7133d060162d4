package ledger

// View is what one connection has been shown of one room, from a known place on. Its own messages count by their
// acks, which may come before the messages before them. It is not safe for concurrent use.
type View struct {
	last     int64              // everything up to here is there
	ahead    map[int64]struct{} // own acks, and while it resumes messages, past a hole
	holes    map[int64]struct{} // skipped when something later was shown
	resuming bool
	received []from

	doubled, disordered int
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
	first = v.keysOf(lane).Add(n)
	placed := v.place(seq)
	if placed && !first { // the same message under another number
		v.doubled++
	}
	return first
}

// Ack takes the number of an own message.
func (v *View) Ack(seq int64) {
	if _, hole := v.holes[seq]; hole { // it was skipped for a message that came too soon
		delete(v.holes, seq)
		return
	}
	if seq <= v.last || v.has(seq) {
		if !v.resuming { // a resumed stream shows own messages too, and a retry is acked again
			v.doubled++
		}
		return
	}
	v.keep(seq)
}

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
	}
	v.last = seq - 1
}

func (v *View) keysOf(lane uint32) *Set {
	for i := range v.received {
		if v.received[i].lane == lane {
			return &v.received[i].keys
		}
	}
	v.received = append(v.received, from{lane: lane})
	return &v.received[len(v.received)-1].keys
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
