package chat_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/modules/chat"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
)

// The limits for the end of a credential to reach a live connection.
const (
	heardWithin = 5 * time.Second  // over Redis
	foundWithin = 30 * time.Second // without
)

// A ban ends the member's connections on every instance, of either kind, and nobody else's.
func TestABanEndsTheConnections(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		here, there, stream := m.connect(t, 0, "buyer"), m.connect(t, m.last(), "buyer"), m.listen(t, m.last(), "buyer")
		stream.want("welcome")
		owner := m.connect(t, m.last(), "owner")
		check(t, m.instances[0].members.Ban(t.Context(), buyerID))
		began := time.Now()
		for _, c := range []*client{here, there} {
			if code := c.closed(); code != 4403 {
				t.Errorf("closed with %d, want 4403", code)
			}
		}
		if code := stream.closed(); code != 4403 {
			t.Errorf("the event stream was closed with %d, want 4403", code)
		}
		if took := time.Since(began); took > heardWithin {
			t.Errorf("the last one ended after %v, limit %v", took, heardWithin)
		}
		_, res, err := m.dial(m.last(), []string{"mall.chat.v1", "bearer." + m.token(t, "buyer")}, nil)
		if res == nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("a banned member's handshake: %d, want 403", res.StatusCode)
		}
		owner.say(send(r.ID, "여보세요?"))
		owner.want("ack")
	})
}

// closed takes events until the stream ends, and gives its code.
func (l *listener) closed() int {
	l.t.Helper()
	for {
		name, data := l.next()
		if name != "close" {
			continue
		}
		var end struct{ Code int }
		check(l.t, json.Unmarshal([]byte(data), &end))
		return end.Code
	}
}

// onBoth runs a test with a database of each kind.
func onBoth(t *testing.T, run func(t *testing.T, cfg db.Config)) {
	t.Helper()
	t.Run(db.SQLite, func(t *testing.T) { run(t, testservers.SQLite(t)) })
	t.Run(db.MySQL, func(t *testing.T) { run(t, testservers.MySQL(t)) })
}

// nowhere is a Redis that is away.
const nowhere = "127.0.0.1:1"

// Where no news arrives, the check that every instance makes of its connections' logins finds them.
func TestTheCheckFindsWhatNobodyTold(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg db.Config) {
		m := newMall(t, cfg, nowhere, 2)
		agentsPlace := "/shops/" + shopID.String() + "/staff/" + agentID.String()
		ends := []struct {
			what, who string
			code      int
			act       func()
			there     *client
		}{
			{what: "logged out", who: "buyer", code: 4401, act: func() { m.rest(t, 0, "buyer", "POST", "/auth/logout", nil, 204, nil) }},
			{what: "banned", who: "other", code: 4403, act: func() { check(t, m.instances[0].members.Ban(t.Context(), otherID)) }},
			{what: "off the staff", who: "agent", code: 4510, act: func() { m.rest(t, 0, "owner", "DELETE", agentsPlace, nil, 204, nil) }},
		}
		stays := m.connect(t, 1, "owner")
		for i := range ends {
			ends[i].there = m.connect(t, 1, ends[i].who)
		}
		for i := range ends {
			ends[i].act()
			ends[i].there.answers() // nobody has told its instance
		}
		began := time.Now()
		for _, e := range ends {
			code := e.there.endOf(func() { m.instances[1].chat.CheckLogins(t.Context()) })
			if bound := time.Since(began) + chat.CheckEvery; code != e.code || bound > foundWithin {
				t.Errorf("%s: closed with %d, want %d, at the latest after %v, limit %v", e.what, code, e.code, bound, foundWithin)
			}
		}
		stays.answers()
	})
}

// answers shows that the connection is open.
func (c *client) answers() {
	c.t.Helper()
	c.say(map[string]any{"type": "dance"})
	if got := c.skipTo("error"); got.Code != "unknown_type" {
		c.t.Errorf("got %+v", got)
	}
}

// endOf does something again and again until the connection ends, and gives the code.
func (c *client) endOf(again func()) int {
	c.t.Helper()
	ended := make(chan error, 1)
	check(c.t, c.ws.SetReadDeadline(time.Now().Add(soon)))
	go func() {
		for {
			if _, _, err := c.ws.ReadMessage(); err != nil {
				ended <- err
				return
			}
		}
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		again()
		select {
		case err := <-ended:
			var closed *websocket.CloseError
			if !errors.As(err, &closed) {
				c.t.Fatalf("ended without a code: %v", err)
			}
			return closed.Code
		case <-tick.C:
		}
	}
}

