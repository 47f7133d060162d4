// Command stage sets up everything for a load run and plays it: private MySQL or MariaDB and Redis, the mall's instances, a crowd
// of people, and cmd/loadtest in front of them. docs/loadtest.md describes it.
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
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	only, program, base, dir, logs, profile, extra, with string
	list, short                                          bool
	instances, repeat, fill                              int
	duration                                             time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "play the workloads of these names, separated by commas")
	flag.BoolVar(&o.list, "list", false, "list the workloads")
	flag.BoolVar(&o.short, "short", false, "a few seconds of each: a check that nothing is lost, no measurement")
	flag.StringVar(&o.program, "mall", "", "the `PROGRAM` to measure, with its crowd beside it; empty: cmd/mall is built")
	flag.StringVar(&o.base, "base", "", "another mall's `PROGRAM`, with its crowd beside it, to compare with, on the same servers in turn")
	flag.StringVar(&o.with, "with", "", "compare with the same mall under these `SETTINGS`, such as \"chat.lanes=1 chat.batch=200\"")
	flag.IntVar(&o.instances, "instances", 1, "how many instances a mall has")
	flag.IntVar(&o.repeat, "repeat", 0, "how often each is played, in turn with what it is compared to; 0: as the workload has it")
	flag.DurationVar(&o.duration, "duration", 0, "how long each is measured; 0: as the workload has it")
	flag.IntVar(&o.fill, "fill", 0, "how many messages the store holds before `history` is measured; 0: a million")
	flag.StringVar(&o.profile, "profile", "", "`DIR` for CPU, allocs, mutex and block profiles of the instances")
	flag.StringVar(&o.extra, "flags", "", "further `FLAGS` for loadtest, such as \"-rate 500\"")
	flag.StringVar(&o.dir, "dir", "", "`DIR` for the servers' data while it runs; empty: a temporary one. What disk it is on matters")
	flag.StringVar(&o.logs, "logs", ".cache/load", "`DIR` for results, reports and the programs' logs")
	flag.Parse()
	if o.list {
		for _, p := range presets() {
			fmt.Printf("%-19s %s\n", p.name, p.about)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "stage:", err)
		os.Exit(1)
	}
}

// run plays everything and stops all that it started, also when ctx ends first.
func run(ctx context.Context, o options) (err error) {
	chosen, err := choose(presets(), o)
	if err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(o.dir, "mall-load-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	if err := o.folders(); err != nil {
		return err
	}
	h := &house{options: o, began: time.Now(), dir: temporary}
	if err := h.build(ctx); err != nil {
		return err
	}
	defer h.close()
	if err := h.startServers(ctx); err != nil {
		return err
	}
	var failed error
	for _, p := range chosen {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := h.play(ctx, p); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", p.name, err))
		}
	}
	return errors.Join(failed, h.report(ctx))
}

func (o *options) folders() error {
	if err := os.MkdirAll(o.logs, 0o750); err != nil {
		return err
	}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o750); err != nil {
			return err
		}
	}
	return nil
}

// build makes this tree's programs.
func (h *house) build(ctx context.Context) error {
	h.loadtest = filepath.Join(h.dir, "loadtest")
	if err := build(ctx, h.loadtest, "./cmd/loadtest"); err != nil {
		return err
	}
	if h.program != "" {
		return nil
	}
	h.program = filepath.Join(h.dir, "mall")
	return errors.Join(build(ctx, h.program, "./cmd/mall"), build(ctx, filepath.Join(h.dir, crowdName), "./cmd/crowd"))
}

func build(ctx context.Context, program, from string) error {
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", program, from).CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", from, err, text)
	}
	return nil
}
