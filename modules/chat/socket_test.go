package chat_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"mall/modules/chat"
	"mall/modules/order"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

func changeOf(o order.Order, news id.ID) chat.OrderChange {
	return chat.OrderChange{News: news, OrderID: o.ID, ShopID: o.ShopID, BuyerID: o.BuyerID, Status: "shipped"}
}

func TestHandshakeRefusals(t *testing.T) {
	m := single(t)
	res, err := http.Post(m.instances[0].url+"/api/v1/session", "application/json", strings.NewReader(`{"email":"buyer@x.kr","password":"`+password+`"}`))
	check(t, err)
	_ = res.Body.Close()
	cookie := res.Cookies()[0].String()
	own := m.instances[0].url
	v1 := []string{"mall.chat.v1"}
	for name, tc := range map[string]struct {
		protocols []string
		header    http.Header
		want      int
	}{
		"nobody":                     {v1, nil, 401},
		"bad token":                  {[]string{"mall.chat.v1", "bearer.nonsense"}, nil, 401},
		"no subprotocol":             {nil, http.Header{"Authorization": {"Bearer " + m.token(t, "buyer")}}, 400},
		"cookie without origin":      {v1, http.Header{"Cookie": {cookie}}, 403},
		"cookie from elsewhere":      {v1, http.Header{"Cookie": {cookie}, "Origin": {"https://evil.example"}}, 403},
		"cookie from another scheme": {v1, http.Header{"Cookie": {cookie}, "Origin": {strings.Replace(own, "http", "https", 1)}}, 403},
		"cookie from our page":       {v1, http.Header{"Cookie": {cookie}, "Origin": {own}}, 101},
		"bearer header":              {v1, http.Header{"Authorization": {"Bearer " + m.token(t, "buyer")}}, 101},
	} {
		ws, res, err := m.dial(0, tc.protocols, tc.header)
		if res == nil {
			t.Fatalf("%s: %v", name, err)
		}
		if res.StatusCode != tc.want {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, tc.want)
		}
		if ws != nil {
			_ = ws.Close()
		}
		_ = res.Body.Close()
	}
	status, _ := m.call(t, 0, "buyer", "GET", "/chat/ws", nil)
	if status != 400 {
		t.Errorf("no upgrade: %d, want 400", status)
	}
}

func TestBadFramesAreAnswered(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	c := m.connect(t, 0, "buyer")
	room := r.ID.String()
	body := func(b string) string {
		return `{"type":"send","id":"7","room_id":"` + room + `","client_msg_id":"` + id.New().String() + `","body":"` + b + `"}`
	}
	for _, tc := range []struct{ name, text, id, code string }{
		{"no JSON", `nonsense`, "", "bad_request"},
		{"an array", `[]`, "", "bad_request"},
		{"wrong type of a field", `{"type":"send","id":"7","room_id":5}`, "7", "bad_request"},
		{"id too long", `{"type":"send","id":"` + strings.Repeat("x", 65) + `"}`, "", "bad_request"},
		{"unknown type", `{"type":"dance","id":"7"}`, "7", "unknown_type"},
		{"no type", `{"id":"7"}`, "7", "unknown_type"},
		{"no room", `{"type":"send","id":"7","body":"x","client_msg_id":"` + id.New().String() + `"}`, "7", "not_found"},
		{"no key", `{"type":"send","id":"7","body":"x","room_id":"` + room + `"}`, "7", "bad_request"},
		{"empty", body(" \\n "), "7", "empty_body"},
		{"too long", body(strings.Repeat("가", 2001)), "7", "too_long"},
		{"too many lines", body(strings.Repeat("a\\n", 100)), "7", "too_long"},
		{"NUL", body(`a\u0000b`), "7", "invalid_body"},
		{"C1 control", body(`a\u0085b`), "7", "invalid_body"},
		{"half a surrogate", body(`a\ud83d`), "7", "invalid_body"},
		{"a tower of marks", body("e" + strings.Repeat("\u0301", 33)), "7", "invalid_body"},
		{"inquiry of nowhere", strings.Replace(body("x"), `"id"`, `"inquiry_id":"`+id.New().String()+`","id"`, 1), "7", "not_found"},
		{"read past the head", `{"type":"read","id":"7","room_id":"` + room + `","seq":99}`, "7", "bad_request"},
		{"typing elsewhere", `{"type":"typing","id":"7","room_id":"` + id.New().String() + `","on":true}`, "7", "not_found"},
	} {
		check(t, c.ws.WriteMessage(websocket.TextMessage, []byte(tc.text)))
		got := c.want("error")
		if got.Code != tc.code || got.ID != tc.id || got.Retryable {
			t.Errorf("%s: %+v, want %s", tc.name, got, tc.code)
		}
	}
	check(t, c.ws.WriteMessage(websocket.TextMessage, []byte(body(`좋아요 👍🏽\ttab\nline`))))
	if got := c.want("ack"); got.Seq != 1 {
		t.Errorf("after all that a good message has seq %d, want 1", got.Seq)
	}
	check(t, c.ws.WriteMessage(websocket.TextMessage, []byte(body(strings.Repeat("가", 2000)))))
	if got := c.want("ack"); got.Seq != 2 {
		t.Errorf("a message of 2,000 characters: %+v", got)
	}
}

