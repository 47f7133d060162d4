package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mall/modules/chat/internal/api"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/jsoncheck"
)

func sampleMessage(body, name string) store.Message {
	return store.Message{RoomID: roomID, Seq: 7, InquiryID: inquiryID, Party: store.Buyer, SenderID: memberID, SenderName: name,
		Kind: kindText, Body: body, ClientMsgID: clientID, CreatedAt: sampleAt}
}

// sameAsJSON compares what is written by hand with what encoding/json makes of the types that describe it.
func sameAsJSON(t *testing.T, m *store.Message) {
	t.Helper()
	want, err := json.Marshal(messageFrameOf{"message", messageView(m)})
	if err != nil {
		t.Fatal(err)
	}
	if got := messageFrame(m); string(got) != string(want) {
		t.Errorf("message\n got %s\nwant %s", got, want)
	}
	want, err = json.Marshal(ackFrame{"ack", m.Body, m.RoomID, m.ClientMsgID, m.Seq, m.CreatedAt, m.Seq%2 == 0})
	if err != nil {
		t.Fatal(err)
	}
	refused := errorFrame{"error", m.SenderName, "busy", m.Body, m.Seq%2 == 0, m.Seq % 3 * 500, m.Seq % 5}
	if want, err := json.Marshal(refused); err != nil || string(errorOf(&refused)) != string(want) {
		t.Errorf("error\n got %s\nwant %s", errorOf(&refused), want)
	}
	if got := ackOf(m.Body, m, m.Seq%2 == 0); string(got) != string(want) {
		t.Errorf("ack\n got %s\nwant %s", got, want)
	}
}

func TestFramesByHandAreWhatJSONMakesOfThem(t *testing.T) {
	price := int64(14900)
	card := api.Card{Kind: api.CardKindProduct, Id: productID, Title: `달빛 "머그컵" <2>`, PriceWon: &price}
	plainText := sampleMessage("재고 있나요?", "김하늘")
	withCard, notice := plainText, plainText
	withCard.Kind, withCard.Body, withCard.Card = kindCard, "", encodeCard(card)
	notice.Party, notice.Kind, notice.Body = store.System, kindNotice, "order_paid"
	broken := "{"
	unreadable := plainText
	unreadable.Card = &broken
	whole := plainText
	whole.CreatedAt, whole.Seq = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), 1<<53
	for _, m := range []store.Message{plainText, withCard, notice, unreadable, whole} {
		sameAsJSON(t, &m)
	}
}

func TestAPageByHandIsWhatJSONMakesOfIt(t *testing.T) {
	one, two := sampleMessage("하나", "김하늘"), sampleMessage("<둘>", "박\"달\"님")
	for _, ms := range [][]store.Message{nil, {one}, {one, two}} {
		want := api.MessagePage{Epoch: "e<1>", Head: 9, Items: make([]api.Message, len(ms))}
		for i := range ms {
			want.Items[i] = messageView(&ms[i])
		}
		a, b := httptest.NewRecorder(), httptest.NewRecorder()
		if err := errors.Join(page{messages: ms, head: 9, epoch: "e<1>"}.VisitListMessagesResponse(a), api.ListMessages200JSONResponse(want).VisitListMessagesResponse(b)); err != nil {
			t.Fatal(err)
		}
		if a.Body.String() != b.Body.String() || a.Code != b.Code || a.Header().Get("Content-Type") != b.Header().Get("Content-Type") {
			t.Errorf("page\n got %s\nwant %s", a.Body, b.Body)
		}
	}
}

func FuzzFramesByHand(f *testing.F) {
	for _, s := range []string{"", "a", "한글 🙂", "<b>&amp;</b>", "\"\\/", "a\nb\tc\x00\x1f\x7f", "\u2028\u2029", "\xff\xfe", "e2\xe2\x80", "\u2027é"} {
		f.Add(s, s, int64(len(s)))
	}
	f.Fuzz(func(t *testing.T, body, name string, micros int64) {
		m := sampleMessage(body, name)
		m.Seq = micros
		m.CreatedAt = time.UnixMicro(micros % (1 << 55)).UTC()
		if m.CreatedAt.Year() < 0 || m.CreatedAt.Year() > 9999 {
			return
		}
		sameAsJSON(t, &m)
	})
}

