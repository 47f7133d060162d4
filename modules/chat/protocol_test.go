package chat

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"mall/modules/chat/internal/api"
	"mall/modules/chat/internal/inquiry"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/apidoc"
	"mall/modules/platform/id"
)

var update = flag.Bool("update", false, "write testdata/frames.json anew")

const fixtures = "testdata/frames.json"

// Sample ids and times, the same in every run.
var (
	roomID    = id.MustParse("0193a000-0000-7000-8000-000000000a01")
	memberID  = id.MustParse("0193a000-0000-7000-8000-000000000a02")
	shopID    = id.MustParse("0193a000-0000-7000-8000-000000000a03")
	clientID  = id.MustParse("0193a000-0000-7000-8000-000000000a04")
	inquiryID = id.MustParse("0193a000-0000-7000-8000-000000000a05")
	productID = id.MustParse("0193a000-0000-7000-8000-000000000a06")
	sampleAt  = time.Date(2026, 11, 22, 3, 20, 15, 123456000, time.UTC)
)

// serverFrames are one of each frame that the server sends, with every field filled.
func serverFrames() map[string]any {
	price, image, status, summary, more := int64(14900), "/api/v1/products/x/image.svg", "paid", "머그컵", 2
	card := api.Card{Kind: api.CardKindProduct, Id: productID, Title: "달빛 머그컵", PriceWon: &price, ImageUrl: &image}
	orderCard := api.Card{Kind: api.CardKindOrder, Id: productID, Title: "20261122-7F3K2Q", PriceWon: &price, ImageUrl: &image, Status: &status, Summary: &summary, More: &more}
	stored := store.Message{RoomID: roomID, Seq: 7, InquiryID: inquiryID, Party: store.Buyer, SenderID: memberID, SenderName: "김하늘",
		Kind: kindText, Body: "재고 있나요?", ClientMsgID: clientID, CreatedAt: sampleAt}
	withCard := stored
	withCard.Kind, withCard.Body, withCard.Card = kindCard, "", encodeCard(card)
	notice := stored
	notice.Party, notice.Kind, notice.Body, notice.Card = store.System, kindNotice, "order_paid", encodeCard(orderCard)
	heads := map[id.ID]int64{roomID: 7}
	room := inquiry.Room{Head: 7, BuyerCount: 4, ShopCount: 3, InquiryID: inquiryID, State: store.Waiting,
		WaitingSince: &sampleAt, UpdatedAt: sampleAt}
	entry := store.Entry{Room: store.Room{ID: roomID, BuyerID: memberID, ShopID: shopID, CreatedAt: sampleAt, Room: room},
		Inquiry: store.Inquiry{ID: inquiryID, RoomID: roomID, Number: 1, Subject: subjectProduct, SubjectID: productID, Card: encodeCard(card), State: store.Waiting, OwnerID: memberID, CreatedAt: sampleAt},
		Last:    stored, BuyerDelivered: 7, BuyerRead: 6, ShopDelivered: 5, ShopRead: 4, BuyerReadOf: 2, ShopReadOf: 3}
	names, shops := map[id.ID]string{memberID: "김하늘"}, map[id.ID]string{shopID: "달빛상점"}
	return map[string]any{
		"welcome": welcomeFrame{Type: "welcome", SessionID: clientID, Epoch: "e1", Member: named{memberID, "김하늘"}, Shops: []named{{shopID, "달빛상점"}},
			ExpiresAt: sampleAt.Add(10 * time.Minute), HeartbeatMS: 20000, Limits: limits{2000, 100, 16384, 10, 200, 10, 20}, Time: sampleAt},
		"message":        messageFrameOf{"message", messageView(&stored)},
		"message_card":   messageFrameOf{"message", messageView(&withCard)},
		"message_notice": messageFrameOf{"message", messageView(&notice)},
		"ack":            ackFrame{"ack", "1", roomID, clientID, 7, sampleAt, false},
		"error":          errorFrame{"error", "1", "busy", "Too many messages are waiting; try again.", true, 500, 0},
		"error_stale":    errorFrame{"error", "1", "stale", "A colleague has answered meanwhile.", false, 0, 9},
		"ok":             okFrame{"ok", "3"},
		"pong":           pongFrame{"pong", "4"},
		"resumed":        resumedFrame{"resumed", "2", heads, []id.ID{productID}},
		"too_far":        tooFarFrame{"too_far", "2", roomID, 900},
		"reset":          resetFrame{"reset", "2", "e2", heads, []id.ID{productID}},
		"receipt":        receiptFrame{"receipt", roomID, store.Shop, 7, 6},
		"room":           roomFrame{"room", roomView(&entry, store.Shop, names, shops)},
		"typing":         typingFrame{"typing", roomID, store.Shop, memberID, "박달님", true},
		"presence":       presenceFrame{"presence", roomID, store.Buyer, false, &sampleAt},
		"hb":             heartbeatFrame{"hb", sampleAt, heads},
	}
}

