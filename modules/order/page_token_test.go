package order

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// FuzzPageToken: whatever somebody writes for a page token is one that the list could have given, or is refused by name.
func FuzzPageToken(f *testing.F) {
	for _, seed := range []string{"", "x", encodePageToken(id.New()), encodePageToken(id.Nil), strings.Repeat("_", 22), strings.Repeat("A", 23), "AAAA====", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		last, err := decodePageToken(token)
		switch {
		case err != nil:
			if e, ok := fault.As(err); !ok || e.Kind != fault.Invalid || e.Code != "bad_cursor" || e.Field != "cursor" {
				t.Errorf("%q: %v", token, err)
			}
		case token != "" && encodePageToken(last) != token, token == "" && !last.IsZero():
			t.Errorf("%q is read as %s", token, last)
		}
	})
}

// Page tokens that nobody was given are refused or find something, on either database: none is a failure of ours.
func TestForgedPageTokensFailNowhere(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		m := newMarket(t, d)
		random := rand.New(rand.NewPCG(1, 2))
		for i := range 200 {
			var x id.ID
			for b := range x {
				x[b] = byte(random.UintN(256))
			}
			if i%2 == 0 {
				x[6], x[8] = x[6]&0x0f|0x70, x[8]&0x3f|0x80
			}
			token := base64.RawURLEncoding.EncodeToString(x[:])
			_, mine := m.ListMine(m.buyer, token, 10)
			_, shops := m.ListShop(m.agent, m.shop, Filter{BuyerID: x}, token, 10)
			for _, err := range []error{mine, shops} {
				if (err == nil) != x.Timed() || err != nil && fault.CodeOf(err) != "bad_cursor" {
					t.Fatalf("%s: %v", x, err)
				}
			}
		}
	})
}
