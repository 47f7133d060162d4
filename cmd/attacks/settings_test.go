package attacks_test

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/testservers"
)

// serve runs `mall serve` with settings on which it must not start, and gives its exit code and words. One that starts is
// ended.
func serve(t *testing.T, settings []string) (code int, says string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	cmd := exec.CommandContext(ctx, executable, "serve")
	cmd.Dir = t.TempDir()
	cmd.Env = slices.Concat([]string{"HOME=" + cmd.Dir}, settings)
	out := &firstWords{open: "The mall is open", cancel: cancel}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	return code, out.text.String()
}

// firstWords ends a program as soon as it says that it is open.
type firstWords struct {
	text   strings.Builder
	open   string
	cancel func()
}

func (f *firstWords) Write(p []byte) (int, error) {
	f.text.Write(p)
	if strings.Contains(f.text.String(), f.open) {
		f.cancel()
	}
	return len(p), nil
}

// What would open the mall to strangers by a slip is refused at the start, with the setting's name.
func TestDangerousSettings(t *testing.T) {
	t.Parallel()
	cfg, redis := testservers.MySQL(t), testservers.Redis(t)
	real := slices.Concat(stores(cfg, redis), []string{"MALL_HTTP__ADDR=127.0.0.1:0", "MALL_HTTP__INTERNAL_ADDR=127.0.0.1:0"},
		known("http.public_url", "https://mall.example"), known("mail.off", "true"))
	open := slices.Concat(real, []string{"MALL_HTTP__ADDR=0.0.0.0:0"})
	own := []string{"MALL_HTTP__ADDR=127.0.0.1:0", "MALL_HTTP__INTERNAL_ADDR=127.0.0.1:0"}
	for name, tc := range map[string]struct {
		settings []string
		more     []string
		names    string
	}{
		"demo in real mode":             {open, []string{"MALL_DEMO=true"}, "http.addr"},
		"demo open to others":           {own, []string{"MALL_HTTP__ADDR=0.0.0.0:0"}, "http.addr"},
		"no way of payment":             {without(real, "MALL_ORDER__PAYMENTS"), nil, "order.payments"},
		"demo payments, unknown":        {real, []string{"MALL_ORDER__PAYMENTS=free"}, "order.payments"},
		"internal address for everyone": {real, []string{"MALL_HTTP__INTERNAL_ADDR=0.0.0.0:0"}, "http.internal_addr"},
		"an address in the open":        {open, []string{"MALL_HTTP__PUBLIC_URL=http://mall.example"}, "http.public_url"},
		"every proxy is trusted":        {real, []string{"MALL_HTTP__TRUSTED_PROXIES=0.0.0.0/0"}, "http.trusted_proxies"},
		"every proxy of IPv6":           {real, []string{"MALL_HTTP__TRUSTED_PROXIES=::/0"}, "http.trusted_proxies"},
		"an origin of all":              {real, []string{"MALL_HTTP__ALLOWED_ORIGINS=*"}, "http.allowed_origins"},
		"no secret":                     {without(real, "MALL_MEMBER__TOKEN_SECRET"), nil, "member.token_secret"},
		"a known secret":                {real, []string{"MALL_MEMBER__TOKEN_SECRET=changemechangemechangemechangeme"}, "member.token_secret"},
		"a short secret":                {real, []string{"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9"}, "member.token_secret"},
		"no Redis":                      {without(real, "MALL_REDIS__ADDR"), nil, "redis.addr"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, says := serve(t, slices.Concat(tc.settings, tc.more))
			if code != 2 || !strings.Contains(says, "mall: settings: "+tc.names) {
				t.Errorf("exit code %d, want 2 and %s: %.300s", code, tc.names, says)
			}
		})
	}
}

func without(settings []string, variable string) []string {
	return slices.DeleteFunc(slices.Clone(settings), func(s string) bool { return strings.HasPrefix(s, variable+"=") })
}

// The demo's people have passwords that everybody knows: they are worth nothing once the demo is off.
func TestDemoAccountsAreLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demo := func(on string) *mall {
		m := &mall{t: t, cfg: db.Config{Driver: db.SQLite}, settings: slices.Concat([]string{"MALL_DATA=" + dir, "MALL_DEMO=" + on}, believing())}
		m.start(dir)
		return m
	}
	logins := []string{"buyer@demo.mall", "moon@demo.mall", "operator@demo.mall"}
	m := demo("true")
	var tokens []*person
	for _, email := range logins {
		p := m.stranger(t)
		p.email, p.password = email, "demo-mall-2026"
		p.logIn()
		tokens = append(tokens, p)
	}
	if err := m.instances[0].Stop(); err != nil {
		t.Fatal(err)
	}
	m = demo("false")
	for i, p := range tokens {
		p.m = m
		if a := p.call("GET", "/me", nil); a.status != 401 && a.status != 403 {
			t.Errorf("%s, logged in before: %s", logins[i], a)
		}
		fresh := m.stranger(t)
		if a := fresh.patient("POST", "/auth/login", object{"email": p.email, "password": p.password}); a.status != 401 && a.status != 403 {
			t.Errorf("%s: %s", logins[i], a)
		}
	}
}

// Where no payment service is named, nobody can mark an order paid.
func TestNobodyPaysWithoutAPaymentService(t *testing.T) {
	t.Parallel()
	w := newWorld(t, embedded(t, slices.Concat(generous(), known("order.payments", "none"))...))
	a := w.buyer.patient("POST", "/orders/"+w.order+"/steps", object{"to": "paid"})
	a.want(409, "payment_off")
}
