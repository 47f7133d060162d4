package attacks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/id"
)

const password = "여덟 글자보다 긴 말 7f3a"

// person is somebody with an address of their own; with an account when token is set.
type person struct {
	m        *mall
	t        testing.TB
	name     string
	email    string
	password string
	id       string
	token    string
	refresh  string
	ip       string // what a proxy would say of them
	instance int    // where they call
}

// stranger has an address and nothing else.
func (m *mall) stranger(t testing.TB) *person {
	n := m.addresses.Add(1)
	return &person{m: m, t: t, ip: fmt.Sprintf("198.18.%d.%d", n/250, n%250+1)}
}

// member is somebody who has an account and logs in.
func (m *mall) member(t testing.TB, name string) *person {
	t.Helper()
	p := m.registered(t, name)
	p.logIn()
	return p
}

// account signs up, where that, its letter or what a password costs is what is looked at.
func (m *mall) account(t testing.TB, name string) *person {
	t.Helper()
	p := m.named(t, name)
	p.signUp()
	return p
}

func (m *mall) named(t testing.TB, name string) *person {
	p := m.stranger(t)
	p.name, p.password = name, password
	p.email = fmt.Sprintf("%s.%s@attack.example", strings.ReplaceAll(name, " ", "."), id.New().String()[24:])
	return p
}

// cheapHash is of password, with the smallest parameters. Hundreds of people log in here, and the mall hashes behind
// everything else that the machine does: with a dear hash the rows would do little but wait for it.
const cheapHash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdCBvZiB0aGUgdGVzdHM$VXRKURJmHkeqPyIeCQyw38/uflYiAG4HEQPIb1rAhTw"

// registered is an account of long ago: written into the database.
func (m *mall) registered(t testing.TB, name string) *person {
	t.Helper()
	p, own := m.named(t, name), id.New()
	p.id = own.String()
	m.exec(t, "INSERT INTO member_members (id, email, name, password_hash, created_at) VALUES (?, ?, ?, ?, ?)",
		own, p.email, p.name, cheapHash, time.Now().UTC())
	return p
}

func (p *person) signUp() {
	p.t.Helper()
	var made struct{ ID string }
	p.patient("POST", "/members", object{"email": p.email, "password": p.password, "name": p.name}).must(201).into(&made)
	p.id = made.ID
}

func (p *person) logIn() {
	p.t.Helper()
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	p.token = ""
	p.patient("POST", "/auth/login", object{"email": p.email, "password": p.password}).must(200).into(&got)
	p.token, p.refresh = got.Access, got.Refresh
}

// again is the same person with another login.
func (p *person) again() *person {
	p.t.Helper()
	other := *p
	other.logIn()
	return &other
}

// at is the same person at another instance.
func (p *person) at(instance int) *person {
	other := *p
	other.instance = instance
	return &other
}

// from is the same person at another address.
func (p *person) from(ip string) *person {
	other := *p
	other.ip = ip
	return &other
}

// stepUp proves again who they are, as acts of staff and operators demand.
func (p *person) stepUp() *person {
	p.t.Helper()
	var asked struct{ Challenge string }
	begun := p.patient("POST", "/me/step-up", nil)
	if begun.status == http.StatusServiceUnavailable {
		return p // a mall that does not know it asks for none
	}
	begun.must(200).into(&asked)
	p.patient("POST", "/me/step-up/answer", object{"challenge": asked.Challenge, "password": p.password}).must(204)
	return p
}

type object = map[string]any

// header is one line of a request's head.
type header struct{ name, value string }

// answer is what came back.
type answer struct {
	t      testing.TB
	call   string
	status int
	header http.Header
	body   []byte
}

// call sends JSON, or a body as it is when that is a string, and reads the answer.
func (p *person) call(method, path string, body any, more ...header) answer {
	p.t.Helper()
	a, err := p.try(method, path, body, more...)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try is call for those that may end without an answer.
func (p *person) try(method, path string, body any, more ...header) (answer, error) {
	a := answer{t: p.t, call: method + " " + path}
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*soon)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.url(path), reader(body))
	if err != nil {
		return a, err
	}
	p.dress(req, body)
	for _, h := range more {
		if h.name == "Host" {
			req.Host = h.value
		}
		req.Header.Set(h.name, h.value)
		if h.value == "" {
			req.Header.Del(h.name)
		}
	}
	res, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	a.status, a.header = res.StatusCode, res.Header
	a.body, err = io.ReadAll(res.Body)
	return a, err
}

// patience is how long somebody who is told to come back later waits.
const patience = 5 * time.Second

// patient is call for who waits as it is told to, where that is not long.
func (p *person) patient(method, path string, body any, more ...header) (a answer) {
	p.t.Helper()
	for range 20 {
		a = p.call(method, path, body, more...)
		if a.status != http.StatusTooManyRequests && a.code() != "busy" || a.retryAfter() > patience {
			break
		}
		wait(p.t, a.retryAfter())
	}
	return a
}

func (p *person) dress(req *http.Request, body any) {
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if p.ip != "" {
		req.Header.Set("X-Forwarded-For", p.ip)
	}
}

// url is where a path of the API is; one that begins with "//" is of the host itself.
func (p *person) url(path string) string {
	host := "http://" + p.m.instances[p.instance].Addr
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		return host + "/" + rest
	}
	return host + "/api/v1" + path
}

func reader(body any) io.Reader {
	switch b := body.(type) {
	case nil:
		return http.NoBody
	case string:
		return strings.NewReader(b)
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return bytes.NewReader(text)
}

// client follows no redirect: what a caller is told is what is looked at.
var client = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 16, DialContext: (&net.Dialer{Timeout: soon}).DialContext},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// wait lets time pass that somebody was told to wait.
func wait(t testing.TB, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

func (a answer) retryAfter() time.Duration {
	var p struct {
		After int64 `json:"retry_after_ms"`
	}
	_ = json.Unmarshal(a.body, &p)
	return time.Duration(max(p.After, 50)) * time.Millisecond
}

// code is the code of a problem document; empty for anything else.
func (a answer) code() string {
	var p struct{ Code string }
	if a.status < 400 || json.Unmarshal(a.body, &p) != nil {
		return ""
	}
	return p.Code
}

func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// must ends the test when the status is another one.
func (a answer) must(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %s, want %d", a.call, a, status)
	}
	return a
}

// want notes an answer that is another one. code may be empty.
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if a.status != status || code != "" && a.code() != code {
		a.t.Errorf("%s: %s, want %d %s", a.call, a, status, code)
	}
	return a
}

func (a answer) into(out any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, out); err != nil {
		a.t.Fatalf("%s: %s: %v", a.call, a, err)
	}
}

// id is the id of the object that was answered.
func (a answer) id() string {
	a.t.Helper()
	var made struct{ ID string }
	a.into(&made)
	return made.ID
}

// String is the answer in one line.
func (a answer) String() string { return fmt.Sprintf("%d %.300s", a.status, a.body) }
