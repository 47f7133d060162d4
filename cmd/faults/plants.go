package main

import (
	"slices"

	"mall/cmd/faults/internal/checker"
)

// plant is a bug that can be planted into a copy of the mall, and the fault that shows it.
type plant struct {
	name   string
	fault  string
	expect []checker.Kind // one of these must be among the violations
	edits  []edit
}

// edit replaces a text that stands exactly once in a file. An empty text stands for a file that is not there yet.
type edit struct{ file, old, new string }

// Where the bugs are planted; a test sees to it that all of these places exist.
const (
	appendFile    = "modules/chat/internal/store/append.go"
	retryFile     = "modules/chat/internal/store/retry.go"
	storeExtra    = "modules/chat/internal/store/planted.go"
	retryKey      = "migrations/mysql/0042_chat_messages.sql"
	pipelinedFile = "modules/platform/db/pipelined.go"
	chatFile      = "modules/chat/chat.go"
	sessionFile   = "modules/chat/session.go"
	resumeFile    = "modules/chat/resume.go"
	accessFile    = "modules/chat/access.go"
	sweepFile     = "modules/chat/sweep.go"
	relayFile     = "modules/chat/internal/relay/relay.go"
	sealFile      = "modules/platform/pubsub/seal.go"
	socketFile    = "modules/chat/internal/socket/write.go"
	eventsFile    = "modules/chat/internal/events/events.go"
	eventsExtra   = "modules/chat/internal/events/planted.go"
	mallFile      = "modules/mall/steps.go"
)

// plants is the table of all.
func plants() []plant {
	return slices.Concat(storingPlants(), tellingPlants(), serverPlants(), pairPlants(), clientPlants())
}

// storingPlants break what is stored and acked.
func storingPlants() []plant {
	return []plant{
		{"published before COMMIT", "cut before commit", []checker.Kind{checker.Foreign}, []edit{
			{storeExtra, "", "package store\n\nimport \"context\"\n\n// Planted hears of messages too soon.\nvar Planted func(ctx context.Context, m *Message)\n"},
			{appendFile, "	b.rows = make([]Message, 0, len(b.drafts))", `	defer func() {
		for i := range b.out {
			if o := &b.out[i]; o.Err == nil && !o.Dup {
				Planted(ctx, &o.Message)
			}
		}
	}()
	b.rows = make([]Message, 0, len(b.drafts))`},
			{chatFile, "c.traces = newTracer(c)", `c.traces = newTracer(c)
	store.Planted = func(ctx context.Context, m *store.Message) {
		if sides, err := c.partiesOf(ctx, m.RoomID); err == nil {
			c.fanOut(m, sides, nil)
		}
	}`},
		}},
		{"the ack leaves although COMMIT failed", "cut before commit", []checker.Kind{checker.Lost}, []edit{
			{pipelinedFile, `return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)`, "return nil"},
		}},
		{"the seq is taken outside the transaction", "cut before commit", []checker.Kind{checker.Disordered}, []edit{
			{storeExtra, "", `package store

import (
	"sync"

	"mall/modules/platform/id"
)

var (
	plantedLock sync.Mutex
	plantedSeqs = map[id.ID]int64{}
)

// plantedNext numbers without a ROLLBACK.
func plantedNext(room id.ID, head int64) int64 {
	plantedLock.Lock()
	defer plantedLock.Unlock()
	plantedSeqs[room] = max(plantedSeqs[room], head) + 1
	return plantedSeqs[room]
}
`},
			{appendFile, "m := Message{RoomID: room.ID", "room.Head = plantedNext(room.ID, room.Head-1)\n\tm := Message{RoomID: room.ID"},
		}},
		{"no unique key, no look for it", "cut after commit", []checker.Kind{checker.Doubled}, withoutRetryKey()},
		{"no unique key, no look for it, at once", "same key 8 times", []checker.Kind{checker.Doubled}, withoutRetryKey()},
		{"a seat for everybody", "calm", []checker.Kind{checker.Foreign}, []edit{
			{accessFile, `return seat{}, fault.Missing("room")`, "return seat{sides, room, store.Shop}, nil"},
		}},
	}
}

