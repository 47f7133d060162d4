package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mall/cmd/loadtest/internal/result"
)

// row is one line of the table: a name, and how it is read from a result. number is what ratios are made of.
type row struct {
	name   string
	unit   string
	better string // more, less; empty: no ratio
	number func(r *result.Result) float64
	text   func(r *result.Result) string // instead of the number, where it says more
	always bool                          // shown when it is 0, too
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func latencyRows(name string, of func(r *result.Result) *result.Latency) []row {
	one := func(p string, d func(l *result.Latency) time.Duration) row {
		return row{name: name + " " + p, unit: "ms", better: "less", number: func(r *result.Result) float64 { return ms(d(of(r))) }}
	}
	return []row{
		one("p50", func(l *result.Latency) time.Duration { return l.P50 }),
		one("p95", func(l *result.Latency) time.Duration { return l.P95 }),
		one("p99", func(l *result.Latency) time.Duration { return l.P99 }),
		one("max", func(l *result.Latency) time.Duration { return l.Max }),
	}
}

// rows are the lines for a set of results: those that every workload has, then the processes and figures that these have.
func rows(all []*result.Result) []row {
	count := func(name string, better string, always bool, n func(r *result.Result) int64) row {
		return row{name: name, better: better, always: always, number: func(r *result.Result) float64 { return float64(n(r)) }}
	}
	list := []row{
		{name: "connections made", text: func(r *result.Result) string { return fmt.Sprintf("%d of %d", r.Connect.Made, r.Connect.Tried) },
			number: func(r *result.Result) float64 { return float64(r.Connect.Tried) }},
		{name: "until all are welcomed", unit: "ms", better: "less", number: func(r *result.Result) float64 { return ms(r.Connect.Took) }},
		count("told to come back", "", false, func(r *result.Result) int64 { return int64(r.Connect.Again) }),
		{name: "measured", unit: "s", number: func(r *result.Result) float64 { return r.Measured.Seconds() }},
		{name: "messages/s (acked)", better: "more", number: func(r *result.Result) float64 { return r.PerSecond }},
		count("acked", "", false, func(r *result.Result) int64 { return r.Acked }),
		count("received by the other side", "", false, func(r *result.Result) int64 { return r.Received }),
	}
	list = append(list, latencyRows("send to ack", func(r *result.Result) *result.Latency { return &r.Ack })...)
	list = append(list, latencyRows("send to receive", func(r *result.Result) *result.Latency { return &r.Receive })...)
	list = append(list, latencyRows("REST call", func(r *result.Result) *result.Latency { return &r.Page })...)
	list = append(list, figureRows(all)...)
	list = append(list,
		count("LOST", "", true, func(r *result.Result) int64 { return int64(r.Lost) }),
		count("DOUBLED", "", true, func(r *result.Result) int64 { return int64(r.Doubled) }),
		count("OUT OF ORDER", "", true, func(r *result.Result) int64 { return int64(r.Disordered) }),
		row{name: "errors", text: errorText, number: func(r *result.Result) float64 { return float64(len(r.Errors)) }},
		count("tried again", "", false, func(r *result.Result) int64 { return r.Retried }),
		count("held back by the simulator", "", false, func(r *result.Result) int64 { return r.HeldBack }),
	)
	list = append(list, processRows(all)...)
	return append(list,
		row{name: "Redis commands per message", better: "less", number: func(r *result.Result) float64 {
			if r.Acked == 0 {
				return 0
			}
			return float64(r.RedisCommands) / float64(r.Acked)
		}},
		row{name: "simulator CPU", unit: "s", number: func(r *result.Result) float64 { return r.Simulator.CPU.Seconds() }},
		row{name: "simulator CPU " + per(all), unit: "µs", number: func(r *result.Result) float64 { return r.Simulator.PerMessage }},
		row{name: "simulator late p99", unit: "ms", number: func(r *result.Result) float64 { return ms(r.Late.P99) }},
	)
}

func errorText(r *result.Result) string {
	var words []string
	for _, what := range slices.Sorted(maps.Keys(r.Errors)) {
		words = append(words, fmt.Sprintf("%s %d", what, r.Errors[what]))
	}
	return strings.Join(words, ", ")
}

func figureRows(all []*result.Result) (list []row) {
	seen := map[string]bool{}
	for _, r := range all {
		for _, f := range r.Figures {
			if seen[f.Name] {
				continue
			}
			seen[f.Name] = true
			list = append(list, row{name: f.Name, unit: f.Unit, better: f.Better, always: true, number: func(r *result.Result) float64 {
				i := slices.IndexFunc(r.Figures, func(o result.Figure) bool { return o.Name == f.Name })
				if i < 0 {
					return 0
				}
				return r.Figures[i].Value
			}})
		}
	}
	return list
}

func processRows(all []*result.Result) (list []row) {
	names := map[string]bool{}
	for _, r := range all {
		for name := range r.Processes {
			names[name] = true
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(names), byRank) {
		list = append(list,
			row{name: name + " CPU", unit: "s", number: func(r *result.Result) float64 { return r.Processes[name].CPU.Seconds() }},
			row{name: name + " CPU " + per(all), unit: "µs", better: "less", number: func(r *result.Result) float64 { return r.Processes[name].PerMessage }},
			row{name: name + " memory", unit: "MiB", better: "less", number: func(r *result.Result) float64 { return float64(r.Processes[name].RSSBytes) / (1 << 20) }},
		)
	}
	if len(names) > 1 {
		list = append(list, row{name: togetherName + per(all), unit: "µs", better: "less", number: (*result.Result).CPUPerMessage})
	}
	return list
}

// byRank puts the server first.
func byRank(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) }

func rank(name string) int {
	if name == "server" {
		return 0
	}
	return 1
}

// per is what the cost is of: messages, or pages where nothing else is done.
func per(all []*result.Result) string {
	if len(all) > 0 && all[0].Acked == 0 && all[0].Page.N > 0 {
		return "per page"
	}
	return "per message"
}

const togetherName = "all together, CPU "