// shortLived is a mall whose first instance gives tokens of a few seconds, and the other one those of everyday life.
func shortLived(t *testing.T, cfg db.Config) *mall {
	t.Helper()
	return &mall{tokens: map[string]string{}, instances: []*instance{
		startInstance(t, cfg, "", func(p *parts) { p.Member.AccessLife = shortLife }), startInstance(t, cfg, "")}}
}

const shortLife = 3 * time.Second // a token says its end in whole seconds

// A connection ends with its token, unless the client has brought a fresh one.
func TestATokenEndsALiveConnection(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg db.Config) {
		m := shortLived(t, cfg)
		r := m.openRoom(t, "buyer")
		issued := time.Now()
		short := m.logIn(t, 0, "buyer")
		m.tokens["buyer"] = short
		left, stays, stream := m.connect(t, 0, "buyer"), m.connect(t, 0, "buyer"), m.listen(t, 0, "buyer")
		stream.want("welcome")
		if life := left.expires.Sub(issued); life < shortLife-time.Second || life > shortLife+time.Second {
			t.Errorf("welcome says that the connection ends %v after its token was issued for %v", life, shortLife)
		}
		fresh := m.logIn(t, 1, "buyer")
		stays.say(map[string]any{"type": "auth", "id": "a", "token": fresh})
		stays.want("ok")
		code := left.closed()
		if took := time.Since(issued); code != 4401 || took < shortLife-time.Second || took > shortLife+heardWithin {
			t.Errorf("closed with %d %v after its token was issued for %v", code, took, shortLife)
		}
		if code := stream.closed(); code != 4401 {
			t.Errorf("the event stream was closed with %d, want 4401", code)
		}
		stays.say(send(r.ID, "아직 여기 있어요"))
		stays.want("ack")
		stays.say(map[string]any{"type": "auth", "id": "b", "token": short})
		if code := stays.closed(); code != 4401 {
			t.Errorf("a token that is over: closed with %d, want 4401", code)
		}
	})
}

// A connection belongs to the login of its latest token, and to one member for ever.
func TestAConnectionFollowsItsLatestToken(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		c, stays := m.connect(t, 0, "buyer"), m.connect(t, 0, "buyer")
		second := m.logIn(t, m.last(), "buyer")
		stays.say(map[string]any{"type": "auth", "id": "a", "token": second})
		stays.want("ok")
		m.rest(t, m.last(), "buyer", "POST", "/auth/logout", nil, 204, nil)
		if code := c.closed(); code != 4401 {
			t.Errorf("its login is over: closed with %d, want 4401", code)
		}
		stays.answers()
		m.tokens["buyer"] = second
		other := m.connect(t, m.last(), "buyer")
		other.say(map[string]any{"type": "auth", "id": "a", "token": m.token(t, "owner")})
		if code := other.closed(); code != 4403 {
			t.Errorf("another member's token: closed with %d, want 4403", code)
		}
		bad := m.connect(t, 0, "buyer")
		bad.say(map[string]any{"type": "auth", "id": id.New().String(), "token": second + "x"})
		if code := bad.closed(); code != 4401 {
			t.Errorf("a bad token: closed with %d, want 4401", code)
		}
		m.rest(t, m.last(), "buyer", "POST", "/auth/logout", nil, 204, nil)
		if code := stays.closed(); code != 4401 {
			t.Errorf("the login of its latest token is over: closed with %d, want 4401", code)
		}
	})
}

// betweenLooks does something after a bearer token has been found good and before its connection is there.
type betweenLooks struct {
	chat.Members
	then func()
}

func (b betweenLooks) Bearer(ctx context.Context, token string) (*identity.Principal, error) {
	p, err := b.Members.Bearer(ctx, token)
	b.then()
	return p, err
}

// A ban whose news comes while somebody is still at the door finds them all the same, and at once.
func TestABanDuringTheHandshakeIsFound(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg db.Config) {
		m := &mall{tokens: map[string]string{}}
		ban := func() { check(t, m.instances[0].members.Ban(t.Context(), otherID)) }
		m.instances = append(m.instances, startInstance(t, cfg, "", func(p *parts) {
			p.members = func(real chat.Members) chat.Members { return betweenLooks{real, func() { ban() }} }
		}))
		began := time.Now()
		if code := m.connect(t, 0, "other").closed(); code != 4403 {
			t.Errorf("closed with %d, want 4403", code)
		}
		if took := time.Since(began); took > heardWithin {
			t.Errorf("after %v, limit %v", took, heardWithin)
		}
	})
}
