package main

import "mall/cmd/faults/internal/checker"

// More places.
const (
	corkFile    = "modules/chat/internal/socket/cork.go"
	pageFile    = "modules/chat/history.go"
	streamFile  = "modules/chat/internal/stream/stream.go"
	streamExtra = "modules/chat/internal/stream/planted.go"
	sendFile    = "modules/chat/send.go"
	limitFile   = "modules/chat/internal/limit/limit.go"
)

// clientPlants break what single connections are promised.
func clientPlants() []plant {
	return []plant{
		{"a buffer is given back with what it holds", "lines dropped", []checker.Kind{checker.Foreign}, []edit{
			{corkFile, "c.held = corks.Get().(*[]byte)", "c.held = corks.Get().(*[]byte)\n\treturn"}, // whatever would empty it
			{corkFile, "\terr := c.flush(held)\n", "\tkept := *held\n\terr := c.flush(held)\n\tif err != nil {\n\t\t*held = kept\n\t}\n"},
		}},
		{"a page's memory is given back too early", "lines dropped", []checker.Kind{checker.Foreign, checker.Other}, []edit{
			{pageFile, "\t\tb = p.buffer.text\n", "\t\tb = p.buffer.text\n\t\tpageBuffers.Put(p.buffer)\n"},
		}},
		{"a stream begins at the first message it sees", "everybody at once", []checker.Kind{checker.Lost}, []edit{
			{streamExtra, "", `package stream

import (
	"sync"

	"mall/modules/platform/id"
)

type plantedPlace struct {
	stream *Stream
	room   id.ID
}

var plantedSeen sync.Map
`},
			{streamFile, "func (s *Stream) Offer(rid id.ID, seq int64, frame []byte) Step {", `func (s *Stream) Offer(rid id.ID, seq int64, frame []byte) Step {
	if _, seen := plantedSeen.LoadOrStore(plantedPlace{s, rid}, true); !seen {
		s.rooms[rid] = &room{last: seq - 1}
	}`},
		}},
		{"a retry is a send like any other", "retries of another world", []checker.Kind{checker.Doubled}, withoutRetryKey()},
		{"each instance counts sends by itself", "limit of sends, rolling restart", []checker.Kind{checker.Other}, []edit{
			{limitFile, "away := share.isAway()", "away := share.isAway() || true"},
		}},
		{"words in a log", "secrets", []checker.Kind{checker.Foreign}, []edit{
			{sendFile, "\tif after, ok := c.mayWrite(ctx, p.MemberID); !ok {", "\tc.log.Debug(\"a send\", \"room\", d.Room, \"body\", d.Body)\n\tif after, ok := c.mayWrite(ctx, p.MemberID); !ok {"},
		}},
		{"who resumes waits for all who read slowly", "slow resumers", []checker.Kind{checker.Late, checker.Lost}, []edit{
			{chatExtra, "", "package chat\n\nimport \"sync\"\n\nvar plantedTurn sync.Mutex\n"},
			{sessionFile, "go s.resume(r)", "go func() {\n\t\t\tplantedTurn.Lock()\n\t\t\tdefer plantedTurn.Unlock()\n\t\t\ts.resume(r)\n\t\t}()"},
		}},
		{"an event stream has no end to its queue", "slow listeners", []checker.Kind{checker.Other, checker.Leak}, []edit{
			{eventsFile, "if len(c.queue) >= c.cfg.QueueFrames || c.bytes+len(f) > c.cfg.QueueBytes {", "if false {"},
			{eventsFile, "writeLimit  = 5 * time.Second", "writeLimit  = time.Hour"},
		}},
	}
}