func TestWhatIsNoTextFrameEndsTheConnection(t *testing.T) {
	m := single(t)
	for name, tc := range map[string]struct {
		kind int
		data []byte
		code int
	}{
		"binary":    {websocket.BinaryMessage, []byte(`{}`), 1003},
		"bad UTF-8": {websocket.TextMessage, []byte("{\"type\":\"\xff\"}"), 1007},
		"too big":   {websocket.TextMessage, []byte(strings.Repeat("x", 33<<10)), 1009},
	} {
		c := m.connect(t, 0, "buyer")
		check(t, c.ws.WriteMessage(tc.kind, tc.data))
		if got := c.closed(); got != tc.code {
			t.Errorf("%s: closed with %d, want %d", name, got, tc.code)
		}
	}
}

func TestTooManyConnectionsOfAMember(t *testing.T) {
	m := single(t)
	var last *client
	for range 4 {
		last = m.connect(t, 0, "buyer")
	}
	ws, res, err := m.dial(0, []string{"mall.chat.v1", "bearer." + m.token(t, "buyer")}, nil)
	check(t, err)
	_ = res.Body.Close()
	if got := (&client{t: t, ws: ws}).closed(); got != 4409 {
		t.Errorf("the fifth is closed with %d, want 4409", got)
	}
	_ = last.ws.Close()
	until(t, "a place is free again", func() bool { return m.instances[0].chat.Status().Connections == 3 })
	m.connect(t, 0, "buyer")
}

func TestLogoutEndsTheConnections(t *testing.T) {
	m := single(t)
	c := m.connect(t, 0, "buyer")
	m.rest(t, 0, "buyer", "POST", "/auth/logout", nil, 204, nil)
	if got := c.closed(); got != 4401 {
		t.Errorf("closed with %d, want 4401", got)
	}
}

func TestRemovedStaffHearsNoMore(t *testing.T) {
	m := single(t)
	r := m.openRoom(t, "buyer")
	agent := m.connect(t, 0, "agent")
	m.rest(t, 0, "owner", "DELETE", "/shops/"+shopID.String()+"/staff/"+agentID.String(), nil, 204, nil)
	if got := agent.closed(); got != 4510 {
		t.Errorf("closed with %d, want 4510", got)
	}
	again := m.connect(t, 0, "agent")
	m.write(t, r.ID, 1, 1)
	again.say(send(r.ID, "?"))
	if got := again.want("error"); got.Code != "not_found" {
		t.Errorf("after the removal: %+v", got)
	}
}

func TestAnInstanceThatGoesAwaySaysSo(t *testing.T) {
	m := single(t)
	c := m.connect(t, 0, "buyer")
	go m.instances[0].stop()
	check(t, c.ws.SetReadDeadline(deadline()))
	_, _, err := c.ws.ReadMessage()
	ce, ok := err.(*websocket.CloseError) //nolint:errorlint // gorilla returns it as it is
	if !ok || ce.Code != 1012 || !strings.Contains(ce.Text, `"spread_ms":`) {
		t.Errorf("ended with %v", err)
	}
}

// Whether an instance lives is answered at once, while everything that needs the database waits.
func TestAPingNeedsNoDatabase(t *testing.T) {
	cfg := testservers.MySQL(t)
	m := newMall(t, cfg, nowhere, 1)
	c := m.connect(t, 0, "buyer")
	release := lockTable(t, cfg, "chat_rooms")
	defer release()
	c.say(send(id.New(), "a room that has to be looked for"))
	c.say(resume(c.epoch, map[string]int64{id.New().String(): 0}))
	for _, name := range []string{"a", "b"} {
		c.say(map[string]any{"type": "ping", "id": name})
		if got := c.next(); got.Type != "pong" || got.ID != name {
			t.Errorf("got %+v, want a pong", got)
		}
	}
}
