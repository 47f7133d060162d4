package chat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/modules/chat"
	composed "mall/modules/mall"
	"mall/modules/member"
	"mall/modules/member/memberseed"
	"mall/modules/order"
	"mall/modules/platform/db"
	"mall/modules/platform/httpserver"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/mail"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
	"mall/modules/product"
)

// soon is how long a test waits for what must come; nothing is slept.
const soon = 10 * time.Second

const password = "a password of the tests"

// The people and things of every test mall.
var (
	buyerID, otherID, ownerID, agentID, operatorID = id.New(), id.New(), id.New(), id.New(), id.New()
	shopID, strangeShopID, strangerID              = id.New(), id.New(), id.New()
	mugID, strangeProductID                        = id.New(), id.New()

	people = map[string]id.ID{"buyer": buyerID, "other": otherID, "owner": ownerID, "agent": agentID, "stranger": strangerID, "operator": operatorID}
)

// mall is some instances over one database and one Redis.
type mall struct {
	instances []*instance
	mu        sync.Mutex
	tokens    map[string]string // by who has logged in
	more      map[string]id.ID  // members beside those of every mall
}

// instance is one running mall, all of its modules behind the real server.
type instance struct {
	url     string // http://…
	chat    *chat.Chat
	bus     *pubsub.Bus
	members *member.Members
	orders  *order.Orders
	seeder  *memberseed.Seeder
	letters *mail.Mailbox
	stop    func()
}

// newMall starts n instances. An empty redis address is the embedded one, for a single instance.
func newMall(t *testing.T, cfg db.Config, redis string, n int) *mall {
	t.Helper()
	m := &mall{tokens: map[string]string{}}
	for range n {
		m.instances = append(m.instances, startInstance(t, cfg, redis))
	}
	return m
}

// token is of a person's one session in this mall. Who is known gets it without a login: hashing passwords is slow on
// purpose, and many times slower under the race detector.
func (m *mall) token(t *testing.T, who string) string {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if who != "" && m.tokens[who] == "" {
		m.tokens[who] = m.session(t, who)
	}
	return m.tokens[who]
}

func (m *mall) session(t *testing.T, who string) string {
	t.Helper()
	whose, known := people[who]
	if !known {
		whose, known = m.more[who]
	}
	if !known {
		return m.logIn(t, 0, who)
	}
	opened, err := m.instances[0].seeder.OpenSessions(t.Context(), []id.ID{whose})
	check(t, err)
	return opened[0].Access
}

// logIn gives the token of a login of its own.
func (m *mall) logIn(t *testing.T, on int, who string) string {
	t.Helper()
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.instances[on].url+"/api/v1/auth/login",
		strings.NewReader(`{"email":"`+who+`@x.kr","password":"`+password+`"}`))
	check(t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultTransport.RoundTrip(req)
	check(t, err)
	defer res.Body.Close()
	check(t, json.NewDecoder(res.Body).Decode(&tokens))
	return tokens.AccessToken
}

// parts are the settings of one instance, and what a test changes of how it is composed.
type parts struct {
	composed.Settings

	// members stands before the real ones, for a test that must come between two of their answers; nil: nothing does.
	members func(chat.Members) chat.Members

	log *slog.Logger
}

// adjust changes the settings of one instance; none leaves the tests' own.
type adjust func(*parts)

