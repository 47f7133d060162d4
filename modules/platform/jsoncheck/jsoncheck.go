// Package jsoncheck refuses JSON text that two readers could understand differently.
package jsoncheck

import "bytes"

// LoneSurrogate says whether a string of the text has a \uD800-\uDFFF escape without its other half:
// encoding/json turns it into U+FFFD, and what was sent could not be stored as sent. Text that is not JSON
// is not judged.
func LoneSurrogate(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 >= len(text) {
			return false
		}
		text = text[i:]
		unit, ok := escaped(text)
		switch {
		case !ok:
			text = text[2:]
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return true
		case unit >= 0xD800 && unit <= 0xDBFF:
			low, ok := escaped(text[6:])
			if !ok || low < 0xDC00 || low > 0xDFFF {
				return true
			}
			text = text[12:]
		default:
			text = text[6:]
		}
	}
}

// escaped reads the \uXXXX with which text begins.
func escaped(text []byte) (unit uint16, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range text[2:6] {
		unit <<= 4
		switch {
		case c >= '0' && c <= '9':
			unit |= uint16(c - '0')
		case c >= 'a' && c <= 'f':
			unit |= uint16(c-'a') + 10
		case c >= 'A' && c <= 'F':
			unit |= uint16(c-'A') + 10
		default:
			return 0, false
		}
	}
	return unit, true
}
