package frame

import "bytes"

type scanner struct {
	text []byte
	at   int
}

// field reads one value into its field, or skips it.
func (s *scanner) field(f *Frame, name []byte) (ok bool) {
	switch string(name) {
	case "type":
		var kind []byte
		kind, ok = s.str()
		f.Kind = kindOf(kind)
	case "room_id":
		f.Room, ok = s.str()
	case "seq":
		f.Seq, ok = s.number()
	case "client_msg_id":
		f.Key, ok = s.str()
	case "id":
		f.ID, ok = s.str()
	case "dup":
		f.Dup, ok = s.bool()
	default:
		return s.rareField(f, name)
	}
	return ok
}

func (s *scanner) rareField(f *Frame, name []byte) (ok bool) {
	switch string(name) {
	case "code":
		f.Code, ok = s.str()
	case "epoch":
		f.Epoch, ok = s.str()
	case "head":
		f.Head, ok = s.number()
	case "retryable":
		f.Retryable, ok = s.bool()
	case "retry_after_ms":
		f.RetryAfterMS, ok = s.number()
	default:
		return s.skip()
	}
	return ok
}

func kindOf(name []byte) Kind {
	switch string(name) {
	case "message":
		return Message
	case "ack":
		return Ack
	case "error":
		return Error
	case "hb":
		return Heartbeat
	case "welcome":
		return Welcome
	case "resumed":
		return Resumed
	case "too_far":
		return TooFar
	case "reset":
		return Reset
	}
	return Other
}

func (s *scanner) space() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\n' || s.text[s.at] == '\t' || s.text[s.at] == '\r') {
		s.at++
	}
}

func (s *scanner) take(c byte) bool {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) end() bool {
	s.space()
	return s.at == len(s.text)
}

// str takes a string and gives what is between its quotes.
func (s *scanner) str() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	for start, from := s.at, s.at; ; {
		i := bytes.IndexByte(s.text[from:], '"')
		if i < 0 {
			return nil, false
		}
		quote := from + i
		if !escaped(s.text[start:quote]) {
			s.at = quote + 1
			return s.text[start:quote], true
		}
		from = quote + 1
	}
}

// escaped says whether what follows the text is escaped by it: an odd number of backslashes ends it.
func escaped(text []byte) bool {
	n := 0
	for n < len(text) && text[len(text)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// number takes a whole number.
func (s *scanner) number() (n int64, ok bool) {
	s.space()
	sign := int64(1)
	if s.at < len(s.text) && s.text[s.at] == '-' {
		sign = -1
		s.at++
	}
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		n, ok = n*10+int64(s.text[s.at]-'0'), true
		s.at++
	}
	return sign * n, ok
}

func (s *scanner) bool() (value, ok bool) {
	s.space()
	value = bytes.HasPrefix(s.text[s.at:], []byte("true"))
	return value, s.skip()
}

// skip passes over any value.
func (s *scanner) skip() bool {
	s.space()
	if s.at == len(s.text) {
		return false
	}
	switch s.text[s.at] {
	case '"':
		_, ok := s.str()
		return ok
	case '{', '[':
		return s.skipNested()
	}
	start := s.at
	for s.at < len(s.text) && !bytes.ContainsRune([]byte(",}] \n\t\r"), rune(s.text[s.at])) {
		s.at++
	}
	return s.at > start
}

func (s *scanner) skipNested() bool {
	for depth := 0; s.at < len(s.text); {
		switch s.text[s.at] {
		case '"':
			if _, ok := s.str(); !ok {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.at++
		if depth == 0 {
			return true
		}
	}
	return false
}
