package report

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"mall/cmd/loadtest/internal/result"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// section is one workload of the page, with its targets side by side.
type section struct {
	Title, Settings string
	Anchor          string
	Cards           []card
	Charts          []*chart
	Head            []string
	Rows            [][]string
	Notes           []string
	Targets         []line // for the legend
	Clean           bool
}

// card is a number that a reader wants first.
type card struct{ Name, Value, Unit, Beside string }

// ReadLines reads the results of a file of JSON lines.
func ReadLines(r io.Reader) (all []*result.Result, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		one := &result.Result{}
		if err := json.Unmarshal(lines.Bytes(), one); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(all)+1, err)
		}
		all = append(all, one)
	}
	return all, lines.Err()
}

// Group puts the repeats of one title against one target together and picks the one in the middle: a row of results for each
// title, in the order in which they came.
func Group(all []*result.Result) (groups [][]*result.Result) {
	var titles []string
	targets, runs := map[string][]string{}, map[[2]string][]*result.Result{}
	for _, r := range all {
		if targets[r.Title] == nil {
			titles = append(titles, r.Title)
		}
		key := [2]string{r.Title, r.Target}
		if runs[key] == nil {
			targets[r.Title] = append(targets[r.Title], r.Target)
		}
		runs[key] = append(runs[key], r)
	}
	for _, t := range titles {
		var row []*result.Result
		for _, target := range targets[t] {
			row = append(row, Median(runs[[2]string{t, target}]))
		}
		groups = append(groups, row)
	}
	return groups
}

// Page writes a page that needs nothing else to be looked at.
func Page(w io.Writer, groups [][]*result.Result) error {
	var sections []section
	began := time.Time{}
	for i, g := range groups {
		sections = append(sections, sectionOf(g, fmt.Sprintf("s%d", i+1)))
		if began.IsZero() || g[0].Began.Before(began) {
			began = g[0].Began
		}
	}
	return page.Execute(w, map[string]any{"Sections": sections, "Began": began.UTC().Format("2006-01-02 15:04 MST"),
		"Width": chartWidth, "ViewWidth": chartWidth + 90, "ViewHeight": chartHeight + 64, "LabelY": chartHeight + 22, "AxisY": chartHeight + 46})
}

func sectionOf(all []*result.Result, anchor string) section {
	first := all[0]
	s := section{Title: first.Title, Settings: first.Settings, Anchor: anchor, Charts: charts(all), Clean: true, Head: head(all)}
	for i, r := range all {
		s.Targets = append(s.Targets, line{Name: r.Target, Color: i + 1})
		s.Clean = s.Clean && !r.Failed()
		for _, n := range r.Notes {
			s.Notes = append(s.Notes, r.Target+": "+n)
		}
	}
	for _, line := range rows(all) {
		if cells := line.cells(all); cells != nil {
			s.Rows = append(s.Rows, cells)
		}
	}
	s.Cards = cards(all)
	return s
}

// cards picks what a workload is mostly asked for.
func cards(all []*result.Result) (list []card) {
	wanted := []string{"messages/s (acked)", "send to ack p50", "send to ack p99", "send to receive p99", togetherName + per(all)}
	for _, f := range all[0].Figures {
		wanted = append(wanted, f.Name)
	}
	if all[0].Ack.N == 0 {
		wanted = append(wanted, "until all are welcomed", "REST call p50", "REST call p99")
	}
	for _, line := range rows(all) {
		n := line.number(all[0])
		for _, name := range wanted {
			if line.name != name || n == 0 && !line.always {
				continue
			}
			c := card{Name: line.name, Value: number(n), Unit: line.unit}
			if len(all) > 1 {
				if other := line.number(all[1]); other != 0 {
					c.Beside = strings.TrimSpace(all[1].Target + " " + number(other) + " " + line.unit)
				}
			}
			list = append(list, c)
		}
	}
	return list
}
