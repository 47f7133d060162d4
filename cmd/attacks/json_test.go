package attacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

var jsonAttacks = []attack{
	{"JSON of two readings", "sends every writing call a body that two readers understand differently", "400 for each, before anything else", twoReadings},
	{"a state that is none", "hides a second state behind another case", "400; the inquiry has one of its four states", smuggledState},
	{"frames of two readings", "sends the same to the socket", "an error for each", twoReadingsBySocket},
	{"a body that is none", "sends other types, none at all, too much", "400, 413 or 415", oddBodies},
}

// schema is a node of the API description.
type schema = map[string]any

// description is what the program says of itself, with what is needed to make bodies that fit it.
type description struct{ doc schema }

func describe(t *testing.T, m *mall) description {
	t.Helper()
	var doc schema
	m.stranger(t).call("GET", "//openapi.json", nil).must(200).into(&doc)
	return description{doc}
}

// each calls fn for every operation, in a fixed order.
func (d description) each(fn func(method, path string, op schema)) {
	paths := d.doc["paths"].(schema)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := paths[path].(schema)
		for _, method := range slices.Sorted(maps.Keys(item)) {
			if op, ok := item[method].(schema); ok && op["operationId"] != nil {
				fn(strings.ToUpper(method), path, op)
			}
		}
	}
}

// deref follows a reference.
func (d description) deref(s schema) schema {
	ref, ok := s["$ref"].(string)
	if !ok {
		return s
	}
	node := any(d.doc)
	for _, word := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		node = node.(schema)[word]
	}
	return d.deref(node.(schema))
}

// body is the schema of an operation's JSON; nil when it takes none.
func (d description) body(op schema) schema {
	request, ok := op["requestBody"].(schema)
	if !ok {
		return nil
	}
	content, _ := d.deref(request)["content"].(schema)
	media, ok := content["application/json"].(schema)
	if !ok {
		return nil
	}
	return d.deref(media["schema"].(schema))
}

// example is a value that fits a schema.
func (d description) example(s schema) any {
	s = d.deref(s)
	if all, ok := s["allOf"].([]any); ok {
		return d.example(all[0].(schema))
	}
	if enum, ok := s["enum"].([]any); ok {
		return enum[0]
	}
	switch s["type"] {
	case "object":
		made := object{}
		properties, _ := s["properties"].(schema)
		for name, p := range properties {
			made[name] = d.example(p.(schema))
		}
		return made
	case "array":
		return []any{d.example(s["items"].(schema))}
	case "integer", "number":
		if least, ok := s["minimum"].(float64); ok && least > 0 {
			return least
		}
		return 1
	case "boolean":
		return true
	}
	switch {
	case s["format"] == "uuid":
		return nobody
	case s["format"] == "date-time":
		return "2026-01-01T00:00:00Z"
	case s["pattern"] == "^[0-9]{6}$":
		return "123456"
	case s["pattern"] != nil:
		return "somebody@attack.example"
	}
	least, _ := s["minLength"].(float64)
	return strings.Repeat("abcdefgh", int(least)/8+1)
}

