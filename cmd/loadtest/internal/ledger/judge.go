package ledger

// Verdict counts what must never happen.
type Verdict struct {
	Lost       int `json:"lost"`       // acked and not shown to a receiver by the end
	Doubled    int `json:"doubled"`    // shown twice: one number twice, or one message under two numbers
	Disordered int `json:"disordered"` // shown before one that belongs before it
}

// Clean says that nothing happened that must not.
func (v Verdict) Clean() bool { return v == Verdict{} }

// Add sums up.
func (v *Verdict) Add(o Verdict) {
	v.Lost += o.Lost
	v.Doubled += o.Doubled
	v.Disordered += o.Disordered
}

// Judge compares what the lanes of one room had acked with what its views were shown, at the end. lanes[i] and views[i]
// belong to one connection; a connection is not shown its own messages.
func Judge(lanes []*Lane, views []*View) (sum Verdict) {
	head := int64(0)
	for _, l := range lanes {
		head = max(head, l.head)
	}
	for i, v := range views {
		sum.Doubled += v.doubled
		sum.Disordered += v.disordered
		byKey := 0
		for j, l := range lanes {
			if j != i {
				byKey += l.acked.Without(v.keysFrom(l.Index))
			}
		}
		sum.Lost += max(byKey, v.missing(head)) // a number without an ack counts too: others are past it
	}
	return sum
}

func (v *View) keysFrom(lane uint32) *Set {
	for i := range v.received {
		if v.received[i].lane == lane {
			return &v.received[i].keys
		}
	}
	return nil
}

// missing counts the numbers up to head that were not shown.
func (v *View) missing(head int64) int {
	n := int(max(0, head-v.last)) + len(v.holes)
	for seq := range v.ahead {
		if seq <= head {
			n--
		}
	}
	return n
}

// Found tells the first few mistakes that a view has noticed by itself.
func (v *View) Found() []string { return v.found }
