package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/proxy"
	"mall/cmd/faults/internal/wire"
	"mall/modules/platform/id"
)

func secretFaults() []fault {
	return []fault{{name: "secrets", about: "words, tokens and cookies go every good and bad way while links break: none of it is in a log, a metric, a trace or, but for what is published, in Redis",
		// The operator who asks for traces has no second factor.
		settings: []string{variable("member.second_factor", "optional")}, guests: true, inject: keepSecrets}}
}

// tellTale is a fault's secrets and where they must not be.
type tellTale struct {
	*stage

	body string // is in every message of the fault

	mu      sync.Mutex
	secrets []checker.Secret
	answers strings.Builder // traces, metrics and status pages
	lines   []string        // of MONITOR
}

func (t *tellTale) secret(what, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.secrets = append(t.secrets, checker.Secret{What: what, Text: text})
}

func keepSecrets(ctx context.Context, s *stage) error {
	t := &tellTale{stage: s, body: "telltale-" + rand.Text()}
	t.secrets = []checker.Secret{{What: "a message's words", Text: t.body, Body: true}}
	s.traffic.stop()
	if err := s.allLeave(ctx); err != nil {
		return err
	}
	from := s.sizes()
	stop, err := t.monitor(ctx)
	if err != nil {
		return err
	}
	defer stop()
	for _, step := range []act{t.goodWays, t.badWays, t.brokenWays, t.goodWays} {
		if err := step(ctx, s); err != nil {
			return err
		}
	}
	if err := t.ask(ctx); err != nil {
		return err
	}
	stop()
	for _, p := range s.cast.people {
		for _, text := range p.account.Secrets() {
			t.secret("a token or a password", text)
		}
	}
	if err := t.judge(from); err != nil {
		return err
	}
	for _, c := range s.clients {
		s.join(ctx, c)
	}
	return s.untilReady(ctx)
}

// monitor lets Redis say what it is told; stop waits until all has been read.
func (t *tellTale) monitor(ctx context.Context) (stop func(), err error) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", t.cluster.Redis.Addr())
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(command([]byte("MONITOR"))); err != nil {
		return nil, err
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewReaderSize(conn, 64<<10); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			t.mu.Lock()
			t.lines = append(t.lines, line)
			t.mu.Unlock()
		}
	})
	return sync.OnceFunc(func() { _ = conn.Close(); reading.Wait() }), nil
}

// goodWays are those of every day: words by socket and REST, tokens in a header and as a subprotocol, a cookie.
func (t *tellTale) goodWays(ctx context.Context, _ *stage) error {
	for n, p := range t.cast.people {
		token, err := p.account.Token(ctx)
		if err != nil {
			return err
		}
		room := p.rooms[n%len(p.rooms)]
		if err := say(ctx, p, room, t.body); err != nil {
			return err
		}
		c, err := wire.Dial(ctx, t.cluster.Homes[n%instances].Addr(), token, wire.Options{Offer: n%2 == 0})
		if err != nil {
			return err
		}
		err = t.sayAndWait(c, room)
		c.Goodbye()
		if err != nil {
			return err
		}
	}
	return t.web(ctx)
}

// sayAndWait sends on a socket what is good and what is not, and waits for the answers.
func (t *tellTale) sayAndWait(c *wire.Conn, room string) error {
	c.Until(time.Now().Add(t.patience))
	key := id.New().String()
	for n, fields := range []map[string]any{
		{"type": "send", "room_id": room, "client_msg_id": key, "body": t.body},
		{"type": "send", "room_id": room, "client_msg_id": key, "body": t.body + " in other words"},
		{"type": "send", "room_id": room, "client_msg_id": id.New().String(), "body": t.body + strings.Repeat("x", 2000)},
		{"type": "send", "room_id": room, "client_msg_id": id.New().String(), "body": t.body + "\x01"},
		{"type": "send", "room_id": id.New().String(), "client_msg_id": id.New().String(), "body": t.body},
		{"type": "send", "room_id": t.body, "client_msg_id": t.body, "body": 5},
		{"type": t.body},
		{"type": "auth", "token": "no." + t.body + ".token"},
	} {
		fields["id"] = fmt.Sprint(n)
		if err := c.Say(fields); err != nil {
			return err
		}
	}
	for {
		if _, err := c.Next(); err != nil { // the bad token ends it, after all answers
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				return fmt.Errorf("a bad token was not answered: %w", err)
			}
			return nil
		}
	}
}

