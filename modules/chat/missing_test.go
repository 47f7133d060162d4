package chat_test

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// asked is what the mall asks its database about some ids, each question without the values in it.
type asked struct {
	mu        sync.Mutex
	about     []string // the ids as they go over the wire, as the driver and as the store's own statements write them
	questions []string
}

var values = regexp.MustCompile(`(?s)'(?:[^'\\]|\\.)*'|\d+`)

// wired is an id as the driver writes it into a statement.
func wired(x id.ID) string {
	return strings.NewReplacer("\\", `\\`, "'", `\'`, `"`, `\"`, "\x00", `\0`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`).Replace(string(x[:]))
}

func (a *asked) hear(s testservers.Sent) testservers.Fate {
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.ContainsFunc(a.about, func(x string) bool { return strings.Contains(s.Text, x) }) {
		a.questions = append(a.questions, values.ReplaceAllString(s.Text[min(5, len(s.Text)):], "?")) // behind the packet's head
	}
	return testservers.Passes
}

// while gives the questions about the ids that are asked until the act is over.
func (a *asked) while(act func(), about ...id.ID) []string {
	a.mu.Lock()
	a.about, a.questions = nil, nil
	for _, x := range about {
		a.about = append(a.about, wired(x), hex.EncodeToString(x[:]))
	}
	a.mu.Unlock()
	act()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.about = nil
	return a.questions
}

// A room that is not there and one that is somebody else's cost the same questions to the database, so that no time tells
// them apart: whether or not the instance remembers the room, by every call and frame that names one.
func TestAMissingAndAForeignRoomCostTheSame(t *testing.T) {
	cfg := testservers.MySQL(t)
	link, through := testservers.Through(t, cfg)
	m := newMall(t, through, "", 1)
	known := m.openRoom(t, "buyer")
	m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+known.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": "비밀"}, 201, nil)
	rooms := store.New(testservers.Open(t, cfg))
	sockets := map[string]*client{"other": m.connect(t, 0, "other"), "stranger": m.connect(t, 0, "stranger")}
	var a asked
	link.Meet(a.hear)

	rest := func(method, path string, body any) func(t *testing.T, who string, room id.ID) {
		return func(t *testing.T, who string, room id.ID) {
			t.Helper()
			m.rest(t, 0, who, method, fmt.Sprintf(path, room), body, 404, nil)
		}
	}
	frame := func(fields map[string]any) func(t *testing.T, who string, room id.ID) {
		return func(t *testing.T, who string, room id.ID) {
			t.Helper()
			fields["room_id"] = room
			sockets[who].say(fields)
			if got := sockets[who].want("error"); got.Code != "not_found" {
				t.Errorf("got %+v", got)
			}
		}
	}
	message := map[string]any{"client_msg_id": id.New(), "body": "나"}
	for name, call := range map[string]func(t *testing.T, who string, room id.ID){
		"GET room":          rest("GET", "/chat/rooms/%s", nil),
		"GET messages":      rest("GET", "/chat/rooms/%s/messages", nil),
		"GET inquiries":     rest("GET", "/chat/rooms/%s/inquiries", nil),
		"GET trace":         rest("GET", "/chat/rooms/%s/messages/1/trace", nil),
		"POST messages":     rest("POST", "/chat/rooms/%s/messages", message),
		"POST a card":       rest("POST", "/chat/rooms/%s/messages", map[string]any{"client_msg_id": id.New(), "card": map[string]any{"kind": "product", "id": mugID}}),
		"PUT cursor":        rest("PUT", "/chat/rooms/%s/cursor", map[string]any{"read_seq": 1}),
		"PATCH inquiry":     rest("PATCH", "/chat/rooms/%s/inquiries/"+known.Inquiry.ID.String(), map[string]any{"state": "done"}),
		"PUT block":         rest("PUT", "/chat/rooms/%s/block", nil),
		"DELETE block":      rest("DELETE", "/chat/rooms/%s/block", nil),
		"POST report":       rest("POST", "/chat/rooms/%s/reports", map[string]any{"reason": "spam"}),
		"report of message": rest("POST", "/chat/rooms/%s/reports", map[string]any{"reason": "spam", "seq": 1}),
		"frame send":        frame(map[string]any{"type": "send", "id": "1", "client_msg_id": id.New(), "body": "나"}),
		"frame read":        frame(map[string]any{"type": "read", "id": "1", "seq": 1}),
		"frame delivered":   frame(map[string]any{"type": "delivered", "id": "1", "seq": 1}),
		"frame typing":      frame(map[string]any{"type": "typing", "id": "1", "on": true}),
		"frame resume": func(t *testing.T, who string, room id.ID) {
			t.Helper()
			c := sockets[who]
			c.say(map[string]any{"type": "resume", "id": "1", "epoch": c.epoch, "rooms": map[string]any{room.String(): 0}})
			if got := c.want("resumed"); len(got.Missing) != 1 || got.Missing[0] != room {
				t.Errorf("got %+v", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for who := range sockets {
				buyer, missing := id.New(), id.New()
				opened, err := rooms.OpenRoom(t.Context(), store.Opening{BuyerID: buyer, ShopID: shopID, Subject: "general"})
				check(t, err)
				foreign := opened.Room.ID // of which the instance knows nothing
				want := a.while(func() { call(t, who, missing) }, missing)
				for what, got := range map[string][]string{
					"is somebody else's":     a.while(func() { call(t, who, foreign) }, foreign, buyer, shopID),
					"is and is remembered":   a.while(func() { call(t, who, known.ID) }, known.ID, buyerID, shopID),
					"is and was asked about": a.while(func() { call(t, who, foreign) }, foreign, buyer, shopID),
				} {
					if !slices.Equal(got, want) {
						t.Errorf("as %s: a room that is not there costs %q, one that %s %q", who, want, what, got)
					}
				}
				if name != "GET trace" && len(want) == 0 {
					t.Error("nothing is asked about a room that is not there: this test hears nothing")
				}
			}
		})
	}
}

// What a socket asks about a room in which it has no seat keeps none of its other frames waiting, and is refused as busy
// where it is too much, whether or not there is such a room and the instance remembers it.
func TestAForeignRoomHoldsUpASocketNoMoreThanAMissingOne(t *testing.T) {
	link, cfg := testservers.Through(t, testservers.MySQL(t))
	m := newMall(t, cfg, "", 1)
	known := m.openRoom(t, "buyer")
	m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+known.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": "비밀"}, 201, nil)
	for name, room := range map[string]id.ID{"missing": id.New(), "foreign": known.ID} {
		for _, kind := range []string{"send", "read"} {
			t.Run(kind+" "+name, func(t *testing.T) {
				c := m.connect(t, 0, "other")
				c.say(send(m.openRoom(t, "other").ID, "나의 말")) // of this member's sends the instance knows enough from now on
				c.skipTo("ack")
				answer := make(chan struct{})
				link.Meet(func(s testservers.Sent) testservers.Fate {
					if strings.Contains(s.Text, wired(room)) {
						select {
						case <-answer:
						case <-time.After(soon):
						}
					}
					return testservers.Passes
				})
				for range 2 {
					c.say(map[string]any{"type": kind, "id": "asked", "room_id": room, "client_msg_id": id.New(), "body": "나", "seq": 1})
				}
				c.say(map[string]any{"type": "ping", "id": "meanwhile"})
				if got := c.next(); got.Type != "pong" {
					t.Errorf("while the database says nothing: %+v, want a pong", got)
				}
				close(answer)
			})
		}
	}
}
