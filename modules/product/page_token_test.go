package product

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

// Page tokens and queries that nobody was given are refused or find something, on either database: none is a failure of ours.
func TestForgedPageTokensAndQueriesFailNowhere(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		c := New(d, nil, nil)
		random := rand.New(rand.NewPCG(1, 2))
		for i := range 400 {
			var x id.ID
			for b := range x {
				x[b] = byte(random.UintN(256))
			}
			if i%2 == 0 {
				x[6], x[8] = x[6]&0x0f|0x70, x[8]&0x3f|0x80
			}
			_, err := c.List(t.Context(), Filter{}, base64.RawURLEncoding.EncodeToString(x[:]), 10)
			if (err == nil) != x.Timed() || err != nil && fault.CodeOf(err) != "bad_cursor" {
				t.Fatalf("%s: %v", x, err)
			}
		}
		for _, q := range []string{"\x00", "a\x00b", "\uffff\ufffe", "\U0010ffff", "\u202e", "İ", "ß", "%_\\'\"", "\ufffd", strings.Repeat("\U0001f9f6", 100),
			strings.Repeat("\u0301", 100), strings.Repeat("a ", 50), "\u3164", "\x1a"} {
			for _, f := range []Filter{{Query: q}, {Query: q, Category: "food", Shop: id.New()}, {Query: q, Shop: id.Derived("nobody")}} {
				if _, err := c.List(t.Context(), f, "", 10); err != nil {
					t.Errorf("%q: %v", q, err)
				}
			}
		}
	})
}

// FuzzQuery: no query makes more probes than the list can join, nor an empty one.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "머그 컵", "a", "\x00", "İ ß", "\u1109\u116e\u11be", strings.Repeat("ab ", 40)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, q string) {
		ws, err := words(q)
		if err != nil {
			if fault.CodeOf(err) != "invalid_text" {
				t.Errorf("%q: %v", q, err)
			}
			return
		}
		found := probes(ws)
		if len(found) > maxProbes || len(ws) > 0 && len(found) == 0 {
			t.Errorf("%q: %d words, %d probes", q, len(ws), len(found))
		}
		for _, p := range found {
			if p == "" {
				t.Errorf("%q: an empty probe", q)
			}
		}
	})
}
