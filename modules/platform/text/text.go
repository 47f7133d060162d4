// Package text is what people may write: names that stand in one line, and bodies that are stored as they were sent.
//
// Both refuse what cannot be shown and what spoils the lines of others. What nobody can see does not count as written.
package text

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What is wrong with a text. Callers word it for people, with a code of their own.
var (
	ErrEmpty      = errors.New("text: nothing in it can be seen")
	ErrTooLong    = errors.New("text: too long")
	ErrLines      = errors.New("text: too many lines")
	ErrCharacters = errors.New("text: it holds characters that cannot be shown")
)

// The most marks on one letter: in a name enough for accents, in a body more than any script needs. A tower of them
// covers other people's lines.
const (
	nameMarks = 4
	bodyMarks = 32
)

// Name is a name as others see it: composed (NFC), no space around, single spaces within, at most most code points.
// Errors: ErrEmpty, ErrTooLong, ErrCharacters (controls, what turns the direction of the line, what shows as nothing,
// private use, noncharacters, broken UTF-8 and what decoders make of it). A joiner is fine: it holds emoji together.
func Name(s string, most int) (string, error) {
	if !utf8.ValidString(s) {
		return "", ErrCharacters
	}
	name := strings.Join(strings.Fields(norm.NFC.String(s)), " ")
	marks, seen := tower{most: nameMarks}, false
	for _, r := range name {
		if !inName(r) || !marks.add(r) {
			return "", ErrCharacters
		}
		seen = seen || visible(r) && !unicode.Is(unicode.M, r)
	}
	switch {
	case !seen:
		return "", ErrEmpty
	case utf8.RuneCountInString(name) > most:
		return "", ErrTooLong
	}
	return name, nil
}

// inName says whether a character may stand in a name. Selectors of a variant are marks, and fine behind their emoji.
func inName(r rune) bool {
	switch {
	case r == ' ' || r == joiner || unicode.Is(unicode.M, r):
		return true
	case r == utf8.RuneError || unicode.In(r, unicode.C, unicode.Zl, unicode.Zp):
		return false
	}
	return visible(r) && !unicode.Is(unicode.Noncharacter_Code_Point, r)
}

// Body checks a text of several lines, of at most so many code points and lines, and changes nothing: it is stored as
// it was sent. Errors, of several the first of: ErrEmpty, ErrTooLong, ErrLines, ErrCharacters (controls but tab and
// newline, noncharacters, towers of marks, broken UTF-8).
func Body(s string, most, lines int) error {
	b := body{tower: tower{most: bodyMarks}, lines: 1}
	for i, r := range s {
		b.add(r, s[i:])
	}
	switch {
	case !b.seen:
		return ErrEmpty
	case b.runes > most:
		return ErrTooLong
	case b.lines > lines:
		return ErrLines
	case b.broken:
		return ErrCharacters
	}
	return nil
}

// body is what has been found out about one so far.
type body struct {
	tower        tower
	runes, lines int
	seen, broken bool
}

func (b *body) add(r rune, rest string) {
	b.runes++
	switch {
	case plain(r):
		b.seen, b.tower.marks = true, 0
		return
	case r == '\n' || r == '\u2028' || r == '\u2029':
		b.lines++
	case r == '\t':
	case unicode.IsControl(r) || unicode.Is(unicode.Noncharacter_Code_Point, r) || broken(r, rest):
		b.broken = true
	}
	b.seen = b.seen || visible(r)
	if !b.tower.add(r) {
		b.broken = true
	}
}

// plain are the characters of which most texts are made, known without a look into tables.
func plain(r rune) bool { return r > ' ' && r < 0x7f || r >= '가' && r <= '힣' }

// broken says whether r stands for a byte that is no UTF-8. One that was sent as itself is fine.
func broken(r rune, rest string) bool {
	if r != utf8.RuneError {
		return false
	}
	_, size := utf8.DecodeRuneInString(rest)
	return size == 1
}

// Visible says whether anything of a text can be seen.
func Visible(s string) bool { return strings.ContainsFunc(s, visible) }

// tower counts the marks on one letter. What cannot be seen does not end it: the marks behind a joiner or a zero-width
// space stand on the same letter.
type tower struct{ marks, most int }

func (t *tower) add(r rune) bool {
	switch {
	case unicode.Is(unicode.M, r):
		t.marks++
	case !ignorable(r):
		t.marks = 0
	}
	return t.marks <= t.most
}

const joiner = '\u200d'

// visible says whether a character leaves a trace: no space, nothing that is shown as nothing.
func visible(r rune) bool {
	return plain(r) || !unicode.IsSpace(r) && !unicode.IsControl(r) && !ignorable(r) && !blank(r)
}

// blank are characters that are shown as nothing though Unicode does not call them ignorable: the empty Braille cell,
// the annotation controls, the null notehead and the blanks of hieroglyphs.
func blank(r rune) bool {
	return r == '\u2800' || r >= '\ufff9' && r <= '\ufffb' || r == '\U0001d159' || r == '\U00013441' || r == '\U00013442'
}

// ignorable is Unicode's Default_Ignorable_Code_Point: joiners, zero widths, selectors, fillers, tags, what turns the
// direction of a line. As UAX 44 derives it; signs that enclose what follows are formats that can be seen.
func ignorable(r rune) bool {
	switch {
	case r < 0xad:
		return false
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return true
	case r >= '\ufff9' && r <= '\ufffb', r >= 0x13430 && r <= 0x13440:
		return false
	}
	return unicode.Is(unicode.Cf, r) && !unicode.In(r, unicode.Prepended_Concatenation_Mark, unicode.White_Space)
}