// spoil gives bodies that one reader takes for right and another for something else. The key is one of the body's own.
func spoil(body object) map[string]string {
	whole := string(mustJSON(body))
	key := slices.Sorted(maps.Keys(body))[0]
	value := string(mustJSON(body[key]))
	first := fmt.Sprintf("%q:%s", key, value)
	rest := "," + whole[1:]
	spoiled := map[string]string{
		"a doubled key":          "{" + first + rest,
		"a doubled key, escaped": fmt.Sprintf(`{"\u%04x%s":%s%s`, key[0], key[1:], value, rest),
		"another case":           fmt.Sprintf("{%q:%s%s", strings.ToUpper(key), value, rest),
		"two values":             whole + whole,
		"trailing text":          whole + "x",
		"a trailing brace":       whole + "}",
		"half a surrogate":       `{"x":"\ud800"` + rest,
		"halves turned round":    `{"x":"\udc00\ud800"` + rest,
		"a byte FF":              "{\"x\":\"\xff\"" + rest,
		"a surrogate in UTF-8":   "{\"x\":\"\xed\xa0\x80\"" + rest,
		"a mark before it":       "\ufeff" + whole,
		"NUL behind it":          whole + "\x00",
		"a comment":              "/**/" + whole,
		"UTF-16":                 wide(whole),
		"deep":                   `{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + rest,
	}
	if text, ok := body[key].(string); ok && text != "" {
		spoiled["half a surrogate in a value"] = strings.Replace(whole, first, fmt.Sprintf(`%q:"%s\ud800"`, key, text), 1)
		spoiled["a byte FF in a value"] = strings.Replace(whole, first, fmt.Sprintf("%q:\"%s\xff\"", key, text), 1)
	}
	return spoiled
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func wide(s string) string {
	b := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(s)) {
		b = append(b, byte(unit), byte(unit>>8))
	}
	return string(b)
}

func twoReadings(t *testing.T, w *world) {
	d := describe(t, w.m)
	calls := 0
	sender := w.member("noise")
	d.each(func(method, path string, op schema) {
		s := d.body(op)
		if s == nil {
			return
		}
		body, ok := d.example(s).(object)
		if !ok || len(body) == 0 {
			t.Errorf("%s %s: no body can be made of its description", method, path)
			return
		}
		for name, text := range spoil(body) {
			calls++
			if a := sender.patient(method, everyID(path), text); a.status != 400 {
				t.Errorf("%s %s with %s: %d %s", method, path, name, a.status, a.code())
			}
		}
		charset := header{"Content-Type", "application/json; charset=utf-16"}
		if a := sender.patient(method, everyID(path), string(mustJSON(body)), charset); a.status != 400 && a.status != 415 {
			t.Errorf("%s %s with the charset utf-16: %d %s", method, path, a.status, a.code())
		}
	})
	if calls < 300 {
		t.Errorf("%d calls: the description has more", calls)
	}
}

// everyID puts the id of nothing into every place of a path.
func everyID(path string) string {
	for strings.Contains(path, "{") {
		value := nobody
		if strings.Contains(path[strings.Index(path, "{"):strings.Index(path, "}")], "seq") {
			value = "1"
		}
		path = fill(path, value)
	}
	return path
}

func smuggledState(t *testing.T, w *world) {
	path := "/chat/rooms/" + w.room + "/inquiries/" + w.inquiry()
	for _, body := range []string{`{"state":"open","STATE":"hacked!"}`, `{"state":"open","State":"hacked!"}`, `{"state":"open","state":"hacked!"}`, `{"state":"hacked!"}`} {
		w.agent.patient("PATCH", path, body).want(400, "")
	}
	n := w.m.number(t, "SELECT COUNT(*) FROM chat_inquiries WHERE state NOT IN ('waiting', 'open', 'held', 'done')")
	if n != 0 {
		t.Errorf("%d inquiries are in a state that is none", n)
	}
}

func twoReadingsBySocket(t *testing.T, w *world) {
	p := w.member("noise")
	room := w.openRoom(p)
	send := object{"type": "send", "id": "1", "room_id": room, "client_msg_id": nobody, "body": "한 마디"}
	for name, text := range spoil(send) {
		if name == "a byte FF" || name == "a byte FF in a value" || name == "a surrogate in UTF-8" || name == "UTF-16" {
			continue // no text frame: closed with 1007
		}
		l := p.connect()
		l.text(text)
		until(t, "an answer to "+name, func() bool { return l.ended() || l.count(of("error"))+l.count(of("ack")) > 0 })
		if f, acked := l.look(of("ack")); acked {
			t.Errorf("%s: stored as %v", name, f)
		}
		_ = l.conn.Close()
	}
	if n := w.m.number(t, "SELECT head FROM chat_rooms WHERE id = ?", idOf(room)); n != 0 {
		t.Errorf("%d messages were stored", n)
	}
}

func oddBodies(t *testing.T, w *world) {
	p := w.member("noise")
	w.m.prove(p)
	for name, tc := range map[string]struct {
		body   any
		header header
		want   []int
	}{
		"a form":     {"name=shop", header{"Content-Type", "application/x-www-form-urlencoded"}, []int{400, 415}},
		"plain text": {`{"name":"shop"}`, header{"Content-Type", "text/plain"}, []int{400, 415}},
		"no type":    {`{"name":"shop"}`, header{"Content-Type", ""}, []int{400, 415}},
		"nothing":    {"", header{"Content-Type", "application/json"}, []int{400}},
		"a megabyte": {`{"name":"` + strings.Repeat("x", 1<<20) + `"}`, header{"Content-Type", "application/json"}, []int{413}},
		"a list":     {`[{"name":"shop"}]`, header{"Content-Type", "application/json"}, []int{400}},
		"null":       {`null`, header{"Content-Type", "application/json"}, []int{400}},
		"gzip":       {`{"name":"shop"}`, header{"Content-Encoding", "gzip"}, []int{400, 415}},
	} {
		if a := p.call("POST", "/shops", tc.body, tc.header); !slices.Contains(tc.want, a.status) {
			t.Errorf("%s: %s, want %v", name, a, tc.want)
		}
	}
}
