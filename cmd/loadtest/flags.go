package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"mall/cmd/loadtest/internal/meter"
	"mall/cmd/loadtest/internal/workload"
)

// errUsage has been explained already.
var errUsage = errors.New("usage")

// target is what one -target and the flags after it say.
type target struct {
	name      string
	bases     []string
	people    string
	processes []meter.Process
	redis     string
	profiles  []string
}

type options struct {
	workload.Options

	workload   string
	targets    []*target
	relay      bool
	repeat     int
	json, html string
	again      string
	leashed    bool
}

const usage = `usage: loadtest -workload NAME -target URL [-people FILE] [-process NAME=PID]... [FLAGS]

-people, -process, -redis, -name and -internal belong to the -target before them; before the first they are everyone's.

workloads
`

func parse(args []string) (o options, err error) {
	common := &target{}
	last := common
	flags := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintf(os.Stderr, "%s  %s\n\nflags\n", usage, strings.Join(workload.Names(), "\n  "))
		flags.PrintDefaults()
	}
	flags.StringVar(&o.workload, "workload", "max", "what the people do")
	flags.Func("target", "`URL` of a mall, or several of its instances, separated by commas; may be given twice, to compare", func(text string) error {
		last = &target{name: fmt.Sprintf("target %d", len(o.targets)+1), bases: strings.Split(strings.ReplaceAll(text, "/,", ","), ",")}
		o.targets = append(o.targets, last)
		return nil
	})
	flags.Func("name", "what the target is called in reports", func(text string) error { last.name = text; return nil })
	flags.Func("people", "`FILE` of people that cmd/crowd has written; without it they sign up, which takes long", func(text string) error { last.people = text; return nil })
	flags.Func("process", "`NAME=PID` of a process to measure, such as server=123; may be repeated", func(text string) error {
		p, err := meter.ParseProcess(text)
		last.processes = append(last.processes, p)
		return err
	})
	flags.Func("redis", "`host:port` of a Redis whose commands are counted", func(text string) error { last.redis = text; return nil })
	flags.Func("internal", "`URL` of an instance's internal address, for -profile; may be repeated", func(text string) error {
		last.profiles = append(last.profiles, text)
		return nil
	})
	flags.BoolVar(&o.relay, "relay", false, "run the same against a bare relay of the same WebSocket library, too")
	flags.IntVar(&o.repeat, "repeat", 1, "how often; the targets take turns, and the run in the middle is reported")
	flags.StringVar(&o.json, "json", "", "`FILE` to which each run is appended as a line of JSON")
	flags.StringVar(&o.Title, "title", "", "what the run is called in reports; empty: the workload")
	flags.StringVar(&o.Note, "note", "", "what readers of the report should know, such as settings that were changed")
	flags.StringVar(&o.again, "report", "", "run nothing, but make -html of the JSON lines in `FILE`")
	flags.StringVar(&o.html, "html", "", "`FILE` for a report to look at")
	flags.BoolVar(&o.leashed, "leashed", false, "end when the standard input does: for programs that must not leave this one behind")
	o.amounts(flags)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, errUsage
	}
	for _, t := range o.targets {
		t.inherit(common)
	}
	err = o.check(flags)
	return o, err
}

// amounts are the flags that say how much; 0 leaves it to the workload.
func (o *options) amounts(flags *flag.FlagSet) {
	flags.IntVar(&o.Rooms, "rooms", 0, "how many rooms")
	flags.IntVar(&o.Connections, "connections", 0, "how many connections (connect)")
	flags.Float64Var(&o.Rate, "rate", 0, "messages a second (open loops)")
	flags.Int64Var(&o.Messages, "messages", 0, "how many messages or deliveries (growth, burst)")
	flags.Int64Var(&o.Sample, "sample", 0, "messages from one sample to the next (growth)")
	flags.IntVar(&o.Window, "window", 0, "unanswered sends of each way into a room (closed loops)")
	flags.IntVar(&o.Outstanding, "outstanding", 0, "unanswered sends of a connection, more are held back and counted (open loops); 0: 256")
	flags.IntVar(&o.AtOnce, "dials", 0, "dials under way at once; 0: 64")
	flags.IntVar(&o.Readers, "readers", 0, "readers of pages (history, inbox); 0: 16")
	flags.IntVar(&o.FramesPerSecond, "frames", 90, "frames a second of one connection, below what the server takes for a flood; 0: no limit")
	flags.StringVar(&o.Floods, "floods", "", "the floods whose name has these `WORDS`, written with hyphens, such as logins-at-once (floods); empty: all")
	flags.DurationVar(&o.Warmup, "warmup", 0, "before it is measured; 0: 2s")
	flags.DurationVar(&o.Duration, "duration", 0, "how long it is measured; 0: 10s")
	flags.DurationVar(&o.Drain, "drain", 0, "how long everything may take to arrive after the last send; 0: 10s")
	flags.BoolVar(&o.Forwarded, "forwarded", false, "people say by X-Forwarded-For where they are; for a mall that trusts this machine as a proxy")
	flags.Uint64Var(&o.Seed, "seed", 1, "of everything random")
	flags.StringVar(&o.ProfileDir, "profile", "", "`DIR` for the server's CPU, allocs, mutex and block profiles while it is measured")
}

// inherit takes what was said for everyone.
func (t *target) inherit(common *target) {
	if t.people == "" {
		t.people = common.people
	}
	if t.redis == "" {
		t.redis = common.redis
	}
	t.processes = append(t.processes, common.processes...)
	t.profiles = append(t.profiles, common.profiles...)
}

func (o *options) check(flags *flag.FlagSet) error {
	say := func(format string, args ...any) error {
		fmt.Fprintf(os.Stderr, "loadtest: "+format+"\n", args...)
		return errUsage
	}
	switch {
	case o.again != "" && o.html != "":
		return nil
	case flags.NArg() > 0:
		return say("unknown word %q", flags.Arg(0))
	case !workload.Known(o.workload):
		return say("no workload is called %q; -h lists them", o.workload)
	case o.relay && !workload.OnRelay(o.workload):
		return say("%s asks for more than the bare relay can", o.workload)
	case len(o.targets) == 0 && !o.relay:
		return say("no -target")
	case o.repeat < 1 || o.Duration < 0 || o.Duration > 24*time.Hour:
		return say("that often, or that long, is not possible")
	}
	return nil
}
