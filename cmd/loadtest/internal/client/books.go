package client

import (
	"context"
	"fmt"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/loadtest/internal/ledger"
)

// Drain waits until everything sent has its answer and everything acked has been seen, or patience ends.
func (f *Fleet) Drain(ctx context.Context, patience time.Duration) {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for quiet, last := 0, int64(-1); ctx.Err() == nil && time.Now().Before(deadline); {
		t := f.Tally
		done := f.Outstanding() == 0 && t.Received.Load() >= t.Acked.Load()
		if n := t.Frames.Load(); n != last {
			quiet, last = 0, n
		}
		if quiet++; done && quiet > 20 { // a moment more: what comes twice is found only by whoever waits for it
			return
		}
		<-tick.C
	}
}

// Outstanding counts the sends that have no answer.
func (f *Fleet) Outstanding() (n int) {
	for _, c := range f.all() {
		c.mu.Lock()
		n += c.outstanding
		c.mu.Unlock()
	}
	return n
}

// Online counts the connections.
func (f *Fleet) Online() (n int) {
	for _, c := range f.all() {
		c.mu.Lock()
		if c.ws != nil {
			n++
		}
		c.mu.Unlock()
	}
	return n
}

// Close says goodbye on all connections and waits until nothing of them runs any more.
func (f *Fleet) Close() {
	f.Stop()
	for _, c := range f.Conns {
		c.goodbye.Store(true)
		c.mu.Lock()
		if c.ws != nil {
			_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
			_ = c.ws.SetReadDeadline(time.Now().Add(2 * time.Second))
		}
		c.mu.Unlock()
	}
	f.end()
	f.live.Wait()
}

// mostFound is how many mistakes are told one by one.
const mostFound = 10

// Echoed counts own messages that were shown beside their acks, after Close.
func (f *Fleet) Echoed() (n int) {
	for _, c := range f.Conns {
		for i := range c.views {
			n += c.views[i].Echoed()
		}
	}
	return n
}

// Judge compares the books of all rooms, after Close. found tells some of the mistakes one by one.
func (f *Fleet) Judge() (sum ledger.Verdict, found []string) {
	type sides struct {
		lanes []*ledger.Lane
		views []*ledger.View
	}
	rooms := map[string]*sides{}
	for _, c := range f.Conns {
		for i, r := range c.Rooms {
			s := rooms[r]
			if s == nil {
				s = &sides{}
				rooms[r] = s
			}
			s.lanes, s.views = append(s.lanes, &c.lanes[i]), append(s.views, &c.views[i])
			for _, what := range c.views[i].Found() {
				found = append(found, "room "+r+", seen by "+c.Person.MemberID+": "+what)
			}
		}
	}
	for id, s := range rooms {
		v := ledger.Judge(s.lanes, s.views)
		sum.Add(v)
		if v.Lost > 0 {
			found = append(found, fmt.Sprintf("room %s: %d lost", id, v.Lost))
		}
	}
	return sum, found[:min(len(found), mostFound)]
}
