package chat_test

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/modules/chat"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// lengthen makes 2^doublings messages of 6 kB each out of a room's first one.
func lengthen(t *testing.T, cfg db.Config, room id.ID, doublings int) (head int64) {
	t.Helper()
	d := testservers.Open(t, cfg)
	exec := func(sql string, args ...any) { check(t, d.Write(t.Context()).Exec(sql, args...).Error) }
	exec("UPDATE chat_messages SET body = REPLACE(HEX(ZEROBLOB(1000)), '0', '가') WHERE room_id = ?", room)
	const columns = "inquiry_id, party, sender_id, sender_name, kind, body, card, client_msg_id, buyer_count, shop_count, created_at"
	copied := strings.Replace(columns, "client_msg_id", "RANDOMBLOB(16)", 1)
	head = 1
	for range doublings {
		exec("INSERT INTO chat_messages (room_id, seq, "+columns+") SELECT room_id, seq + ?, "+copied+" FROM chat_messages WHERE room_id = ?", head, room)
		head *= 2
	}
	exec("UPDATE chat_rooms SET head = ? WHERE id = ?", head, room)
	return head
}

// sip reads a frame every now and then, as over a bad line, until ctx ends; a connection that ends before is a frame of
// type "end". It is for goroutines.
func sip(ctx context.Context, ws *websocket.Conn, each func(frame)) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		_, text, err := ws.ReadMessage()
		if err != nil {
			if ctx.Err() == nil {
				each(frame{Type: "end", Body: err.Error()})
			}
			return
		}
		var f frame
		if json.Unmarshal(text, &f) == nil {
			each(f)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Who reads slowly what it has missed keeps only itself waiting: others resume meanwhile, of the same member as well.
func TestSlowReadersKeepNobodyWaiting(t *testing.T) {
	const slow = 16
	cfg := testservers.SQLite(t)
	m := &mall{tokens: map[string]string{}, instances: []*instance{startInstance(t, cfg, "", func(p *parts) {
		p.Chat.SocketsPerMember, p.Chat.ResumeMessages, p.Chat.DeadAfter = slow+1, 10_000, 5*time.Minute
	})}}
	r := m.openRoom(t, "buyer")
	m.write(t, r.ID, 1, 1)
	head := lengthen(t, cfg, r.ID, 13) // 50 MB: more than any buffer on the way holds, and a minute is enough for
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	begun, over := make(chan struct{}, slow), make(chan frame, slow)
	for range slow {
		d := websocket.Dialer{Subprotocols: []string{"mall.chat.v1", "bearer." + m.token(t, "owner")}, NetDial: func(network, addr string) (net.Conn, error) {
			conn, err := net.Dial(network, addr)
			if err == nil {
				err = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
			}
			return conn, err
		}}
		ws, res, err := d.Dial("ws"+strings.TrimPrefix(m.instances[0].url, "http")+wsPath, nil)
		check(t, err)
		_ = res.Body.Close()
		t.Cleanup(func() { _ = ws.Close() })
		c := &client{t: t, ws: ws}
		c.say(resume(c.want("welcome").Epoch, map[string]int64{r.ID.String(): 0}))
		first := true
		go sip(ctx, ws, func(f frame) {
			if first && f.Type == "message" {
				first = false
				begun <- struct{}{}
			}
			if f.Type != "message" && f.Type != "hb" && f.Type != "presence" {
				over <- f
			}
		})
	}
	for range slow {
		<-begun
	}
	for _, who := range []string{"buyer", "owner"} {
		c := m.connect(t, 0, who)
		c.say(resume(c.epoch, map[string]int64{r.ID.String(): head - 1}))
		if got := c.skipTo("message"); got.Seq != head {
			t.Errorf("%s got seq %d, want %d", who, got.Seq, head)
		}
		c.want("resumed")
	}
	select {
	case f := <-over:
		t.Errorf("a slow reader was through before: %+v", f)
	default:
	}
}

// What a live talk lacks is read whatever resumes are waiting for.
func TestAHerdOfResumesDelaysNoRepair(t *testing.T) {
	cfg, redis := testservers.MySQL(t), testservers.Redis(t)
	// The first instance's publishes go nowhere.
	m := &mall{tokens: map[string]string{}, instances: []*instance{startInstance(t, cfg, "127.0.0.1:1"), startInstance(t, cfg, redis.Addr())}}
	r := m.openRoom(t, "buyer")
	there := m.connect(t, 1, "owner")
	release := m.instances[1].chat.FillResumes()
	defer release()
	m.rest(t, 0, "buyer", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": "?"}, 201, nil)
	if got := there.want("message"); got.Seq != 1 {
		t.Errorf("got %+v", got)
	}
}

// While the database answers nothing a resume is told so in time, however many wait (P10).
func TestAResumeIsAnsweredInTime(t *testing.T) {
	cfg := testservers.MySQL(t)
	m := newMall(t, cfg, nowhere, 1)
	r := m.openRoom(t, "buyer")
	var all []*client
	for range 3 {
		for _, who := range []string{"buyer", "owner", "agent"} {
			all = append(all, m.connect(t, 0, who))
		}
	}
	release := lockTable(t, cfg, "chat_rooms")
	defer release()
	began := time.Now()
	for _, c := range all {
		c.say(resume(c.epoch, map[string]int64{r.ID.String(): 0}))
	}
	for _, c := range all {
		got := c.want("error")
		if took := time.Since(began); got.Code != "unavailable" || !got.Retryable || took > answerWithin {
			t.Errorf("answered after %v: %+v", took.Round(time.Millisecond), got)
		}
	}
}

// A room that is not there keeps no other from being resumed, and looks as one does in which the caller has no seat (P14).
func TestALostRoomSpoilsNoOther(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		var theirs room
		m.rest(t, 0, "other", "POST", "/chat/rooms", map[string]any{"shop_id": strangeShopID}, 201, &theirs)
		m.write(t, r.ID, 1, 3)
		lost := id.New()
		c := m.connect(t, m.last(), "buyer")
		c.say(resume(c.epoch, map[string]int64{r.ID.String(): 2, lost.String(): 7, theirs.ID.String(): 0}))
		if got := c.want("message"); got.Seq != 3 {
			t.Errorf("got %+v, want seq 3", got)
		}
		got := c.want("resumed")
		if len(got.Heads) != 1 || got.Heads[r.ID.String()] != 3 {
			t.Errorf("heads %v", got.Heads)
		}
		if missing := got.missing(); len(missing) != 2 || !missing[lost] || !missing[theirs.ID] {
			t.Errorf("missing %v, want %s and %s", got.Missing, lost, theirs.ID)
		}
		// The epoch counts before anything that names rooms.
		c.say(resume("another epoch", map[string]int64{r.ID.String(): 2, lost.String(): 7}))
		got = c.want("reset")
		if got.Epoch != c.epoch || len(got.Heads) != 1 || got.Heads[r.ID.String()] != 3 || !got.missing()[lost] {
			t.Errorf("reset %+v", got)
		}
	})
}

func (f frame) missing() map[id.ID]bool {
	all := map[id.ID]bool{}
	for _, room := range f.Missing {
		all[room] = true
	}
	return all
}

// However many rooms have moved, a heartbeat tells of them all and closes nobody as too slow.
func TestAHeartbeatOfManyRooms(t *testing.T) {
	const rooms = 40_000
	m := limited(t, func(c *chat.Config) { c.PingEvery = time.Second })
	c := m.connect(t, 0, "owner")
	m.instances[0].chat.Moved(rooms)
	check(t, c.ws.SetReadDeadline(time.Now().Add(soon)))
	for told := 0; told < rooms; {
		var f frame
		check(t, c.ws.ReadJSON(&f))
		if f.Type == "hb" {
			told += len(f.Heads)
		}
		if len(f.Heads) > 1000 {
			t.Fatalf("an hb of %d rooms", len(f.Heads))
		}
	}
}
