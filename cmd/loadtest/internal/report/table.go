// Package report shows results: as a table, as JSON lines, and as a page.
package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"mall/cmd/loadtest/internal/result"
)

// Table writes the results of one workload side by side, with how the first compares to each of the others.
func Table(w io.Writer, all []*result.Result) error {
	if len(all) == 0 {
		return nil
	}
	first := all[0]
	_, _ = fmt.Fprintf(w, "\n%s: %s\n", first.Title, first.Settings)
	lines := [][]string{head(all)}
	for _, line := range rows(all) {
		if cells := line.cells(all); cells != nil {
			lines = append(lines, cells)
		}
	}
	_, err := io.WriteString(w, aligned(lines))
	if err != nil {
		return err
	}
	for _, r := range all {
		if len(r.Samples) > 0 {
			_, _ = fmt.Fprintf(w, "\n  %s, as it grows\n%s", r.Target, aligned(samples(r)))
		}
		for _, n := range r.Notes {
			_, _ = fmt.Fprintf(w, "  %s: %s\n", r.Target, n)
		}
	}
	return nil
}

// samples are the lines of what grew.
func samples(r *result.Result) [][]string {
	lines := [][]string{{"messages stored", "connections", "messages/s", "ack p99 ms", "CPU µs per message"}}
	for _, s := range r.Samples {
		var cpu []string
		for _, name := range slices.SortedFunc(maps.Keys(s.CPU), byRank) {
			cpu = append(cpu, fmt.Sprintf("%s %.0f", name, s.CPU[name]))
		}
		lines = append(lines, []string{grouped(s.Stored), grouped(int64(s.Connections)), grouped(int64(s.PerSecond)), number(ms(s.AckP99)), strings.Join(cpu, ", ")})
	}
	return lines
}

// head names the columns: the targets, and how the first compares to the others.
func head(all []*result.Result) []string {
	names := []string{""}
	for _, r := range all {
		names = append(names, r.Target)
	}
	for _, r := range all[1:] {
		names = append(names, all[0].Target+"/"+r.Target)
	}
	return names
}

// aligned writes lines of cells in columns, the first to the left and the others to the right.
func aligned(lines [][]string) string {
	var widths []int
	for _, cells := range lines {
		for i, c := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, cells := range lines {
		row := fmt.Sprintf("  %-*s", widths[0], cells[0])
		for i, c := range cells[1:] {
			row += fmt.Sprintf("  %*s", widths[i+1], c)
		}
		b.WriteString(strings.TrimRight(row, " ") + "\n")
	}
	return b.String()
}

// cells is a line of the table; nil when it says nothing of any result.
func (l row) cells(all []*result.Result) []string {
	cells, says := []string{l.name}, l.always
	for _, r := range all {
		n := l.number(r)
		says = says || n != 0
		if l.text != nil {
			cells = append(cells, l.text(r))
		} else {
			cells = append(cells, strings.TrimSpace(number(n)+" "+l.unit))
		}
	}
	if !says {
		return nil
	}
	for _, r := range all[1:] {
		cells = append(cells, l.ratio(all[0], r))
	}
	return cells
}

// ratio is how the first compares to another; empty where that says nothing.
func (l row) ratio(first, other *result.Result) string {
	a, b := l.number(first), l.number(other)
	if l.better == "" || a == 0 || b == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", a/b)
}

// number writes three digits that mean something.
func number(n float64) string {
	switch {
	case n == float64(int64(n)) || n >= 1000:
		return grouped(int64(n + 0.5))
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.2f", n)
}

func grouped(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
