package checker

import (
	"fmt"
	"time"

	"mall/cmd/faults/internal/record"
)

// Counts are the figures of the report.
type Counts struct {
	Sends   int           // messages written
	Acked   int           // of them
	Retried int           // tries beyond the first
	Longest time.Duration // from an ack to the last client that saw the message
	Near    time.Duration // the same, of clients on the sender's instance
}

// Window is a part of the story; the zero Window is all of it.
type Window struct{ From, To time.Time }

// Has says whether a moment lies in the window.
func (w Window) Has(t time.Time) bool {
	return (w.From.IsZero() || !t.Before(w.From)) && (w.To.IsZero() || t.Before(w.To))
}

type spot struct {
	room string
	seq  int64
}

type birth struct {
	at time.Time
	on string
}

// Count adds up what was acked within the window. Clients that are not part of it, such as one that was away on
// purpose, are left out by the caller.
func Count(logs []*record.Log, w Window) (c Counts) {
	born := map[spot]birth{}
	for _, l := range logs {
		tries, acked := map[string]int{}, map[string]bool{}
		for _, e := range l.Events() {
			switch e.Kind {
			case record.Write:
				c.Sends++
			case record.Send:
				tries[e.Key]++
			case record.Ack:
				acked[e.Key] = true
				if b, ok := born[spot{e.Room, e.Seq}]; !ok || e.At.Before(b.at) {
					born[spot{e.Room, e.Seq}] = birth{e.At, e.On}
				}
			}
		}
		c.Acked += len(acked)
		for _, n := range tries {
			c.Retried += n - 1
		}
	}
	for _, l := range logs {
		c.delays(l, born, w)
	}
	return c
}

func (c *Counts) delays(l *record.Log, born map[spot]birth, w Window) {
	seen := map[spot]bool{}
	for _, e := range l.Events() {
		if e.Kind != record.Message && e.Kind != record.Pulled && e.Kind != record.Ack {
			continue
		}
		s := spot{e.Room, e.Seq}
		b, ok := born[s]
		if seen[s] || !ok || !w.Has(b.at) {
			continue
		}
		seen[s] = true
		d := e.At.Sub(b.at)
		c.Longest = max(c.Longest, d)
		if e.On == b.on && e.Kind == record.Message {
			c.Near = max(c.Near, d)
		}
	}
}

// Unanswered finds sends within the window that got neither an ack nor an error in time on a connection that lived on.
func Unanswered(logs []*record.Log, w Window, limit time.Duration) (found []Violation, slowest time.Duration) {
	for _, l := range logs {
		events := l.Events()
		for i, e := range events {
			if e.Kind != record.Send || !w.Has(e.At) {
				continue
			}
			took, ended := answered(events[i:])
			if !ended {
				slowest = max(slowest, took)
			}
			if took > limit && !ended {
				found = append(found, Violation{Late, l.Client, e.Room, 0, fmt.Sprintf("a send of %s on %s was answered after %v", e.At.Format("15:04:05.000"), e.On, took.Round(time.Millisecond))})
			}
		}
	}
	return found, slowest
}

// answered gives how long the first event, a send, waited for its answer; ended says that its connection did first.
func answered(events []record.Event) (took time.Duration, ended bool) {
	sent := events[0]
	for _, e := range events[1:] {
		if e.Conn != sent.Conn {
			continue
		}
		switch {
		case (e.Kind == record.Ack || e.Kind == record.Refused) && e.Key == sent.Key:
			return e.At.Sub(sent.At), false
		case e.Kind == record.Closed:
			return e.At.Sub(sent.At), true
		case e.Kind == record.Silence && e.Key == sent.Key:
			return e.At.Sub(sent.At), false
		}
	}
	return 0, true
}

// Within finds the events of a kind within the window, such as acks while the database is away or closed sockets.
func Within(logs []*record.Log, w Window, kind record.Kind) (found []record.Event) {
	for _, l := range logs {
		for _, e := range l.Events() {
			if e.Kind == kind && w.Has(e.At) {
				found = append(found, e)
			}
		}
	}
	return found
}
