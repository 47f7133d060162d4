package chat

import (
	"strings"
	"testing"

	"mall/modules/platform/fault"
)

func TestBodyRules(t *testing.T) {
	c := &Chat{cfg: Config{BodyCodePoints: 2000, BodyLines: 100}}
	for body, want := range map[string]string{
		"네":        "",
		"여러\n줄\t탭": "",
		"가족 👨‍👩‍👧‍👦 국기 🇰🇷 피부 👍🏽":             "",
		"ทำไมถึงเป็นอย่างนี้":                "",
		strings.Repeat("가", 2000):            "",
		strings.Repeat("a\n", 99) + "a":      "",
		"e" + strings.Repeat("\u0301", 32):   "",
		"":                                   "empty_body",
		" \n\t\u00a0\u3000":                  "empty_body",
		strings.Repeat("가", 2001):            "too_long",
		strings.Repeat("a\n", 100) + "a":     "too_long",
		"\u3164\u200b\u2800":                 "empty_body",
		strings.Repeat("a\u2028", 100) + "a": "too_long",
		"a\ufffe":                            "invalid_body",
		"a\x00b":                             "invalid_body",
		"a\rb":                               "invalid_body",
		"a\u0085b":                           "invalid_body",
		"a\x7fb":                             "invalid_body",
		"a\xffb":                             "invalid_body",
		"e" + strings.Repeat("\u0301", 33):   "invalid_body",
		"e" + strings.Repeat("\u20dd", 40):   "invalid_body",
	} {
		err := c.checkBody(body, false)
		got := ""
		if err != nil {
			got = fault.CodeOf(err)
		}
		if got != want {
			t.Errorf("%.20q…: %q, want %q", body, got, want)
		}
	}
	if err := c.checkBody("", true); err != nil {
		t.Errorf("beside a card a body may be empty: %v", err)
	}
}