// settings are those of the tests: of people and things there is more than real people have.
func settings(t *testing.T, cfg db.Config, redisAddr string) (p parts) {
	t.Helper()
	var err error
	p.Settings, err = composed.Load("", []string{"MALL_DATA=" + t.TempDir(), "MALL_DEMO=false", "MALL_ORDER__PAYMENTS=demo",
		"MALL_HTTP__ADDR=127.0.0.1:0", "MALL_HTTP__INTERNAL_ADDR=127.0.0.1:0", "MALL_HTTP__PUBLIC_URL=http://mall.test", "MALL_HTTP__PLAIN=true",
		"MALL_HTTP__SHUTDOWN_GRACE=1s", "MALL_DB__MIGRATE=false", "MALL_OUTBOX__POLL=100ms", "MALL_MEMBER__SHOPS_PER_DAY=1000",
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs", "MALL_ORDER__UNPAID_LIFE=1h", "MALL_ORDER__UNPAID_MOST=100",
		"MALL_ORDER__UNPAID_PAST=0", "MALL_CHAT__RESUME_MESSAGES=50", "MALL_CHAT__SOCKETS_PER_MEMBER=4", "MALL_CHAT__SENDS_PER_SECOND=1000",
		"MALL_CHAT__SENDS_BURST=1000", "MALL_CHAT__CHANGES_PER_MINUTE=100000"})
	check(t, err)
	p.DB.Config, p.HTTP.Limits = cfg, httpserver.Limits{}
	p.Redis = pubsub.Config{Addr: redisAddr, Cluster: strings.Contains(redisAddr, ","), Prefix: "mall"}
	return p
}

