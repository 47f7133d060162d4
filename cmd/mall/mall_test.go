package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"mall/modules/platform/id"
	"mall/modules/platform/testprogram"
	"mall/modules/platform/testservers"
)

const soon = 30 * time.Second

var binary string

// TestMain builds the program once; the tests run it as people do.
func TestMain(m *testing.M) {
	os.Exit(testprogram.Main(m, map[string]*string{"mall/cmd/mall": &binary}))
}

func command(ctx context.Context, dir string, environ []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = dir
	cmd.Env = within(dir, environ)
	return cmd
}

func within(dir string, environ []string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "MALL_MAIL__OFF=true"}, environ...)
}

func TestMistakesInTheCallOrTheSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mall.yaml")
	if err := os.WriteFile(file, []byte("http:\n  adresse: ':80'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	real := []string{"MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN=u:hidden@tcp(127.0.0.1:1)/x", "MALL_REDIS__ADDR=127.0.0.1:1"}
	secret := slices.Concat(real[:4], []string{"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs"})
	secret = slices.Clip(secret)
	for name, tc := range map[string]struct {
		env  []string
		args []string
		says string
	}{
		"unknown command":        {nil, []string{"dance"}, "usage: mall"},
		"unknown flag":           {nil, []string{"-x"}, "usage: mall"},
		"migrate without a word": {nil, []string{"migrate"}, "usage: mall"},
		"migrate sideways":       {nil, []string{"migrate", "sideways"}, "usage: mall"},
		"ban of nobody":          {nil, []string{"member", "ban"}, "usage: mall"},
		"member without a word":  {nil, []string{"member", "praise", "a@b.kr"}, "usage: mall"},
		"a crowd":                {nil, []string{"crowd", "-buyers", "1"}, "usage: mall"},
		"operator of nobody":     {nil, []string{"member", "operator", "-remove"}, "usage: mall"},
		"unknown key":            {[]string{"MALL_HTTP__ADRESSE=:80"}, nil, "mall: settings: unknown setting http.adresse"},
		"unknown key in a file":  {nil, []string{"-config", file}, "mall: settings: unknown setting http.adresse"},
		"file missing":           {nil, []string{"-config", "none.yaml"}, "mall: settings: settings file"},
		"impossible value":       {[]string{"MALL_CHAT__LANES=0"}, nil, "mall: settings: chat.lanes: must be at least 1"},
		"wrong type":             {[]string{"MALL_CHAT__LANES=many"}, nil, "mall: settings: chat.lanes: its value is of the wrong type"},
		"bad address":            {[]string{"MALL_HTTP__ADDR=nonsense"}, nil, "mall: settings: http.addr"},
		"no secret":              {real, nil, "mall: settings: member.token_secret: must be set"},
		"weak secret":            {append(real, "MALL_MEMBER__TOKEN_SECRET=changeme"), nil, "mall: settings: member.token_secret"},
		"no letters": {append(real[:4:4], "MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs", "MALL_MAIL__OFF=false"), nil,
			"mall: settings: mail.smtp_addr: must be set with db.driver mysql"},
		"letters in the open": {[]string{"MALL_MAIL__OFF=false", "MALL_MAIL__SMTP_ADDR=relay.example:25", "MALL_MAIL__TLS=none", "MALL_MAIL__FROM=a@b.kr"}, nil,
			"mall: settings: mail.tls: none would send letters"},
		"letters from nobody":           {[]string{"MALL_MAIL__OFF=false", "MALL_MAIL__SMTP_ADDR=relay.example:25"}, nil, "mall: settings: mail.from"},
		"no redis":                      {append(real[:3:3], "MALL_MEMBER__TOKEN_SECRET=x"), nil, "mall: settings: redis.addr"},
		"no authority for the database": {append(secret, "MALL_DB__TLS=true", "MALL_DB__TLS_CA=nowhere.pem"), nil, "mall: settings: db.tls_ca: open nowhere.pem"},
		"a database on the internet":    {append(secret, "MALL_DB__DSN=u:hidden@tcp(203.0.113.9:3306)/x"), nil, "mall: settings: db.tls: must be set"},
		"no authority for Redis":        {append(secret, "MALL_REDIS__TLS=true", "MALL_REDIS__TLS_CA=nowhere.pem"), nil, "mall: settings: redis.tls_ca"},
		"no authority for the relay": {[]string{"MALL_MAIL__OFF=false", "MALL_MAIL__SMTP_ADDR=relay.example:25", "MALL_MAIL__FROM=a@b.kr",
			"MALL_MAIL__TLS_CA=nowhere.pem"}, nil, "mall: settings: mail.tls_ca"},
		"a cluster of nobody": {[]string{"MALL_REDIS__CLUSTER=true"}, nil, "mall: settings: redis.addr"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			cmd := command(ctx, t.TempDir(), tc.env, tc.args...)
			var errs bytes.Buffer
			cmd.Stderr = &errs
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("ended with %v, want exit 2", err)
			}
			if !strings.HasPrefix(lastLine(errs.String(), tc.says), tc.says) || strings.Contains(errs.String(), "hidden") {
				t.Errorf("says %q, want %q", errs.String(), tc.says)
			}
			if strings.HasPrefix(tc.says, "mall:") && strings.Count(strings.TrimSpace(errs.String()), "\n") > 0 {
				t.Errorf("more than one line: %q", errs.String())
			}
		})
	}
}

