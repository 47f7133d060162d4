package chat_test

import (
	"log/slog"
	"testing"

	"mall/modules/member"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// elsewhere are the members of another instance whose news reaches nobody: what the instances of the mall remember of
// their callers stays as it is.
func elsewhere(t *testing.T, cfg db.Config) *member.Members {
	t.Helper()
	startInstance(t, cfg, "").stop() // its people are there from now on
	others, err := member.New(settings(t, cfg, "").Member, member.Deps{DB: testservers.Open(t, cfg), Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	return others
}

// wantNothing tries all that staff may write with what this instance remembers of them, and wants none of it to be taken.
func (m *mall) wantNothing(t *testing.T, c *client, r room, sent map[string]any) {
	t.Helper()
	path := "/chat/rooms/" + r.ID.String()
	before := m.room(t, 0, "buyer", r.ID)
	for what, frame := range map[string]map[string]any{"a send": send(r.ID, "나는 아직 직원"), "a send of an empty body": send(r.ID, ""), "a retry": sent} {
		c.say(frame)
		if got := c.skipTo("error"); got.Code != "not_found" || got.Retryable {
			t.Errorf("%s on the socket: %+v", what, got)
		}
	}
	m.rest(t, 0, "agent", "POST", path+"/messages", map[string]any{"client_msg_id": id.New(), "body": "나는 아직 직원"}, 404, nil)
	m.rest(t, 0, "agent", "PATCH", path+"/inquiries/"+r.Inquiry.ID.String(), map[string]any{"state": "done"}, 404, nil)
	if now := m.room(t, 0, "buyer", r.ID); now.Head != before.Head || now.Inquiry.State != before.Inquiry.State {
		t.Errorf("something was stored: %+v, before %+v", now, before)
	}
}

// Who is no longer of a shop's staff writes nothing from that moment on, whatever instances remember.
func TestARemovedStaffMemberWritesNothing(t *testing.T) {
	for name, cfg := range map[string]db.Config{"sqlite": testservers.SQLite(t), "mysql": testservers.MySQL(t)} {
		t.Run(name, func(t *testing.T) {
			others := elsewhere(t, cfg)
			m := newMall(t, cfg, "", 1)
			r := m.openRoom(t, "buyer")
			c := m.connect(t, 0, "agent")
			sent := send(r.ID, "무엇을 도와드릴까요?")
			c.say(sent)
			c.skipTo("ack")
			m.room(t, 0, "agent", r.ID) // the instance knows the login
			check(t, others.RemoveStaff(t.Context(), ownerID, shopID, agentID))
			m.wantNothing(t, c, r, sent)
			m.rest(t, 0, "owner", "POST", "/chat/rooms/"+r.ID.String()+"/messages", map[string]any{"client_msg_id": id.New(), "body": "네"}, 201, nil)
		})
	}
}

// The same, for staff who are kept out of the mall altogether.
func TestABannedStaffMemberWritesNothing(t *testing.T) {
	cfg := testservers.MySQL(t)
	others := elsewhere(t, cfg)
	m := newMall(t, cfg, "", 1)
	r := m.openRoom(t, "buyer")
	c := m.connect(t, 0, "agent")
	sent := send(r.ID, "무엇을 도와드릴까요?")
	c.say(sent)
	c.skipTo("ack")
	check(t, others.Ban(t.Context(), agentID))
	c.say(send(r.ID, "나는 아직 직원"))
	if got := c.skipTo("error"); got.Code != "not_found" {
		t.Errorf("a send: %+v", got)
	}
	if now := m.room(t, 0, "buyer", r.ID); now.Head != 1 {
		t.Errorf("head %d", now.Head)
	}
}

// A Redis that stands still keeps the news from the instance where the removed member is connected.
func TestARemovedStaffMemberWritesNothingWhileRedisIsFrozen(t *testing.T) {
	m, redis := pair(t)
	r := m.openRoom(t, "buyer")
	c := m.connect(t, 0, "agent")
	m.token(t, "owner")
	sent := send(r.ID, "무엇을 도와드릴까요?")
	c.say(sent)
	c.skipTo("ack")
	m.room(t, 0, "agent", r.ID)
	check(t, redis.Pause())
	t.Cleanup(func() { check(t, redis.Resume()) })
	m.rest(t, 1, "owner", "DELETE", "/shops/"+shopID.String()+"/staff/"+agentID.String(), nil, 204, nil)
	m.wantNothing(t, c, r, sent)
}
