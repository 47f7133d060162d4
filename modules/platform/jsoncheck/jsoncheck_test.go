package jsoncheck_test

import (
	"encoding/json"
	"strings"
	"testing"

	"mall/modules/platform/jsoncheck"
)

func TestLoneSurrogate(t *testing.T) {
	for text, want := range map[string]bool{
		`"plain"`:            false,
		`"\ud83d\ude00"`:     false,
		`"\uD83D\uDE00 x"`:   false,
		`"\ud83d"`:           true,
		`"\ude00"`:           true,
		`"\ud83d\ud83d"`:     true,
		`"\ud83dx\ude00"`:    true,
		`"\\ud83d"`:          false,
		`"\\\ud83d"`:         true,
		`"\"\n\u00e9\uac00"`: false,
		`"\`:                 false,
		`\u12`:               false,
	} {
		if got := jsoncheck.LoneSurrogate([]byte(text)); got != want {
			t.Errorf("LoneSurrogate(%s) = %v, want %v", text, got, want)
		}
	}
}

// Where the standard decoder has put U+FFFD in place of an escape, the check must have said so.
func FuzzLoneSurrogate(f *testing.F) {
	for _, s := range []string{`"\ud83d\ude00"`, `"\ud800"`, `"a\\ud800"`, `"\udc00\ud800"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := jsoncheck.LoneSurrogate([]byte(text))
		var s string
		if json.Unmarshal([]byte(text), &s) != nil {
			return
		}
		had := strings.Contains(text, "\uFFFD") || strings.Contains(strings.ToLower(text), `\ufffd`) || strings.ToValidUTF8(text, "") != text
		if !had && strings.Contains(s, "\uFFFD") != got {
			t.Errorf("LoneSurrogate(%q) = %v, decoded %q", text, got, s)
		}
	})
}