// lastLine finds the line with what is wanted: the flag package says a line of its own before the usage.
func lastLine(text, want string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, want) {
			return line
		}
	}
	return text
}

// program is a running mall.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	log  *lines
	done chan error
}

// lines is what a program has written so far; it may be read while more comes.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var buyersLine = regexp.MustCompile(`buyers +(http://\S+)/`)

// start runs `mall serve` and waits until it says where to look.
func start(t *testing.T, dir string, environ ...string) *program {
	t.Helper()
	p, found := launch(t, dir, environ...)
	select {
	case p.url = <-found:
	case err := <-p.done:
		t.Fatalf("the mall ended with %v: %s", err, p.log)
	case <-time.After(soon):
		t.Fatal("the mall did not open")
	}
	return p
}

// launch runs `mall serve`; found gets where to look once it says so.
func launch(t *testing.T, dir string, environ ...string) (p *program, found chan string) {
	t.Helper()
	return launchCommand(t, exec.Command(binary, "serve"), dir, append([]string{"MALL_HTTP__ADDR=127.0.0.1:0", "MALL_HTTP__INTERNAL_ADDR=127.0.0.1:0"}, environ...)...)
}

func launchCommand(t *testing.T, cmd *exec.Cmd, dir string, environ ...string) (p *program, found chan string) {
	t.Helper()
	cmd.Dir, cmd.Env = dir, within(dir, environ)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p = &program{t: t, cmd: cmd, log: &lines{}, done: make(chan error, 1)}
	cmd.Stderr = p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	found = make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := buyersLine.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
		p.done <- cmd.Wait()
	}()
	return p, found
}

func (p *program) end(sig syscall.Signal) error {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.done:
		return err
	case <-time.After(soon):
		p.t.Fatal("the mall did not end")
		return nil
	}
}

// call sends JSON and reads JSON.
func (p *program) call(method, path, token string, body, out any) int {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			p.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, answer)
		}
	}
	return res.StatusCode
}

func (p *program) login(email string) string {
	p.t.Helper()
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	if status := p.call("POST", "/api/v1/auth/login", "", map[string]string{"email": email, "password": "demo-mall-2026"}, &tokens); status != 200 {
		p.t.Fatalf("login: %d", status)
	}
	return tokens.AccessToken
}

