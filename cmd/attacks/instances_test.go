package attacks_test

import (
	"testing"
	"time"

	"mall/modules/platform/id"
)

var instanceAttacks = []attack{
	{"sockets over all instances", "opens more sockets than one may, over several instances", "no more than 10 in all; 4409 for the rest", socketsOverAll},
	{"a room that is not theirs", "measures whether a room exists", "the same answer in the same time", roomTimes},
	{"blocked", "goes on writing to a shop that has blocked them", "a plain `blocked`, and nothing stored", blocked},
	{"removed staff while Redis is frozen", "goes on writing after being taken off the staff, while no news travels", "refused from the next send on", removedWhileFrozen},
}

func socketsOverAll(t *testing.T, w *world) {
	p := w.member("many")
	var lines []*line
	for i := range 8 {
		for instance := range 2 {
			l, _, err := p.at(instance).handshake()
			if err != nil {
				continue
			}
			lines = append(lines, l)
			if i > 0 {
				within(time.Second, func() bool { _, ok := l.look(of("welcome")); return ok || l.ended() })
			}
		}
	}
	open := func() (n int) {
		for _, l := range lines {
			if !l.ended() {
				n++
			}
		}
		return n
	}
	if !within(10*time.Second, func() bool { return open() <= 10 }) {
		t.Errorf("%d sockets of one member are open", open())
	}
	if n := open(); n < 8 {
		t.Errorf("only %d sockets are open", n)
	}
	for _, l := range lines {
		if l.ended() && l.code() != 4409 {
			t.Errorf("closed with %d", l.code())
		}
		_ = l.conn.Close()
	}
}

func roomTimes(t *testing.T, w *world) {
	p := w.member("curious")
	times := map[string][]time.Duration{}
	for range 150 {
		for name, room := range map[string]string{"foreign": w.room, "missing": id.New().String()} {
			began := time.Now()
			p.call("GET", "/chat/rooms/"+room, nil).want(404, "not_found")
			times[name] = append(times[name], time.Since(began))
		}
	}
	foreign, missing := median(times["foreign"]), median(times["missing"])
	if foreign > missing*5/4 || missing > foreign*5/4 {
		t.Errorf("a foreign room is refused after %v, a missing one after %v", foreign, missing)
	}
}

func removedWhileFrozen(t *testing.T, w *world) {
	agent := w.staff("agent", w.shop)
	l := agent.connect()
	send := func(request string) string {
		l.say(object{"type": "send", "id": request, "room_id": w.room, "client_msg_id": id.New().String(), "body": "아직 여기 있어요"})
		return l.verdict(request)
	}
	if got := send("before"); got != "ack" {
		t.Fatalf("one of the staff: %s", got)
	}
	if err := w.m.redis.Pause(); err != nil {
		t.Fatal(err)
	}
	resumed := false
	defer func() {
		if !resumed {
			_ = w.m.redis.Resume()
		}
	}()
	w.owner.at(1).patient("DELETE", "/shops/"+w.shop+"/staff/"+agent.id, nil).must(204)
	if a := agent.call("POST", "/chat/rooms/"+w.room+"/messages", message("나 아직 있어요")); a.status == 201 {
		t.Errorf("a removed agent writes by REST: %s", a)
	}
	if got := send("after"); got == "ack" {
		t.Error("a removed agent writes by the socket")
	}
	if a := agent.call("PATCH", "/chat/rooms/"+w.room+"/inquiries/"+w.inquiry(), object{"state": "done"}); a.ok() {
		t.Errorf("a removed agent closes an inquiry: %s", a)
	}
	resumed = true
	if err := w.m.redis.Resume(); err != nil {
		t.Fatal(err)
	}
	w.say(w.buyer, w.room, "이제 안 들리죠?")
	if !l.ends(soon) {
		t.Error("the socket of a removed agent is open")
	}
}

func blocked(t *testing.T, w *world) {
	p := w.member("nuisance")
	room := w.openRoom(p)
	w.say(p, room, "?")
	l, console := p.connect(), w.agent.at(1).connect()
	w.agent.patient("PUT", "/chat/rooms/"+room+"/block", nil).must(200)
	a := p.at(1).patient("POST", "/chat/rooms/"+room+"/messages", message("듣고 있나요?"))
	if a.status < 400 || a.code() != "blocked" {
		t.Errorf("by REST: %s, want blocked", a)
	}
	l.say(object{"type": "send", "id": "1", "room_id": room, "client_msg_id": id.New().String(), "body": "듣고 있나요?"})
	if got := l.verdict("1"); got != "blocked" {
		t.Errorf("by the socket: %s, want blocked", got)
	}
	l.say(object{"type": "typing", "room_id": room, "on": true})
	l.settle()
	console.settle()
	text := func(f frame) bool {
		return f.text("room_id") == room && f.text("type") == "message" && f["kind"] != "notice"
	}
	if n := console.count(text); n != 0 {
		t.Errorf("%d messages of a blocked member reached the console", n)
	}
	p.patient("DELETE", "/chat/rooms/"+room+"/block", nil)
	if a := p.patient("POST", "/chat/rooms/"+room+"/messages", message("풀었어요")); a.code() != "blocked" {
		t.Errorf("the blocked unblocks: %s", a)
	}
	if second := p.patient("POST", "/chat/rooms", object{"shop_id": w.shop}); second.ok() {
		if a := p.patient("POST", "/chat/rooms/"+second.id()+"/messages", message("다른 문으로")); a.code() != "blocked" {
			t.Errorf("by another subject: %s", a)
		}
	}
	w.agent.patient("DELETE", "/chat/rooms/"+room+"/block", nil).must(200)
	w.say(p, room, "고맙습니다")
}
