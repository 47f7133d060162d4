package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"mall/modules/platform/id"
)

// Link is what a mailed link carries: which row, and a proof that only we can make. The row does not hold it.
type Link struct {
	ID    id.ID
	proof [sha256.Size]byte
}

// Bound is what a link is for; with other words its proof is worth nothing.
type Bound struct {
	Kind    string
	Member  id.ID
	Expires time.Time
}

// Links makes and checks links.
type Links struct{ keys [][]byte }

// NewLinks makes the checker of the links of keys.
func NewLinks(keys Keys) *Links { return &Links{keys.Derive("mailed links")} }

// Make gives the token of a row.
func (l *Links) Make(row id.ID, b Bound) string {
	return encoding.EncodeToString(slices.Concat(row[:], prove(l.keys[0], row, b)))
}

// Is says whether the link was made of this row, in a time that tells nothing.
func (l *Links) Is(x Link, b Bound) bool {
	for _, key := range l.keys {
		if hmac.Equal(x.proof[:], prove(key, x.ID, b)) {
			return true
		}
	}
	return false
}

func prove(key []byte, row id.ID, b Bound) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(row[:])
	mac.Write(b.Member[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(b.Expires.Unix()))) //nolint:gosec // G115: the same bits again
	mac.Write([]byte(b.Kind))
	return mac.Sum(nil)
}

// ParseLink reads what Make made; false for anything else.
func ParseLink(text string) (l Link, ok bool) {
	b, ok := decode(text, len(l.ID)+len(l.proof))
	if !ok {
		return l, false
	}
	copy(l.ID[:], b)
	copy(l.proof[:], b[len(l.ID):])
	return l, !l.ID.IsZero()
}
