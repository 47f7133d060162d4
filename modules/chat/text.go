package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"mall/modules/platform/fault"
)

// maxMarks bounds the marks on one letter: more than any script needs, and a tower of them breaks the page.
const maxMarks = 32

// checkBody refuses text that the contract does not allow. It changes nothing: a message is evidence.
func (c *Chat) checkBody(body string, mayBeEmpty bool) error {
	if strings.TrimSpace(body) == "" {
		if mayBeEmpty && body == "" {
			return nil
		}
		return fault.Invalidf("body", "empty_body", "Write something first.")
	}
	if utf8.RuneCountInString(body) > c.cfg.BodyCodePoints {
		return fault.Invalidf("body", "too_long", "A message has at most %d characters.", c.cfg.BodyCodePoints)
	}
	if strings.Count(body, "\n") >= c.cfg.BodyLines {
		return fault.Invalidf("body", "too_long", "A message has at most %d lines.", c.cfg.BodyLines)
	}
	if !clean(body) {
		return fault.Invalidf("body", "invalid_body", "The message holds characters that cannot be shown.")
	}
	return nil
}

// clean says whether text is UTF-8 without control characters (but tab and newline) and without towers of marks.
func clean(body string) bool {
	marks := 0
	for i, r := range body {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(body[i:]); size == 1 {
				return false
			}
		}
		if unicode.IsControl(r) && r != '\t' && r != '\n' {
			return false
		}
		if r >= 0x300 && unicode.In(r, unicode.Mn, unicode.Me) {
			if marks++; marks > maxMarks {
				return false
			}
			continue
		}
		marks = 0
	}
	return true
}
