package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mall/cmd/faults/internal/checker"
)

var errMissed = errors.New("bugs were not caught")

// plantedPatience is for views that will never be complete.
const plantedPatience = 20 * time.Second

// runPlanted plants one bug at a time into a copy of the source tree, and requires that the checker catches each, and that
// the mall as it is passes the same faults.
func runPlanted(ctx context.Context, o options) (err error) {
	o.short, o.quiet, o.patience = true, true, plantedPatience
	o.complete()
	chosen, err := choosePlants(plants(), o.only)
	if err != nil {
		return err
	}
	dir, err := o.folders()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	tree := filepath.Join(dir, "tree")
	if err := copyTree(".", tree); err != nil {
		return err
	}
	fmt.Printf("%-50s %-26s %-18s %-30s %s\n", "planted bug", "fault", "expected", "caught as", "verdict")
	missed := 0
	for n, p := range append(unplanted(chosen), chosen...) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		played, err := o.playPlanted(ctx, p, chosen, tree, filepath.Join(dir, fmt.Sprint(n)))
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		for _, r := range played {
			if !p.line(os.Stdout, r) {
				missed++
			}
		}
	}
	if missed > 0 {
		return errMissed
	}
	return nil
}

// unplanted is the mall as it is, and once more with the race detector where a chosen bug is built so.
func unplanted(chosen []plant) []plant {
	all := []plant{{name: "none"}}
	if slices.ContainsFunc(chosen, plant.raced) {
		all = append(all, plant{name: "none, with the race detector", expect: []checker.Kind{checker.Race}})
	}
	return all
}

// raced says whether only the race detector can see the bug.
func (p plant) raced() bool { return slices.Contains(p.expect, checker.Race) }

func choosePlants(all []plant, only string) (chosen []plant, err error) {
	for _, p := range all {
		if only == "" || slices.ContainsFunc(strings.Split(only, ","), func(word string) bool { return word != "" && strings.Contains(p.name, word) }) {
			chosen = append(chosen, p)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no planted bug is called %q", only)
	}
	return chosen, nil
}

// playPlanted builds a mall with the bug and plays its fault; without a bug it plays the faults of all chosen ones.
func (o options) playPlanted(ctx context.Context, p plant, chosen []plant, tree, dir string) (played []result, err error) {
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // nginx started by root works as nobody, and needs its folders
		return nil, err
	}
	restore, err := p.apply(tree)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, restore()) }() // not before: some faults want a program of their own
	o.tree, o.program, o.race = tree, filepath.Join(dir, "mall"), p.raced()
	if err := build(ctx, o, theMall, o.program); err != nil {
		return nil, err
	}
	o.logs = filepath.Join(o.logs, strings.NewReplacer(" ", "-", ",", "").Replace(p.name))
	if err := os.MkdirAll(o.logs, 0o750); err != nil {
		return nil, err
	}
	h, err := open(ctx, o, dir)
	if err != nil {
		return nil, err
	}
	defer h.cluster.Close()
	for _, f := range faults() {
		if f.name == p.fault || p.fault == "" && slices.ContainsFunc(chosen, func(other plant) bool { return other.fault == f.name && other.raced() == p.raced() }) {
			played = append(played, h.play(ctx, f))
		}
	}
	return played, nil
}

// line prints what became of a fault; it answers whether that is as it should be.
func (p plant) line(out *os.File, r result) bool {
	kinds := map[checker.Kind]int{}
	for _, v := range r.found {
		kinds[v.Kind]++
	}
	caught, expected, good, word := "-", "-", len(r.found) == 0 && r.err == nil, "ok"
	if text, found := strings.CutPrefix(verdict(r, kinds), "FAIL: "); found {
		caught = text
	}
	if p.fault != "" {
		expected = fmt.Sprint(p.expect)
		good, word = slices.ContainsFunc(p.expect, func(k checker.Kind) bool { return kinds[k] > 0 }), "caught"
	}
	if !good {
		word = "MISSED"
		if p.fault == "" {
			word = "FAIL"
		}
	}
	_, _ = fmt.Fprintf(out, "%-50s %-26s %-18s %-30s %s\n", p.name, r.name, strings.Trim(expected, "[]"), caught, word)
	if !good {
		for _, v := range r.found[:min(shown, len(r.found))] {
			_, _ = fmt.Fprintf(out, "    %s\n", v)
		}
		if r.err != nil {
			_, _ = fmt.Fprintf(out, "    error: %v\n", r.err)
		}
	}
	return good
}
