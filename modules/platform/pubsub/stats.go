package pubsub

import (
	"github.com/prometheus/client_golang/prometheus"

	"mall/modules/platform/telemetry"
)

// Stats counts what the bus has done since the start.
type Stats struct {
	Connected bool  `json:"connected"`
	Published int64 `json:"published"`
	Skipped   int64 `json:"skipped"` // nobody else listened
	Dropped   int64 `json:"dropped"` // the queue was full
	Failed    int64 `json:"failed"`  // Redis did not take them
	Received  int64 `json:"received"`
	Announced int64 `json:"announced"` // channels of which the others were told that we listen
	Answered  int64 `json:"answered"`  // announcements of others that were answered
	Met       int64 `json:"met"`       // announcements of others
	Rebuilt   int64 `json:"rebuilt"`   // subscriptions begun
	Links     int   `json:"links"`     // subscriptions that hold
	Channels  int   `json:"channels"`
	Proofs    int64 `json:"proofs"`   // questions whether an instance lives, and answers
	Forged    int64 `json:"forged"`   // sealed by nobody with the secret
	Replayed  int64 `json:"replayed"` // came again, or far too late
	Unproven  int64 `json:"unproven"` // of instances that did not show that they live
}

// Stats gives the counts.
func (b *Bus) Stats() Stats {
	return Stats{Connected: b.Connected(), Published: b.published.Load(), Skipped: b.skipped.Load(), Dropped: b.dropped.Load(),
		Failed: b.failed.Load(), Received: b.received.Load(), Announced: b.announced.Load(), Answered: b.answered.Load(), Met: b.met.Load(),
		Rebuilt: b.rebuilt.Load(), Links: b.connected(), Channels: b.channels(),
		Proofs: b.proofs.Load(), Forged: b.forged.Load(), Replayed: b.replayed.Load(), Unproven: b.unproven.Load()}
}

// Measure adds the bus' figures to a registry.
func (b *Bus) Measure(reg prometheus.Registerer) {
	for name, c := range map[string]struct {
		help string
		read func() int64
	}{
		"published": {"News that Redis took.", b.published.Load},
		"skipped":   {"News that nobody else listened to.", b.skipped.Load},
		"dropped":   {"News that found the queue full.", b.dropped.Load},
		"failed":    {"News that Redis did not take.", b.failed.Load},
		"received":  {"News of other instances.", b.received.Load},
		"announced": {"Channels of which the other instances were told that this one listens.", b.announced.Load},
		"answered":  {"Announcements of other instances that were answered.", b.answered.Load},
		"met":       {"Announcements of other instances.", b.met.Load},
		"rebuilt":   {"Subscriptions begun.", b.rebuilt.Load},
		"proofs":    {"Questions to other instances whether they live, and answers to such.", b.proofs.Load},
		"forged":    {"What came that nobody with the secret had sealed.", b.forged.Load},
		"replayed":  {"What came again, or far too late.", b.replayed.Load},
		"unproven":  {"What came of instances that did not show that they live.", b.unproven.Load},
	} {
		telemetry.Counter(reg, "mall_pubsub_"+name+"_total", c.help, c.read)
	}
	telemetry.Gauge(reg, "mall_pubsub_channels", "Channels that this instance listens to.", func() float64 { return float64(b.channels()) })
}

func (b *Bus) channels() (n int) {
	for _, l := range b.links {
		n += l.subscriptions.count()
	}
	return n
}
