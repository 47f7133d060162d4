package chat_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// What a room answers must be explained by doing the calls one after the other, each at some moment between
// its call and its answer, on any of the instances: sends (retries among them), pages, heads, and the cursor.
type (
	roomCall struct {
		room int
		kind string // send; page and head; read (a mark) and look (at the cursor)
		key  int    // of a send
		seq  int64  // of a read mark; of a page: what it is after
	}
	roomAnswer struct {
		unknown bool   // the call failed: it may have been done, then or later
		seq     int64  // of a send; a head; a cursor
		keys    string // of a page, in their order
	}
	roomState struct {
		stored string // the keys in their order, "3,1,4,"
		count  int64
		read   int64
	}
)

func roomModel() porcupine.Model {
	return porcupine.Model{
		Partition: byRoom,
		Init:      func() any { return roomState{} },
		Step: func(state, input, output any) (bool, any) {
			s, in, out := state.(roomState), input.(roomCall), output.(roomAnswer)
			switch in.kind {
			case "send":
				seq := place(s.stored, in.key)
				if seq == 0 {
					s.stored += fmt.Sprintf("%d,", in.key)
					s.count++
					seq = s.count
				}
				return out.unknown || out.seq == seq, s
			case "read":
				s.read = max(s.read, in.seq)
				return out.unknown || out.seq == s.read, s
			case "look":
				return out.unknown || out.seq == s.read, s
			case "page":
				return out.unknown || out.keys == after(s.stored, in.seq), s
			default:
				return out.unknown || out.seq == s.count, s
			}
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %+v", in, out) },
	}
}

// byRoom: rooms have nothing to do with one another.
func byRoom(history []porcupine.Operation) [][]porcupine.Operation {
	rooms := map[int][]porcupine.Operation{}
	for _, op := range history {
		n := op.Input.(roomCall).room
		rooms[n] = append(rooms[n], op)
	}
	var parts [][]porcupine.Operation
	for _, part := range rooms {
		parts = append(parts, part)
	}
	return parts
}

// place is the seq of a key among those stored, or 0.
func place(stored string, key int) int64 {
	for i, k := range strings.Split(stored, ",") {
		if k == fmt.Sprint(key) {
			return int64(i + 1)
		}
	}
	return 0
}

// after is what is stored after a seq.
func after(stored string, seq int64) string {
	for ; seq > 0 && stored != ""; seq-- {
		_, stored, _ = strings.Cut(stored, ",")
	}
	return stored
}

// linear is people who use some rooms over all instances at once, and what they were answered.
type linear struct {
	*mall

	t     *testing.T
	rooms []id.ID
	keys  []id.ID
	began time.Time

	mu      sync.Mutex
	history []porcupine.Operation
	unknown int
}

func TestRoomsAreLinearizable(t *testing.T) {
	for name, disturb := range map[string]func(ctx context.Context, t *testing.T, cfg db.Config, redis *testservers.RedisServer){
		"undisturbed": func(context.Context, *testing.T, db.Config, *testservers.RedisServer) {},
		"redis goes and comes": func(ctx context.Context, t *testing.T, _ db.Config, redis *testservers.RedisServer) {
			for every(ctx, 200*time.Millisecond) {
				check(t, redis.Kill())
				every(ctx, 200*time.Millisecond)
				check(t, redis.Start(t.Context()))
			}
		},
		"links to the database are cut": cutLinks,
	} {
		t.Run(name, func(t *testing.T) {
			redis, cfg := testservers.Redis(t), testservers.MySQL(t)
			l := &linear{mall: newMall(t, cfg, redis.Addr(), 2), t: t, began: time.Now()}
			for _, who := range []string{"buyer", "other", "owner"} {
				l.token(t, who)
			}
			l.rooms = []id.ID{l.openRoom(t, "buyer").ID, l.openRoom(t, "other").ID}
			for range 40 {
				l.keys = append(l.keys, id.New())
			}
			ctx, stop := context.WithCancel(t.Context())
			var disturbing sync.WaitGroup
			disturbing.Go(func() { disturb(ctx, t, cfg, redis) })
			l.play(6, 60)
			stop()
			disturbing.Wait()
			l.judge()
		})
	}
}

// every waits a while; false when ctx ends first.
func every(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// cutLinks ends all connections of the malls to their database, again and again.
func cutLinks(ctx context.Context, t *testing.T, cfg db.Config, _ *testservers.RedisServer) {
	operator, err := sql.Open("mysql", cfg.DSN)
	check(t, err)
	defer func() { check(t, operator.Close()) }()
	operator.SetMaxOpenConns(1)
	cut := 0
	for every(ctx, 60*time.Millisecond) {
		ids, err := links(ctx, operator)
		if ctx.Err() != nil {
			break
		}
		check(t, err)
		for _, n := range ids {
			_, _ = operator.ExecContext(ctx, fmt.Sprintf("KILL %d", n)) // it may have ended by itself
			cut++
		}
	}
	if cut == 0 {
		t.Error("no link was cut")
	}
}

// links are the connections of others to the operator's database.
func links(ctx context.Context, operator *sql.DB) (ids []int64, err error) {
	var own int64
	var database string
	if err := operator.QueryRowContext(ctx, "SELECT CONNECTION_ID(), DATABASE()").Scan(&own, &database); err != nil {
		return nil, err
	}
	all, err := testservers.Connections(ctx, operator)
	for _, c := range all {
		if c.Database == database && c.ID != own {
			ids = append(ids, c.ID)
		}
	}
	return ids, err
}

// play lets people make calls, all at once.
func (l *linear) play(people, calls int) {
	var wg sync.WaitGroup
	for person := range people {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(person), 7))
			heads := make([]int64, len(l.rooms))
			for range calls {
				l.call(person, rnd, heads)
			}
		})
	}
	wg.Wait()
}

