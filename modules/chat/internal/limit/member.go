package limit

import (
	"strconv"
	"time"
)

// rules are what every bucket goes by.
type rules struct {
	name             string // in the keys' names
	perSecond, burst int
	interval         time.Duration // in which one token comes
	chunk            int           // tokens on lease at once
	keep             time.Duration // how long they are good
	alone            time.Duration // the same where no other instance has any
}

// keepAlone is for who writes a line now and then, on one instance as nearly everybody does: each line would ask Redis.
const keepAlone = 30 * time.Second

// rulesOf leases a quarter of the burst at a time, so that several instances find some. A lease is good for the time
// in which the bucket has as many new ones, and for two seconds besides, so that a talk does not ask for each line.
func rulesOf(perSecond, burst int) rules {
	interval := (time.Second + time.Duration(perSecond) - 1) / time.Duration(perSecond)
	chunk := max(1, burst/4)
	keep := time.Duration(chunk)*interval + 2*time.Second
	// What is counted under other limits is counted apart: leases of another size would be more, or less, than a bucket holds.
	name := strconv.Itoa(perSecond) + "-" + strconv.Itoa(burst) + ":"
	return rules{name: name, perSecond: perSecond, burst: burst, interval: interval, chunk: chunk, keep: keep, alone: max(keep, keepAlone)}
}

// member is what this instance knows of one. Times are counted from the limiter's start.
type member struct {
	full   time.Duration // when this instance's own bucket is full again
	held   int           // tokens on lease
	until  time.Duration // when they lapse
	empty  time.Duration // the common bucket has none before that
	seen   time.Duration
	asking bool          // Redis is being asked
	answer chan struct{} // closed when it has answered, or failed
}

// take spends a token, if there is one. Away says that only this instance's own bucket counts.
func (m *member) take(now time.Duration, r rules, away bool) (Verdict, time.Duration) {
	full := max(m.full, now) + r.interval
	if wait := full - now - time.Duration(r.burst)*r.interval; wait > 0 {
		return No, wait
	}
	if !away {
		if m.tokens(now) == 0 {
			return m.without(now)
		}
		m.held--
	}
	m.full = full
	return Yes, 0
}

// without is the verdict when no token is on lease.
func (m *member) without(now time.Duration) (Verdict, time.Duration) {
	if wait := m.empty - now; wait > 0 {
		return No, wait
	}
	return Ask, 0
}

func (m *member) tokens(now time.Duration) int {
	if now >= m.until {
		return 0
	}
	return m.held
}

// knows says whether take needs nobody else.
func (m *member) knows(now time.Duration, r rules) bool {
	return m.tokens(now) > 0 || now < m.empty || max(m.full, now)+r.interval-now > time.Duration(r.burst)*r.interval
}

// low says that it is time to ask for more: before the last token is gone, or before they lapse.
func (m *member) low(now time.Duration, r rules) bool {
	return now >= m.empty && (m.tokens(now) <= 1 || m.until-now < r.keep/2)
}

// idle says that there is nothing to remember.
func (m *member) idle(now time.Duration) bool {
	return !m.asking && now >= m.until && now >= m.empty && now >= m.full
}

// report is what Redis is asked: how many tokens are there still, and how many are wanted. What has lapsed is gone
// from here on.
func (m *member) report(now time.Duration, r rules) (held, want int) {
	m.held = m.tokens(now)
	return m.held, r.chunk - m.held
}

// leases says whether Redis counts a lease of this instance, spent or not.
func (m *member) leases(now time.Duration) bool { return now < m.until }

// surrender gives up the lease, and says how many tokens of it are left.
func (m *member) surrender(now time.Duration) int {
	left := m.tokens(now)
	m.held, m.until = 0, 0
	return left
}

// leased takes what Redis has answered to what was asked at a moment: so many tokens more, or none for a while. The
// tokens lapse here a little before Redis thinks they do, since it was asked before it answered.
func (m *member) leased(asked, now time.Duration, a answer) {
	m.held += a.more
	m.until = asked + a.keep
	m.empty = now + a.wait
}
