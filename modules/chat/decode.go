package chat

import (
	"bytes"
	"strconv"

	"mall/modules/platform/id"
)

// quickRequest reads the frames that clients of ours send all day: a flat object of known keys whose strings hold no
// escape. Anything else, right or wrong, it leaves to encoding/json, which must come to the same request for what this
// one takes (FuzzQuickRequest). The text is UTF-8 already.
func quickRequest(text []byte) (r request, ok bool) {
	s := scan{rest: text}
	if !s.take('{') {
		return r, false
	}
	for {
		key, ok := s.text()
		if !ok || !s.take(':') || !s.field(&r, key) {
			return request{}, false
		}
		if s.take(',') {
			continue
		}
		return r, s.take('}') && len(s.rest) == 0
	}
}

// scan is what has not been read yet.
type scan struct{ rest []byte }

func (s *scan) field(r *request, key []byte) bool {
	var ok bool
	switch string(key) {
	case "type":
		r.Type, ok = s.word()
	case "id":
		r.ID, ok = s.word()
	case "room_id":
		r.RoomID, ok = s.id()
	case "client_msg_id":
		r.ClientMsgID, ok = s.id()
	case "inquiry_id":
		r.InquiryID, ok = s.id()
	case "body":
		r.Body, ok = s.word()
	case "seq":
		r.Seq, ok = s.number()
	case "expect_seq":
		var n int64
		n, ok = s.number()
		r.ExpectSeq = &n
	case "on":
		r.On, ok = s.flag()
	}
	return ok
}

func (s *scan) space() {
	for len(s.rest) > 0 && (s.rest[0] == ' ' || s.rest[0] == '\t' || s.rest[0] == '\n' || s.rest[0] == '\r') {
		s.rest = s.rest[1:]
	}
}

// take takes one sign and the space around it.
func (s *scan) take(sign byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != sign {
		return false
	}
	s.rest = s.rest[1:]
	s.space()
	return true
}

// text takes a string without escapes.
func (s *scan) text() ([]byte, bool) {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != '"' {
		return nil, false
	}
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			text := s.rest[1:i]
			s.rest = s.rest[i+1:]
			return text, true
		case c == '\\' || c < ' ':
			return nil, false
		}
	}
	return nil, false
}

func (s *scan) word() (string, bool) {
	b, ok := s.text()
	switch string(b) { // the types of frames need no copy
	case "send":
		return "send", ok
	case "read":
		return "read", ok
	case "delivered":
		return "delivered", ok
	case "typing":
		return "typing", ok
	}
	return string(b), ok
}

func (s *scan) id() (id.ID, bool) {
	b, ok := s.text()
	if !ok {
		return id.Nil, false
	}
	x, err := id.Parse(string(b))
	return x, err == nil
}

// number takes a whole number of at most 18 digits.
func (s *scan) number() (int64, bool) {
	n := 0
	for n < len(s.rest) && s.rest[n] >= '0' && s.rest[n] <= '9' {
		n++
	}
	if n == 0 || n > 18 || n > 1 && s.rest[0] == '0' || n < len(s.rest) && bytes.IndexByte([]byte(".eE"), s.rest[n]) >= 0 {
		return 0, false
	}
	x, err := strconv.ParseInt(string(s.rest[:n]), 10, 64)
	s.rest = s.rest[n:]
	return x, err == nil
}

func (s *scan) flag() (value, ok bool) {
	if rest, found := bytes.CutPrefix(s.rest, []byte("true")); found {
		s.rest = rest
		return true, true
	}
	rest, found := bytes.CutPrefix(s.rest, []byte("false"))
	s.rest = rest
	return false, found
}
