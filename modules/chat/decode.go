package chat

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

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

// scan is what has not been read yet, and which fields have been.
type scan struct {
	rest []byte
	seen uint16
}

// first is false where a field comes again: that is for the strict reading to refuse.
func (s *scan) first(field uint16) bool {
	again := s.seen&field != 0
	s.seen |= field
	return !again
}

func (s *scan) field(r *request, key []byte) bool {
	var ok bool
	switch string(key) {
	case "type":
		r.Type, ok = s.word()
		ok = ok && s.first(1<<0)
	case "id":
		r.ID, ok = s.word()
		ok = ok && s.first(1<<1)
	case "room_id":
		r.RoomID, ok = s.id()
		ok = ok && s.first(1<<2)
	case "client_msg_id":
		r.ClientMsgID, ok = s.id()
		ok = ok && s.first(1<<3)
	case "inquiry_id":
		r.InquiryID, ok = s.id()
		ok = ok && s.first(1<<4)
	case "body":
		r.Body, ok = s.word()
		ok = ok && s.first(1<<5)
	case "seq":
		r.Seq, ok = s.number()
		ok = ok && s.first(1<<6)
	case "expect_seq":
		var n int64
		n, ok = s.number()
		r.ExpectSeq = &n
		ok = ok && s.first(1<<7)
	case "on":
		r.On, ok = s.flag()
		ok = ok && s.first(1<<8)
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

// requestKeys are the fields of all requests, and of the card in one.
var (
	requestKeys = []string{"type", "id", "room_id", "client_msg_id", "body", "inquiry_id", "card", "expect_seq", "epoch", "rooms", "seq", "on", "token"}
	cardKeys    = []string{"kind", "id"}
)

// misspelled says whether a frame has a field whose name differs from a known one by case only. encoding/json would take it
// for that one, other readers would not. The text is strict JSON.
func misspelled(text []byte) bool {
	if !oddKeys(text) {
		return false
	}
	var top, card map[string]json.RawMessage
	if json.Unmarshal(text, &top) != nil {
		return false // no object: it is refused as no request
	}
	if json.Unmarshal(top["card"], &card) != nil {
		card = nil
	}
	return likeAnother(top, requestKeys) || likeAnother(card, cardKeys)
}

func likeAnother(fields map[string]json.RawMessage, known []string) bool {
	for name := range fields {
		if !slices.Contains(known, name) && slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			return true
		}
	}
	return false
}

// oddKeys says whether a name of a field holds anything but small letters, digits, lines and dots: hardly any does.
func oddKeys(text []byte) bool {
	s := scan{rest: text}
	for {
		i := bytes.IndexByte(s.rest, '"')
		if i < 0 {
			return false
		}
		s.rest = s.rest[i+1:]
		odd := false
		for n := 0; ; n++ {
			if n >= len(s.rest) {
				return true
			}
			c := s.rest[n]
			if c == '"' {
				s.rest = s.rest[n+1:]
				break
			}
			odd = odd || (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.'
			if c == '\\' {
				n++
			}
		}
		if s.space(); odd && len(s.rest) > 0 && s.rest[0] == ':' {
			return true
		}
	}
}