// web logs in as a browser does, and asks with the cookie.
func (t *tellTale) web(ctx context.Context) error {
	p := t.cast.people[0]
	status, cookies, text, err := t.request(ctx, http.MethodPost, p.account.Base+"/api/v1/session", http.Header{"Origin": {p.account.Base}}, map[string]string{"email": p.account.Email, "password": password})
	if err != nil || status != http.StatusOK || len(cookies) == 0 {
		return fmt.Errorf("a web login: %d %w", status, errors.Join(err, errors.New(string(text))))
	}
	for _, c := range cookies {
		t.secret("a cookie", c.Value)
		for _, value := range []string{c.Value, c.Value + "x"} {
			_, _, _, err = t.request(ctx, http.MethodGet, p.account.Base+"/api/v1/chat/rooms", http.Header{"Cookie": {c.Name + "=" + value}}, nil)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// badWays are what the mall refuses: wrong tokens, wrong bodies, wrong passwords.
func (t *tellTale) badWays(ctx context.Context, _ *stage) error {
	p := t.cast.people[len(t.cast.people)-1]
	token, err := p.account.Token(ctx)
	if err != nil {
		return err
	}
	t.secret("a refresh token that is none", "none-"+t.body)
	for _, try := range []struct {
		method, path, token string
		in                  any
	}{
		{http.MethodPost, "/chat/rooms/" + p.rooms[0] + "/messages", token, map[string]any{"client_msg_id": id.New(), "body": t.body + "\x00"}},
		{http.MethodPost, "/chat/rooms/" + p.rooms[0] + "/messages", token, map[string]any{"client_msg_id": t.body, "body": t.body}},
		{http.MethodPost, "/chat/rooms/" + p.rooms[0] + "/messages", token, map[string]any{"client_msg_id": id.New(), "body": strings.Repeat(t.body, 4000)}},
		{http.MethodPost, "/chat/rooms/" + id.New().String() + "/messages", token, map[string]any{"client_msg_id": id.New(), "body": t.body}},
		{http.MethodPost, "/chat/rooms/" + p.rooms[0] + "/messages", token + "x", map[string]any{"client_msg_id": id.New(), "body": t.body}},
		{http.MethodGet, "/chat/rooms", "v4.local." + token, nil},
		{http.MethodPost, "/auth/refresh", "", map[string]string{"refresh_token": "none-" + t.body}},
		{http.MethodPost, "/auth/login", "", map[string]string{"email": p.account.Email, "password": password + "x"}},
	} {
		if status, _ := client.CallWith(ctx, try.method, p.account.Base+"/api/v1"+try.path, try.token, try.in, nil); status < 400 {
			return fmt.Errorf("%s %s was answered %d", try.method, try.path, status)
		}
	}
	return ctx.Err()
}

// brokenWays are good ones while links to the stores are cut and an instance dies: the errors must not tell.
func (t *tellTale) brokenWays(ctx context.Context, s *stage) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		for pause(ctx, 150*time.Millisecond) == nil {
			s.onMySQL(func(p *proxy.Proxy) { p.Cut(proxy.All) })
			s.onRedis(func(p *proxy.Proxy) { p.Cut(proxy.All) })
		}
	})
	for _, p := range s.cast.people {
		wg.Go(func() {
			for ctx.Err() == nil {
				for _, room := range p.rooms {
					_, _ = p.rest(ctx, p.account.Base, "/chat/rooms/"+room+"/messages", map[string]any{"client_msg_id": id.New(), "body": t.body}, nil)
				}
				_, _ = p.account.After(ctx, p.rooms[0], 0)
			}
		})
	}
	_ = pause(ctx, 2*time.Second)
	s.cluster.Instances[1].Kill()
	wg.Wait()
	return s.cluster.Instances[1].Start(context.WithoutCancel(ctx))
}

