package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"mall/modules/platform/testservers"
)

// house is the servers that all runs share, and where the programs are.
type house struct {
	options

	began    time.Time
	dir      string
	loadtest string
	mysql    *testservers.MySQLServer
	redis    *testservers.RedisServer
	malls    int
}

// serverOptions make the database one of a small production: a load run in a test's 48 MB would measure its evictions.
// COMMIT flushes the log, as everywhere in this project.
func serverOptions(k testservers.Kind) []string {
	log := "--innodb-redo-log-capacity=1G"
	if k == testservers.KindMariaDB {
		log = "--innodb-log-file-size=1G"
	}
	return []string{"--innodb-buffer-pool-size=1G", log, "--innodb-flush-log-at-trx-commit=1"}
}

func (h *house) startServers(ctx context.Context) (err error) {
	kind, err := testservers.Chosen()
	if err != nil {
		return err
	}
	options := serverOptions(kind)
	if h.mysql, err = testservers.StartMySQL(ctx, filepath.Join(h.dir, "mysql"), options...); err != nil {
		return err
	}
	if h.redis, err = testservers.StartRedis(ctx, filepath.Join(h.dir, "redis")); err != nil {
		return err
	}
	fmt.Printf("database: private %s\n", h.mysql)
	fmt.Printf("its options: %s; Redis: private, keeps nothing; data in %s\n", strings.Join(options, " "), h.dir)
	for _, r := range raised {
		fmt.Printf("setting changed for the runs: %s = %s (%s)\n", r.key, r.value, r.why)
	}
	return nil
}

func (h *house) close() {
	if h.redis != nil {
		_ = h.redis.Kill()
	}
	if h.mysql != nil {
		_ = h.mysql.Kill()
	}
}

// chosen are the settings without which a mall on MySQL does not start.
var chosen = []struct{ key, value string }{{"order.payments", "none"}, {"mail.off", "true"}}

// raised are the settings of the runs that differ from the defaults, with the reason: each would be what is measured.
var raised = []struct{ key, value, why string }{
	{"chat.sends_per_second", "100000", "the sender's limit is for people; few simulated ones play many"},
	{"chat.sends_burst", "100000", "the same"},
	{"chat.handshakes_per_second", "100000", "how fast connections can be made is measured, not how fast they may be"},
	{"member.access_life", "1h", "tokens last for the whole run"},
	{"http.limits.scale", "100000", "all simulated people have one address, and few play many"},
}

// raisedInWords is for the reports.
func raisedInWords() string {
	var words []string
	for _, r := range raised {
		words = append(words, r.key+" = "+r.value)
	}
	return "settings changed for the run: " + strings.Join(words, ", ")
}

func variable(key, value string) string {
	return "MALL_" + strings.ToUpper(strings.ReplaceAll(key, ".", "__")) + "=" + value
}

// knows says whether a program has the setting: an older one that is compared with may not, and would refuse to start. It is
// asked to start on a database that nobody has.
func knows(ctx context.Context, program, key, value string) bool {
	c := exec.CommandContext(ctx, program, "serve")
	c.Env = testservers.ProgramEnviron([]string{variable(key, value), "MALL_DB__DRIVER=none"})
	said, err := c.CombinedOutput()
	return err != nil && !strings.Contains(string(said), "unknown setting")
}

// mall is one mall of a run: a database of its own on the shared servers, some instances, and its people.
type mall struct {
	house     *house
	name      string
	database  string
	settings  []string
	program   string
	instances []*testservers.Program
	people    string
}

