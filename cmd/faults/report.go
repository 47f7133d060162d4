package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mall/cmd/faults/internal/checker"
)

// report prints the table, a line as soon as it is known.
type report struct {
	out    io.Writer
	failed int
}

// shown is how many violations of a fault are printed; all are in its folder.
const shown = 6

func newReport(out io.Writer) *report {
	_, _ = fmt.Fprintf(out, "%-26s %6s %6s %7s %8s %8s %8s %8s %5s %7s %10s  %s\n",
		"fault", "sends", "acked", "retried", "longest", "answer", "complete", "back", "lost", "doubled", "disordered", "verdict")
	return &report{out: out}
}

// add prints a fault's line. The error says that playing on makes no sense.
func (r *report) add(x result) error {
	n := map[checker.Kind]int{}
	for _, v := range x.found {
		n[v.Kind]++
	}
	c := x.counts
	_, err := fmt.Fprintf(r.out, "%-26s %6d %6d %7d %8s %8s %8s %8s %5d %7d %10d  %s\n", x.name, c.Sends, c.Acked, c.Retried,
		span(c.Longest), span(x.answer), span(x.complete), span(x.back), n[checker.Lost]+n[checker.Unsent], n[checker.Doubled], n[checker.Disordered], verdict(x, n))
	for i, v := range x.found {
		if i == shown {
			_, _ = fmt.Fprintf(r.out, "    … %d more\n", len(x.found)-shown)
			break
		}
		_, _ = fmt.Fprintf(r.out, "    %s\n", v)
	}
	for _, note := range x.notes {
		_, _ = fmt.Fprintf(r.out, "    (%s)\n", note)
	}
	if x.err != nil {
		_, _ = fmt.Fprintf(r.out, "    error: %v\n", x.err)
	}
	if x.err != nil || len(x.found) > 0 {
		r.failed++
	}
	if x.folder != "" {
		_, _ = fmt.Fprintf(r.out, "    see %s\n", x.folder)
	}
	return errors.Join(err)
}

func verdict(x result, n map[checker.Kind]int) string {
	if x.err == nil && len(x.found) == 0 {
		return "ok"
	}
	var parts []string
	for kind, count := range n {
		parts = append(parts, fmt.Sprintf("%s %d", kind, count))
	}
	slices.Sort(parts)
	if x.err != nil {
		parts = append(parts, "not played to its end")
	}
	return "FAIL: " + strings.Join(parts, ", ")
}

func span(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2fs", d.Seconds())
}
