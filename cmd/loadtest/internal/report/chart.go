package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"mall/cmd/loadtest/internal/result"
)

// The inside of a chart, in the units of its viewBox. The labels have room left of and below it.
const (
	chartWidth  = 640.0
	chartHeight = 240.0
)

// chart is a plot as the page draws it.
type chart struct {
	Title  string
	X, Y   string // what the axes mean
	Lines  []line
	XTicks []tick
	YTicks []tick
}

// line is one of a chart's, drawn in the colour of its target.
type line struct {
	Name   string
	Color  int // 1, 2, 3 …
	Dashed bool
	Path   string
}

// tick is a place of an axis.
type tick struct {
	At   float64
	Text string
}

// series is what a line is made of.
type series struct {
	name   string
	color  int
	dashed bool
	points [][2]float64
}

// draw makes a chart of series that share two axes.
func draw(title, x, y string, all []series, across, up axis, xTicks, yTicks []float64, xText, yText func(float64) string) *chart {
	c := &chart{Title: title, X: x, Y: y}
	for _, s := range all {
		if len(s.points) < 2 {
			continue
		}
		var b strings.Builder
		for i, p := range s.points {
			command := "L"
			if i == 0 {
				command = "M"
			}
			fmt.Fprintf(&b, "%s%.1f %.1f", command, across.at(p[0])*chartWidth, (1-min(1, up.at(p[1])))*chartHeight)
		}
		c.Lines = append(c.Lines, line{s.name, s.color, s.dashed, b.String()})
	}
	for _, v := range xTicks {
		c.XTicks = append(c.XTicks, tick{across.at(v) * chartWidth, xText(v)})
	}
	for _, v := range yTicks {
		c.YTicks = append(c.YTicks, tick{(1 - up.at(v)) * chartHeight, yText(v)})
	}
	if len(c.Lines) == 0 {
		return nil
	}
	return c
}

// nines is where a share stands on the curve's axis: as far right for each further nine.
func nines(share float64) float64 { return -math.Log10(max(1-share, 1e-7)) }

// curves draws how long what share took at most.
func curves(of func(r *result.Result) result.Latency, title string, all []*result.Result) *chart {
	var list []series
	low, high, right := math.Inf(1), 0.0, 1.0
	for i, r := range all {
		s := series{name: r.Target, color: i + 1}
		for _, p := range of(r).Curve {
			if p.Share >= 1 {
				continue
			}
			v := max(ms(p.Value), 0.01)
			s.points = append(s.points, [2]float64{nines(p.Share), v})
			low, high, right = min(low, v), max(high, v), max(right, nines(p.Share))
		}
		list = append(list, s)
	}
	up, yTicks := decades(low, high)
	var xTicks []float64
	for _, share := range []float64{0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999} {
		if nines(share) <= right {
			xTicks = append(xTicks, nines(share))
		}
	}
	text := func(n float64) string {
		return "p" + strings.TrimSuffix(fmt.Sprintf("%.6g", 100*(1-math.Pow(10, -n))), "%")
	}
	return draw(title, "share of all", "ms", list, axis{low: 0, high: right}, up, xTicks, yTicks, text, plain)
}

// over draws a value second by second.
func over(title, unit string, all []*result.Result, of func(s result.Second) float64, logarithmic bool) *chart {
	var list []series
	low, high, right := math.Inf(1), 0.0, 0.0
	for i, r := range all {
		s := series{name: r.Target, color: i + 1}
		for _, second := range r.Timeline {
			v, at := of(second), second.At.Seconds()
			if logarithmic && v <= 0 {
				continue
			}
			s.points = append(s.points, [2]float64{at, v})
			low, high, right = min(low, v), max(high, v), max(right, at)
		}
		list = append(list, s)
	}
	if high == 0 {
		return nil
	}
	across, xTicks := linear(right)
	up, yTicks := linear(high)
	if logarithmic {
		up, yTicks = decades(low, high)
	}
	return draw(title, "seconds", unit, list, across, up, xTicks, yTicks, plain, plain)
}

// growing draws a value over what the samples grew by.
func growing(title, unit string, all []*result.Result, of func(s result.Sample) float64) *chart {
	var list []series
	high, right := 0.0, 0.0
	x, at := "messages stored", func(s result.Sample) float64 { return float64(s.Stored) }
	for _, r := range all {
		if n := len(r.Samples); n > 1 && r.Samples[0].Connections != r.Samples[n-1].Connections {
			x, at = "connections", func(s result.Sample) float64 { return float64(s.Connections) }
		}
	}
	for i, r := range all {
		s := series{name: r.Target, color: i + 1}
		for _, sample := range r.Samples {
			s.points = append(s.points, [2]float64{at(sample), of(sample)})
			high, right = max(high, of(sample)), max(right, at(sample))
		}
		list = append(list, s)
	}
	across, xTicks := linear(right)
	up, yTicks := linear(high)
	return draw(title, x, unit, list, across, up, xTicks, yTicks, plain, plain)
}

// charts are those that say something about results of one workload.
func charts(all []*result.Result) (list []*chart) {
	total := func(s result.Sample) (us float64) {
		for _, c := range s.CPU {
			us += c
		}
		return us
	}
	for _, c := range []*chart{
		curves(func(r *result.Result) result.Latency { return r.Ack }, "Send to ack", all),
		curves(func(r *result.Result) result.Latency { return r.Receive }, "Send to receive", all),
		curves(func(r *result.Result) result.Latency { return r.Page }, "REST calls", all),
		over("Messages acked", "per second", all, func(s result.Second) float64 { return float64(s.Acked) }, false),
		over("Send to ack, p99 of each second", "ms", all, func(s result.Second) float64 { return ms(s.AckP99) }, true),
		over("Send to receive, p99 of each second", "ms", all, func(s result.Second) float64 { return ms(s.ReceiveP99) }, true),
		over("Pages read", "per second", all, func(s result.Second) float64 { return float64(s.Pages) }, false),
		over("REST calls, p99 of each second", "ms", all, func(s result.Second) float64 { return ms(s.PageP99) }, true),
		growing("Messages per second as it grows", "per second", all, func(s result.Sample) float64 { return s.PerSecond }),
		growing("CPU per message as it grows", "µs", all, total),
		growing("Ack p99 as it grows", "ms", all, func(s result.Sample) float64 { return float64(s.AckP99) / float64(time.Millisecond) }),
	} {
		if c != nil {
			list = append(list, c)
		}
	}
	return list
}