// The embedded mall keeps what it has acked through a kill, and its demo data is there once.
func TestEmbeddedDataSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	token := p.login("buyer@demo.mall")
	type room struct {
		ID   string `json:"id"`
		Head int64  `json:"head"`
	}
	var rooms struct{ Items []room }
	p.call("GET", "/api/v1/chat/rooms", token, nil, &rooms)
	if len(rooms.Items) != 2 {
		t.Fatalf("the demo buyer has %d rooms", len(rooms.Items))
	}
	path := "/api/v1/chat/rooms/" + rooms.Items[0].ID + "/messages"
	var receipt struct{ Seq int64 }
	if status := p.call("POST", path, token, map[string]any{"client_msg_id": id.New(), "body": "남아 있나요?"}, &receipt); status != 201 {
		t.Fatalf("send: %d", status)
	}
	if err := p.end(syscall.SIGKILL); err == nil {
		t.Error("killed, yet it ended well")
	}
	p = start(t, dir)
	token = p.login("buyer@demo.mall")
	var page struct {
		Items []struct {
			Seq  int64
			Body string
		}
	}
	p.call("GET", path, token, nil, &page)
	last := page.Items[receipt.Seq-1]
	if last.Seq != receipt.Seq || last.Body != "남아 있나요?" {
		t.Errorf("after the kill: %+v, want seq %d", last, receipt.Seq)
	}
	p.call("GET", "/api/v1/chat/rooms", token, nil, &rooms)
	if len(rooms.Items) != 2 {
		t.Errorf("after a second start the demo buyer has %d rooms", len(rooms.Items))
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v: %s", err, p.log)
	}
}

func TestManyInstancesStartAtOnce(t *testing.T) {
	cfg := testservers.EmptyMySQL(t)
	redis := testservers.Redis(t)
	environ := []string{"MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN=" + cfg.DSN, "MALL_DB__MAX_OPEN=4", "MALL_REDIS__ADDR=" + redis.Addr(), "MALL_DEMO=true",
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs"}
	started := make(chan *program)
	const n = 4
	for range n {
		go func() { started <- start(t, t.TempDir(), environ...) }()
	}
	var all []*program
	for range n {
		all = append(all, <-started)
	}
	var products struct {
		Items []struct{ ID string }
	}
	all[0].call("GET", "/api/v1/products?limit=100", "", nil, &products)
	if len(products.Items) != 36 {
		t.Errorf("%d instances seeded %d products, want 36", n, len(products.Items))
	}
	token := all[0].login("moon@demo.mall")
	if status := all[n-1].call("GET", "/api/v1/me", token, nil, nil); status != 200 {
		t.Errorf("another instance answers %d to the token", status)
	}
	all[0].call("POST", "/api/v1/auth/logout", token, nil, nil)
	deadline := time.Now().Add(soon)
	for all[n-1].call("GET", "/api/v1/me", token, nil, nil) != 401 {
		if time.Now().After(deadline) {
			t.Fatal("a logout never reached the other instance")
		}
	}
	for _, p := range all {
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Errorf("SIGTERM: %v: %s", err, p.log)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	status, err := command(ctx, t.TempDir(), environ, "migrate", "status").Output()
	if err != nil || !strings.Contains(string(status), "0042_chat_messages") || strings.Contains(string(status), "pending") {
		t.Errorf("migrate status: %v\n%s", err, status)
	}
}

func TestPagesAndDocuments(t *testing.T) {
	p := start(t, t.TempDir())
	for path, want := range map[string]string{"/openapi.json": `"openapi"`, "/asyncapi.json": `"asyncapi"`, "/healthz": "ok", "/readyz": "ready", "/api/v1/nothing": `"not_found"`} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %.80s, %v", path, res.StatusCode, text, err)
		}
		if res.Header.Get("Content-Security-Policy") == "" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s lacks its security headers", path)
		}
	}
}

// An instance whose database and Redis answer nothing any more ends in time and well, whatever is under way (P12).
func TestTheEndWithAllStoresFrozen(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*soon)
	defer cancel()
	server := testservers.PrivateMySQL(t)
	dsn, err := server.CreateDatabase(ctx, "mall")
	if err != nil {
		t.Fatal(err)
	}
	redis := testservers.Redis(t)
	p := start(t, t.TempDir(), "MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN="+dsn, "MALL_REDIS__ADDR="+redis.Addr(), "MALL_DEMO=true",
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs")
	token := p.login("buyer@demo.mall")
	var rooms struct {
		Items []struct {
			ID   string
			Head int64
		}
	}
	p.call("GET", "/api/v1/chat/rooms", token, nil, &rooms)
	ws, res, err := (&websocket.Dialer{Subprotocols: []string{"mall.chat.v1", "bearer." + token}}).DialContext(ctx, "ws"+strings.TrimPrefix(p.url, "http")+"/api/v1/chat/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	defer ws.Close()
	closed := make(chan int, 1)
	go func() {
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				var end *websocket.CloseError
				if errors.As(err, &end) {
					closed <- end.Code
				}
				close(closed)
				return
			}
		}
	}()
	if err := errors.Join(server.Pause(), redis.Pause()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = redis.Resume() })
	room := rooms.Items[0]
	for _, frame := range []map[string]any{
		{"type": "read", "room_id": room.ID, "seq": room.Head},
		{"type": "send", "id": "1", "room_id": room.ID, "client_msg_id": id.New(), "body": "?"},
		{"type": "resume", "id": "2", "epoch": "", "rooms": map[string]int64{room.ID: 0}},
	} {
		if err := ws.WriteJSON(frame); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // REST calls that hang
		go func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/api/v1/products", http.NoBody)
			if err != nil {
				return
			}
			if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
				_ = res.Body.Close()
			}
		}()
	}
	began := time.Now()
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v: %s", err, p.log)
	}
	t.Logf("ended after %v", time.Since(began).Round(10*time.Millisecond))
	if code := <-closed; code != 1012 {
		t.Errorf("the socket was closed with %d, want 1012", code)
	}
}

