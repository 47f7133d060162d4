// Command faults breaks a whole mall of real processes in every way it knows, with real clients at work, and has an
// independent checker compare what the clients saw with what the database holds. docs/faults.md describes it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	only, logs, program, nginx string
	short, list, keep, cursors bool
	planted, race              bool
	rooms, rounds              int
	seed                       uint64

	tree     string        // the source tree that programs are built of
	patience time.Duration // of the clients at the beginning, and of everything in the end
	quiet    bool          // nothing is said but the verdicts
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "run the faults whose names contain one of these words, separated by commas")
	flag.BoolVar(&o.short, "short", false, "a sample with few rooms and rounds")
	flag.BoolVar(&o.keep, "keep", false, "keep the logs of faults that went well, too")
	flag.BoolVar(&o.race, "race", false, "build the mall with the race detector; few rooms and rounds unless they are named")
	flag.BoolVar(&o.cursors, "cursors", true, "also require that everybody knows both parties' cursors and what is unread (P8)")
	flag.BoolVar(&o.list, "list", false, "list the faults")
	flag.IntVar(&o.rooms, "rooms", 0, "how many rooms; 0: 100, or 20 with -short and -race")
	flag.IntVar(&o.rounds, "rounds", 0, "how often the last publishes before silence are dropped; 0: 50, or 5 with -short and -race")
	flag.BoolVar(&o.planted, "planted", false, "plant bugs into copies of the mall, one at a time, and require that they are caught")
	flag.Uint64Var(&o.seed, "seed", 1, "of everything random")
	flag.StringVar(&o.logs, "logs", ".cache/faults", "folder for the logs of failing faults")
	flag.StringVar(&o.program, "mall", "", "the program to test; empty: cmd/mall is built")
	flag.StringVar(&o.nginx, "nginx", "configs/nginx.conf", "the balancer's configuration")
	flag.Parse()
	if o.list {
		for _, f := range faults() {
			fmt.Printf("%-26s %s\n", f.name, f.about)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	do := run
	if o.planted {
		do = runPlanted
	}
	err := do(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

var errViolated = errors.New("promises were broken")

// run tests everything and stops all that it started, also when ctx ends first.
func run(ctx context.Context, o options) (err error) {
	o.complete()
	chosen, err := choose(faults(), o)
	if err != nil {
		return err
	}
	dir, err := o.folders()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.program == "" {
		o.program = filepath.Join(dir, "mall")
		if err := build(ctx, o, theMall, o.program); err != nil {
			return err
		}
	}
	h, err := open(ctx, o, dir)
	if err != nil {
		return err
	}
	defer h.cluster.Close()
	began := time.Now()
	report := newReport(os.Stdout)
	for _, f := range chosen {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := report.add(h.play(ctx, f)); err != nil {
			return err
		}
	}
	fmt.Printf("\n%d faults in %v, %d failed\n", len(chosen), time.Since(began).Round(time.Second), report.failed)
	fmt.Printf("held more after a fault than before, at most: %s; from the first fault of an instance's life to the last: %s\n", h.lives.most, h.lives.whole)
	if report.failed > 0 {
		fmt.Printf("logs of what failed: %s\n", o.logs)
		return errViolated
	}
	return nil
}

// folders makes a folder for what the run needs, which the caller removes, and an empty one for the logs.
func (o *options) folders() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "mall-faults-"); err != nil {
		return "", err
	}
	return dir, errors.Join(
		os.Chmod(dir, 0o755), //nolint:gosec // nginx started by root works as nobody, and needs its folders
		os.RemoveAll(o.logs), os.MkdirAll(o.logs, 0o750))
}

// theMall is the package of the program that is tested.
const theMall = "./cmd/mall"

// build makes a program of a package of the source tree; flags are further ones of the compiler.
func build(ctx context.Context, o options, from, program string, flags ...string) error {
	if o.race {
		flags = append(flags, "-race")
	}
	compile := exec.CommandContext(ctx, "go", slices.Concat([]string{"build", "-trimpath", "-o", program}, flags, []string{from})...)
	compile.Dir = o.tree
	if text, err := compile.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, text)
	}
	return nil
}

func (o *options) complete() {
	if o.tree == "" {
		o.tree = "."
	}
	if o.patience == 0 {
		o.patience = time.Minute
	}
	if o.rooms == 0 {
		o.rooms = 100
		if o.short || o.race {
			o.rooms = 20
		}
	}
	if o.rounds == 0 {
		o.rounds = 50
		if o.short || o.race {
			o.rounds = 5
		}
	}
}

// choose picks the faults to run.
func choose(all []fault, o options) (chosen []fault, err error) {
	for _, f := range all {
		wanted := o.only == "" && (f.short || !o.short)
		for word := range strings.SplitSeq(o.only, ",") {
			wanted = wanted || word != "" && strings.Contains(f.name, word)
		}
		if wanted {
			chosen = append(chosen, f)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no fault is called %q; -list names them", o.only)
	}
	return chosen, nil
}
