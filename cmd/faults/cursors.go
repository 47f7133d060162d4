package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
)

// readEverything moves both parties' cursors to the heads, so that what is unread in the end is among what the views hold.
func (s *stage) readEverything(ctx context.Context) error {
	stored, err := checker.Cursors(ctx, s.cluster.Root)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, p := range s.cast.people {
		party := client.Buyer
		if p.shop != "" {
			party = client.Shop
		}
		for _, room := range p.rooms {
			if head := s.base[room]; stored[room][party].Read < head {
				g.Go(func() error {
					return patiently(ctx, func() error {
						_, err := p.account.Call(ctx, http.MethodPut, "/chat/rooms/"+room+"/cursor", map[string]int64{"read_seq": head}, nil)
						return err
					})
				})
			}
		}
	}
	return g.Wait()
}

// untilCursorsAgree waits until everybody knows both parties' cursors as the database has them, the database has all that
// clients have said of theirs, and what clients hold for unread is what REST says (P8, within P6's time).
func (s *stage) untilCursorsAgree(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	var differs string
	err := until(ctx, "", func() bool {
		now := s.cursorsDiffer(ctx)
		if ctx.Err() == nil && now != "" { // else it is only our own patience that has ended
			differs = now
		}
		return now == ""
	})
	took := time.Since(s.quiet).Round(10 * time.Millisecond)
	switch {
	case err != nil:
		s.violatef(checker.Lost, "P8: %v after the end of the fault %s", took, differs)
	case took > completeWithin:
		s.violatef(checker.Late, "P8: cursors agreed %v after the end of the fault, limit %v; the last to differ: %s", took, completeWithin, differs)
	}
}

// cursorsDiffer says who has another opinion than the database; empty when nobody has.
func (s *stage) cursorsDiffer(ctx context.Context) string {
	stored, err := checker.Cursors(ctx, s.cluster.Root)
	if err != nil {
		return err.Error()
	}
	for _, c := range s.clients {
		for _, room := range c.Rooms() {
			for party, want := range stored[room] {
				if got := c.Cursor(room, party); checker.Cursor(got) != want {
					return fmt.Sprintf("%s on %s has %+v as the %s's cursor of room %s, stored is %+v", c.Name(), c.On(), got, party, room, want)
				}
			}
			own := stored[room][c.Party()]
			if said := c.Said(room); said.Delivered > own.Delivered || said.Read > own.Read {
				return fmt.Sprintf("%s on %s has said %+v of room %s, stored is %+v", c.Name(), c.On(), said, room, own)
			}
		}
	}
	return s.unreadDiffers(ctx)
}

// unreadDiffers compares what clients hold for unread with what the lists of rooms say.
func (s *stage) unreadDiffers(ctx context.Context) string {
	lists := map[*client.Account]map[string]int64{} // tabs see the same list
	for _, c := range s.clients {
		if lists[c.Account()] == nil {
			rooms, _, err := c.Account().List(ctx, c.Shop())
			if err != nil {
				return err.Error()
			}
			lists[c.Account()] = map[string]int64{}
			for _, r := range rooms {
				lists[c.Account()][r.ID] = r.Unread
			}
		}
		for _, room := range c.Rooms() {
			listed := lists[c.Account()][room]
			if unread, whole := c.Unread(room); whole && unread != listed {
				return fmt.Sprintf("%s on %s has %d unread of %d in room %s, where it has read up to %d; its list says %d",
					c.Name(), c.On(), unread, c.Last(room), room, c.Cursor(room, c.Party()).Read, listed)
			}
		}
	}
	return ""
}
