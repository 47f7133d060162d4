// Package result is what a run found out, as it is written to the JSON lines and read back for reports.
package result

import (
	"time"

	"mall/cmd/loadtest/internal/client"
	"mall/cmd/loadtest/internal/hist"
	"mall/cmd/loadtest/internal/ledger"
)

// Result is one run of one workload against one target. Durations are nanoseconds in JSON.
type Result struct {
	Title    string    `json:"title"` // what it is called in reports
	Workload string    `json:"workload"`
	Target   string    `json:"target"`
	Repeat   int       `json:"repeat"`
	Began    time.Time `json:"began"`
	Settings string    `json:"settings"` // what the run was asked for, in words

	Connect   client.Connected `json:"connect"`
	Measured  time.Duration    `json:"measured_ns"` // what the figures below are of, without warm-up and drain
	Sent      int64            `json:"sent"`
	Acked     int64            `json:"acked"`
	Received  int64            `json:"received"`
	HeldBack  int64            `json:"held_back"`
	Retried   int64            `json:"retried"`
	PerSecond float64          `json:"messages_per_second"` // acked
	Errors    map[string]int64 `json:"errors,omitempty"`    // of the whole run

	ledger.Verdict // of the whole run

	Ack     Latency `json:"ack"`
	Receive Latency `json:"receive"`
	Late    Latency `json:"late"` // the simulator's own delay
	Page    Latency `json:"page"` // of REST calls that are the load

	Processes     map[string]Cost `json:"processes,omitempty"`
	Simulator     Cost            `json:"simulator"`
	RedisCommands int64           `json:"redis_commands,omitempty"`

	Timeline []Second `json:"timeline,omitempty"`
	Samples  []Sample `json:"samples,omitempty"`
	Figures  []Figure `json:"figures,omitempty"`
	Notes    []string `json:"notes,omitempty"`
}

// Latency is a distribution.
type Latency struct {
	N     int64         `json:"n"`
	P50   time.Duration `json:"p50_ns"`
	P95   time.Duration `json:"p95_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"`
	Curve []hist.Point  `json:"curve,omitempty"`
}

// LatencyOf sums up what was counted.
func LatencyOf(s *hist.Snapshot) Latency {
	return Latency{N: s.N, P50: s.At(0.5), P95: s.At(0.95), P99: s.At(0.99), Max: s.At(1), Curve: s.Curve()}
}

// Cost is what processes of one name used while it was measured.
type Cost struct {
	CPU        time.Duration `json:"cpu_ns"`
	RSSBytes   int64         `json:"rss_bytes"` // at the end
	PerMessage float64       `json:"cpu_us_per_message,omitempty"`
}

// Second is one of the timeline.
type Second struct {
	At         time.Duration `json:"at_ns"` // its end, since everyone was connected
	Acked      int64         `json:"acked"`
	Received   int64         `json:"received"`
	Pages      int64         `json:"pages,omitempty"`
	AckP99     time.Duration `json:"ack_p99_ns"`
	ReceiveP99 time.Duration `json:"receive_p99_ns"`
	PageP99    time.Duration `json:"page_p99_ns,omitempty"`
	Errors     int64         `json:"errors,omitempty"`
}

// Sample is one of a growing store or crowd.
type Sample struct {
	Stored      int64              `json:"stored"`
	Connections int                `json:"connections"`
	PerSecond   float64            `json:"messages_per_second"`
	AckP99      time.Duration      `json:"ack_p99_ns"`
	CPU         map[string]float64 `json:"cpu_us_per_message"` // by process
}

// Figure is something that only one workload measures.
type Figure struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Better string  `json:"better,omitempty"` // more, less: how two targets compare
}

// CPUPerMessage sums up what a message cost all processes of the target.
func (r *Result) CPUPerMessage() (us float64) {
	for _, c := range r.Processes {
		us += c.PerMessage
	}
	return us
}

// Failed says that something happened that must never.
func (r *Result) Failed() bool { return !r.Clean() || r.Connect.Made < r.Connect.Tried }
