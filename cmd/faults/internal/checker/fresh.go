package checker

import (
	"fmt"
	"time"
)

// Line is a connection that asked for nothing: what came on it, by itself.
type Line struct {
	Client   string
	Rooms    map[string]bool
	Welcomed time.Time                      // when it had its welcome; zero: never
	Got      map[string]map[int64]time.Time // messages, and acks of its own, by room and seq
}

// Told is a message that was acked.
type Told struct {
	Room   string
	Seq    int64
	Stored time.Time // the moment of which the database says that it was not stored before
	Acked  time.Time
}

// Delay is how late a message came on a line.
type Delay struct {
	Sum, Worst time.Duration
	Count      int
	Refused    int // sends that had to be repeated
}

// JudgeLines names each message that was stored after a connection's welcome and did not come on it, or past the limit.
func JudgeLines(lines []Line, told []Told, limit time.Duration) (found []Violation, d Delay) {
	for _, l := range lines {
		if l.Welcomed.IsZero() {
			continue
		}
		for _, m := range told {
			if !l.Rooms[m.Room] || !m.Stored.After(l.Welcomed) {
				continue
			}
			at, came := l.Got[m.Room][m.Seq]
			if !came {
				found = append(found, Violation{Lost, l.Client, m.Room, m.Seq,
					fmt.Sprintf("stored %v after the connection's welcome, and never came on it", m.Stored.Sub(l.Welcomed).Round(time.Millisecond))})
				continue
			}
			took := max(0, at.Sub(m.Acked))
			d.Sum, d.Worst, d.Count = d.Sum+took, max(d.Worst, took), d.Count+1
			if took > limit {
				found = append(found, Violation{Late, l.Client, m.Room, m.Seq, fmt.Sprintf("came %v after its ack, limit %v", took.Round(time.Millisecond), limit)})
			}
		}
	}
	return found, d
}

// Complete says whether nothing is missing of what JudgeLines looks for.
func Complete(lines []Line, told []Told) bool {
	found, _ := JudgeLines(lines, told, 1<<62)
	return len(found) == 0
}

// Mean is the average.
func (d Delay) Mean() time.Duration { return d.Sum / time.Duration(max(1, d.Count)) }

// With adds up two.
func (d Delay) With(o Delay) Delay {
	return Delay{d.Sum + o.Sum, max(d.Worst, o.Worst), d.Count + o.Count, d.Refused + o.Refused}
}