// call makes one call of a person, on either instance, and notes it.
func (l *linear) call(person int, rnd *rand.Rand, heads []int64) {
	n := rnd.IntN(len(l.rooms))
	who, path := []string{"buyer", "other"}[n], "/chat/rooms/"+l.rooms[n].String() // each room's own buyer: keys are a sender's
	in, on := roomCall{room: n}, rnd.IntN(2)
	var got struct {
		Seq     int64
		Head    int64
		ReadSeq int64 `json:"read_seq"`
		Items   []struct{ Body string }
		Cursors struct {
			Buyer struct {
				ReadSeq int64 `json:"read_seq"`
			}
		}
	}
	method, call, body := "GET", path, any(nil)
	switch rnd.IntN(6) {
	case 0, 1:
		in.kind, in.key = "send", rnd.IntN(len(l.keys))
		method, call, body = "POST", path+"/messages", map[string]any{"client_msg_id": l.keys[in.key], "body": fmt.Sprint(in.key)}
	case 2:
		in.kind, in.seq = "page", rnd.Int64N(heads[n]+1)
		call = fmt.Sprintf("%s/messages?limit=100&after_seq=%d", path, in.seq)
	case 3:
		in.kind = "page"
		call = path + "/messages?limit=100" // the newest, which are all
	case 4:
		in.kind = "look"
	default:
		in.kind, in.seq = "read", rnd.Int64N(heads[n]+1)
		method, call, body = "PUT", path+"/cursor", map[string]any{"read_seq": in.seq}
	}
	op := porcupine.Operation{ClientId: person, Input: in, Call: time.Since(l.began).Nanoseconds()}
	status, text := l.mall.call(l.t, on, who, method, call, body)
	op.Return = time.Since(l.began).Nanoseconds()
	switch {
	case status >= http.StatusInternalServerError:
		op.Return = math.MaxInt64
		l.note(op, roomAnswer{unknown: true})
		return
	case status >= http.StatusBadRequest || json.Unmarshal(text, &got) != nil:
		l.t.Errorf("%s %s: %d %s", method, call, status, text)
		return
	}
	heads[n] = max(heads[n], got.Seq, got.Head)
	switch in.kind {
	case "send":
		l.note(op, roomAnswer{seq: got.Seq})
	case "read":
		l.note(op, roomAnswer{seq: got.ReadSeq})
	case "look":
		l.note(op, roomAnswer{seq: got.Cursors.Buyer.ReadSeq})
	default:
		keys := ""
		for _, item := range got.Items {
			keys += item.Body + ","
		}
		l.note(op, roomAnswer{keys: keys})
	}
	if in.kind == "page" || in.kind == "look" { // the head is read at a moment of its own
		op.Input = roomCall{room: n, kind: "head"}
		l.note(op, roomAnswer{seq: got.Head})
	}
}

