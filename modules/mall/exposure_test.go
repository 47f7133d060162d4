package mall

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"mall/modules/platform/securitylog"
)

// settingsOf are those of a mall in a folder of its own.
func settingsOf(t *testing.T, environ ...string) Settings {
	t.Helper()
	s, err := Load("", append([]string{"MALL_DATA=" + filepath.Join(t.TempDir(), "data")}, environ...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// forReal are the settings of a mall as it should be on the internet.
func forReal(environ ...string) []string {
	return append([]string{"MALL_DB__DRIVER=mysql", "MALL_DB__DSN=u:hidden@tcp(127.0.0.1:1)/x", "MALL_REDIS__ADDR=127.0.0.1:1",
		"MALL_MEMBER__TOKEN_SECRET=hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs", "MALL_HTTP__ADDR=:8080", "MALL_HTTP__PUBLIC_URL=https://mall.example",
		"MALL_HTTP__INTERNAL_ADDR=10.0.0.5:8081", "MALL_ORDER__PAYMENTS=none"}, environ...)
}

func TestWhatAMallDoesNotStartWith(t *testing.T) {
	for name, tc := range map[string]struct {
		environ []string
		says    string // how the refusal begins; empty: it starts
		setting string // what the security log names
	}{
		"as it comes":                       {nil, "", ""},
		"for real":                          {forReal(), "", ""},
		"embedded demo for others":          {[]string{"MALL_HTTP__ADDR=:8080"}, "http.addr: :8080 is reachable by others, and the demo's passwords are known", "http.addr"},
		"embedded demo on every address":    {[]string{"MALL_HTTP__ADDR=0.0.0.0:8080"}, "http.addr: 0.0.0.0:8080 is reachable", "http.addr"},
		"embedded demo in the local net":    {[]string{"MALL_HTTP__ADDR=192.168.0.7:8080"}, "http.addr: 192.168.0.7:8080 is reachable", "http.addr"},
		"embedded demo, IPv6":               {[]string{"MALL_HTTP__ADDR=[::]:8080"}, "http.addr: [::]:8080 is reachable", "http.addr"},
		"embedded demo behind a proxy":      {[]string{"MALL_HTTP__PUBLIC_URL=https://mall.example"}, "http.public_url: https://mall.example is where others come, and the demo's", "http.public_url"},
		"demo for real":                     {forReal("MALL_DEMO=true"), "http.addr: :8080 is reachable by others, and the demo's passwords are known", "http.addr"},
		"demo for real behind a proxy":      {forReal("MALL_DEMO=true", "MALL_HTTP__ADDR=127.0.0.1:8080"), "http.public_url: https://mall.example is where others come", "http.public_url"},
		"demo for real, exposed as wished":  {forReal("MALL_DEMO=true", "MALL_DEMO_EXPOSED=true"), "", ""},
		"demo on MySQL of this machine":     {forReal("MALL_DEMO=true", "MALL_HTTP__ADDR=[::1]:8080", "MALL_HTTP__PUBLIC_URL=http://localhost:8000"), "", ""},
		"exposed, but no demo":              {forReal("MALL_DEMO_EXPOSED=true"), "", ""},
		"no word about payments":            {forReal("MALL_ORDER__PAYMENTS="), "order.payments: must be set with db.driver mysql: none (", "order.payments"},
		"demo payments":                     {forReal("MALL_ORDER__PAYMENTS=demo"), "", ""},
		"passwords in the clear":            {forReal("MALL_HTTP__PUBLIC_URL=http://mall.example"), "http.public_url: http://mall.example is read by whoever is on the way", "http.public_url"},
		"in the clear, in the local net":    {forReal("MALL_HTTP__PUBLIC_URL=http://192.168.0.7"), "http.public_url: http://192.168.0.7 is read", "http.public_url"},
		"in the clear, nothing said":        {forReal("MALL_HTTP__PUBLIC_URL="), "http.public_url: http://:8080 is read", "http.public_url"},
		"a name that only begins as ours":   {forReal("MALL_HTTP__PUBLIC_URL=http://localhost.mall.example"), "http.public_url: http://localhost.mall.example is read", "http.public_url"},
		"in the clear, as wished":           {forReal("MALL_HTTP__PUBLIC_URL=http://mall.example", "MALL_HTTP__PLAIN=true"), "", ""},
		"in the clear, this machine":        {forReal("MALL_HTTP__PUBLIC_URL=http://127.0.0.1:8000"), "", ""},
		"embedded in the clear":             {[]string{"MALL_HTTP__ADDR=:8080", "MALL_DEMO=false"}, "http.public_url: http://:8080 is read", "http.public_url"},
		"metrics for everybody":             {forReal("MALL_HTTP__INTERNAL_ADDR=0.0.0.0:8081"), "http.internal_addr: 0.0.0.0:8081 is reachable from everywhere", "http.internal_addr"},
		"metrics on every address":          {forReal("MALL_HTTP__INTERNAL_ADDR=:8081"), "http.internal_addr: :8081 is reachable", "http.internal_addr"},
		"metrics on a public address":       {forReal("MALL_HTTP__INTERNAL_ADDR=203.0.113.9:8081"), "http.internal_addr: 203.0.113.9:8081 is reachable", "http.internal_addr"},
		"metrics behind a container's wall": {forReal("MALL_HTTP__INTERNAL_ADDR=:8081", "MALL_HTTP__INTERNAL_EXPOSED=true"), "", ""},
		"a public address without a scheme": {forReal("MALL_HTTP__PUBLIC_URL=mall.example"), `http.public_url: "mall.example" is not the address of a site`, ""},
		"a public address with a page":      {forReal("MALL_HTTP__PUBLIC_URL=https://mall.example/shop"), "http.public_url: ", ""},
		"a public address with a password":  {forReal("MALL_HTTP__PUBLIC_URL=https://a:b@mall.example"), "http.public_url: ", ""},
		"a public address of another kind":  {forReal("MALL_HTTP__PUBLIC_URL=ftp://mall.example"), "http.public_url: ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := settingsOf(t, tc.environ...)
			var out bytes.Buffer
			err := s.checkExposure(t.Context(), securitylog.New(slog.New(slog.NewTextHandler(&out, nil))))
			if tc.says == "" {
				if err != nil || out.Len() > 0 {
					t.Fatalf("refused: %v %s", err, &out)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tc.says) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hidden") {
				t.Errorf("says %v, want %q", err, tc.says)
			}
			if want := "event=start_refused outcome=refused code=dangerous_setting reason=" + tc.setting; tc.setting != "" && !strings.Contains(out.String(), want) {
				t.Errorf("the security log has %q, want %s", &out, want)
			}
		})
	}
}

// What was asked for is told at every start; a mall as it should be has nothing to tell.
func TestDangerousSettingsAreTold(t *testing.T) {
	for name, tc := range map[string]struct {
		environ []string
		errors  int      // lines that somebody should wake up for
		told    []string // in the security log
	}{
		"as it comes":   {nil, 0, nil},
		"for real":      {forReal(), 0, nil},
		"demo payments": {forReal("MALL_ORDER__PAYMENTS=demo"), 1, []string{"order.payments"}},
		"everything": {forReal("MALL_DEMO=true", "MALL_DEMO_EXPOSED=true", "MALL_ORDER__PAYMENTS=demo", "MALL_HTTP__PUBLIC_URL=http://mall.example",
			"MALL_HTTP__PLAIN=true", "MALL_HTTP__INTERNAL_ADDR=:8081", "MALL_HTTP__INTERNAL_EXPOSED=true"), 4,
			[]string{"http.addr", "http.public_url", "order.payments", "http.public_url", "http.internal_addr"}},
		"a database by name": {forReal("MALL_DB__DSN=u:hidden@tcp(db.mall.example:3306)/x"), 1, []string{"db.tls"}},
		"a database nearby":  {forReal("MALL_DB__DSN=u:hidden@tcp(10.0.0.6:3306)/x"), 0, []string{"db.tls"}},
		"a database by TLS":  {forReal("MALL_DB__DSN=u:hidden@tcp(db.mall.example:3306)/x", "MALL_DB__TLS=true"), 0, nil},
		"a container":        {forReal("MALL_HTTP__INTERNAL_ADDR=:8081", "MALL_HTTP__INTERNAL_EXPOSED=true"), 0, []string{"http.internal_addr"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := settingsOf(t, tc.environ...)
			var out bytes.Buffer
			log := slog.New(slog.NewTextHandler(&out, nil))
			s.tellExposure(context.Background(), log, securitylog.New(log))
			if n := strings.Count(out.String(), "level=ERROR"); n != tc.errors || strings.Contains(out.String(), "hidden") {
				t.Errorf("%d errors, want %d:\n%s", n, tc.errors, &out)
			}
			var told []string
			for line := range strings.Lines(out.String()) {
				if _, reason, ok := strings.Cut(strings.TrimSpace(line), "event=dangerous_setting outcome=done reason="); ok {
					told = append(told, reason)
				}
			}
			if strings.Join(told, " ") != strings.Join(tc.told, " ") {
				t.Errorf("told %v, want %v", told, tc.told)
			}
		})
	}
}
