package attacks_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"mall/modules/platform/id"
)

// flood is what one address, or one member from many, may not do without an end.
type flood struct {
	name string
	most int // calls after which at least one must have been refused
	ask  func(w *world, p *person, i int) answer
	wide bool // each call comes from another address: the member is what is limited
}

var floods = []flood{
	{"logins from one address", 120, func(_ *world, p *person, _ int) answer {
		return p.call("POST", "/auth/login", object{"email": someone(), "password": "not it"})
	}, false},
	{"sign-ups from one address", 60, func(_ *world, p *person, _ int) answer {
		return p.call("POST", "/members", object{"email": someone(), "password": password, "name": "새 사람"})
	}, false},
	{"reset links from one address", 100, func(_ *world, p *person, _ int) answer {
		return p.call("POST", "/password-resets", object{"email": someone()})
	}, false},
	{"searches from one address", 1500, func(_ *world, p *person, i int) answer {
		return p.call("GET", fmt.Sprintf("/products?q=머그%d", i), nil)
	}, false},
	{"pages from one address", 6000, func(_ *world, p *person, _ int) answer {
		return p.call("GET", "//.well-known/security.txt", nil)
	}, false},
	{"history of one member", 3000, func(w *world, p *person, _ int) answer {
		return p.call("GET", "/chat/rooms/"+w.room+"/messages?limit=100", nil)
	}, true},
	{"writes of one member", 1500, func(w *world, p *person, i int) answer {
		return p.call("PUT", "/chat/rooms/"+w.room+"/cursor", object{"read_seq": i % 2})
	}, true},
	{"links to prove an address", 60, func(_ *world, p *person, _ int) answer { return p.call("POST", "/me/email-proof", nil) }, true},
	{"shops of one member", 60, func(_ *world, p *person, i int) answer {
		return p.call("POST", "/shops", object{"name": fmt.Sprintf("가게 %d", i)})
	}, true},
}

// TestFloods plays each flood against a mall with the limits that it has when nobody sets any, while somebody else talks.
func TestFloods(t *testing.T) {
	t.Parallel()
	w := newWorld(t, posted(t, embedded))
	for _, f := range floods {
		t.Run(f.name, func(t *testing.T) {
			w.in(t).play(t, f)
		})
	}
}

func (w *world) play(t *testing.T, f flood) {
	p := w.m.member(t, "flood")
	w.m.prove(p)
	if f.name == "history of one member" || f.name == "writes of one member" {
		p = w.staff("agent", w.shop)
	}
	other := w.m.member(t, "somebody else")
	room := w.openRoom(other)
	l := other.connect()
	var refused answer
	var mu sync.Mutex
	var callers sync.WaitGroup
	next, stop := 0, false
	for range 8 {
		callers.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				done := stop || i >= f.most
				mu.Unlock()
				if done {
					return
				}
				from := p
				if f.wide {
					from = p.from(fmt.Sprintf("198.19.%d.%d", i/250%250, i%250+1))
				}
				a := f.ask(w, from, i)
				if a.status == http.StatusTooManyRequests || a.code() == "shop_limit" || a.status >= 500 && a.code() != "busy" {
					mu.Lock()
					refused, stop = a, true
					mu.Unlock()
				}
			}
		})
	}
	slowest := talk(t, l, room, func() bool { mu.Lock(); defer mu.Unlock(); return stop || next >= f.most })
	callers.Wait()
	switch {
	case refused.status == 0:
		t.Errorf("%d in a row, and none was refused", f.most)
	case refused.code() != "shop_limit":
		limited(refused)
	}
	if slowest > 2*time.Second {
		t.Errorf("meanwhile an ack took %v", slowest)
	}
	w.m.stranger(t).call("GET", "/products", nil).want(200, "")
}

// talk sends until it is done, and gives the time that the slowest ack took.
func talk(t *testing.T, l *line, room string, done func() bool) (slowest time.Duration) {
	t.Helper()
	for i := 0; ; i++ {
		request := fmt.Sprintf("talk %d", i)
		began := time.Now()
		l.say(object{"type": "send", "id": request, "room_id": room, "client_msg_id": id.New().String(), "body": "아직 되나요?"})
		if got := l.verdict(request); got != "ack" {
			t.Errorf("a send beside a flood: %s", got)
			return slowest
		}
		slowest = max(slowest, time.Since(began))
		if done() {
			return slowest
		}
		wait(t, 150*time.Millisecond)
	}
}

// Hashing a password costs what a login is worth: those that cannot be done soon are refused at once, and the mall goes on.
func TestParallelLoginsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, embedded(t, generous()...))
	victim, talker := w.m.account(t, "victim"), w.m.member(t, "talker")
	room := w.openRoom(talker)
	l := talker.connect()
	const n = 150
	answers := make([]answer, n)
	var callers sync.WaitGroup
	began := time.Now()
	for i := range n {
		p := w.m.stranger(t)
		callers.Go(func() {
			answers[i] = p.call("POST", "/auth/login", object{"email": victim.email, "password": victim.password})
		})
	}
	over := make(chan struct{})
	go func() { callers.Wait(); close(over) }()
	slowest := talk(t, l, room, func() bool {
		select {
		case <-over:
			return true
		default:
			return false
		}
	})
	took := time.Since(began)
	busy, fine := 0, 0
	for _, a := range answers {
		switch {
		case a.status == 200:
			fine++
		case (a.status == 503 || a.status == 429) && a.header.Get("Retry-After") != "":
			busy++
		default:
			t.Errorf("%s", a)
		}
	}
	if fine == 0 || busy == 0 {
		t.Errorf("%d logins were answered and %d refused; the queue is to be bounded", fine, busy)
	}
	if took > 10*time.Second {
		t.Errorf("the last of %d was answered after %v", n, took)
	}
	if slowest > 2*time.Second {
		t.Errorf("meanwhile an ack took %v", slowest)
	}
}
