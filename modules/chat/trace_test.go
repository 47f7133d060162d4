package chat_test

import (
	"encoding/json"
	"testing"
	"time"

	"mall/modules/platform/id"
)

func TestWhereIsMyMessage(t *testing.T) {
	m, _ := pair(t)
	r := m.openRoom(t, "buyer")
	buyer, owner, agent := m.connect(t, 0, "buyer"), m.connect(t, 1, "owner"), m.listen(t, 1, "agent")
	agent.want("welcome")
	buyer.say(send(r.ID, "어디 있나요?"))
	buyer.want("ack")
	owner.want("message")
	agent.want("message")
	owner.say(map[string]any{"type": "read", "room_id": r.ID, "seq": 1})
	buyer.want("receipt")
	path := "/chat/rooms/" + r.ID.String() + "/messages/1/trace"
	for who, want := range map[string]int{"": 401, "buyer": 404, "owner": 404, "operator": 403} {
		if status, text := m.call(t, 0, who, "GET", path, nil); status != want {
			t.Errorf("%q without a reason: %d %s, want %d", who, status, text, want)
		}
	}
	status, text := m.call(t, 1, "operator", "GET", path, nil, "X-Access-Reason", "the buyer asks where it is")
	if status != 200 {
		t.Fatalf("trace: %d %s", status, text)
	}
	var trace struct {
		StoredAt    time.Time  `json:"stored_at"`
		PublishedAt *time.Time `json:"published_at"`
		PublishedBy id.ID      `json:"published_by"`
		Instances   int
		Sessions    []struct {
			Instance  id.ID
			Party     string
			Transport string
			Pushed    bool
		}
		Readers []struct {
			MemberID id.ID `json:"member_id"`
			Party    string
			ReadSeq  int64      `json:"read_seq"`
			ReadAt   *time.Time `json:"read_at"`
		}
	}
	check(t, json.Unmarshal(text, &trace))
	if trace.Instances != 2 || trace.PublishedAt == nil || trace.PublishedBy.IsZero() || trace.StoredAt.IsZero() {
		t.Errorf("trace %s", text)
	}
	kinds := map[string]int{}
	for _, s := range trace.Sessions {
		kinds[s.Party+" "+s.Transport]++
		if !s.Pushed {
			t.Errorf("not pushed to %+v", s)
		}
	}
	if kinds["buyer socket"] != 1 || kinds["shop socket"] != 1 || kinds["shop events"] != 1 {
		t.Errorf("sessions %v", kinds)
	}
	if len(trace.Readers) != 1 || trace.Readers[0].MemberID != ownerID || trace.Readers[0].ReadAt == nil {
		t.Errorf("readers %+v", trace.Readers)
	}
	if status, _ := m.call(t, 0, "operator", "GET", "/chat/rooms/"+r.ID.String()+"/messages/9/trace", nil, "X-Access-Reason", "there is no such one"); status != 404 {
		t.Errorf("a message that is not there: %d", status)
	}
}
