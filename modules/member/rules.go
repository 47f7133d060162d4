package member

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"mall/modules/member/internal/password"
	"mall/modules/platform/fault"
)

const (
	maxEmail    = 254
	maxLocal    = 64
	maxName     = 40 // code points
	maxShopName = 60
	minPassword = 8
	maxPassword = 128
	maxMarks    = 4 // accents on one letter; more is a tower over other people's lines
)

// normalEmail is the one spelling of an e-mail address: ASCII, lower case, no space around. False for what is none.
// Only ASCII is taken, so that no two addresses look alike or are folded differently by a database.
func normalEmail(text string) (string, bool) {
	email := strings.ToLower(strings.TrimSpace(text))
	local, domain, ok := strings.Cut(email, "@")
	if !ok || len(email) > maxEmail || len(local) > maxLocal {
		return email, false
	}
	return email, dotted(local, localChar) && dotted(domain, domainChar) && strings.Contains(domain, ".")
}

// dotted says whether s is one or more words of allowed characters with single dots between.
func dotted(s string, allowed func(byte) bool) bool {
	for word := range strings.SplitSeq(s, ".") {
		if word == "" {
			return false
		}
		for i := range len(word) {
			if !allowed(word[i]) {
				return false
			}
		}
	}
	return true
}

func domainChar(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' }

func localChar(c byte) bool { return domainChar(c) || strings.IndexByte("!#$%&'*+/=?^_`{|}~", c) >= 0 }

// cleanName is a name as others see it: composed, no space around, single spaces within. Refused are names that
// are empty or too long, that nobody can see, and that reach out of their line.
func cleanName(text string, most int) (string, error) {
	name := strings.Join(strings.Fields(norm.NFC.String(text)), " ")
	if !utf8.ValidString(text) || !readable(name) {
		return "", fault.Invalidf("name", "invalid_name", "A name is made of letters that everybody can see.")
	}
	if n := utf8.RuneCountInString(name); n < 1 || n > most {
		return "", fault.Invalidf("name", "invalid_name", "A name has 1 to %d characters.", most)
	}
	return name, nil
}

// readable refuses controls, characters that turn the direction of the line, and what shows as nothing. A joiner
// is fine inside: families of emoji are held together by it. U+FFFD is what JSON makes of broken text.
func readable(name string) bool {
	marks, visible := 0, name == ""
	for _, r := range name {
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case marks > maxMarks, unicode.In(r, unicode.Cc, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp), blank(r), r == utf8.RuneError:
			return false
		case r == '\u200d': // joiner
		case unicode.Is(unicode.Cf, r):
			return false
		case r != ' ' && !unicode.Is(unicode.M, r):
			visible = true
		}
	}
	return visible
}

// blank are letters, by their category, that show as nothing: the Hangul fillers and the empty Braille cell.
func blank(r rune) bool {
	return r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' || r == '\u2800'
}

// ours are the words that are on every page of the mall.
var ours = []string{"mall", "shop", "chat", "쇼핑몰"}

// checkPassword refuses what a guesser tries first: what is short or repeats itself, the commonest passwords of all, and
// what is hardly more than the member's address, their name or the mall's. Length does more than rules about kinds of
// characters.
func checkPassword(plain, email, name string) error {
	if n := utf8.RuneCountInString(plain); n < minPassword || n > maxPassword {
		return fault.Invalidf("password", "weak_password", "A password has %d to %d characters.", minPassword, maxPassword)
	}
	local, _, _ := strings.Cut(email, "@")
	words := slices.Concat([]string{email, local, name}, strings.FieldsFunc(local, apart), strings.Fields(name), ours)
	if distinct(plain) < 3 || password.Common(plain) || password.MadeOf(plain, words...) {
		return fault.Invalidf("password", "weak_password", "That password is too easy to guess.")
	}
	return nil
}

func apart(r rune) bool { return !unicode.IsLetter(r) }
