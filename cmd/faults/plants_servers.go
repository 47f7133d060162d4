package main

import "mall/cmd/faults/internal/checker"

// Where these bugs are planted.
const (
	historyFile   = "modules/chat/internal/store/history.go"
	statementFile = "modules/chat/internal/store/statement.go"
	writeFile     = "modules/chat/internal/store/write.go"
	roomsFile     = "modules/chat/internal/store/rooms.go"
	inquiryFile   = "modules/chat/inquiry.go"
	chatExtra     = "modules/chat/planted.go"
	promoteFile   = "configs/mariadb/promote.sh"
)

// serverPlants are bugs that show while clocks are wrong, the database is sick for long, or rooms come and go.
func serverPlants() []plant {
	return []plant{
		{"the sweep looks by the instance's own clock", "db clock -1h, no redis", []checker.Kind{checker.Lost}, lookingSince("return time.Now().UTC().Add(-10 * time.Second)")},
		{"the sweep looks by a clock that nobody has set", "only reads, db -20s", []checker.Kind{checker.Lost}, lookingSince("return time.Now().UTC().Add(-10 * time.Second)")},
		{"messages are timed by the instance's own clock", "own clock -30m, no redis", []checker.Kind{checker.Lost}, []edit{
			{statementFile, `return q.raw("UTC_TIMESTAMP(6)")`, "return q.at(time.Now())"},
		}},
		{"no sweep looks back further than 12 s", "25s without db", []checker.Kind{checker.Lost}, lookingSince(atMost("12"))},
		{"a room's moment is given before its COMMIT leaves", "commit 15s late", []checker.Kind{checker.Lost}, []edit{
			{writeFile, `.now(r.UpdatedAt)`, `.at(r.UpdatedAt)`},
		}},
		{"no sweep looks back further than 8 s", "commits held 12s", []checker.Kind{checker.Lost}, lookingSince(atMost("8"))},
		{"the ack leaves although COMMIT is held", "commits held 12s", []checker.Kind{checker.Other}, []edit{
			{pipelinedFile, `return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)`, "return nil"},
		}},
		{"of two tabs that open a room one is refused", "changes, calm", []checker.Kind{checker.Other}, []edit{
			{roomsFile, `if fault.CodeOf(err) != "duplicate" || attempt == 2 {`, `if fault.CodeOf(err) != "duplicate" || attempt >= 0 {`},
		}},
		{"nobody is told that an inquiry is open again", "changes, calm", []checker.Kind{checker.Lost}, []edit{
			{inquiryFile, `return "inquiry_reopened"`, `return ""`},
		}},
		{"who knows a lost room is refused", "restored, rooms lost", []checker.Kind{checker.Late}, []edit{
			{resumeFile, "foreign := r.Epoch != s.chat.epoch()", `for room := range r.Rooms {
		if _, err := s.chat.store.Room(s.context(), room); err != nil {
			return nil, err
		}
	}
	foreign := r.Epoch != s.chat.epoch()`},
		}},
		{"the end waits until the database answers", "deploy, db frozen", []checker.Kind{checker.Other}, []edit{
			{chatFile, "c.flushMoves(ctx)", "for c.plantedAway() {\n\t}\n\tc.flushMoves(ctx)"},
			{chatExtra, "", `package chat

import "context"

func (c *Chat) plantedAway() bool {
	_, err := c.store.Epoch(context.Background())
	return err != nil
}
`},
		}},
		{"the Sentinels are believed once", "sentinel failover", []checker.Kind{checker.Late}, []edit{
			{"modules/platform/pubsub/redis.go", "c := redis.NewFailoverClient(options)", `kept := ""
		options.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if !slices.Contains(cfg.nodes(), addr) {
				kept = cmp.Or(kept, addr)
				addr = kept
			}
			return dial(ctx, network, addr)
		}
		c := redis.NewFailoverClient(options)`},
			{"modules/platform/pubsub/redis.go", "import (", "import (\n\t\"cmp\""},
		}},
		{"a counter without a lock", "calm", []checker.Kind{checker.Race}, []edit{
			{chatExtra, "", "package chat\n\nvar plantedMarks int\n"},
			{sessionFile, "s.mark(r, r.Seq, 0)", "for range 2 {\n\t\t\tgo func() {\n\t\t\t\tfor range 1000 {\n\t\t\t\t\tplantedMarks++\n\t\t\t\t}\n\t\t\t}()\n\t\t}\n\t\ts.mark(r, r.Seq, 0)"},
		}},
	}
}

// pairPlants are bugs that show while another server takes over.
func pairPlants() []plant {
	return []plant{
		{"what no replica has confirmed is acked", "semi-sync primary cut off", []checker.Kind{checker.Lost}, []edit{
			{pipelinedFile, `return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)`, "return nil"},
		}},
		{"a replica is promoted before it has applied all", "replica lags, primary killed", []checker.Kind{checker.Lost}, []edit{
			{promoteFile, `run "START SLAVE SQL_THREAD" "$@"`, ":"},
			{promoteFile, "  waited=0\n", "  return 0\n"},
		}},
		{"nobody looks for what the database has lost", "lossy failover", []checker.Kind{checker.Lost}, []edit{
			{sweepFile, "\t\tc.lookForLosses(ctx)\n", ""},
		}},
	}
}

// lookingSince lets sweeps ask for what has changed since another moment.
func lookingSince(body string) []edit {
	return []edit{
		{storeExtra, "", "package store\n\nimport \"time\"\n\nfunc plantedSince(since time.Time) time.Time {\n\t" + body + "\n}\n"},
		{historyFile, `raw(" AND head > 0 AND updated_at > ").at(since)`, `raw(" AND head > 0 AND updated_at > ").at(plantedSince(since))`},
	}
}

func atMost(seconds string) string {
	return "if most := time.Now().UTC().Add(-" + seconds + " * time.Second); since.Before(most) {\n\t\treturn most\n\t}\n\treturn since"
}
