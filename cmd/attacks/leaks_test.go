package attacks_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/id"
)

var leakAttacks = []attack{
	{"hidden products", "looks for a hidden product's name and price by every way there is", "nothing that only its shop may know", hiddenProduct},
	{"method names", "calls with thousands of invented methods", "one more series in /metrics, named other", inventedMethods},
	{"what errors tell", "makes the mall fail in every way it can think of", "no file, no SQL, no stack, no address", errorTexts},
	{"the log", "looks for secrets in what the mall writes down", "a line of what happened, with nobody's secret", secretsInTheLog},
	{"what others' orders are", "reads the numbers and ids of orders that are not theirs", "the answer for one that does not exist", foreignOrders},
}

func hiddenProduct(t *testing.T, w *world) {
	p := w.member("curious")
	name, price := "숨은 것 7c1f", "77777123"
	hidden := w.owner.patient("POST", "/shops/"+w.shop+"/products", object{"name": name, "category": "home", "price_won": 77777123, "stock": 5, "hidden": true}).must(201).id()
	room := w.openRoom(p)
	looks := []answer{
		p.patient("GET", "/products/"+hidden, nil), p.patient("GET", "/products?shop_id="+w.shop+"&limit=100", nil),
		p.patient("GET", "/products?q=7c1f", nil), p.patient("POST", "/chat/rooms", object{"shop_id": w.shop, "product_id": hidden}),
		p.patient("POST", "/chat/rooms/"+room+"/messages", object{"client_msg_id": id.New().String(), "card": object{"kind": "product", "id": hidden}}),
		p.patient("POST", "/orders", orderOf(w.shop, hidden)), p.patient("GET", "/chat/rooms/"+room, nil),
		p.patient("GET", "/chat/rooms/"+room+"/messages", nil), p.patient("GET", "/products/"+hidden+"/image.svg", nil),
	}
	for _, a := range looks {
		if strings.Contains(string(a.body), name) || strings.Contains(string(a.body), price) {
			t.Errorf("%s tells of it: %s", a.call, a)
		}
	}
	l := p.connect()
	l.say(object{"type": "send", "id": "card", "room_id": room, "client_msg_id": id.New().String(), "card": object{"kind": "product", "id": hidden}})
	if got := l.verdict("card"); got != "not_found" {
		t.Errorf("a card of it by the socket: %s", got)
	}
}

func inventedMethods(t *testing.T, w *world) {
	p := w.m.stranger(t)
	series := func() int {
		return strings.Count(w.m.metrics(t), "mall_http_request_seconds_count{")
	}
	before := series()
	for i := range 60 {
		a := p.call(fmt.Sprintf("M%dX", i), "/products", nil)
		if a.status != http.StatusMethodNotAllowed && a.status != http.StatusNotFound && a.status != http.StatusTooManyRequests && a.status != http.StatusNotImplemented {
			t.Errorf("M%dX: %s", i, a)
		}
	}
	if more := series() - before; more > 3 {
		t.Errorf("60 invented methods made %d series", more)
	}
}

// metrics is what the internal address tells.
func (m *mall) metrics(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+m.instances[0].Internal+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	buffer := make([]byte, 32<<10)
	for {
		n, err := res.Body.Read(buffer)
		b.Write(buffer[:n])
		if err != nil {
			return b.String()
		}
	}
}

func errorTexts(t *testing.T, w *world) {
	p := w.member("noise")
	for _, a := range []answer{
		p.call("GET", "/nothing", nil), p.call("DELETE", "/products", nil), p.call("GET", "/products?limit=-1", nil), p.call("GET", "/products?cursor=%ff", nil),
		p.call("POST", "/shops", `{`), p.call("POST", "/shops", `{"name":1}`), p.call("POST", "/members", object{"email": "a@b", "password": "short", "name": "x"}),
		p.call("GET", "/orders/"+nobody, nil), p.call("POST", "/orders", object{"shop_id": nobody, "client_order_id": id.New().String(), "lines": []object{}}),
	} {
		for _, word := range []string{"/modules/", ".go:", "goroutine", "SELECT", "sql", "127.0.0.1", "gorm", "panic"} {
			if strings.Contains(string(a.body), word) {
				t.Errorf("%s: shows %q: %s", a.call, word, a)
			}
		}
		if a.status < 400 || a.code() == "" || !strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s: no problem document: %s", a.call, a)
		}
	}
}

func secretsInTheLog(t *testing.T, w *world) {
	p := w.member("secretive")
	wrong := "falsches Passwort 8d2e"
	w.m.stranger(t).patient("POST", "/auth/login", object{"email": p.email, "password": wrong}).want(401, "")
	p.patient("POST", "/auth/refresh", object{"refresh_token": p.refresh}).must(200)
	room := w.openRoom(p)
	body := "Geheimnis 41ac " + id.New().String()
	w.say(p, room, body)
	log := ""
	until(t, "a line in the security log of the login that failed", func() bool {
		log = w.m.log()
		return strings.Contains(log, "security") && strings.Contains(log, "login")
	})
	for _, secret := range []string{p.token, p.refresh, password, wrong, body, secret, p.email} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %.12q…", secret)
		}
	}
}

func foreignOrders(t *testing.T, w *world) {
	p := w.member("curious")
	foreign, missing := p.patient("GET", "/orders/"+w.order, nil), p.patient("GET", "/orders/"+id.New().String(), nil)
	if foreign.status != 404 || foreign.code() != missing.code() || missing.status != 404 {
		t.Errorf("a foreign order: %s, a missing one: %s", foreign, missing)
	}
	for _, path := range []string{"/chat/rooms/" + w.room, "/chat/rooms/" + w.room + "/messages", "/chat/rooms/" + w.room + "/inquiries"} {
		p.patient("GET", path, nil).want(404, "not_found")
	}
}

// median is the middle of what it took.
func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
