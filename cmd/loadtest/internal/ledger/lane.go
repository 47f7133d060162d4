package ledger

// Lane is one connection's way into one room: what it has sent and what became of it. It is not safe for concurrent
// use.
type Lane struct {
	Index   uint32 // among all lanes of the run
	next    uint32
	pending []Pending
	acked   Set
	head    int64 // the highest seq of an ack
}

// Pending is a message whose answer has not come.
type Pending struct {
	N  uint32
	At int64 // when it was due, in microseconds since the run began
}

// Issue gives the next message its number.
func (l *Lane) Issue(at int64) (n uint32) {
	n = l.next
	l.next++
	l.pending = append(l.pending, Pending{n, at})
	return n
}

// Issued is how many messages have been given a number.
func (l *Lane) Issued() int { return int(l.next) }

// Pending lists what has not been answered, the oldest first.
func (l *Lane) Pending() []Pending { return l.pending }

// Acked takes an ack; false when the message had its answer before.
func (l *Lane) Acked(n uint32, seq int64) (at int64, first bool) {
	at, first = l.settle(n)
	l.acked.Add(n)
	l.head = max(l.head, seq)
	return at, first
}

// Refused takes a refusal for good; false when the message had its answer before.
func (l *Lane) Refused(n uint32) (first bool) {
	_, first = l.settle(n)
	return first
}

// Due is when a message that has no answer yet was due.
func (l *Lane) Due(n uint32) (at int64, waits bool) {
	for _, p := range l.pending {
		if p.N == n {
			return p.At, true
		}
	}
	return 0, false
}

func (l *Lane) settle(n uint32) (at int64, waited bool) {
	for i, p := range l.pending { // answers come nearly in order: it is mostly the first
		if p.N == n {
			copy(l.pending[i:], l.pending[i+1:])
			l.pending = l.pending[:len(l.pending)-1]
			return p.At, true
		}
	}
	return 0, false
}
