package member

import (
	"errors"
	"strings"
	"unicode/utf8"

	"mall/modules/platform/fault"
	"mall/modules/platform/text"
)

const (
	maxEmail    = 254
	maxLocal    = 64
	maxName     = 40 // code points
	maxShopName = 60
	minPassword = 8
	maxPassword = 128
)

// normalEmail is the one spelling of an e-mail address: ASCII, lower case, no space around. False for what is none.
// Only ASCII is taken, so that no two addresses look alike or are folded differently by a database.
func normalEmail(written string) (string, bool) {
	email := strings.ToLower(strings.TrimSpace(written))
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

// cleanName is a name as others see it. Refused are names that are empty or too long, that nobody can see, and that
// reach out of their line.
func cleanName(written string, most int) (string, error) {
	name, err := text.Name(written, most)
	switch {
	case err == nil:
		return name, nil
	case errors.Is(err, text.ErrTooLong), strings.TrimSpace(written) == "":
		return "", fault.Invalidf("name", "invalid_name", "A name has 1 to %d characters.", most)
	}
	return "", fault.Invalidf("name", "invalid_name", "A name is made of letters that everybody can see.")
}

// checkPassword refuses what a guesser tries first. Length does more than rules about kinds of characters.
func checkPassword(plain, email string) error {
	if n := utf8.RuneCountInString(plain); n < minPassword || n > maxPassword {
		return fault.Invalidf("password", "weak_password", "A password has %d to %d characters.", minPassword, maxPassword)
	}
	local, _, _ := strings.Cut(email, "@")
	if lower := strings.ToLower(plain); lower == email || lower == local || distinct(plain) < 3 {
		return fault.Invalidf("password", "weak_password", "That password is too easy to guess.")
	}
	return nil
}