func withoutRetryKey() []edit {
	return []edit{
		{retryKey, ",\n  UNIQUE KEY chat_messages_retry (room_id, sender_id, client_msg_id)", ""},
		{retryFile, "found[retryKey{m.RoomID, m.SenderID, m.ClientMsgID}] = m", "_ = m"},
	}
}

// tellingPlants break who is told what, and when.
func tellingPlants() []plant {
	return []plant{
		{"no sweep", "last publishes lost", []checker.Kind{checker.Lost}, []edit{
			{chatFile, "beside.Go(func() { c.sweeper(ctx) })", "_ = c.sweeper"},
		}},
		{"the sweep tells no receipts", "last publishes lost", []checker.Kind{checker.Lost}, []edit{
			{sweepFile, "if c.receipts.note(to, cur) {", "if false {"},
		}},
		{"a resume skips a message", "clients flapping", []checker.Kind{checker.Lost, checker.Disordered}, []edit{
			{resumeFile, "s.stream.Resume(room, after)", "s.stream.Resume(room, after+1)"},
		}},
		{"news of one party is told to all", "calm", []checker.Kind{checker.Foreign}, []edit{
			{relayFile, "r.hub.Message(p, id.ID(head[2:18]), seq, frame, nil)", "for _, p := range r.hub.Parties() {\n\t\t\tr.hub.Message(p, id.ID(head[2:18]), seq, frame, nil)\n\t\t}"},
		}},
		{"forged news is believed", "forged hints", []checker.Kind{checker.Foreign}, []edit{
			{sealFile, "s.aead.Seal(text[:headSize], text[nonceAt:headSize], text[headSize:], bytesOf(channel))", "append(text, make([]byte, markSize)...)"},
			{sealFile, "by.Open(buffer, s.text[nonceAt:headSize], s.text[headSize:], bytesOf(s.channel))", "append(buffer, s.text[headSize:len(s.text)-markSize]...), error(nil)"},
			{sealFile, "if n > w.top {\n\t\treturn true\n\t}\n\treturn w.top-n", "if n >= 0 {\n\t\treturn true\n\t}\n\treturn w.top-n"},
		}},
		{"an event stream leaves out every seventh message", "calm", []checker.Kind{checker.Disordered}, []edit{
			{eventsExtra, "", `package events

import (
	"bytes"
	"sync/atomic"
)

var plantedCount atomic.Int64

func plantedLoss(frame []byte) bool {
	return bytes.Contains(frame, []byte("\"type\":\"message\"")) && plantedCount.Add(1)%7 == 0
}
`},
			{eventsFile, "c.queue = append(c.queue, f)", "if plantedLoss(f) {\n\t\t\tcontinue\n\t\t}\n\t\tc.queue = append(c.queue, f)"},
		}},
		{"no end to a slow reader's queue", "slow reader", []checker.Kind{checker.Other}, []edit{
			{socketFile, "if len(c.queue) >= c.cfg.QueueFrames || c.bytes+len(frame) > c.cfg.QueueBytes {", "if false {"},
		}},
		{"no drain", "rolling restart", []checker.Kind{checker.Other}, []edit{
			{mallFile, "\tm.onStop(m.Chat.Drain)\n", ""},
		}},
		{"nobody hears of a login's end", "credentials", []checker.Kind{checker.Late}, []edit{
			{mallFile, "\tm.Members.OnChanged(m.Chat.MemberChanged)\n", ""},
		}},
		{"a connection leaves goroutines behind", "calm", []checker.Kind{checker.Leak}, []edit{
			{sessionFile, "s.chat.forget(s)", "s.chat.forget(s)\n\tfor range 10 {\n\t\tgo func() { select {} }()\n\t}"},
		}},
	}
}
