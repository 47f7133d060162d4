package report

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"

	"mall/cmd/loadtest/internal/result"
)

// Median picks of repeated runs the one in the middle: by messages a second in a closed loop, where that is what
// differs, and by the ack's p99 otherwise. Something that must not happen in any run is shown whichever is picked.
func Median(runs []*result.Result) *result.Result {
	if len(runs) == 0 {
		return nil
	}
	sorted := slices.Clone(runs)
	slices.SortStableFunc(sorted, func(a, b *result.Result) int { return cmp.Compare(value(a), value(b)) })
	for _, r := range runs {
		if r.Failed() {
			return r
		}
	}
	return sorted[len(sorted)/2]
}

func value(r *result.Result) float64 {
	if r.Workload == "max" || r.Workload == "burst" || r.Ack.N == 0 {
		return max(r.PerSecond, float64(r.Page.N))
	}
	return float64(r.Ack.P99)
}

// WriteLine appends a result as a line of JSON.
func WriteLine(w io.Writer, r *result.Result) error { return json.NewEncoder(w).Encode(r) }
