package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"mall/cmd/loadtest/internal/client"
	"mall/cmd/loadtest/internal/hist"
	"mall/cmd/loadtest/internal/result"
)

func sample(target string, perSecond float64) *result.Result {
	var h hist.Hist
	for i := range 1000 {
		h.Add(time.Duration(i) * 20 * time.Microsecond)
	}
	l := result.LatencyOf(h.Snapshot())
	r := &result.Result{Title: "max", Workload: "max", Target: target, Settings: "2 rooms & <more>", Began: time.Unix(1, 0), Measured: time.Second,
		Connect: client.Connected{Tried: 4, Made: 4}, Acked: 1000, Received: 1000, PerSecond: perSecond, Ack: l, Receive: l,
		Processes: map[string]result.Cost{"server": {CPU: time.Second, RSSBytes: 5 << 20, PerMessage: 100}, "redis": {PerMessage: 10}},
		Errors:    map[string]int64{"busy": 3},
		Figures:   []result.Figure{{Name: "pages per second", Value: 12, Unit: "/s", Better: "more"}}, Notes: []string{"a <note>"}}
	for i := range 3 {
		r.Timeline = append(r.Timeline, result.Second{At: time.Duration(i+1) * time.Second, Acked: 1000, AckP99: time.Duration(i) * time.Millisecond})
		r.Samples = append(r.Samples, result.Sample{Stored: int64(1000 * i), PerSecond: 100, CPU: map[string]float64{"server": 80}})
	}
	return r
}

func TestTableComparesTheFirstToTheOthers(t *testing.T) {
	var b strings.Builder
	if err := Table(&b, []*result.Result{sample("mall", 500), sample("relay", 2000)}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"mall/relay", "0.25", "send to ack p99", "LOST", "busy 3", "a <note>", "110 µs", "pages per second"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "held back") || strings.Contains(b.String(), "REST") {
		t.Errorf("what says nothing is shown:\n%s", b.String())
	}
}

func TestTheMedianIsTheOneInTheMiddle(t *testing.T) {
	a, b, c := sample("mall", 300), sample("mall", 100), sample("mall", 200)
	if m := Median([]*result.Result{a, b, c}); m != c {
		t.Errorf("picked %v", m.PerSecond)
	}
	b.Lost = 1
	if m := Median([]*result.Result{a, b, c}); m != b {
		t.Error("a run that lost something was left out")
	}
	if Median(nil) != nil {
		t.Error("of nothing")
	}
}

func TestThePageShowsWhatTheLinesHold(t *testing.T) {
	var lines, page bytes.Buffer
	for _, r := range []*result.Result{sample("mall", 500), sample("relay", 2000), sample("mall", 501), sample("mall", 502)} {
		if err := WriteLine(&lines, r); err != nil {
			t.Fatal(err)
		}
	}
	all, err := ReadLines(&lines)
	if err != nil {
		t.Fatal(err)
	}
	groups := Group(all)
	if len(groups) != 1 || len(groups[0]) != 2 || groups[0][0].PerSecond != 501 {
		t.Fatalf("%d groups", len(groups))
	}
	if err := Page(&page, groups); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, want := range []string{"2 rooms &amp; &lt;more&gt;", "a &lt;note&gt;", `<path class="c1" d="M`, `<path class="c2" d="M`, "p99", "Send to receive",
		"CPU per message as it grows", "mall/relay", "nothing lost", "prefers-color-scheme", "width=device-width"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	for _, never := range []string{"NaN", "Inf", "ZgotmplZ", "http://", "https://", "<no value>"} {
		if strings.Contains(text, never) {
			t.Errorf("%q is in the page", never)
		}
	}
	if open, closed := strings.Count(text, "<svg"), strings.Count(text, "</svg>"); open != closed || open < 7 {
		t.Errorf("%d plots begin, %d end", open, closed)
	}
}

// A result of a workload that measures little must not break a chart.
func TestAnEmptyResultHasAPage(t *testing.T) {
	var page bytes.Buffer
	if err := Page(&page, [][]*result.Result{{{Title: "x"}}}); err != nil || strings.Contains(page.String(), "NaN") {
		t.Errorf("%v", err)
	}
}
