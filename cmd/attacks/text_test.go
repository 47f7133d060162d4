package attacks_test

import (
	"strings"
	"testing"

	"mall/modules/platform/id"
)

var textAttacks = []attack{
	{"messages that show nothing", "sends bodies of signs that nobody sees", "400 empty_body, by REST and by the socket", invisibleBodies},
	{"messages that break the page", "sends towers of marks, controls, noncharacters and line separators", "400 invalid_body", brokenBodies},
	{"names that show nothing or lie", "takes invisible, turned and towering names for members, shops and products", "400", falseNames},
}

// invisible are texts that show as nothing.
var invisible = map[string]string{
	"spaces": "   \n\t ", "no-break spaces": "\u00a0\u2007\u202f", "zero width": "\u200b\u200c\u200d\u2060\ufeff", "soft hyphens": "\u00ad\u00ad",
	"Hangul fillers": "\u3164\u115f\u1160\uffa0", "Braille blank": "\u2800", "directions": "\u200e\u200f\u202a\u202c\u2066\u2069",
	"variation selectors": "\ufe0f\ufe00\U000e0100", "tags": "\U000e0041\U000e0042", "Mongolian": "\u180e\u180b", "musical": "\U0001d173\U0001d17a",
	"a mixture": " \u200b\u3164\u2800\u00ad\n",
}

var broken = map[string]string{
	"a tower":          "a" + strings.Repeat("\u0301", 200),
	"a tower with ZWJ": "a" + strings.Repeat(strings.Repeat("\u0301", 30)+"\u200d", 20),
	"a noncharacter":   "a\ufffe", "another": "a\uffff", "of a later plane": "a\U0001fffe",
	"a line separator": "a\u2028b" + strings.Repeat("\u2028", 200), "paragraphs": "a" + strings.Repeat("\u2029b", 200),
	"NUL": "a\x00b", "escape": "a\x1b[31mb", "C1": "a\u0085b\u009bc", "too many lines": strings.Repeat("a\n", 101),
}

func (w *world) talk(t *testing.T) (*person, string, *line) {
	t.Helper()
	p := w.member("talker")
	room := w.openRoom(p)
	c := p.connect()
	return p, room, c
}

// both says whether REST and the socket refuse a body with the same code.
func both(t *testing.T, p *person, room string, l *line, name, body, code string) {
	t.Helper()
	a := p.patient("POST", "/chat/rooms/"+room+"/messages", message(body))
	if a.status != 400 || a.code() != code {
		t.Errorf("%s by REST: %s, want %s", name, a, code)
	}
	request := id.New().String()
	l.say(object{"type": "send", "id": request, "room_id": room, "client_msg_id": id.New().String(), "body": body})
	if got := l.verdict(request); got != code && got != "rate_limited" {
		t.Errorf("%s by the socket: %s, want %s", name, got, code)
	}
}

func invisibleBodies(t *testing.T, w *world) {
	p, room, l := w.talk(t)
	for name, body := range invisible {
		both(t, p, room, l, name, body, "empty_body")
	}
	for _, fine := range []string{"👨‍👩‍👧", "가\u200b나", "🇰🇷", "❤️", "नमस्ते", "مرحبا"} {
		p.patient("POST", "/chat/rooms/"+room+"/messages", message(fine)).want(201, "")
	}
}

func brokenBodies(t *testing.T, w *world) {
	p, room, l := w.talk(t)
	for name, body := range broken {
		code := "invalid_body"
		if name == "too many lines" || strings.Contains(body, "\u2028") || strings.Contains(body, "\u2029") {
			code = "too_long"
		}
		both(t, p, room, l, name, body, code)
	}
}

func falseNames(t *testing.T, w *world) {
	keeper, shop := w.shopkeeper("false names")
	names := map[string]string{"a tower": "a" + strings.Repeat("\u0301", 30), "a tower with ZWJ": "a" + strings.Repeat("\u0301\u0301\u0301\u200d", 8),
		"turned": "moc.llam\u202e", "a noncharacter": "a\ufffeb", "a control": "a\x07b"}
	for name, text := range invisible {
		if text = strings.TrimSpace(text); text != "" {
			names[name] = text
		}
	}
	for name, text := range names {
		w.m.stranger(t).patient("POST", "/members", object{"email": someone(), "password": password, "name": text}).want(400, "")
		if a := keeper.patient("POST", "/shops", object{"name": text}); a.status != 400 {
			t.Errorf("a shop's name, %s: %s", name, a)
		}
		a := keeper.patient("POST", "/shops/"+shop+"/products", object{"name": text, "category": "home", "price_won": 1, "stock": 1})
		if a.status != 400 {
			t.Errorf("a product's name, %s: %s", name, a)
		}
	}
}
