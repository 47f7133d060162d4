package main_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/testservers"
)

// page reads /mailbox as host is called.
func (p *program) page(host string) (status int, text string, header http.Header) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+"/mailbox", http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(body), res.Header
}

// letter waits for a letter with a link to a page, and gives the link's token.
func (p *program) letter(to string) string {
	p.t.Helper()
	link := regexp.MustCompile(`href="[^"]*/` + to + `#token=([A-Za-z0-9_-]{64})"`)
	late, tick := time.After(soon), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		if _, text, _ := p.page(""); link.MatchString(text) {
			return link.FindStringSubmatch(text)[1]
		}
		select {
		case <-late:
			p.t.Fatalf("no letter with a link to %s: %s", to, p.log)
		case <-tick.C:
		}
	}
}

// The demo's people get their letters on a page and in the log, and nobody else does.
func TestTheDemoShowsItsLetters(t *testing.T) {
	p := start(t, t.TempDir(), "MALL_MAIL__OFF=false")
	status, text, header := p.page("")
	if policy := header.Get("Content-Security-Policy"); status != 200 || !strings.Contains(text, "No letters yet") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Fatalf("%d %v %s", status, header, text)
	}
	if status := p.call("POST", "/api/v1/members", "", map[string]string{"email": "a&<b@c.kr", "password": "a long night", "name": "누구"}, nil); status != 400 {
		t.Fatalf("an address that is markup: %d", status)
	}
	if status := p.call("POST", "/api/v1/members", "", map[string]string{"email": "new&one@demo.mall", "password": "a long night", "name": "<script>"}, nil); status != 201 {
		t.Fatalf("sign up: %d", status)
	}
	proof := p.letter("prove-email")
	if status := p.call("POST", "/api/v1/email-proofs", "", map[string]string{"token": proof}, nil); status != 204 {
		t.Errorf("prove: %d", status)
	}
	if status := p.call("POST", "/api/v1/password-resets", "", map[string]string{"email": "buyer@demo.mall"}, nil); status != 204 {
		t.Errorf("ask: %d", status)
	}
	reset := p.letter("reset-password")
	if status := p.call("POST", "/api/v1/password-resets/redeem", "", map[string]string{"token": reset, "password": "a longer night"}, nil); status != 204 {
		t.Errorf("redeem: %d", status)
	}
	_, text, _ = p.page("")
	if !strings.Contains(text, html.EscapeString("new&one@demo.mall")) || strings.Contains(text, "new&one") {
		t.Error("the page does not escape what it shows")
	}
	for host, want := range map[string]int{"localhost:8080": 200, "127.0.0.1": 200, "rebound.example": 404, "rebound.example:8080": 404, "127.0.0.1.rebound.example": 404} {
		if status, text, _ := p.page(host); status != want || want == 404 && strings.Contains(text, "token") {
			t.Errorf("as %s: %d, want %d", host, status, want)
		}
	}
	if !strings.Contains(p.log.String(), "/reset-password#token="+reset) {
		t.Error("the demo's log has no link")
	}
}

func TestARealMallHasNoMailbox(t *testing.T) {
	redis, cfg := testservers.Redis(t), testservers.MySQL(t)
	for name, environ := range map[string][]string{
		"embedded, without demo": {"MALL_DEMO=false", "MALL_MAIL__OFF=false"},
		"embedded, letters off":  {"MALL_MAIL__OFF=true"},
		"mysql": {"MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=none", "MALL_DB__DSN=" + cfg.DSN, "MALL_REDIS__ADDR=" + redis.Addr(),
			"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs"},
	} {
		p := start(t, t.TempDir(), environ...)
		if _, text, _ := p.page(""); strings.Contains(text, "mailbox") && strings.Contains(text, "No letters") {
			t.Errorf("%s: the mailbox is there", name)
		}
		if log := fmt.Sprint(p.log); !strings.Contains(log, "no letters are sent") {
			t.Errorf("%s: nothing in the log says that no letters are sent", name)
		}
	}
}
