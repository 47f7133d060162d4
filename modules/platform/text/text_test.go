package text_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"mall/modules/platform/text"
)

const most = 40

func TestName(t *testing.T) {
	for in, want := range map[string]string{
		"김민지":                     "김민지",
		"  Kim   Minji\t":         "Kim Minji",
		"\u1100\u1161\u11a8":      "\uac01", // three jamo are one syllable
		"👨\u200d👩\u200d👧 네":       "👨\u200d👩\u200d👧 네",
		"❤\ufe0f 가게":              "❤\ufe0f 가게",
		"Jose\u0301":              "José",
		strings.Repeat("가", most): strings.Repeat("가", most),
		"a\u00a0b":                "a b",
		"a\u2028b":                "a b",
		"O'Neil & Söhne <b>x</b>": "O'Neil & Söhne <b>x</b>", // text is text; whoever shows it escapes it
	} {
		if got, err := text.Name(in, most); err != nil || got != want {
			t.Errorf("Name(%q) = %q, %v", in, got, err)
		}
	}
}

func TestNoName(t *testing.T) {
	for _, c := range []struct {
		what, in string
		want     error
	}{
		{"nothing", "", text.ErrEmpty},
		{"spaces", " \t\u3000", text.ErrEmpty},
		{"only a joiner", "\u200d", text.ErrEmpty},
		{"only an accent", "\u0301", text.ErrEmpty},
		{"only a selector", "\ufe0f", text.ErrEmpty},
		{"too long", strings.Repeat("가", most+1), text.ErrTooLong},
		{"NUL", "a\x00b", text.ErrCharacters},
		{"escape", "\x1b[2J", text.ErrCharacters},
		{"delete", "a\u007f", text.ErrCharacters},
		{"C1", "a\u009bc", text.ErrCharacters},
		{"right to left", "a\u202eb", text.ErrCharacters},
		{"isolate", "a\u2066b", text.ErrCharacters},
		{"zero width", "a\u200bb", text.ErrCharacters},
		{"word joiner", "\u2060", text.ErrCharacters},
		{"byte order mark", "\ufeffa", text.ErrCharacters},
		{"tag", "a\U000e0041", text.ErrCharacters},
		{"reserved for ignorables", "a\u2065", text.ErrCharacters},
		{"filler", "\u3164", text.ErrCharacters},
		{"filler inside", "a\u3164b", text.ErrCharacters},
		{"jamo filler", "\u1160", text.ErrCharacters},
		{"half filler", "\uffa0", text.ErrCharacters},
		{"braille blank", "\u2800", text.ErrCharacters},
		{"tower", "x\u0301\u0302\u0303\u0304\u0305", text.ErrCharacters},
		{"tower over a joiner", "x\u0316\u0317\u0318\u200d\u0319\u031a", text.ErrCharacters},
		{"private", "\ue000", text.ErrCharacters},
		{"noncharacter", "a\uffffb", text.ErrCharacters},
		{"noncharacter of a plane", "a\U0001fffe", text.ErrCharacters},
		{"bad UTF-8", "a\xff", text.ErrCharacters},
		{"replacement of bad UTF-8", "a\ufffd", text.ErrCharacters},
		{"surrogate in UTF-8", string([]byte{0xed, 0xa0, 0x80}), text.ErrCharacters},
	} {
		if got, err := text.Name(c.in, most); !errors.Is(err, c.want) {
			t.Errorf("%s: Name(%q) = %q, %v; want %v", c.what, c.in, got, err, c.want)
		}
	}
}

