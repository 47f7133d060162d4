package clock

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// near says whether a clock is off by so much, as far as the moments of two looks can tell.
func near(got time.Time, ahead time.Duration) bool {
	d := time.Until(got) - ahead
	return d > -5*time.Second && d < 5*time.Second
}

func TestAProgramInCHasAnotherClock(t *testing.T) {
	clock, err := NewPreloaded(t.TempDir())
	if errors.Is(err, ErrAbsent) && os.Getenv("CI")+os.Getenv("MALL_REQUIRE_SERVERS") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, ahead := range []time.Duration{0, time.Hour, -20 * time.Second, -time.Hour, 0} {
		if err := clock.Set(ahead); err != nil {
			t.Fatal(err)
		}
		date := exec.CommandContext(t.Context(), "date", "+%s")
		date.Env = append(os.Environ(), clock.Env()...)
		text, err := date.Output()
		if err != nil {
			t.Fatal(err)
		}
		seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil || !near(time.Unix(seconds, 0), ahead) {
			t.Errorf("%v ahead: %s, %v", ahead, text, err)
		}
	}
}

// teller says what time it is whenever it is asked, and how long it has been asked for.
const teller = `package main

import (
	"bufio"
	"fmt"
	"os"
	"time"
)

func main() {
	began := time.Now()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(time.Now().UTC().Format(time.RFC3339Nano), time.Since(began))
	}
}
`

func TestAGoProgramHasAnotherClockWhileItRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library")
	}
	dir := t.TempDir()
	goroot, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := Overlay(strings.TrimSpace(string(goroot)), dir)
	if err != nil {
		t.Fatal(err)
	}
	source, program := filepath.Join(dir, "teller.go"), filepath.Join(dir, "teller")
	if err := os.WriteFile(source, []byte(teller), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", program, source)
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	clock, err := NewShared(filepath.Join(dir, "clock"))
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), program)
	run.Env = append(os.Environ(), clock.Env())
	in, _ := run.StdinPipe()
	out, _ := run.StdoutPipe()
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewScanner(out)
	for _, ahead := range []time.Duration{0, time.Hour, -20 * time.Second, -time.Hour - time.Millisecond, 0} {
		if err := clock.Set(ahead); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write([]byte("?\n")); err != nil || !answers.Scan() {
			t.Fatal(err, answers.Err())
		}
		moment, since, _ := strings.Cut(answers.Text(), " ")
		now, err := time.Parse(time.RFC3339Nano, moment)
		passed, err2 := time.ParseDuration(since)
		if err != nil || err2 != nil || !near(now, ahead) || passed < 0 || passed > time.Minute {
			t.Errorf("%v ahead: %s", ahead, answers.Text())
		}
	}
	if err := errors.Join(in.Close(), run.Wait()); err != nil {
		t.Error(err)
	}
}

func TestAnotherStandardLibraryIsAnError(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "src", "time"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "src", "time", "time.go"), []byte("package time\n\nfunc Now() Time { return now() }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Overlay(root, root); err == nil {
		t.Error("a time.go without the place is taken")
	}
}
