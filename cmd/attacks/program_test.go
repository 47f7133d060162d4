package attacks_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"mall/configs"
	"mall/modules/platform/db"
	"mall/modules/platform/testprogram"
	"mall/modules/platform/testservers"
)

// soon is how long a test waits for what must come.
const soon = 20 * time.Second

// secret is the token secret of malls that are given one, so that tokens can be forged that are nearly right.
const secret = "hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs"

var executable string

// atOnce is how many tests run side by side, whatever cores there are: each has a mall of its own, and most of its time goes by
// in waiting for what the mall does by the clock.
const atOnce = "6"

// TestMain builds the program once; the tests run it as people do.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", atOnce); err != nil { // -parallel of the command line still counts
		panic(err)
	}
	os.Exit(testprogram.Main(m, map[string]*string{"mall/cmd/mall": &executable}))
}

// mall is a running mall: one process on embedded stores, or instances on MySQL and Redis.
type mall struct {
	t         testing.TB
	instances []*testservers.Program
	logs      []string
	db        *db.DB // what the program stores, looked at from beside it
	cfg       db.Config
	redis     *testservers.RedisServer // nil: embedded
	letters   *mailbox                 // nil: its letters go nowhere
	settings  []string
	addresses atomic.Int64
}

// embedded starts a mall as `make run` does. settings are MALL_ variables besides its own.
func embedded(t testing.TB, settings ...string) *mall {
	t.Helper()
	dir := t.TempDir()
	m := &mall{t: t, cfg: db.Config{Driver: db.SQLite, Path: filepath.Join(dir, "mall.db")}}
	m.settings = slices.Concat([]string{"MALL_DATA=" + dir, "MALL_DEMO=false", "MALL_MEMBER__TOKEN_SECRET=" + secret}, believing(), settings)
	m.start(dir)
	m.db = testservers.Open(t, m.cfg)
	return m
}

// pair starts two instances on a database and a Redis of their own.
func pair(t testing.TB, settings ...string) *mall {
	t.Helper()
	m := &mall{t: t, cfg: testservers.MySQL(t), redis: testservers.Redis(t)}
	m.settings = slices.Concat(stores(m.cfg, m.redis), believing(), settings)
	if !slices.ContainsFunc(settings, func(s string) bool { return strings.HasPrefix(s, "MALL_MAIL__SMTP_ADDR=") }) {
		m.settings = append(m.settings, known("mail.off", "true")...)
	}
	dir := t.TempDir()
	m.start(dir)
	m.start(dir)
	m.db = testservers.Open(t, m.cfg)
	return m
}

// stores are the settings of a mall that is no demonstration.
func stores(cfg db.Config, redis *testservers.RedisServer) []string {
	return slices.Concat([]string{
		"MALL_DB__DRIVER=mysql", "MALL_DB__DSN=" + cfg.DSN, "MALL_DB__MAX_OPEN=8", "MALL_REDIS__ADDR=" + redis.Addr(),
		"MALL_DEMO=false", "MALL_MEMBER__TOKEN_SECRET=" + secret,
	}, known("order.payments", "demo"))
}

// generous are settings under which the limits of addresses and members do not stand before what a test is about; those
// are the floods' subject.
func generous() []string {
	return slices.Concat(known("http.limits.scale", "1000"), known("member.second_factor", "optional"),
		known("http.security_contact", "mailto:security@mall.example"), known("member.shops_per_day", "1000"), []string{"MALL_HTTP__PUBLIC_URL=http://localhost"})
}

// posted are settings of a mall whose letters come to a mailbox.
func posted(t testing.TB, start func(testing.TB, ...string) *mall, settings ...string) *mall {
	t.Helper()
	box := openMailbox(t)
	m := start(t, slices.Concat(box.settings(), settings)...)
	m.letters = box
	return m
}

// believing lets each person of a test have an address of their own: the limits by address are then theirs alone.
func believing() []string { return []string{"MALL_HTTP__TRUSTED_PROXIES=127.0.0.0/8"} }

// known gives the variable of a setting that the program has; none when it has not, which would refuse to start on it.
func known(key, value string) []string {
	if setting(key) == nil {
		return nil
	}
	return []string{"MALL_" + strings.ToUpper(strings.ReplaceAll(key, ".", "__")) + "=" + value}
}

// setting is what a setting is when nobody sets it; nil when there is none.
func setting(key string) any {
	var value any
	if err := yaml.Unmarshal(configs.Default, &value); err != nil {
		panic(err)
	}
	for word := range strings.SplitSeq(key, ".") {
		level, _ := value.(map[string]any)
		value = level[word]
	}
	return value
}

func (m *mall) start(dir string) {
	m.t.Helper()
	log := filepath.Join(dir, "mall-"+string(rune('1'+len(m.instances)))+".log")
	p, err := testservers.StartProgram(m.t.Context(), executable, log, m.settings)
	if err != nil {
		m.t.Fatalf("the mall did not start: %v", err)
	}
	m.instances, m.logs = append(m.instances, p), append(m.logs, log)
	m.t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			m.t.Error(err)
		}
		if m.t.Failed() {
			m.t.Logf("%s: %s", log, m.complaints(log))
		}
	})
}

// complaints are the last lines of a log that are no mere information.
func (m *mall) complaints(log string) string {
	text, _ := os.ReadFile(log)
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "ERROR") || strings.Contains(line, "WARN") || strings.Contains(line, "panic") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-10):], "")
}

// log is all that the instances have said.
func (m *mall) log() string {
	var all bytes.Buffer
	for _, name := range m.logs {
		text, err := os.ReadFile(name)
		if err != nil {
			m.t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// until asks again until the answer is yes; it gives up, with what was waited for, when that does not come.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	if !within(soon, done) {
		t.Fatalf("in vain: %s", what)
	}
}

// within asks again until the answer is yes or the time is over.
func within(limit time.Duration, done func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); ; <-tick.C {
		if done() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}
