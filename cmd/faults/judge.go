package main

import (
	"context"
	"fmt"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/proxy"
	"mall/cmd/faults/internal/record"
)

type proxyLink = proxy.Link

// untilComplete waits until nothing is unsent and everybody has everything. complete is how long that took from the end
// of the fault, of the last send and of the last reconnect, whichever came last (P6); back is when everybody was
// connected again, from the beginning of the fault (P11), zero when nobody had been disconnected.
func (s *stage) untilComplete(ctx context.Context) (complete, back time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	var missing string
	err := until(ctx, "every view is complete", func() bool { missing = s.missing(ctx); return missing == "" })
	done := time.Now()
	if err != nil {
		s.violatef(checker.Late, "%v after the fault: %s", done.Sub(s.healed).Round(time.Second), missing)
		return done.Sub(s.healed), 0
	}
	s.quiet = s.healed
	for _, e := range checker.Within(s.logs(), checker.Window{From: s.healed}, record.Ack) {
		s.quiet = later(s.quiet, e.At)
	}
	if since := s.readySince(); since != nil {
		s.quiet = later(s.quiet, *since)
		if since.After(s.injected) && !s.fault.guests {
			back = since.Sub(s.injected)
		}
	}
	complete = done.Sub(s.quiet)
	if complete > completeWithin {
		s.violatef(checker.Late, "views were complete %v after the end of the fault and of all sends, limit %v", complete.Round(10*time.Millisecond), completeWithin)
	}
	return complete, back
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// missing says who lacks what; empty when nobody lacks anything.
func (s *stage) missing(ctx context.Context) string {
	for _, c := range s.clients {
		if _, ok := c.Ready(); !ok {
			return c.Name() + " is not connected"
		}
		if n := c.Unsent(); n > 0 {
			return fmt.Sprintf("%s has %d messages unsent", c.Name(), n)
		}
	}
	epoch, err := checker.Epoch(ctx, s.cluster.Root)
	if err != nil {
		return err.Error()
	}
	heads, err := checker.Heads(ctx, s.cluster.Root)
	if err != nil {
		return err.Error()
	}
	for _, c := range s.clients {
		if c.Epoch() != epoch {
			return fmt.Sprintf("%s on %s has what is of another life of the database", c.Name(), c.On())
		}
		for _, room := range c.Rooms() {
			if last := c.Last(room); last < heads[room] {
				return fmt.Sprintf("%s on %s has room %s up to %d of %d", c.Name(), c.On(), room, last, heads[room])
			}
		}
	}
	return ""
}

// holdPromises looks at what must hold while the fault lasts.
func (s *stage) holdPromises(r *result) {
	d, logs := s.fault.during, s.watched()
	whole := checker.Window{From: s.injected, To: s.healed}
	late, slowest := checker.Unanswered(logs, whole, max(d.answer, 1))
	r.answer = slowest
	if d.answer > 0 {
		s.violate(late...)
	}
	if acks := checker.Within(logs, checker.Window{From: s.broken.Add(100 * time.Millisecond), To: s.healed}, record.Ack); d.noAcks && len(acks) > 0 {
		s.violatef(checker.Other, "P10: %d acks while the database was away, the first at %s for room %s seq %d",
			len(acks), acks[0].At.Format("15:04:05.000"), acks[0].Room, acks[0].Seq)
	}
	if ends := checker.Within(logs, whole, record.Closed); d.socketsStay && len(ends) > 0 {
		s.violatef(checker.Other, "%d sockets ended while the fault lasted, the first with %s at %s", len(ends), ends[0].Note, ends[0].At.Format("15:04:05.000"))
	}
	s.limit("an ack", slowest, d.ack)
	seen := checker.Count(logs, whole)
	s.limit("delivery on the same instance", seen.Near, d.near)
	s.limit("delivery", seen.Longest, d.far)
	s.limit("everybody's return", r.back, d.back)
}

func (s *stage) limit(what string, took, most time.Duration) {
	if most > 0 && took > most {
		s.violatef(checker.Late, "%s took %v while the fault lasted, limit %v", what, took.Round(time.Millisecond), most)
	}
}

// witnesses asks everybody what they have, and reads the same afresh by REST.
func (s *stage) witnesses(ctx context.Context) (all []checker.Witness, err error) {
	fresh := map[string][]checker.Message{} // by member, room and base: tabs read the same
	for _, c := range s.clients {
		w := checker.Witness{Log: c.Log(), Unsent: c.Unsent(), Views: map[string]checker.View{}}
		for _, room := range c.Rooms() {
			v := c.View(room)
			name := fmt.Sprint(c.Account().MemberID, room, v.Base)
			if _, ok := fresh[name]; !ok && !s.gone[room] { // of a room that a restore has lost there is nothing to have
				if fresh[name], err = readAll(ctx, c.Account(), room, v.Base); err != nil {
					return nil, fmt.Errorf("fresh read: %w", err)
				}
			}
			w.Views[room] = checker.View{Base: v.Base, Has: messages(v.Items), Fresh: fresh[name]}
		}
		all = append(all, w)
	}
	for _, c := range s.guests {
		all = append(all, checker.Witness{Log: untilTheEnd(c)})
	}
	if s.prober != nil {
		all = append(all, checker.Witness{Log: s.prober.log})
	}
	return all, nil
}

func messages(items []client.Item) (all []checker.Message) {
	for _, i := range items {
		all = append(all, checker.Message(i))
	}
	return all
}

func readAll(ctx context.Context, a *client.Account, room string, after int64) (all []checker.Message, err error) {
	for {
		page, err := a.After(ctx, room, after)
		if err != nil {
			return nil, err
		}
		all = append(all, messages(page.Items)...)
		if len(page.Items) == 0 || after+int64(len(page.Items)) >= page.Head {
			return all, nil
		}
		after = page.Items[len(page.Items)-1].Seq
	}
}