// open starts the instances of a mall on an empty database.
func (h *house) open(ctx context.Context, s side) (m *mall, err error) {
	h.malls++
	m = &mall{house: h, name: s.name, program: s.program, database: fmt.Sprintf("mall_%d", h.malls)}
	dsn, err := h.mysql.CreateDatabase(ctx, m.database)
	if err != nil {
		return nil, err
	}
	m.settings = []string{"MALL_DEMO=false", "MALL_DB__DRIVER=mysql", "MALL_DB__DSN=" + dsn,
		"MALL_REDIS__ADDR=" + h.redis.Addr(), "MALL_REDIS__PREFIX=" + m.database, "MALL_MEMBER__TOKEN_SECRET=" + rand.Text() + rand.Text()}
	for _, r := range raised {
		if s.outside && strings.HasPrefix(r.key, "http.") {
			continue
		}
		if knows(ctx, s.program, r.key, r.value) {
			m.settings = append(m.settings, variable(r.key, r.value))
		}
	}
	for _, c := range chosen {
		if knows(ctx, s.program, c.key, c.value) {
			m.settings = append(m.settings, variable(c.key, c.value))
		}
	}
	if s.outside {
		m.settings = append(m.settings, variable("http.trusted_proxies", "127.0.0.1/32"))
	}
	for _, w := range strings.Fields(s.settings) {
		key, value, _ := strings.Cut(w, "=")
		m.settings = append(m.settings, variable(key, value))
	}
	m.instances = make([]*testservers.Program, s.instances)
	var starting errgroup.Group
	for n := range m.instances {
		starting.Go(func() (err error) {
			log := filepath.Join(h.logs, fmt.Sprintf("%s-%d.log", strings.ReplaceAll(s.name, " ", "-"), n+1))
			m.instances[n], err = testservers.StartProgram(ctx, s.program, log, m.settings)
			return err
		})
	}
	if err := starting.Wait(); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// close ends the instances and drops the database.
func (m *mall) close() (err error) {
	for _, i := range m.instances {
		if i != nil {
			err = errors.Join(err, i.Stop())
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(err, m.house.mysql.DropDatabase(ctx, m.database))
}

// crowd fills the mall with people.
func (m *mall) crowd(ctx context.Context, args []string) error {
	m.people = filepath.Join(m.house.dir, m.database+".jsonl")
	filler, err := fillerOf(ctx, m.program)
	if err != nil {
		return err
	}
	words := slices.Concat(filler[1:], []string{"-out", m.people}, args)
	c := exec.CommandContext(ctx, filler[0], words...)
	c.Env = testservers.ProgramEnviron(append(m.settings, "MALL_DB__MIGRATE=false"))
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}

// crowdName is what cmd/crowd is called beside the program whose malls it fills.
const crowdName = "crowd"

// fillerOf is the command that fills malls of a program. It is of the program's own tree: another one may know another
// schema. An older program does it by itself, when it has no crowd beside it.
func fillerOf(ctx context.Context, program string) ([]string, error) {
	path, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	beside := filepath.Join(filepath.Dir(path), crowdName)
	if _, err := os.Stat(beside); err == nil {
		return []string{beside}, nil
	}
	ask := exec.CommandContext(ctx, path, crowdName, "-h")
	ask.Env = testservers.ProgramEnviron(nil) // a mall that finds a setting it does not know says nothing else
	said, _ := ask.CombinedOutput()           // who does not know the word says how it is used
	if !strings.Contains(string(said), "-rooms-per-buyer") {
		return nil, fmt.Errorf("nobody can fill malls of %s: build cmd/crowd of its tree as %s", program, beside)
	}
	return []string{path, crowdName}, nil
}

// target are the flags that tell loadtest of the mall.
func (m *mall) target() []string {
	var bases, flags []string
	for _, i := range m.instances {
		bases = append(bases, "http://"+i.Addr)
		flags = append(flags, "-process", fmt.Sprintf("server=%d", i.PID()), "-internal", "http://"+i.Internal)
	}
	flags = append(flags, "-process", fmt.Sprintf("database=%d", m.house.mysql.PID()), "-process", fmt.Sprintf("redis=%d", m.house.redis.PID()),
		"-redis", m.house.redis.Addr(), "-people", m.people)
	return append([]string{"-target", strings.Join(bases, ","), "-name", m.name}, flags...)
}
