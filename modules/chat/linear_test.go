package chat_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"mall/modules/platform/id"
)

// What a room answers must be explained by doing the calls one after the other, each at some moment between
// its call and its answer, on any of the instances: sends (retries among them), heads, and the cursor.
type (
	roomCall struct {
		kind string // send, head, read
		key  int    // of a send
		seq  int64  // of a read mark
	}
	roomState struct {
		stored string // the keys in their order, "3,1,4,"
		count  int64
		read   int64
	}
)

func roomModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return roomState{} },
		Step: func(state, input, output any) (bool, any) {
			s, in, out := state.(roomState), input.(roomCall), output.(int64)
			switch in.kind {
			case "send":
				if seq := place(s.stored, in.key); seq > 0 {
					return out == seq, s
				}
				s.stored += fmt.Sprintf("%d,", in.key)
				s.count++
				return out == s.count, s
			case "read":
				s.read = max(s.read, in.seq)
				return out == s.read, s
			default:
				return out == s.count, s
			}
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %d", in, out) },
	}
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

func TestARoomIsLinearizable(t *testing.T) {
	m, _ := pair(t)
	r := m.openRoom(t, "buyer")
	m.token(t, "buyer")
	const people, calls, keys = 6, 25, 40
	uuids := make([]id.ID, keys)
	for i := range uuids {
		uuids[i] = id.New()
	}
	path := "/chat/rooms/" + r.ID.String()
	var mu sync.Mutex
	var history []porcupine.Operation
	began := time.Now()
	var wg sync.WaitGroup
	for person := range people {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(person), 7))
			head := int64(0)
			for range calls {
				on := rnd.IntN(2)
				op := porcupine.Operation{ClientId: person, Call: time.Since(began).Nanoseconds()}
				switch rnd.IntN(4) {
				case 0, 1:
					key := rnd.IntN(keys)
					var receipt struct{ Seq int64 }
					status, text := m.call(t, on, "buyer", "POST", path+"/messages", map[string]any{"client_msg_id": uuids[key], "body": fmt.Sprint(key)})
					if status != http.StatusOK && status != http.StatusCreated || json.Unmarshal(text, &receipt) != nil {
						t.Errorf("send: %d %s", status, text)
						return
					}
					op.Input, op.Output = roomCall{kind: "send", key: key}, receipt.Seq
					head = max(head, receipt.Seq)
				case 2:
					var page struct{ Head int64 }
					m.rest(t, on, "buyer", "GET", path+"/messages?limit=1", nil, 200, &page)
					op.Input, op.Output = roomCall{kind: "head"}, page.Head
					head = max(head, page.Head)
				default:
					seq := rnd.Int64N(head + 1)
					var cursors struct {
						ReadSeq int64 `json:"read_seq"`
					}
					m.rest(t, on, "buyer", "PUT", path+"/cursor", map[string]any{"read_seq": seq}, 200, &cursors)
					op.Input, op.Output = roomCall{kind: "read", seq: seq}, cursors.ReadSeq
				}
				op.Return = time.Since(began).Nanoseconds()
				mu.Lock()
				history = append(history, op)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	result, info := porcupine.CheckOperationsVerbose(roomModel(), history, time.Minute)
	if result != porcupine.Ok {
		t.Errorf("the history of %d calls is %s: %d partial orders", len(history), result, len(info.PartialLinearizations()))
	}
}

// A checker that never fails proves nothing: the same history with one answer changed is refused.
func TestTheModelRefusesALostSend(t *testing.T) {
	send := func(key int, call, ret, seq int64) porcupine.Operation {
		return porcupine.Operation{ClientId: key, Input: roomCall{kind: "send", key: key}, Call: call, Output: seq, Return: ret}
	}
	good := []porcupine.Operation{send(1, 0, 10, 1), send(2, 5, 12, 2), send(1, 20, 30, 1)}
	if !porcupine.CheckOperations(roomModel(), good) {
		t.Error("a good history is refused")
	}
	for name, bad := range map[string][]porcupine.Operation{
		"a retry that doubled": {send(1, 0, 10, 1), send(1, 20, 30, 2)},
		"a seq given twice":    {send(1, 0, 10, 1), send(2, 20, 30, 1)},
		"a gap":                {send(1, 0, 10, 1), send(2, 20, 30, 3)},
	} {
		if porcupine.CheckOperations(roomModel(), bad) {
			t.Errorf("%s was accepted", name)
		}
	}
}
