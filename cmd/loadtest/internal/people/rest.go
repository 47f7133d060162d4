package people

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// API is the REST side of one base URL.
type API struct {
	Base      string // scheme, host and port
	HTTP      *http.Client
	Forwarded bool // each person's calls say that they come from an address of their own
}

// NewAPI makes calls with up to n connections kept open.
func NewAPI(base string, n int) *API {
	return &API{Base: base, HTTP: &http.Client{Timeout: 30 * time.Second,
		Transport: &http.Transport{MaxIdleConns: n, MaxIdleConnsPerHost: n, IdleConnTimeout: 30 * time.Second}}}
}

// Problem is a refusal.
type Problem struct {
	Status       int    `json:"status"`
	Code         string `json:"code"`
	Detail       string `json:"detail"`
	RetryAfterMS int64  `json:"retry_after_ms"`
}

// Error says what was refused.
func (p *Problem) Error() string { return fmt.Sprintf("%d %s %s", p.Status, p.Code, p.Detail) }

// Call makes one call as whoever the token is of; out takes the answer unless it is nil.
func (a *API) Call(ctx context.Context, method, path, token string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	answer, err := a.do(ctx, method, path, token, body)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 32<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		p := &Problem{}
		_ = json.Unmarshal(text, p) // what is no problem document still has its status
		p.Status = answer.StatusCode
		return fmt.Errorf("%s %s: %w", method, path, p)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

func (a *API) do(ctx context.Context, method, path, token string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, a.Base+"/api/v1"+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if a.Forwarded {
		From(request.Header, Address(token))
	}
	return a.HTTP.Do(request)
}

// tokens is a login's or a refresh's answer.
type tokens struct {
	Access  string `json:"access_token"`
	Expires int64  `json:"expires_in"`
	Refresh string `json:"refresh_token"`
}

// renewEarly is how long before its end an access token is replaced.
const renewEarly = 2 * time.Minute

// Token gives an access token of the person that is good for a while, from the API when the one at hand is old. ends is
// zero when nobody knows.
func (a *API) Token(ctx context.Context, p *Person) (token string, ends time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Expires == 0 {
		return p.Access, time.Time{}, nil
	}
	if time.Until(p.expiry()) <= renewEarly && p.Refresh != "" {
		var t tokens
		if err := a.Call(ctx, http.MethodPost, "/auth/refresh", "", map[string]string{"refresh_token": p.Refresh}, &t); err != nil {
			return "", time.Time{}, err
		}
		p.take(t)
	}
	return p.Access, p.expiry(), nil
}

func (p *Person) take(t tokens) {
	p.Access, p.Refresh, p.Expires = t.Access, t.Refresh, time.Now().Unix()+t.Expires
}

// Heads gives the last seq of each room that a person has, as listed for a shop's staff or for a buyer.
func (a *API) Heads(ctx context.Context, p *Person, into map[string]int64) error {
	token, _, err := a.Token(ctx, p)
	if err != nil {
		return err
	}
	path := "/chat/rooms?limit=100"
	if p.ShopID != "" {
		path += "&shop_id=" + p.ShopID
	}
	for cursor := ""; ; {
		var page struct {
			Items []struct {
				ID   string `json:"id"`
				Head int64  `json:"head"`
			} `json:"items"`
			Next string `json:"next_cursor"`
		}
		if err := a.Call(ctx, http.MethodGet, path+cursor, token, nil, &page); err != nil {
			return err
		}
		for _, r := range page.Items {
			into[r.ID] = r.Head
		}
		if page.Next == "" {
			return nil
		}
		cursor = "&cursor=" + page.Next
	}
}
