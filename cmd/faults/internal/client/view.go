package client

// View is what a client has of a room: everything from a place on, without a hole, in order.
type View struct {
	Base  int64  // the messages after this one are in Items
	Items []Item // Base+1, Base+2 …

	early map[int64]Item // came before those that belong before them
}

// Last is the last seq up to which nothing is missing.
func (v *View) Last() int64 { return v.Base + int64(len(v.Items)) }

// Take takes a message from wherever it comes. What is there already is dropped, what comes too soon waits.
func (v *View) Take(i Item) {
	if i.Seq <= v.Last() {
		return
	}
	if v.early == nil {
		v.early = map[int64]Item{}
	}
	v.early[i.Seq] = i
	for next, ok := v.early[v.Last()+1]; ok; next, ok = v.early[v.Last()+1] {
		delete(v.early, next.Seq)
		v.Items = append(v.Items, next)
	}
}

// Gap says whether something waits for a message that has not come.
func (v *View) Gap() bool { return len(v.early) > 0 }

// waiting lists what came too soon.
func (v *View) waiting() (seqs []int64) {
	for seq := range v.early {
		seqs = append(seqs, seq)
	}
	return seqs
}

// Void forgets everything.
func (v *View) Void() { *v = View{} }
