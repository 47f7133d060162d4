package order

import (
	"crypto/rand"
	"time"
)

// kst is Korea's time, which has had no summer time since 1988.
var kst = time.FixedZone("KST", 9*60*60)

// crockford is an alphabet without the letters that people take for others when they read a number out.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newNumber makes an order number such as 20261122-7F3K2Q: the date in Korea and six random characters, a thousand
// million a day. The database keeps them unique; Place tries again when two are the same.
func newNumber(at time.Time) string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	for i, x := range b {
		b[i] = crockford[x%32]
	}
	return at.In(kst).Format("20060102-") + string(b)
}