// note adds what was asked and answered to the history.
func (l *linear) note(op porcupine.Operation, answer roomAnswer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	op.Output = answer
	if answer.unknown {
		l.unknown++
	}
	l.history = append(l.history, op)
}

func (l *linear) judge() {
	l.t.Logf("%d calls, of %d the outcome is unknown", len(l.history), l.unknown)
	if l.unknown > len(l.history)/2 {
		l.t.Error("too little was answered to show anything")
	}
	result, info := porcupine.CheckOperationsVerbose(roomModel(), l.history, time.Minute)
	if result != porcupine.Ok {
		l.t.Errorf("the history of %d calls is %s: %d partial orders", len(l.history), result, len(info.PartialLinearizations()))
	}
}

// A checker that never fails proves nothing: the same history with one answer changed is refused.
func TestTheModelRefusesWhatARoomMayNotDo(t *testing.T) {
	send := func(key int, call, ret, seq int64) porcupine.Operation {
		return porcupine.Operation{ClientId: key, Input: roomCall{kind: "send", key: key}, Call: call, Output: roomAnswer{seq: seq}, Return: ret}
	}
	page := func(after, call, ret int64, keys string) porcupine.Operation {
		return porcupine.Operation{ClientId: 9, Input: roomCall{kind: "page", seq: after}, Call: call, Output: roomAnswer{keys: keys}, Return: ret}
	}
	at := func(kind string, call, ret, seq int64) porcupine.Operation {
		return porcupine.Operation{ClientId: 8, Input: roomCall{kind: kind}, Call: call, Output: roomAnswer{seq: seq}, Return: ret}
	}
	lost := porcupine.Operation{ClientId: 3, Input: roomCall{kind: "send", key: 3}, Call: 13, Output: roomAnswer{unknown: true}, Return: math.MaxInt64}
	elsewhere := porcupine.Operation{ClientId: 4, Input: roomCall{room: 1, kind: "send", key: 4}, Call: 13, Output: roomAnswer{seq: 1}, Return: 14}
	good := []porcupine.Operation{send(1, 0, 10, 1), send(2, 5, 12, 2), send(1, 20, 30, 1), page(0, 20, 30, "1,2,"), lost, elsewhere, page(1, 31, 40, "2,3,")}
	if !porcupine.CheckOperations(roomModel(), good) {
		t.Error("a good history is refused")
	}
	for name, bad := range map[string][]porcupine.Operation{
		"a retry that doubled": {send(1, 0, 10, 1), send(1, 20, 30, 2)},
		"a seq given twice":    {send(1, 0, 10, 1), send(2, 20, 30, 1)},
		"a gap":                {send(1, 0, 10, 1), send(2, 20, 30, 3)},
		"a stale page":         {send(1, 0, 10, 1), send(2, 11, 12, 2), page(0, 20, 30, "1,")},
		"a stale head":         {send(1, 0, 10, 1), at("head", 20, 30, 0)},
		"a stale cursor":       {send(1, 0, 10, 1), {Input: roomCall{kind: "read", seq: 1}, Output: roomAnswer{seq: 1}, Call: 11, Return: 12}, at("look", 20, 30, 0)},
		"an unstored message":  {send(1, 0, 10, 1), page(0, 20, 30, "1,2,")},
		"pages that step back": {send(1, 0, 10, 1), lost, page(0, 20, 30, "1,3,"), page(0, 31, 40, "1,")},
	} {
		if porcupine.CheckOperations(roomModel(), bad) {
			t.Errorf("%s was accepted", name)
		}
	}
}
