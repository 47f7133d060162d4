package chat_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/modules/chat"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// goodbye is how a connection ended.
type goodbye struct {
	at     time.Time
	code   int
	spread int64
}

// goodbye reads until the connection ends. It is for goroutines: what it cannot read is a zero code.
func (c *client) goodbye() goodbye {
	for {
		if _, _, err := c.ws.ReadMessage(); err != nil {
			g := goodbye{at: time.Now()}
			var closed *websocket.CloseError
			var reason struct {
				Spread int64 `json:"spread_ms"`
			}
			if errors.As(err, &closed) && json.Unmarshal([]byte(closed.Text), &reason) == nil {
				g.code, g.spread = closed.Code, reason.Spread
			}
			return g
		}
	}
}

// A drain sends connections away in slices, each told to come back over a while, so that no herd knocks elsewhere.
func TestADrainGoesInSlices(t *testing.T) {
	const sockets, slice = 60, 30
	m := limited(t, func(c *chat.Config) { c.SocketsPerMember = sockets + 1 })
	ended := make(chan goodbye, sockets)
	for range sockets {
		c := m.connect(t, 0, "buyer")
		check(t, c.ws.SetReadDeadline(deadline()))
		go func() { ended <- c.goodbye() }()
	}
	go m.instances[0].stop()
	var all []goodbye
	for range sockets {
		all = append(all, <-ended)
	}
	slices.SortFunc(all, func(a, b goodbye) int { return a.at.Compare(b.at) })
	for _, g := range all {
		if g.code != 1012 || g.spread <= 0 {
			t.Fatalf("a connection ended with %d and a spread of %d ms, want 1012 and some", g.code, g.spread)
		}
	}
	pause := all[slice].at.Sub(all[slice-1].at)
	if within := all[slice-1].at.Sub(all[0].at); pause < time.Second || within >= pause {
		t.Errorf("%d of %d connections ended within %v, the next one %v later; want two slices", slice, sockets, within, pause)
	}
}

// Who comes to an instance that drains is sent elsewhere in the same words.
func TestADrainingInstanceTakesNobody(t *testing.T) {
	m := single(t)
	seen := m.connect(t, 0, "buyer")
	check(t, m.instances[0].chat.Drain(t.Context()))
	if code := seen.closed(); code != 1012 {
		t.Errorf("who was there is closed with %d, want 1012", code)
	}
	ws, res, err := m.dial(0, []string{"mall.chat.v1", "bearer." + m.token(t, "buyer")}, nil)
	check(t, err)
	_ = res.Body.Close()
	check(t, ws.SetReadDeadline(deadline()))
	if g := (&client{t: t, ws: ws}).goodbye(); g.code != 1012 || g.spread <= 0 {
		t.Errorf("who comes is closed with %+v, want 1012 and a spread", g)
	}
	if code := m.listen(t, 0, "buyer").closed(); code != 1012 {
		t.Errorf("an event stream is closed with %d, want 1012", code)
	}
}

// hold keeps a room's row, and on SQLite all of the database, from being written until release is called.
func hold(t *testing.T, cfg db.Config, room id.ID) (release func()) {
	t.Helper()
	d := testservers.Open(t, cfg)
	held, let, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- d.Tx(t.Context(), func(ctx context.Context) error {
			err := d.Write(ctx).Exec("UPDATE chat_rooms SET head = head WHERE id = ?", room).Error
			close(held)
			<-let
			return err
		})
	}()
	<-held
	return func() {
		close(let)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// beginDrain returns when the drain has begun for every connection; some of them have a send under way.
func beginDrain(t *testing.T, in *instance) {
	t.Helper()
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if err := in.chat.Drain(impatient); !errors.Is(err, context.Canceled) {
		t.Fatalf("the drain ended with %v while a send was under way", err)
	}
}

// patient lets a send wait as long as a busy machine needs: how long it may take is not what these tests are about.
func patient(p *parts) { p.Chat.SendPatience = soon }

// A send that is under way when the drain begins is stored and acked before its connection goes; a later one is refused
// for elsewhere.
func TestADrainWaitsForSendsUnderWay(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg db.Config) {
		m := &mall{tokens: map[string]string{}, instances: []*instance{startInstance(t, cfg, "", patient)}}
		r := m.openRoom(t, "buyer")
		c := m.connect(t, 0, "buyer")
		c.say(send(r.ID, "1"))
		c.want("ack")
		release := hold(t, cfg, r.ID)
		c.say(send(r.ID, "2"))
		c.answers() // to what came after it: it is under way
		beginDrain(t, m.instances[0])
		c.say(send(r.ID, "3"))
		if got := c.want("error"); got.Code != "unavailable" || !got.Retryable {
			t.Errorf("got %+v, want the later one refused for elsewhere", got)
		}
		release()
		if got := c.want("ack"); got.Seq != 2 {
			t.Errorf("got %+v, want the ack of seq 2", got)
		}
		if code := c.closed(); code != 1012 {
			t.Errorf("closed with %d, want 1012", code)
		}
		check(t, m.instances[0].chat.Drain(t.Context()))
	})
}