// clientFrames are one of each frame that a client sends, with every field filled.
func clientFrames() map[string]any {
	type m = map[string]any
	return m{
		"send": m{"type": "send", "id": "1", "room_id": roomID, "client_msg_id": clientID, "body": "재고 있나요?", "inquiry_id": inquiryID,
			"card": m{"kind": "product", "id": productID}, "expect_seq": 6},
		"resume":    m{"type": "resume", "id": "2", "epoch": "e1", "rooms": m{roomID.String(): 3}},
		"delivered": m{"type": "delivered", "room_id": roomID, "seq": 7},
		"read":      m{"type": "read", "room_id": roomID, "seq": 7},
		"auth":      m{"type": "auth", "id": "3", "token": "eyJ…"},
		"typing":    m{"type": "typing", "room_id": roomID, "on": true},
		"ping":      m{"type": "ping", "id": "4"},
	}
}

// The file that the web client's tests read has exactly the frames of this program.
func TestFixturesAreTheFrames(t *testing.T) {
	want, err := json.MarshalIndent(map[string]any{"server": serverFrames(), "client": clientFrames()}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(fixtures, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code sends: go test ./modules/chat -run Fixtures -update", fixtures)
	}
}

// asyncAPI is asyncapi.yaml as plain data.
func asyncAPI(t *testing.T) map[string]any {
	t.Helper()
	text, err := apidoc.JSON(AsyncAPI())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

// Each frame is as AsyncAPI describes it, each of its fields is described, and no described field is missing
// from the samples: an extra field on either side fails.
func TestAsyncAPIDescribesTheFrames(t *testing.T) {
	doc := asyncAPI(t)
	messages := doc["components"].(map[string]any)["messages"].(map[string]any)
	c := jsonschema.NewCompiler()
	if err := c.AddResource("asyncapi.json", doc); err != nil {
		t.Fatal(err)
	}
	samples := map[string][]any{}
	add := func(frames map[string]any, rename map[string]string) {
		for name, f := range frames {
			base, _, _ := strings.Cut(name, "_")
			if _, ok := messages[name]; ok {
				base = name
			}
			if to := rename[base]; to != "" {
				base = to
			}
			text, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			samples[base] = append(samples[base], plain)
		}
	}
	add(serverFrames(), nil)
	add(clientFrames(), map[string]string{"typing": "typingOn"})
	for name := range messages {
		if len(samples[name]) == 0 {
			t.Errorf("asyncapi.yaml describes %q, of which there is no sample", name)
		}
	}
	for name, frames := range samples {
		schema, err := c.Compile("asyncapi.json#/components/messages/" + name + "/payload")
		if err != nil {
			t.Errorf("frame %q is not described: %v", name, err)
			continue
		}
		described := messages[name].(map[string]any)["payload"].(map[string]any)["properties"].(map[string]any)
		seen := map[string]bool{}
		for _, f := range frames {
			if err := schema.Validate(f); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for field := range f.(map[string]any) {
				seen[field] = true
				if described[field] == nil {
					t.Errorf("%s.%s is not described", name, field)
				}
			}
		}
		for field := range described {
			if !seen[field] {
				t.Errorf("%s.%s is described and never sent", name, field)
			}
		}
	}
}

// Every field of a request that the program reads is described for some frame, and the other way round.
func TestAsyncAPIDescribesTheRequests(t *testing.T) {
	doc := asyncAPI(t)
	messages := doc["components"].(map[string]any)["messages"].(map[string]any)
	described := map[string]bool{}
	for _, name := range []string{"send", "resume", "delivered", "read", "typingOn", "auth", "ping"} {
		for field := range messages[name].(map[string]any)["payload"].(map[string]any)["properties"].(map[string]any) {
			described[field] = true
		}
	}
	var read []string
	for f := range reflect.TypeFor[request]().Fields() {
		if !f.IsExported() {
			continue // of our own: encoding/json does not read it
		}
		read = append(read, f.Tag.Get("json"))
	}
	slices.Sort(read)
	var have []string
	for field := range described {
		have = append(have, field)
	}
	slices.Sort(have)
	if fmt.Sprint(read) != fmt.Sprint(have) {
		t.Errorf("the program reads %v, asyncapi.yaml describes %v", read, have)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	for _, frame := range clientFrames() {
		text, err := json.Marshal(frame)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"type":"send","id":5,"rooms":{"x":1}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := decodeRequest(text)
		if len(r.ID) > maxRequestID {
			t.Errorf("an id of %d bytes came through", len(r.ID))
		}
		answer := encodeFrame(errorAnswer(r.ID, err, 0))
		if !json.Valid(answer) {
			t.Errorf("the answer is no JSON: %s", answer)
		}
	})
}
