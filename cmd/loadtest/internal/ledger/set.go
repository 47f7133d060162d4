// Package ledger keeps the books of a load run: what was acked to whom, and what each receiver was shown in which
// order, so that a single message that was lost, shown twice or out of its order is found among millions.
package ledger

import "math/bits"

// Set is a set of small numbers, a bit each.
type Set struct{ words []uint64 }

// Add puts n in and says whether it is new.
func (s *Set) Add(n uint32) bool {
	word, bit := int(n/64), uint64(1)<<(n%64)
	for len(s.words) <= word {
		s.words = append(s.words, 0)
	}
	if s.words[word]&bit != 0 {
		return false
	}
	s.words[word] |= bit
	return true
}

// Without counts what is in s and not in other.
func (s *Set) Without(other *Set) (n int) {
	for i, w := range s.words {
		if other != nil && i < len(other.words) {
			w &^= other.words[i]
		}
		n += bits.OnesCount64(w)
	}
	return n
}

// has says whether n is in; nil is empty.
func (s *Set) has(n uint32) bool {
	word := int(n / 64)
	return s != nil && word < len(s.words) && s.words[word]&(1<<(n%64)) != 0
}
