package member

import (
	"strings"
	"testing"
)

func TestNormalEmail(t *testing.T) {
	for in, want := range map[string]string{
		"kim@demo.mall":         "kim@demo.mall",
		"  Kim.Lee@Demo.MALL\t": "kim.lee@demo.mall",
		"a+b_c'd@x-y.co.kr":     "a+b_c'd@x-y.co.kr",
		strings.Repeat("a", 64) + "@" + strings.Repeat("b", 180) + ".kr": strings.Repeat("a", 64) + "@" + strings.Repeat("b", 180) + ".kr",
	} {
		if got, ok := normalEmail(in); !ok || got != want {
			t.Errorf("normalEmail(%q) = %q, %v", in, got, ok)
		}
	}
	for _, in := range []string{
		"", "@", "kim", "kim@", "@demo.mall", "kim@demo", "kim@@demo.mall", "kim@demo.mall@x.kr", "kim lee@demo.mall",
		"kim@demo..mall", ".kim@demo.mall", "kim.@demo.mall", "kim@demo.mall.", "김@demo.mall", "kim@데모.mall",
		"kim＠demo.mall", "ﬁ@demo.mall", "kim@demo.mall\x00", "kim\n@demo.mall", `"kim"@demo.mall`, "kim@[127.0.0.1]",
		strings.Repeat("a", 65) + "@demo.mall", "a@" + strings.Repeat("b", 250) + ".kr",
	} {
		if got, ok := normalEmail(in); ok {
			t.Errorf("normalEmail(%q) took it as %q", in, got)
		}
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"김민지":                     "김민지",
		"  Kim   Minji\t":         "Kim Minji",
		"\u1100\u1161\u11a8":      "\uac01", // three jamo are one syllable
		"👨\u200d👩\u200d👧 네":       "👨\u200d👩\u200d👧 네",
		"José":                    "José",
		strings.Repeat("가", 40):   strings.Repeat("가", 40),
		"a\u00a0b":                "a b",
		"O'Neil & Söhne <b>x</b>": "O'Neil & Söhne <b>x</b>", // text is text; whoever shows it escapes it
	} {
		if got, err := cleanName(in, maxName); err != nil || got != want {
			t.Errorf("cleanName(%q) = %q, %v", in, got, err)
		}
	}
	for what, in := range map[string]string{
		"nothing": "", "spaces": " \t\u3000", "too long": strings.Repeat("가", 41), "NUL": "a\x00b", "escape": "\x1b[2J",
		"delete": "a\u007f", "C1": "a\u0085b\u009bc", "right to left": "a\u202eb", "isolate": "a\u2066b", "zero width": "a\u200bb",
		"word joiner": "\u2060", "byte order mark": "\ufeffa", "tag": "a\U000e0041", "filler": "\u3164", "filler inside": "a\u3164b", "jamo filler": "\u1160",
		"half filler": "\uffa0", "braille blank": "\u2800", "only a joiner": "\u200d", "only an accent": "\u0301",
		"tower": "x\u0301\u0302\u0303\u0304\u0305", "line separator": "a\u2028b", "private": "\ue000", "bad UTF-8": "a\xff",
		"replacement of bad UTF-8": string([]byte{0xed, 0xa0, 0x80}),
	} {
		if got, err := cleanName(in, maxName); err == nil && !(what == "line separator" && got == "a b") {
			t.Errorf("%s: %q was taken as %q", what, in, got)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	const email, name = "star.light@demo.mall", "박달님"
	for plain, fine := range map[string]bool{
		pass: true, "비밀번호는여덟자": true, "a b c d e": true, strings.Repeat("ab3", 42): true,
		"short77": false, strings.Repeat("ab3", 43): false, email: false, "STAR.LIGHT": false, "aaaaaaaaaaaa": false, "abababababab": false,
		// the commonest, however written, and those of Korean keyboards
		"password": false, "PassWord": false, "password1": false, "qwer1234": false, "1q2w3e4r!": false, "qlalfqjsgh": false,
		"비밀번호1234": false, "baseball": false, "iloveyou": false, "trustno1": false,
		// hardly more than what everybody knows of the member or the mall
		"starlight": false, "starlight-2026": false, "light.star!": false, "star-2026!": false, "박달님1234!": false, "Mall2026!!": false, "shopshop1": false,
		"mall of the wise": true, "star over the sea": true,
	} {
		if err := checkPassword(plain, email, name); (err == nil) != fine {
			t.Errorf("%q: %v", plain, err)
		}
	}
}
