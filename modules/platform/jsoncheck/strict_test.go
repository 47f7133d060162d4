package jsoncheck_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/jsoncheck"
)

func TestStrict(t *testing.T) {
	for text, want := range map[string]error{
		`{"state":"open"}`:                          nil,
		` { "a" : [ 1 , -0.5e+3 , true , null ] } `: nil,
		`{"a":{"a":1},"b":[{"a":1},{"a":2}]}`:       nil, // the same key in other objects
		`{"":1}`:                                    nil,
		`"\ud83d\ude00 \"\\\/\b\f\n\r\t\u0000"`:     nil,
		`{"\ud83d\ude00":1,"😀x":2}`:                 nil,
		`0`:                                         nil,

		"{\"a\":\"\xff\"}":                jsoncheck.ErrEncoding,
		"{\"a\":\"\xed\xa0\x80\"}":        jsoncheck.ErrEncoding,
		"\xef\xbb\xbf{}":                  jsoncheck.ErrSyntax,
		"{\x00}":                          jsoncheck.ErrSyntax,
		"\xff\xfe{\x00}\x00":              jsoncheck.ErrEncoding,
		``:                                jsoncheck.ErrSyntax,
		`  `:                              jsoncheck.ErrSyntax,
		`{} {}`:                           jsoncheck.ErrSyntax,
		`{}x`:                             jsoncheck.ErrSyntax,
		`{"a":1,}`:                        jsoncheck.ErrSyntax,
		`[1,]`:                            jsoncheck.ErrSyntax,
		`{"a" 1}`:                         jsoncheck.ErrSyntax,
		`{a:1}`:                           jsoncheck.ErrSyntax,
		`01`:                              jsoncheck.ErrSyntax,
		`-`:                               jsoncheck.ErrSyntax,
		`1.`:                              jsoncheck.ErrSyntax,
		`1e`:                              jsoncheck.ErrSyntax,
		`+1`:                              jsoncheck.ErrSyntax,
		`NaN`:                             jsoncheck.ErrSyntax,
		`nul`:                             jsoncheck.ErrSyntax,
		`"a`:                              jsoncheck.ErrSyntax,
		`"a\`:                             jsoncheck.ErrSyntax,
		`"\x41"`:                          jsoncheck.ErrSyntax,
		`"\u12"`:                          jsoncheck.ErrSyntax,
		"\"a\nb\"":                        jsoncheck.ErrSyntax,
		`{} // a comment`:                 jsoncheck.ErrSyntax,
		`{"state":"open","state":1}`:      jsoncheck.ErrDoubled,
		`{"state":"open","STATE":1}`:      jsoncheck.ErrDoubled,
		`{"state":"open","\u0053tate":1}`: jsoncheck.ErrDoubled,
		`{"state":"open","ſtate":1}`:      jsoncheck.ErrDoubled, // U+017F, which encoding/json takes for an s
		`{"kind":1,"\u212Aind":1}`:        jsoncheck.ErrDoubled, // the Kelvin sign
		`{"é":1,"É":1}`:                   jsoncheck.ErrDoubled,
		`[{"x":{"a":1,"b":2,"a":1}}]`:     jsoncheck.ErrDoubled,
		`{"a":"\ud800"}`:                  jsoncheck.ErrSurrogate,
		`{"\udc00":1}`:                    jsoncheck.ErrSurrogate,
		`"\udc00\ud800"`:                  jsoncheck.ErrSurrogate,
		`"\ud800A"`:                       jsoncheck.ErrSurrogate,
		nest(32):                          nil,
		nest(33):                          jsoncheck.ErrDepth,
		strings.Repeat(`{"a":`, 33):       jsoncheck.ErrDepth,
		strings.Repeat(`[`, 1_000_000):    jsoncheck.ErrDepth,
		manyKeys(17, false):               nil,
		manyKeys(17, true):                jsoncheck.ErrDoubled,
		manyKeys(5000, false):             nil,
		manyKeys(5000, true):              jsoncheck.ErrDoubled,
		`{"a":1,"b":{"c":{},"d":[{"C":1}]},"B":1}`: jsoncheck.ErrDoubled,
	} {
		if got := jsoncheck.Strict([]byte(text)); !errors.Is(got, want) {
			t.Errorf("%.60q: %v, want %v", text, got, want)
		}
	}
}

func nest(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func manyKeys(n int, twice bool) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"key%d":%d,`, i, i)
	}
	if twice {
		return "{" + b.String() + `"KEY3":0}`
	}
	return "{" + b.String() + `"last":0}`
}

// A body of nothing but keys must not cost more than its reading: each compared with each would.
func TestManyKeysAreNotDear(t *testing.T) {
	text := []byte(manyKeys(50_000, false))
	start := time.Now()
	if err := jsoncheck.Strict(text); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("%v for %d bytes", took, len(text))
	}
}

const frame = `{"type":"send","id":"17","room_id":"0190a8f0-1111-7000-8000-000000000001",` +
	`"client_msg_id":"0190a8f0-1111-7000-8000-000000000002","body":"안녕하세요, is this still there?"}`

func TestStrictAllocatesNothing(t *testing.T) {
	text := []byte(frame)
	if n := testing.AllocsPerRun(100, func() {
		if err := jsoncheck.Strict(text); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkStrict(b *testing.B) {
	for name, text := range map[string]string{"frame": frame, "body": `{"body":"` + strings.Repeat("a", 4000) + `"}`, "keys": manyKeys(5000, false)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			bytes := []byte(text)
			for b.Loop() {
				if err := jsoncheck.Strict(bytes); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What passes is JSON for encoding/json, each object has as many keys as were written, and nothing became U+FFFD. What does
// not pass has one of the faults that are named.
func FuzzStrict(f *testing.F) {
	for _, s := range []string{frame, `{"a":1,"A":2}`, `[1e5,-0]`, `"\ud800"`, `{"a":{"b":[]}} x`, "\xff", nest(33), `{"\u212a":1,"k":1}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := jsoncheck.Strict([]byte(text))
		valid := json.Valid([]byte(text))
		switch {
		case err == nil && !valid:
			t.Errorf("%q passes and is not JSON", text)
		case errors.Is(err, jsoncheck.ErrSyntax) && valid:
			t.Errorf("%q is refused for its syntax and is JSON", text)
		case err == nil && jsoncheck.LoneSurrogate([]byte(text)):
			t.Errorf("%q passes with half of a surrogate pair", text)
		case valid && errors.Is(err, jsoncheck.ErrDoubled) != doubled(t, text) && (err == nil || errors.Is(err, jsoncheck.ErrDoubled)):
			t.Errorf("%q: %v", text, err)
		}
	})
}

// doubled looks for a doubled key the slow way, by encoding/json's tokens.
func doubled(t *testing.T, text string) bool {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	type level struct {
		object, key bool
		seen        []string
	}
	var open []*level
	found := false
	for {
		token, err := d.Token()
		if err != nil {
			return found
		}
		at := &level{}
		if len(open) > 0 {
			at = open[len(open)-1]
		}
		if name, ok := token.(string); ok && at.object && at.key {
			for _, s := range at.seen {
				found = found || strings.EqualFold(s, name)
			}
			at.seen, at.key = append(at.seen, name), false
			continue
		}
		at.key = true
		if delim, ok := token.(json.Delim); ok {
			switch delim {
			case '{', '[':
				open = append(open, &level{object: delim == '{', key: true})
			default:
				open = open[:len(open)-1]
				if len(open) > 0 {
					open[len(open)-1].key = true
				}
			}
		}
	}
}
