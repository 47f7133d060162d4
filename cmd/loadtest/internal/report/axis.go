package report

import (
	"fmt"
	"math"
)

// axis maps values to places.
type axis struct {
	low, high float64
	log       bool
}

func (a axis) at(v float64) float64 {
	if a.log {
		return (math.Log10(max(v, a.low)) - math.Log10(a.low)) / (math.Log10(a.high) - math.Log10(a.low))
	}
	return (v - a.low) / (a.high - a.low)
}

// decades is a logarithmic axis from one power of ten to another.
func decades(low, high float64) (axis, []float64) {
	if high <= 0 {
		return axis{low: 1, high: 10, log: true}, nil
	}
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high*1.001))
	if to <= from {
		to = from + 1
	}
	ticks, between := []float64{math.Pow(10, from)}, []float64{10}
	if to-from <= 2 {
		between = []float64{2, 5, 10}
	}
	for e := from; e < to; e++ {
		for _, b := range between {
			ticks = append(ticks, b*math.Pow(10, e))
		}
	}
	return axis{low: math.Pow(10, from), high: math.Pow(10, to), log: true}, ticks
}

// linear is an axis from 0 to something round.
func linear(high float64) (axis, []float64) {
	if high <= 0 {
		high = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(high)))
	for high/step < 3 {
		step /= 2
	}
	top := math.Ceil(high/step) * step
	var ticks []float64
	for v := 0.0; v <= top*1.001; v += step {
		ticks = append(ticks, v)
	}
	return axis{low: 0, high: top}, ticks
}

func plain(v float64) string {
	switch {
	case v >= 10_000:
		return fmt.Sprintf("%gk", math.Round(v/100)/10)
	case v >= 10:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
