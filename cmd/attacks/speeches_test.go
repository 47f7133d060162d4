package attacks_test

import (
	"database/sql"
	"fmt"
	"testing"

	"mall/modules/platform/id"
)

// speech plays one row of the table of frames on somebody's socket, and gives what became of it as the table says it.
type speech func(w *world, p *person, l *line, request string) string

var speeches = map[string]speech{
	"send": func(w *world, _ *person, l *line, request string) string {
		l.say(object{"type": "send", "id": request, "room_id": w.room, "client_msg_id": id.New().String(), "body": "안녕하세요"})
		return l.verdict(request)
	},
	"resume": func(w *world, _ *person, l *line, request string) string {
		epoch, _ := l.look(of("welcome"))
		l.say(object{"type": "resume", "id": request, "epoch": epoch["epoch"], "rooms": object{w.room: 0}})
		f := l.await("the end of a resume", answers(request))
		if f["missing"] != nil {
			return f.text("type") + ", missing"
		}
		return f.text("type")
	},
	"delivered": func(w *world, p *person, l *line, request string) string { return w.mark(p, l, request, "delivered") },
	"read":      func(w *world, p *person, l *line, request string) string { return w.mark(p, l, request, "read") },
	"typing": func(w *world, p *person, l *line, request string) string {
		witness := w.buyer
		if p == w.buyer {
			witness = w.owner
		}
		heard := witness.connect()
		l.say(object{"type": "typing", "id": request, "room_id": w.room, "on": true})
		return l.either(request, "heard", func() bool {
			_, ok := heard.look(func(f frame) bool { return f.text("type") == "typing" && f.text("member_id") == p.id })
			return ok
		})
	},
	"auth": func(_ *world, p *person, l *line, request string) string {
		l.say(object{"type": "auth", "id": request, "token": p.again().token})
		return l.verdict(request)
	},
	"auth (another's token)": func(w *world, p *person, l *line, request string) string {
		other := w.buyer
		if p == w.buyer {
			other = w.owner
		}
		l.say(object{"type": "auth", "id": request, "token": other.token})
		return l.verdict(request)
	},
	"ping": func(_ *world, _ *person, l *line, request string) string {
		l.say(object{"type": "ping", "id": request})
		return l.verdict(request)
	},
}

// playFrame lets each role say the frame, on a socket of its own.
func (w *world) playFrame(t *testing.T, row cells) {
	say, ok := speeches[row.name]
	if !ok {
		t.Fatalf("nothing plays %s", row.name)
	}
	for i, role := range roles {
		if row.want[i] == "-" {
			continue
		}
		p, headers := w.who(role)
		if got := w.speak(p, headers, say); got != row.want[i] {
			t.Errorf("%s: %s, want %s", role, got, row.want[i])
		}
	}
}

func (w *world) speak(p *person, headers []header, say speech) string {
	l, status, err := p.handshake(headers...)
	if err != nil {
		return fmt.Sprint(status)
	}
	defer l.conn.Close()
	l.await("a welcome", of("welcome"))
	return say(w, p, l, "request-"+id.New().String())
}

// verdict is what a request was answered: the kind of the frame, an error's code, or the code of the close.
func (l *line) verdict(request string) string {
	return l.either(request, "", func() bool { return false })
}

// either is verdict for what is not answered when it goes well: then done says so.
func (l *line) either(request, well string, done func() bool) (got string) {
	l.t.Helper()
	until(l.t, "an answer to "+request, func() bool {
		f, answered := l.look(answers(request))
		switch {
		case answered && f.text("type") == "error":
			got = f.text("code")
		case answered:
			got = f.text("type")
		case done():
			got = well
		case l.ended():
			got = fmt.Sprint(l.code())
		}
		return got != ""
	})
	return got
}

// mark moves a cursor; that it moved is seen in the database, since nothing is answered.
func (w *world) mark(p *person, l *line, request, kind string) string {
	seq := w.say(w.buyer, w.room, "하나 더요")
	l.say(object{"type": kind, "id": request, "room_id": w.room, "seq": seq})
	query := "SELECT delivered_seq, read_seq FROM chat_member_cursors WHERE room_id = ? AND member_id = ?"
	return l.either(request, "moved", func() bool {
		var delivered, read int64
		err := w.m.db.Query(w.t.Context(), query, []any{id.MustParse(w.room), id.MustParse(p.id)},
			func(rows *sql.Rows) error { return rows.Scan(&delivered, &read) })
		if err != nil {
			w.t.Fatal(err)
		}
		return delivered >= seq && (kind == "delivered" || read >= seq)
	})
}
