package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/testprogram"
)

const soon = 2 * time.Minute

// The programs, as people run them.
var loadtestProgram, mallProgram, crowdProgram string

func TestMain(m *testing.M) {
	os.Exit(testprogram.Main(m, map[string]*string{"mall/cmd/loadtest": &loadtestProgram, "mall/cmd/mall": &mallProgram, "mall/cmd/crowd": &crowdProgram}))
}

// result is what a run says of itself in a line of JSON.
type result struct {
	Title, Target             string
	Acked, Received           int64
	Lost, Doubled, Disordered int
	Connect                   struct{ Made, Tried int }
	Errors                    map[string]int64
	Simulator                 struct {
		CPU int64 `json:"cpu_ns"`
	}
}

// load runs the program and gives its table and its lines.
func load(t *testing.T, args ...string) (said string, results []result) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	lines := filepath.Join(t.TempDir(), "results.jsonl")
	c := exec.CommandContext(ctx, loadtestProgram, append(args, "-json", lines)...)
	var out, progress bytes.Buffer
	c.Stdout, c.Stderr = &out, &progress
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, &progress, &out)
	}
	text, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Lost+r.Doubled+r.Disordered > 0 || r.Connect.Made != r.Connect.Tried {
			t.Errorf("%+v", r)
		}
		results = append(results, r)
	}
	return out.String(), results
}

func TestTheRelayIsAProcessOfItsOwn(t *testing.T) {
	page := filepath.Join(t.TempDir(), "report.html")
	said, results := load(t, "-relay", "-workload", "max", "-rooms", "10", "-warmup", "100ms", "-duration", "500ms", "-repeat", "2", "-html", page)
	if len(results) != 2 || results[0].Acked < 100 {
		t.Errorf("%+v", results)
	}
	if !regexp.MustCompile(`messages/s \(acked\) +[0-9,]+\n`).MatchString(said) || !strings.Contains(said, "server CPU") {
		t.Errorf("it says\n%s", said)
	}
	if text, err := os.ReadFile(page); err != nil || !bytes.Contains(text, []byte("<svg")) {
		t.Errorf("its page: %v", err)
	}
}

// withoutMall is the environment without settings that are not the test's own.
func withoutMall() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "MALL_") })
}

var buyersLine = regexp.MustCompile(`buyers +(http://\S+)/`)

// mall starts one with its embedded stores in dir.
func mall(t *testing.T, dir string) (url string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := exec.CommandContext(ctx, mallProgram, "serve")
	c.Dir, c.Env = dir, append(withoutMall(), "MALL_DEMO=false", "MALL_HTTP__ADDR=127.0.0.1:0", "MALL_HTTP__INTERNAL_ADDR=127.0.0.1:0",
		"MALL_CHAT__SENDS_PER_SECOND=1000", "MALL_CHAT__SENDS_BURST=1000", "MALL_HTTP__LIMITS__SCALE=1000")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := buyersLine.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	t.Fatal("the mall did not open")
	return ""
}

// The real thing: a mall, people whom it knows, and the workloads that ask most of a client.
func TestAgainstAMall(t *testing.T) {
	dir := t.TempDir()
	crowd := exec.Command(crowdProgram, "-buyers", "12", "-shops", "4", "-out", "people.jsonl")
	crowd.Dir, crowd.Env = dir, append(withoutMall(), "MALL_DEMO=false")
	if text, err := crowd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	url := mall(t, dir)
	people := filepath.Join(dir, "people.jsonl")
	for _, workload := range []string{"max -duration 500ms", "steady -rate 50 -duration 500ms", "reconnect -rate 50 -duration 1s", "chatday -rate 50 -duration 1s",
		"inbox -rate 20 -duration 500ms", "history -rooms 4 -duration 500ms", "connect -connections 30 -duration 100ms"} {
		name, _, _ := strings.Cut(workload, " ")
		t.Run(name, func(t *testing.T) {
			args := []string{"-target", url, "-people", people, "-rooms", "12", "-warmup", "100ms", "-workload"}
			if name == "inbox" {
				args[5] = "3"
			}
			said, results := load(t, append(args, strings.Fields(workload)...)...)
			if len(results) != 1 || !strings.Contains(said, "LOST") {
				t.Errorf("%+v\n%s", results, said)
			}
			for what, n := range results[0].Errors {
				t.Errorf("%s: %d", what, n)
			}
		})
	}
	t.Run("people of its own", func(t *testing.T) {
		_, results := load(t, "-target", url, "-workload", "burst", "-rooms", "2", "-messages", "40")
		if results[0].Acked != 40 || results[0].Received != 40 || results[0].Title != "burst" {
			t.Errorf("%+v", results)
		}
	})
}

func TestMistakesOfWhoeverCallsIt(t *testing.T) {
	for _, bad := range [][]string{{"-workload", "dance", "-relay"}, {"-workload", "max"}, {"-relay", "-workload", "inbox"}, {"-target", "x", "now"}, {"-process", "x"}} {
		c := exec.Command(loadtestProgram, bad...)
		err := c.Run()
		if err == nil || c.ProcessState.ExitCode() != 2 {
			t.Errorf("%v: %v, want exit status 2", bad, err)
		}
	}
}
