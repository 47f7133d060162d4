package member

import (
	"strings"
	"testing"

	"mall/modules/platform/fault"
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

func TestCleanName(t *testing.T) { // what a name is made of is tested in package text
	if got, err := cleanName("  Kim   Minji\t", maxName); err != nil || got != "Kim Minji" {
		t.Errorf("%q, %v", got, err)
	}
	for _, in := range []string{"", " \t\u3000", strings.Repeat("가", maxName+1), "\u3164", "a\u202eb", "a\xff"} {
		if got, err := cleanName(in, maxName); fault.CodeOf(err) != "invalid_name" {
			t.Errorf("cleanName(%q) = %q, %v", in, got, err)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	const email = "moonlight@demo.mall"
	for plain, fine := range map[string]bool{
		pass: true, "비밀번호는여덟자": true, "a b c d e": true, strings.Repeat("ab3", 42): true,
		"short77": false, strings.Repeat("ab3", 43): false, email: false, "MOONLIGHT": false, "aaaaaaaaaaaa": false, "abababababab": false,
	} {
		if err := checkPassword(plain, email); (err == nil) != fine {
			t.Errorf("%q: %v", plain, err)
		}
	}
}