// ask reads all that operators can: traces of the fault's messages, metrics, status.
func (t *tellTale) ask(ctx context.Context) error {
	p := t.cast.people[0]
	token, err := t.operator(ctx)
	if err != nil {
		return err
	}
	heads, err := checker.Heads(ctx, t.cluster.Root)
	if err != nil {
		return err
	}
	traces := 0
	for _, room := range p.rooms {
		for seq := max(1, heads[room]-2); seq <= heads[room]; seq++ {
			status, _, text, err := t.request(ctx, http.MethodGet, fmt.Sprintf("%s/api/v1/chat/rooms/%s/messages/%d/trace", p.account.Base, room, seq),
				http.Header{"Authorization": {"Bearer " + token}, "X-Access-Reason": {"the harness looks"}}, nil)
			if err != nil || status != http.StatusOK {
				return fmt.Errorf("a trace: %d %w", status, errors.Join(err, errors.New(string(text))))
			}
			t.answers.Write(text)
			traces++
		}
	}
	for _, i := range t.cluster.Instances {
		for _, path := range []string{"/metrics", "/statusz", "/debug/pprof/goroutine?debug=2"} {
			status, _, text, err := t.request(ctx, http.MethodGet, "http://"+i.Internal+path, nil, nil)
			if err != nil || status != http.StatusOK {
				return fmt.Errorf("%s: %d %w", path, status, errors.Join(err, errors.New(string(text))))
			}
			t.answers.Write(text)
		}
	}
	t.note("%d traces and the internal pages of %d instances were read", traces, instances)
	return nil
}

// operator is a new one of the mall's.
func (t *tellTale) operator(ctx context.Context) (token string, err error) {
	a := &client.Account{Base: t.cast.people[0].account.Base, Email: "operator-" + id.New().String() + "@faults.test", Password: password}
	if err := patiently(ctx, func() error { return a.SignUp(ctx, "an operator") }); err != nil {
		return "", err
	}
	if err := t.cluster.Exec(ctx, "UPDATE member_members SET operator = 1 WHERE id = UNHEX('"+strings.ReplaceAll(a.MemberID, "-", "")+"')"); err != nil {
		return "", err
	}
	err = patiently(ctx, func() error { token, err = a.Token(ctx); return err })
	t.secret("an operator's token", token)
	return token, err
}

func (t *tellTale) request(ctx context.Context, method, address string, header http.Header, in any) (status int, cookies []*http.Cookie, text []byte, err error) {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return 0, nil, nil, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return 0, nil, nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	request.Close = true
	answer, err := (&http.Client{Timeout: t.patience}).Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err = io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Cookies(), text, err
}

// judge looks for the secrets everywhere.
func (t *tellTale) judge(from []int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.violate(checker.JudgeText("a trace, a metric or a status page", t.answers.String(), t.secrets)...)
	t.violate(checker.JudgeMonitor(t.lines, t.secrets)...)
	// What it carries is sealed, so that something was carried shows by the command alone.
	carried := slices.ContainsFunc(t.lines, func(line string) bool {
		return strings.Contains(strings.ToLower(line), `"publish"`) && strings.Contains(line, ":chat:")
	})
	size := 0
	for i, p := range t.cluster.Programs() {
		text, err := os.ReadFile(p.Log())
		if err != nil {
			return err
		}
		text = text[min(int64(len(text)), from[i]):]
		size += len(text)
		t.violate(checker.JudgeText("the log of "+p.Name, string(text), t.secrets)...)
		if len(text) == 0 {
			t.violatef(checker.Other, "the harness found nothing in the log of %s", p.Name)
		}
	}
	if !carried {
		t.violatef(checker.Other, "the harness saw no message pass through Redis: %d commands", len(t.lines))
	}
	t.note("%d secrets were looked for in %d KB of logs, %d KB of answers, %d commands of Redis", len(t.secrets), size>>10, t.answers.Len()>>10, len(t.lines))
	return nil
}