func TestBody(t *testing.T) {
	marks := func(n int) string { return strings.Repeat("\u0301", n) }
	for _, c := range []struct {
		what, in string
		want     error
	}{
		{"a letter", "네", nil},
		{"lines", "여러\n줄\t탭", nil},
		{"emoji", "가족 👨‍👩‍👧‍👦 국기 🇰🇷 피부 👍🏽 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿", nil},
		{"Thai", "ทำไมถึงเป็นอย่างนี้", nil},
		{"Persian with a non-joiner", "می\u200cخواهم", nil},
		{"right to left", "שלום \u202bעולם\u202c", nil},
		{"an accent is seen", "\u0301", nil},
		{"Arabic number sign", "\u0600", nil},
		{"private use", "\ue000", nil},
		{"replacement sign as it was sent", "\ufffd", nil},
		{"longest", strings.Repeat("가", 2000), nil},
		{"most lines", strings.Repeat("a\n", 99) + "a", nil},
		{"most marks", "e" + marks(32), nil},
		{"marks on letters", strings.Repeat("e"+marks(32), 3), nil},
		{"nothing", "", text.ErrEmpty},
		{"spaces", " \n\t\u00a0\u3000\u2028", text.ErrEmpty},
		{"zero widths", "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f", text.ErrEmpty},
		{"direction", "\u202e\u2066\u2069\u061c", text.ErrEmpty},
		{"selectors", "\ufe0f\ufe00\U000e0100\u180b\u180e\u180f", text.ErrEmpty},
		{"tags", "\U000e0041\U000e007f\U000e0001", text.ErrEmpty},
		{"fillers", "\u3164\u115f\u1160\uffa0", text.ErrEmpty},
		{"braille blank", "\u2800", text.ErrEmpty},
		{"Khmer inherent vowels", "\u17b4\u17b5", text.ErrEmpty},
		{"annotation controls", "\ufff9\ufffa\ufffb", text.ErrEmpty},
		{"null notehead", "\U0001d159", text.ErrEmpty},
		{"reserved for ignorables", "\u2065\U000e0fff", text.ErrEmpty},
		{"too long", strings.Repeat("가", 2001), text.ErrTooLong},
		{"too many lines", strings.Repeat("a\n", 100) + "a", text.ErrLines},
		{"separated lines", strings.Repeat("a\u2028", 50) + strings.Repeat("a\u2029", 50) + "a", text.ErrLines},
		{"NUL", "a\x00b", text.ErrCharacters},
		{"return", "a\rb", text.ErrCharacters},
		{"next line", "a\u0085b", text.ErrCharacters},
		{"delete", "a\x7fb", text.ErrCharacters},
		{"bad UTF-8", "a\xffb", text.ErrCharacters},
		{"noncharacter", "a\ufffe", text.ErrCharacters},
		{"another", "a\uffff", text.ErrCharacters},
		{"an Arabic one", "a\ufdd0", text.ErrCharacters},
		{"the last one", "a\U0010ffff", text.ErrCharacters},
		{"tower", "e" + marks(33), text.ErrCharacters},
		{"enclosed tower", "e" + strings.Repeat("\u20dd", 40), text.ErrCharacters},
		{"tower over a joiner", "e" + marks(20) + "\u200d" + marks(20), text.ErrCharacters},
		{"tower over a zero width", "e" + marks(20) + "\u200b\u2060" + marks(20), text.ErrCharacters},
		{"tower over a spacing mark", "e" + marks(20) + "\u0903" + marks(20), text.ErrCharacters},
	} {
		if err := text.Body(c.in, 2000, 100); !errors.Is(err, c.want) {
			t.Errorf("%s: Body(%.30q) = %v, want %v", c.what, c.in, err, c.want)
		}
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]bool{"": false, " \u3164\u2800\u200d": false, " 가 ": true, "👍": true} {
		if text.Visible(in) != want {
			t.Errorf("Visible(%q) is not %v", in, want)
		}
	}
}

// A name is its own name, and nobody's line breaks with it.
func FuzzName(f *testing.F) {
	for _, s := range []string{"김민지", " a\u00a0b ", "e\u0301\u200d\u0301", "\u1100\u1161", "\ufdd0", "\U000e0100"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := text.Name(s, most)
		if err != nil {
			return
		}
		if again, err := text.Name(name, most); err != nil || again != name {
			t.Errorf("%q is a name, %q of it is not: %v", s, again, err)
		}
		if !text.Visible(name) || strings.ContainsAny(name, "\n\r\u2028\u2029\u202e") || utf8.RuneCountInString(name) > most {
			t.Errorf("%q", name)
		}
	})
}

// What a body may be can be seen, and is UTF-8.
func FuzzBody(f *testing.F) {
	for _, s := range []string{"네\n", "\u2028", "e\u0301\u200d\u0301", "\xff", "\ufffe", "\u3164"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if text.Body(s, 2000, 100) == nil && (!text.Visible(s) || !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\ufffe")) {
			t.Errorf("%q", s)
		}
	})
}

func BenchmarkBody(b *testing.B) {
	const body = "안녕하세요, 혹시 이 상품 재고 있을까요? 내일까지 받을 수 있으면 좋겠어요 :)"
	b.ReportAllocs()
	for b.Loop() {
		if text.Body(body, 2000, 100) != nil {
			b.Fatal("refused")
		}
	}
}
