package jsoncheck

import (
	"bytes"
	"errors"
	"slices"
	"unicode"
	"unicode/utf8"
)

// mostDepth is how deep arrays and objects may lie in each other: no call of ours needs more than four, and a parser that
// calls itself must end somewhere.
const mostDepth = 32

// Why a text is refused.
var (
	ErrEncoding  = errors.New("the text is not UTF-8")
	ErrSyntax    = errors.New("the text is not one JSON value")
	ErrDoubled   = errors.New("an object has a key twice")
	ErrSurrogate = errors.New("a string has half of a surrogate pair")
	ErrDepth     = errors.New("the values lie too deep in each other")
)

// Strict refuses JSON that two readers could understand differently: what is not UTF-8 (a byte order mark is refused, too),
// more than one value, an object with a key twice, an escape of half a character, and too deep a nest. Keys that differ by
// case only are the same key, since encoding/json puts both into one field. It answers one of the errors above, or nil;
// what it lets pass is JSON for encoding/json, too.
func Strict(text []byte) error {
	if !utf8.Valid(text) {
		return ErrEncoding
	}
	s := strict{text}
	if err := s.value(0); err != nil {
		return err
	}
	if s.space(); len(s.rest) > 0 {
		return ErrSyntax
	}
	return nil
}

// strict is what has not been read yet.
type strict struct{ rest []byte }

func (s *strict) space() {
	for i, c := range s.rest {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			s.rest = s.rest[i:]
			return
		}
	}
	s.rest = nil
}

// next takes the space and gives the sign after it; 0 at the end.
func (s *strict) next() byte {
	s.space()
	if len(s.rest) == 0 {
		return 0
	}
	return s.rest[0]
}

func (s *strict) value(depth int) error {
	switch c := s.next(); {
	case c == '"':
		return s.text()
	case c == '{':
		return s.object(depth + 1)
	case c == '[':
		return s.array(depth + 1)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	return ErrSyntax
}

func (s *strict) word(word string) error {
	if len(s.rest) < len(word) || string(s.rest[:len(word)]) != word {
		return ErrSyntax
	}
	s.rest = s.rest[len(word):]
	return nil
}

func (s *strict) object(depth int) error {
	if depth > mostDepth {
		return ErrDepth
	}
	s.rest = s.rest[1:]
	if s.next() == '}' {
		s.rest = s.rest[1:]
		return nil
	}
	var room [fewKeys]uint64 // their hashes; on the stack as long as they are few
	keys := room[:0]
	for {
		key, err := s.member(depth)
		if err != nil {
			return err
		}
		keys = append(keys, key)
		switch s.next() {
		case ',':
			s.rest = s.rest[1:]
		case '}':
			s.rest = s.rest[1:]
			if twice(keys) {
				return ErrDoubled
			}
			return nil
		default:
			return ErrSyntax
		}
	}
}

// member takes a key, whose hash it gives, and its value.
func (s *strict) member(depth int) (key uint64, err error) {
	if s.next() != '"' {
		return 0, ErrSyntax
	}
	if key, err = s.key(); err != nil {
		return 0, err
	}
	if s.next() != ':' {
		return 0, ErrSyntax
	}
	s.rest = s.rest[1:]
	return key, s.value(depth)
}

const fewKeys = 16

// twice sorts the hashes where they are many: comparing each with each would make a body of ten thousand keys dear.
func twice(keys []uint64) bool {
	if len(keys) > fewKeys {
		slices.Sort(keys)
		for i := 1; i < len(keys); i++ {
			if keys[i] == keys[i-1] {
				return true
			}
		}
		return false
	}
	for i, k := range keys {
		if slices.Contains(keys[:i], k) {
			return true
		}
	}
	return false
}

func (s *strict) array(depth int) error {
	if depth > mostDepth {
		return ErrDepth
	}
	s.rest = s.rest[1:]
	if s.next() == ']' {
		s.rest = s.rest[1:]
		return nil
	}
	for {
		if err := s.value(depth); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.rest = s.rest[1:]
		case ']':
			s.rest = s.rest[1:]
			return nil
		default:
			return ErrSyntax
		}
	}
}

// Hashes are FNV's. That two different keys meet is a matter of luck that nobody has, and of malice against oneself: the
// own request is refused.
const (
	hashStart = 14695981039346656037
	hashPrime = 1099511628211
)

// text takes a string.
func (s *strict) text() error {
	for i := 1; i < len(s.rest); {
		switch c := s.rest[i]; {
		case c == '"':
			s.rest = s.rest[i+1:]
			return nil
		case c == '\\':
			_, n, err := unescape(s.rest[i:])
			if err != nil {
				return err
			}
			i += n
		case c < ' ':
			return ErrSyntax
		default:
			i++
		}
	}
	return ErrSyntax
}

// key takes a string, too, and gives a hash in which case does not count.
func (s *strict) key() (hash uint64, err error) {
	hash = hashStart
	for i := 1; i < len(s.rest); {
		r, n := rune(s.rest[i]), 1
		switch {
		case r == '"':
			s.rest = s.rest[i+1:]
			return hash, nil
		case r == '\\':
			if r, n, err = unescape(s.rest[i:]); err != nil {
				return 0, err
			}
		case r < ' ':
			return 0, ErrSyntax
		case r >= utf8.RuneSelf:
			r, n = utf8.DecodeRune(s.rest[i:])
		}
		hash = (hash ^ uint64(fold(r))) * hashPrime //nolint:gosec // G115: no rune is negative
		i += n
	}
	return 0, ErrSyntax
}

// fold gives the smallest of the runes that encoding/json takes for the same one in a key.
func fold(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}

// unescape reads the escape with which text begins; n is its length.
func unescape(text []byte) (r rune, n int, err error) {
	if len(text) < 2 {
		return 0, 0, ErrSyntax
	}
	const short, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := bytes.IndexByte([]byte(short), text[1]); i >= 0 {
		return rune(meant[i]), 2, nil
	}
	unit, ok := escaped(text)
	switch {
	case !ok:
		return 0, 0, ErrSyntax
	case unit < 0xD800 || unit > 0xDFFF:
		return rune(unit), 6, nil
	}
	low, ok := escaped(text[6:])
	if !ok || unit > 0xDBFF || low < 0xDC00 || low > 0xDFFF {
		return 0, 0, ErrSurrogate
	}
	return (rune(unit)-0xD800)<<10 + rune(low) - 0xDC00 + 0x10000, 12, nil
}

func (s *strict) number() error {
	if s.rest[0] == '-' {
		s.rest = s.rest[1:]
	}
	if len(s.rest) > 0 && s.rest[0] == '0' {
		s.rest = s.rest[1:]
	} else if !s.digits() {
		return ErrSyntax
	}
	if len(s.rest) > 0 && s.rest[0] == '.' {
		if s.rest = s.rest[1:]; !s.digits() {
			return ErrSyntax
		}
	}
	if len(s.rest) == 0 || s.rest[0] != 'e' && s.rest[0] != 'E' {
		return nil
	}
	s.rest = s.rest[1:]
	if len(s.rest) > 0 && (s.rest[0] == '+' || s.rest[0] == '-') {
		s.rest = s.rest[1:]
	}
	if !s.digits() {
		return ErrSyntax
	}
	return nil
}

// digits takes at least one.
func (s *strict) digits() bool {
	n := 0
	for n < len(s.rest) && s.rest[n] >= '0' && s.rest[n] <= '9' {
		n++
	}
	s.rest = s.rest[n:]
	return n > 0
}