// A refused start ends with code 2, one sentence that says what to set, and a line for whoever guards the mall.
func TestADemoForEverybodyDoesNotStart(t *testing.T) {
	environ := []string{"MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=demo", "MALL_DB__DSN=u:hidden@tcp(127.0.0.1:1)/x", "MALL_REDIS__ADDR=127.0.0.1:1",
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs", "MALL_DEMO=true", "MALL_HTTP__ADDR=0.0.0.0:0"}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	said, err := command(ctx, t.TempDir(), environ).CombinedOutput()
	text := string(said)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("ended with %v, want exit 2", err)
	}
	if !strings.Contains(text, "log=security event=start_refused") || !strings.Contains(text, "reason=http.addr") || strings.Contains(text, "hidden") ||
		!strings.HasPrefix(lastLine(text, "mall: "), "mall: settings: http.addr: 0.0.0.0:0 is reachable by others, and the demo's passwords are known to everybody") {
		t.Errorf("says %q", text)
	}
}

// A mall that was a demo once is none any more: its accounts, with passwords that everybody knows, open nothing; and a
// demo again, they do.
func TestADemoSwitchedOffKeepsItsPeopleOut(t *testing.T) {
	cfg, redis := testservers.MySQL(t), testservers.Redis(t)
	environ := []string{"MALL_DB__DRIVER=mysql", "MALL_ORDER__PAYMENTS=none", "MALL_DB__DSN=" + cfg.DSN, "MALL_REDIS__ADDR=" + redis.Addr(),
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs"}
	demo := start(t, t.TempDir(), append(environ, "MALL_DEMO=true", "MALL_ORDER__PAYMENTS=demo")...)
	everybody := []string{"buyer@demo.mall", "buyer2@demo.mall", "moon@demo.mall", "moon.agent@demo.mall", "forest@demo.mall", "operator@demo.mall"}
	token := demo.login("operator@demo.mall")
	ws := demo.socket(demo.login("buyer@demo.mall"))
	real := start(t, t.TempDir(), environ...) // beside it: a deploy that switches the demo off
	if code := ends(t, ws, soon); code != 4403 {
		t.Errorf("the connection with the demo was closed with %d, want 4403", code)
	}
	for _, email := range everybody {
		for name, p := range map[string]*program{"demo": demo, "real": real} {
			if status := p.logInAs(email); status != 403 {
				t.Errorf("%s logs in at the %s instance: %d", email, name, status)
			}
		}
	}
	if status := real.call("GET", "/api/v1/me", token, nil, nil); status != 403 {
		t.Errorf("the operator's token of before is answered %d", status)
	}
	for _, p := range []*program{demo, real} {
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Errorf("SIGTERM: %v: %s", err, p.log)
		}
	}
	if !strings.Contains(real.log.String(), "accounts=6") {
		t.Errorf("says nothing of it: %s", real.log)
	}
	again := start(t, t.TempDir(), append(environ, "MALL_DEMO=true", "MALL_ORDER__PAYMENTS=demo")...)
	for _, email := range everybody {
		if status := again.logInAs(email); status != 200 {
			t.Errorf("a demo again, %s is answered %d", email, status)
		}
	}
}
