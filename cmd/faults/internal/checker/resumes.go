package checker

import (
	"fmt"
	"time"

	"mall/cmd/faults/internal/record"
)

// SlowResumes finds resumes within the window that were not answered in time while their connection lived.
func SlowResumes(logs []*record.Log, w Window, limit time.Duration) (found []Violation, slowest time.Duration) {
	for _, l := range logs {
		events := l.Events()
		for i, e := range events {
			if e.Kind != record.Resume || !w.Has(e.At) {
				continue
			}
			took, ended := untilResumed(events[i:])
			if ended && took <= limit {
				continue
			}
			slowest = max(slowest, took)
			if took > limit {
				found = append(found, Violation{Late, l.Client, e.Room, e.Seq, fmt.Sprintf("a resume of %s on %s was answered after %v, limit %v", e.At.Format("15:04:05.000"), e.On, took.Round(time.Millisecond), limit)})
			}
		}
	}
	return found, slowest
}

// untilResumed gives how long the first event, a resume, waited; ended says that its connection did first.
func untilResumed(events []record.Event) (took time.Duration, ended bool) {
	asked := events[0]
	for _, e := range events[1:] {
		if e.Conn != asked.Conn {
			continue
		}
		switch {
		case e.Kind == record.Resumed && e.Room == asked.Room, e.Kind == record.Reset:
			return e.At.Sub(asked.At), false
		case e.Kind == record.Note && e.Note == record.NotResumed: // the client's own patience ended
			return e.At.Sub(asked.At), false
		case e.Kind == record.Closed:
			return e.At.Sub(asked.At), true
		}
	}
	return 0, true
}
