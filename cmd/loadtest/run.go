package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"mall/cmd/loadtest/internal/people"
	"mall/cmd/loadtest/internal/report"
	"mall/cmd/loadtest/internal/result"
	"mall/cmd/loadtest/internal/workload"
)

var errViolated = errors.New("messages were lost, doubled or out of order, or connections could not be made")

// run plays the workload against all targets in turn, as often as asked, and reports.
func run(ctx context.Context, o options) error {
	if o.again != "" {
		return o.reportAgain()
	}
	targets, stop, err := open(ctx, &o)
	if err != nil {
		return err
	}
	defer stop()
	runs := make([][]*result.Result, len(targets))
	for n := range o.repeat {
		for i, t := range targets {
			r, err := workload.Play(ctx, o.workload, t, o.Options, os.Stderr)
			if r != nil {
				r.Repeat = n + 1
				runs[i] = append(runs[i], r)
				err = errors.Join(err, o.keep(r))
			}
			if err != nil {
				return errors.Join(fmt.Errorf("%s: %w", t.Name, err), o.save(targets), o.report(runs))
			}
		}
	}
	return errors.Join(o.save(targets), o.report(runs))
}

// open finds the people of all targets and starts the relay if asked for; it stands last, as what others are compared to.
func open(ctx context.Context, o *options) (all []*workload.Target, stop func(), err error) {
	for _, t := range o.targets {
		w := &workload.Target{Name: t.name, Bases: t.bases, Processes: t.processes, Redis: t.redis, Profiles: t.profiles}
		if t.people != "" {
			w.Cast, err = people.Load(t.people)
		} else {
			w.Cast, err = signUp(ctx, t, max(o.Rooms, (o.Connections+1)/2, 10))
		}
		if err != nil {
			return nil, nil, err
		}
		all = append(all, w)
	}
	if !o.relay {
		return all, func() {}, nil
	}
	w, stop, err := startRelay(ctx)
	return append(all, w), stop, err
}

func signUp(ctx context.Context, t *target, rooms int) (*people.Cast, error) {
	return people.SignUp(ctx, people.NewAPI(t.bases[0], 8), rooms, func(done, all int) {
		if done%10 == 0 || done == all {
			fmt.Fprintf(os.Stderr, "%s: signing up people, %d of %d rooms\n", t.name, done, all)
		}
	})
}

// keep appends a run to the file of lines.
func (o *options) keep(r *result.Result) (err error) {
	if o.json == "" {
		return nil
	}
	f, err := os.OpenFile(o.json, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644) //nolint:gosec // results are for everyone
	if err != nil {
		return err
	}
	return errors.Join(report.WriteLine(f, r), f.Close())
}

// save writes people back whose tokens have been renewed.
func (o *options) save(targets []*workload.Target) (err error) {
	for i, t := range o.targets {
		if t.people != "" {
			err = errors.Join(err, targets[i].Cast.Save(t.people))
		}
	}
	return err
}

// report shows the runs in the middle. A run that was not clean is an error, so that scripts notice.
func (o *options) report(runs [][]*result.Result) error {
	var picked []*result.Result
	var failed error
	for _, of := range runs {
		if m := report.Median(of); m != nil {
			picked = append(picked, m)
			if m.Failed() {
				failed = errViolated
			}
		}
	}
	if len(picked) == 0 {
		return nil
	}
	return errors.Join(report.Table(os.Stdout, picked), o.page([][]*result.Result{picked}), failed)
}

func (o *options) page(groups [][]*result.Result) (err error) {
	if o.html == "" {
		return nil
	}
	f, err := os.Create(o.html)
	if err != nil {
		return err
	}
	return errors.Join(report.Page(f, groups), f.Close())
}

// reportAgain makes a page of runs that were written down.
func (o *options) reportAgain() error {
	f, err := os.Open(o.again)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	all, err := report.ReadLines(f)
	if err != nil {
		return err
	}
	return o.page(report.Group(all))
}