// startInstance starts a whole mall, as the program does; its people are there when it opens.
func startInstance(t *testing.T, cfg db.Config, redisAddr string, changes ...adjust) *instance {
	t.Helper()
	p := settings(t, cfg, redisAddr)
	p.log = slog.New(slog.DiscardHandler)
	for _, change := range changes {
		change(&p)
	}
	log := p.log
	letters := mail.NewMailbox(log)
	m, err := composed.New(t.Context(), p.Settings, composed.Options{Log: log, Letters: letters})
	check(t, err)
	if p.members != nil {
		m.Chat.Ask(p.members)
	}
	seed(t, m.Members, m.Products)
	check(t, m.Start(t.Context()))
	seeder, err := memberseed.New(p.Member, m.DB)
	check(t, err)
	in := &instance{url: "http://" + m.Addr(), chat: m.Chat, bus: m.Bus, members: m.Members, orders: m.Orders,
		seeder: seeder, letters: letters}
	in.stop = sync.OnceFunc(func() {
		closing, done := context.WithTimeout(context.Background(), soon)
		defer done()
		// Of calls made at once the client keeps connections on which nothing was ever asked. net/http waits five seconds for
		// such a one to say something before it counts as idle: longer than the grace.
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if err := m.Stop(closing); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(in.stop)
	return in
}

func seed(t *testing.T, members *member.Members, products *product.Catalogue) {
	t.Helper()
	check(t, members.Seed(t.Context(), member.Seed{
		Members: []member.SeedMember{
			{ID: buyerID, Email: "buyer@x.kr", Password: password, Name: "김하늘"}, {ID: otherID, Email: "other@x.kr", Password: password, Name: "이서준"},
			{ID: ownerID, Email: "owner@x.kr", Password: password, Name: "박달님"}, {ID: agentID, Email: "agent@x.kr", Password: password, Name: "최지민"},
			{ID: strangerID, Email: "stranger@x.kr", Password: password, Name: "정숲이"},
			{ID: operatorID, Email: "operator@x.kr", Password: password, Name: "운영자", Operator: true},
		},
		Shops: []member.SeedShop{{ID: shopID, Name: "달빛상점"}, {ID: strangeShopID, Name: "숲속공방"}},
		Staff: []member.SeedStaff{{Shop: shopID, Member: ownerID, Role: identity.RoleOwner}, {Shop: shopID, Member: agentID, Role: identity.RoleAgent},
			{Shop: strangeShopID, Member: strangerID, Role: identity.RoleOwner}},
	}))
	check(t, products.Seed(t.Context(), []product.SeedProduct{
		{ID: mugID, ShopID: shopID, Draft: product.Draft{Name: "달빛 머그컵", Category: "home", PriceWon: 14900, Stock: 50}},
		{ID: strangeProductID, ShopID: strangeShopID, Draft: product.Draft{Name: "털실", Category: "hobby", PriceWon: 9000, Stock: 5}},
	}))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// limited is a mall of one embedded instance with other limits.
func limited(t *testing.T, change func(*chat.Config)) *mall {
	t.Helper()
	return &mall{tokens: map[string]string{}, instances: []*instance{startInstance(t, testservers.SQLite(t), "", func(p *parts) { change(&p.Chat) })}}
}

// single is a mall of one instance on the embedded stores; pair one of two on private real servers.
func single(t *testing.T) *mall { return newMall(t, testservers.SQLite(t), "", 1) }

func pair(t *testing.T) (*mall, *testservers.RedisServer) {
	redis := testservers.Redis(t)
	return newMall(t, testservers.MySQL(t), redis.Addr(), 2), redis
}

// onEach runs a test on a single embedded mall and on a pair over real servers.
func onEach(t *testing.T, run func(t *testing.T, m *mall)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { run(t, single(t)) })
	t.Run("two instances", func(t *testing.T) {
		m, _ := pair(t)
		run(t, m)
	})
}

// last is the instance farthest from the first.
func (m *mall) last() int { return len(m.instances) - 1 }

type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// rest calls an instance and wants the status; out may be nil.
func (m *mall) rest(t *testing.T, on int, who, method, path string, body any, want int, out any) {
	t.Helper()
	status, text := m.call(t, on, who, method, path, body)
	if status != want {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, text)
	}
	if out != nil {
		check(t, json.Unmarshal(text, out))
	}
}

func (m *mall) call(t *testing.T, on int, who, method, path string, body any, header ...string) (int, []byte) {
	t.Helper()
	var r io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		check(t, err)
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, m.instances[on].url+"/api/v1"+path, r)
	check(t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token := m.token(t, who); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	check(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	check(t, err)
	return res.StatusCode, text
}

// openRoom opens a room about the mug.
func (m *mall) openRoom(t *testing.T, who string) room {
	t.Helper()
	var r room
	status, text := m.call(t, 0, who, "POST", "/chat/rooms", map[string]any{"shop_id": shopID, "product_id": mugID})
	if status != 201 && status != 200 {
		t.Fatalf("open room: %d %s", status, text)
	}
	check(t, json.Unmarshal(text, &r))
	return r
}

type room struct {
	ID      id.ID `json:"id"`
	Head    int64 `json:"head"`
	Unread  int64 `json:"unread"`
	Inquiry struct {
		ID     id.ID  `json:"id"`
		Number int    `json:"number"`
		State  string `json:"state"`
		Card   struct {
			Title    string `json:"title"`
			PriceWon int64  `json:"price_won"`
		} `json:"card"`
	} `json:"inquiry"`
	LastMessage *frame `json:"last_message"`
	Presence    *struct{ Online bool }
	Blocked     struct {
		ByMe    bool `json:"by_me"`
		ByOther bool `json:"by_other"`
	} `json:"blocked"`
	Cursors struct {
		Buyer, Shop struct {
			DeliveredSeq int64 `json:"delivered_seq"`
			ReadSeq      int64 `json:"read_seq"`
		}
	} `json:"cursors"`
}

func (m *mall) room(t *testing.T, on int, who string, x id.ID) room {
	t.Helper()
	var r room
	m.rest(t, on, who, "GET", "/chat/rooms/"+x.String(), nil, 200, &r)
	return r
}

// frame has the fields of all frames.
type frame struct {
	Type         string           `json:"type"`
	ID           string           `json:"id"`
	RoomID       id.ID            `json:"room_id"`
	Seq          int64            `json:"seq"`
	ClientMsgID  id.ID            `json:"client_msg_id"`
	InquiryID    id.ID            `json:"inquiry_id"`
	Body         string           `json:"body"`
	Kind         string           `json:"kind"`
	Dup          bool             `json:"dup"`
	Code         string           `json:"code"`
	Retryable    bool             `json:"retryable"`
	Epoch        string           `json:"epoch"`
	ExpiresAt    time.Time        `json:"expires_at"`
	Heads        map[string]int64 `json:"heads"`
	Missing      []id.ID          `json:"missing"`
	Head         int64            `json:"head"`
	Party        string           `json:"party"`
	DeliveredSeq int64            `json:"delivered_seq"`
	ReadSeq      int64            `json:"read_seq"`
	On           bool             `json:"on"`
	Online       bool             `json:"online"`
	Name         string           `json:"name"`
	Room         *room            `json:"room"`
	Sender       struct {
		Party string `json:"party"`
		Name  string `json:"name"`
	} `json:"sender"`
	Card *struct {
		Kind   string `json:"kind"`
		Title  string `json:"title"`
		Status string `json:"status"`
	} `json:"card"`
}

// client is one socket of a member.
type client struct {
	t       *testing.T
	ws      *websocket.Conn
	epoch   string
	expires time.Time // as its welcome has said

	presence bool // next gives presence frames too
}

const wsPath = "/api/v1/chat/ws"

func (m *mall) dial(on int, subprotocols []string, header http.Header) (*websocket.Conn, *http.Response, error) {
	d := websocket.Dialer{Subprotocols: subprotocols, HandshakeTimeout: soon}
	return d.Dial("ws"+strings.TrimPrefix(m.instances[on].url, "http")+wsPath, header)
}

// connect opens a socket and takes its welcome.
func (m *mall) connect(t *testing.T, on int, who string) *client {
	t.Helper()
	ws, res, err := m.dial(on, []string{"mall.chat.v1", "bearer." + m.token(t, who)}, nil)
	check(t, err)
	_ = res.Body.Close()
	if ws.Subprotocol() != "mall.chat.v1" {
		t.Fatalf("subprotocol %q", ws.Subprotocol())
	}
	t.Cleanup(func() { _ = ws.Close() })
	c := &client{t: t, ws: ws}
	welcome := c.want("welcome")
	c.epoch, c.expires = welcome.Epoch, welcome.ExpiresAt
	return c
}

func (c *client) say(v any) {
	c.t.Helper()
	check(c.t, c.ws.WriteJSON(v))
}

// next takes the next frame but heartbeats, and but presence unless asked for: who comes when is a race.
func (c *client) next() frame {
	c.t.Helper()
	check(c.t, c.ws.SetReadDeadline(time.Now().Add(soon)))
	for {
		var f frame
		if err := c.ws.ReadJSON(&f); err != nil {
			c.t.Fatalf("waiting for a frame: %v", err)
		}
		if f.Type != "hb" && (f.Type != "presence" || c.presence) {
			return f
		}
	}
}

// want takes the next frame, which must be of the type.
func (c *client) want(typ string) frame {
	c.t.Helper()
	f := c.next()
	if f.Type != typ {
		c.t.Fatalf("got %+v, want a %s", f, typ)
	}
	return f
}

// skipTo takes frames until one of the type comes.
func (c *client) skipTo(typ string) frame {
	c.t.Helper()
	c.presence = typ == "presence"
	for {
		if f := c.next(); f.Type == typ {
			return f
		}
	}
}

// closed takes frames until the connection ends, and gives its code.
func (c *client) closed() int {
	c.t.Helper()
	check(c.t, c.ws.SetReadDeadline(time.Now().Add(soon)))
	for {
		if _, _, err := c.ws.ReadMessage(); err != nil {
			var ce *websocket.CloseError
			if !errors.As(err, &ce) {
				c.t.Fatalf("ended without a code: %v", err)
			}
			return ce.Code
		}
	}
}

func send(room id.ID, body string) map[string]any {
	return map[string]any{"type": "send", "id": "1", "room_id": room, "client_msg_id": id.New(), "body": body}
}

// until waits for a condition.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	untilWithin(t, soon, what, done)
}

func untilWithin(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // a poll for a condition of another process
	}
}