func BenchmarkEncode(b *testing.B) {
	m := sampleMessage("재고 있나요? 내일 받을 수 있을까요? 사이즈는 M입니다.", "김하늘")
	b.Run("message", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = messageFrame(&m)
		}
	})
	b.Run("message-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = encodeFrame(messageFrameOf{"message", messageView(&m)})
		}
	})
	b.Run("ack", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = ackOf("123", &m, false)
		}
	})
	b.Run("ack-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = encodeFrame(ackFrame{"ack", "123", m.RoomID, m.ClientMsgID, m.Seq, m.CreatedAt, false})
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	frame := []byte(`{"type":"send","id":"123","room_id":"` + id.New().String() + `","client_msg_id":"` + id.New().String() +
		`","body":"재고 있나요? 내일 받을 수 있을까요? 사이즈는 M입니다."}`)
	for _, by := range []struct {
		name string
		read func(text []byte) (request, error)
	}{
		{"send", decodeRequest},
		{"send-json", slowRequest},
		{"send-json-unchecked", func(text []byte) (r request, err error) {
			err = json.Unmarshal(text, &r)
			return r, err
		}},
	} {
		b.Run(by.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := by.read(frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzQuickRequest(f *testing.F) {
	for _, s := range []string{
		`{"type":"send","id":"1","room_id":"0193a000-0000-7000-8000-000000000a01","client_msg_id":"0193a000-0000-7000-8000-000000000a04","body":"재고 있나요?","expect_seq":7}`,
		` { "type" : "read" , "seq" : 12, "room_id":"0193A000-0000-7000-8000-000000000A01" } `, `{"type":"typing","on":true}`, `{"on":false,"on":true}`,
		`{"type":"send","body":"a\nb"}`, `{"TYPE":"send"}`, `{"seq":01}`, `{"seq":1.0}`, `{"seq":-1}`, `{"seq":1e3}`, `{"seq":9223372036854775808}`, `{"type":null}`, `{}`, `{"a":{}}`,
		`{"type":"send",}`, `{"type":"send"}x`, `{"on":truefalse}`, `{"type":"send" "id":"1"}`, `{"id":"` + strings.Repeat("x", 65) + `"}`, "{\"seq\":1\f}", "{\"body\":\"\u007f\"}", "\u00a0{}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return // the socket has refused it
		}
		quick, ok := quickRequest(text)
		if !ok {
			return
		}
		slow, err := slowRequest(text)
		if err != nil && len(quick.ID) <= maxRequestID {
			t.Fatalf("taken: %q, which is no request: %v", text, err)
		}
		if err != nil {
			return
		}
		if !reflect.DeepEqual(quick, slow) {
			t.Errorf("%q\n got %+v\nwant %+v", text, quick, slow)
		}
	})
}

// A frame that is taken is one JSON object, which every reader reads alike.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"type":"send","card":{"kind":"order","id":"0193a000-0000-7000-8000-000000000a01"}}`, `{"type":"resume","epoch":"e","rooms":{"0193A000-0000-7000-8000-000000000a01":3}}`,
		`{"state":"open","STATE":"x"}`, `{"body":"\ud800"}`, `{"body":"a\nb"}`, `[]`, `{"type":"a"}{}`, `{"ro\u006fms":{}}`, `{"to\u212aen":"x"}`, `{"type":"ping","\u017feq":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := decodeRequest(text)
		if len(r.ID) > maxRequestID {
			t.Errorf("%q: id of %d bytes", text, len(r.ID))
		}
		if err != nil || !utf8.Valid(text) {
			return
		}
		if err := jsoncheck.Strict(text); err != nil {
			t.Fatalf("taken: %q: %v", text, err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(text, &fields); err != nil && string(bytes.TrimSpace(text)) != "null" {
			t.Fatalf("taken: %q: %v", text, err)
		}
		for _, key := range []string{"type", "body"} {
			var want string
			if raw := fields[key]; raw != nil {
				_ = json.Unmarshal(raw, &want)
			}
			if got := map[string]string{"type": r.Type, "body": r.Body}[key]; got != want {
				t.Errorf("%q: %s is %q, want %q", text, key, got, want)
			}
		}
	})
}

func TestFramesAreReadInOneWayOnly(t *testing.T) {
	for text, code := range map[string]string{
		`{"type":"ping","id":"7"}`: "", ` {"type":"ping","id":"7","else":{"a":[1,null]}} `: "", `{"type":"ping","id":"\u0037"}`: "",
		`{"type":"ping","type":"send","id":"7"}`: "bad_request", `{"type":"ping","id":"7","id":"7"}`: "bad_request", `{"on":true,"on":true,"id":"7"}`: "bad_request",
		`{"type":"ping","TYPE":"send","id":"7"}`: "bad_request", `{"Type":"ping","id":"7"}`: "bad_request", `{"type":"read","\u017feq":1,"id":"7"}`: "bad_request",
		`{"type":"ping","id":"7"}{}`: "bad_request", `{"type":"ping","id":"7"} x`: "bad_request", `{"type":"ping","else":1,"els\u0065":2,"id":"7"}`: "bad_request",
		`{"type":"send","body":"\ud800","id":"7"}`: "invalid_body", `{"type":"send","body":"\udc00\ud800","id":"7"}`: "invalid_body",
		`{"type":"send","id":"7","card":{"kind":"person","id":"0193a000-0000-7000-8000-000000000a01"}}`:                 "bad_request",
		`{"type":"send","id":"7","card":{"KIND":"order","id":"0193a000-0000-7000-8000-000000000a01"}}`:                  "bad_request",
		`{"type":"send","id":"7","card":{"kind":"order","id":"0193a000-0000-7000-8000-000000000a01","kind":"product"}}`: "bad_request",
		"\ufeff{}": "bad_request", `nonsense`: "bad_request",
	} {
		_, err := decodeRequest([]byte(text))
		got := ""
		if err != nil {
			got = fault.CodeOf(err)
		}
		if got != code {
			t.Errorf("%s: %q, want %q (%v)", text, got, code, err)
		}
	}
}

func BenchmarkDecodeEscaped(b *testing.B) {
	frame := []byte(`{"type":"send","id":"1","room_id":"0193a000-0000-7000-8000-000000000a01","client_msg_id":"0193a000-0000-7000-8000-000000000a04","body":"재고 있나요?\n내일까지 받을 수 있을까요?"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeRequest(frame); err != nil {
			b.Fatal(err)
		}
	}
}
