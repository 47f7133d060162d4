package product

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFoldedTextForgetsFormCaseAndSpaces(t *testing.T) {
	for in, want := range map[string]string{
		"  달빛 머그컵\u3000세트 ":                    "달빛머그컵세트",
		"\u1103\u1161\u11af\u1107\u1175\u11be": "달빛", // as macOS names files: letters apart
		"USB-C Ä":                              "usb-cä",
		"Äpfel A\u0308":                        "äpfelä",
		"":                                     "",
	} {
		if got := folded(in); got != want {
			t.Errorf("folded(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestGramsAreCharactersAndPairs(t *testing.T) {
	want := []string{"그", "그컵", "머", "머그", "컵"}
	if d := cmp.Diff(want, grams("머그컵")); d != "" {
		t.Error(d)
	}
	if got := grams("하하하"); len(got) != 2 {
		t.Errorf("repeated characters are one gram each, got %q", got)
	}
	if got := grams("🧶"); !cmp.Equal(got, []string{"🧶"}) {
		t.Errorf("one character outside the BMP is one gram, got %q", got)
	}
}

func TestProbes(t *testing.T) {
	for _, tc := range []struct {
		q    string
		want []string
	}{
		{"", nil},
		{"   ", nil},
		{"컵", []string{"컵"}},
		{"머그", []string{"머그"}},
		{"머그컵", []string{"머그", "그컵"}},
		{"원목 머그컵 차", []string{"원목", "머그", "그컵"}},
		{"컵 컵 컵", []string{"컵"}},
		{"원목 머그컵 세트 선물", []string{"원목", "머그", "세트", "선물"}},
		{"가나다라마바사아자차카타파하", []string{"가나", "다라", "마바", "사아"}},
	} {
		ws, err := words(tc.q)
		if err != nil {
			t.Fatal(err)
		}
		got := probes(ws)
		if len(got) != len(tc.want) || len(got) > 0 && !cmp.Equal(got, tc.want) {
			t.Errorf("probes(%q) = %q, want %q", tc.q, got, tc.want)
		}
	}
}

// Whatever is in a name must be found by it: each probe of any part of the name is one of the name's grams.
func TestEveryPartOfANameIsReachable(t *testing.T) {
	name := folded("손뜨개 울 목도리 (아이보리) 2개입")
	have := grams(name)
	runes := []rune(name)
	for i := range runes {
		for j := i + 1; j <= len(runes); j++ {
			for _, p := range probes([]string{string(runes[i:j])}) {
				if !slices.Contains(have, p) {
					t.Fatalf("%q is looked up by %q, which the name is not indexed by", string(runes[i:j]), p)
				}
			}
		}
	}
}

func TestWordsRefuseBrokenText(t *testing.T) {
	if _, err := words("머\xff"); err == nil {
		t.Error("broken UTF-8 went through")
	}
	ws, err := words(strings.Repeat("컵 ", 50))
	if err != nil || len(ws) != 1 {
		t.Errorf("got %q, %v", ws, err)
	}
}