// A send is under way from its reading on, also while one before it waits for the database to say where it may go.
func TestADrainWaitsForSendsThatWaitTheirTurn(t *testing.T) {
	cfg := testservers.MySQL(t)
	link, through := testservers.Through(t, cfg)
	m := newMall(t, cfg, "", 1)
	r := m.openRoom(t, "buyer")
	m.instances = append(m.instances, startInstance(t, through, "", patient)) // which does not know the room
	c := m.connect(t, 1, "buyer")
	answer := make(chan struct{})
	link.Meet(func(s testservers.Sent) testservers.Fate {
		if strings.Contains(s.Text, wired(r.ID)) {
			<-answer
		}
		return testservers.Passes
	})
	c.say(send(r.ID, "1"))
	c.say(send(r.ID, "2"))
	c.answers()
	beginDrain(t, m.instances[1])
	close(answer)
	for seq := range int64(2) {
		if got := c.want("ack"); got.Seq != seq+1 {
			t.Errorf("got %+v, want the ack of seq %d", got, seq+1)
		}
	}
	if code := c.closed(); code != 1012 {
		t.Errorf("closed with %d, want 1012", code)
	}
}

// leaves takes the goodbye of an instance that ends, and waits for its end: which comes before the second in which cursors
// gather is over.
func (c *client) leaves(in *instance, meanwhile func()) {
	c.t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); in.stop() }()
	if code := c.closed(); code != 1012 {
		c.t.Errorf("closed with %d, want 1012", code)
	}
	meanwhile()
	<-done
}

// What clients have read since the last write of their cursors is written before the end.
func TestADrainWritesCursors(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg db.Config) {
		m := newMall(t, cfg, "", 2)
		r := m.openRoom(t, "buyer")
		for range 9 {
			m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": "?"}, 201, nil)
		}
		owner := m.connect(t, 0, "owner")
		owner.say(map[string]any{"type": "read", "room_id": r.ID, "seq": 1}) // written at once; what comes in the next second gathers
		owner.skipTo("receipt")
		owner.say(map[string]any{"type": "read", "room_id": r.ID, "seq": 9})
		owner.say(send(r.ID, "읽었어요")) // its ack says that all before it has been heard
		owner.skipTo("ack")
		owner.leaves(m.instances[0], func() {})
		if now := m.room(t, 1, "owner", r.ID); now.Cursors.Shop.ReadSeq != 9 || now.Unread != 0 {
			t.Errorf("after the drain the shop has read up to %d, want 9", now.Cursors.Shop.ReadSeq)
		}
	})
}

// What a client says at the last moment is held against the room's head like everything it says.
func TestADrainWritesNoCursorPastTheHead(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg db.Config) {
		m := newMall(t, cfg, "", 2)
		r := m.openRoom(t, "buyer")
		m.write(t, r.ID, 1, 2)
		owner := m.connect(t, 0, "owner")
		owner.say(map[string]any{"type": "read", "room_id": r.ID, "seq": 1})
		owner.skipTo("receipt")
		owner.say(map[string]any{"type": "read", "room_id": r.ID, "seq": 1_000_000})
		owner.say(send(r.ID, "읽었어요"))
		owner.skipTo("ack")
		owner.leaves(m.instances[0], func() {})
		if now := m.room(t, 1, "owner", r.ID); now.Cursors.Shop.ReadSeq > now.Head {
			t.Errorf("the shop has read up to %d of %d", now.Cursors.Shop.ReadSeq, now.Head)
		}
	})
}

// A cursor whose first write is under way when the drain begins is written.
func TestADrainWritesCursorsUnderWay(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg db.Config) {
		m := newMall(t, cfg, "", 2)
		r := m.openRoom(t, "buyer")
		m.write(t, r.ID, 1, 2)
		owner := m.connect(t, 0, "owner")
		release := hold(t, cfg, r.ID)
		owner.say(map[string]any{"type": "read", "room_id": r.ID, "seq": 2})
		owner.answers()
		owner.leaves(m.instances[0], release)
		if now := m.room(t, 1, "owner", r.ID); now.Cursors.Shop.ReadSeq != 2 {
			t.Errorf("after the drain the shop has read up to %d, want 2", now.Cursors.Shop.ReadSeq)
		}
	})
}

// Cursors that a database which answers nothing does not take are dropped, however many they are: the instance must end
// in time (P12).
func TestADrainDropsCursorsInTime(t *testing.T) {
	cfg := testservers.MySQL(t)
	m := newMall(t, cfg, nowhere, 1)
	c := m.connect(t, 0, "buyer")
	release := lockTable(t, cfg, "chat_cursors")
	defer release()
	m.instances[0].chat.Note(2700)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	check(t, m.instances[0].chat.Drain(ctx))
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the drain took %v", took.Round(100*time.Millisecond))
	}
	if code := c.closed(); code != 1012 {
		t.Errorf("closed with %d, want 1012", code)
	}
}
