// Package client is a client of the mall's chat as the contract asks for one: an outbox with one send in flight a room,
// the same key for every retry, full jitter, resume, and a sequencer that reads gaps by REST. It knows nothing but the
// contract, and writes down all that it does and sees.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Account is a member's credentials. It is safe for concurrent use.
type Account struct {
	Base     string // where REST calls go: scheme, host and port
	Email    string
	Password string
	MemberID string

	mu      sync.Mutex
	access  string
	refresh string
	until   time.Time
}

// Web makes the REST calls of all accounts.
var web = &http.Client{Timeout: 12 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second}}

// Forget closes connections that no call uses.
func Forget() { web.CloseIdleConnections() }

// Problem is a REST call's refusal.
type Problem struct {
	Status       int    `json:"status"`
	Code         string `json:"code"`
	Detail       string `json:"detail"`
	RetryAfterMS int64  `json:"retry_after_ms"`
}

// Error says what was refused.
func (p *Problem) Error() string { return fmt.Sprintf("%d %s %s", p.Status, p.Code, p.Detail) }

// renewEarly is how long before its end an access token is replaced: longer than most faults last, since a connection ends
// with its token.
const renewEarly = 3 * time.Minute

// Token gives an access token that is good for a while.
func (a *Account) Token(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.access != "" && time.Until(a.until) > renewEarly {
		return a.access, nil
	}
	var t struct {
		Access  string `json:"access_token"`
		Expires int64  `json:"expires_in"`
		Refresh string `json:"refresh_token"`
	}
	err := fmt.Errorf("no refresh token yet")
	if a.refresh != "" {
		_, err = call(ctx, http.MethodPost, a.Base+"/api/v1/auth/refresh", "", map[string]string{"refresh_token": a.refresh}, &t)
	}
	if err != nil {
		_, err = call(ctx, http.MethodPost, a.Base+"/api/v1/auth/login", "", map[string]string{"email": a.Email, "password": a.Password}, &t)
	}
	if err != nil {
		if a.access != "" && time.Until(a.until) > 0 {
			return a.access, nil // still good; there will be another chance
		}
		return "", err
	}
	a.access, a.refresh, a.until = t.Access, t.Refresh, time.Now().Add(time.Duration(t.Expires)*time.Second)
	return a.access, nil
}

// Renew makes the next Token a new one.
func (a *Account) Renew() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.until = time.Now()
}

// LogOut ends the login of all devices that share the account. The password is forgotten first, so that none of them can
// begin another one.
func (a *Account) LogOut(ctx context.Context) error {
	token, err := a.Token(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.Password, a.access, a.refresh = "", "", ""
	a.mu.Unlock()
	_, err = call(ctx, http.MethodPost, a.Base+"/api/v1/auth/logout", token, nil, nil)
	return err
}

// Call makes a REST call as the member; out takes the answer unless it is nil.
func (a *Account) Call(ctx context.Context, method, path string, in, out any) (status int, err error) {
	return a.CallAt(ctx, a.Base, method, path, in, out)
}

// CallAt is Call at another place, such as one instance past the balancer.
func (a *Account) CallAt(ctx context.Context, base, method, path string, in, out any) (status int, err error) {
	token, err := a.Token(ctx)
	if err != nil {
		return 0, err
	}
	return call(ctx, method, base+"/api/v1"+path, token, in, out)
}

// StepUp proves again, in the present login, who the member is.
func (a *Account) StepUp(ctx context.Context) error {
	var asked struct{ Challenge string }
	if _, err := a.Call(ctx, http.MethodPost, "/me/step-up", nil, &asked); err != nil {
		return err
	}
	_, err := a.Call(ctx, http.MethodPost, "/me/step-up/answer", map[string]string{"challenge": asked.Challenge, "password": a.Password}, nil)
	return err
}

// SignUp makes the account.
func (a *Account) SignUp(ctx context.Context, name string) error {
	var m struct{ ID string }
	_, err := call(ctx, http.MethodPost, a.Base+"/api/v1/members", "", map[string]string{"email": a.Email, "password": a.Password, "name": name}, &m)
	a.MemberID = m.ID
	return err
}

func call(ctx context.Context, method, address, token string, in, out any) (status int, err error) {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := web.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err != nil {
		return answer.StatusCode, err
	}
	if answer.StatusCode >= 300 {
		p := &Problem{}
		_ = json.Unmarshal(text, p) // what is no problem document still has its status
		p.Status = answer.StatusCode
		return answer.StatusCode, p
	}
	if out == nil || len(text) == 0 {
		return answer.StatusCode, nil
	}
	return answer.StatusCode, json.Unmarshal(text, out)
}

// Item is a message as a reader has it.
type Item struct {
	Seq   int64
	Key   string
	Body  string
	Party string // whose it is
}

// Page is a part of a room's history.
type Page struct {
	Items []Item
	Head  int64
	Epoch string
}

// After reads the messages just after a seq, at most 100.
func (a *Account) After(ctx context.Context, room string, after int64) (Page, error) {
	var p struct {
		Items []frame `json:"items"`
		Head  int64   `json:"head"`
		Epoch string  `json:"epoch"`
	}
	query := url.Values{"after_seq": {strconv.FormatInt(after, 10)}, "limit": {"100"}}
	if _, err := a.Call(ctx, http.MethodGet, "/chat/rooms/"+room+"/messages?"+query.Encode(), nil, &p); err != nil {
		return Page{}, err
	}
	page := Page{Head: p.Head, Epoch: p.Epoch}
	for i := range p.Items {
		page.Items = append(page.Items, p.Items[i].item())
	}
	return page, nil
}

// CallWith makes a REST call with a token that may have ended.
func CallWith(ctx context.Context, method, address, token string, in, out any) (status int, err error) {
	return call(ctx, method, address, token, in, out)
}

// Secrets are what must never be where others can read it.
func (a *Account) Secrets() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return []string{a.access, a.refresh, a.Password}
}
