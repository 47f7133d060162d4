package chat

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/socket"
	"mall/modules/member"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/telemetry"
)

// admit registers a new connection, unless the member has too many here (4409) or we are going away (1012).
// A refused one has been closed with its reason, after the handshake: only so can a browser read it. Whether the member
// has too many on all instances together is asked for meanwhile, and found by begin.
func (c *Chat) admit(conn link, transport string, p *identity.Principal) (*session, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining {
		conn.CloseGoing(drainSpread)
		return nil, false
	}
	if c.perMember[p.MemberID] >= c.cfg.SocketsPerMember {
		conn.Close(socket.CloseTooMany, tooMany)
		return nil, false
	}
	s := c.newSession(conn, transport, p)
	s.place = c.sockets.Come(p.MemberID)
	c.sessions[s] = struct{}{}
	c.perMember[p.MemberID]++
	c.live.Add(1)
	return s, true
}

const tooMany = "too many connections of one member"

func (c *Chat) forget(s *session) {
	s.place.Leave()
	member := s.who.Load().MemberID
	c.mu.Lock()
	delete(c.sessions, s)
	last := false
	if c.perMember[member]--; c.perMember[member] <= 0 {
		delete(c.perMember, member)
		last = true
	}
	c.mu.Unlock()
	if last {
		c.sends.Leave(member)
	}
	c.live.Done()
}

// each calls fn for every connection of this instance, without holding a lock.
func (c *Chat) each(fn func(*session)) {
	c.mu.Lock()
	all := make([]*session, 0, len(c.sessions))
	for s := range c.sessions {
		all = append(all, s)
	}
	c.mu.Unlock()
	for _, s := range all {
		fn(s)
	}
}

func (c *Chat) beat(now time.Time) { c.each(func(s *session) { s.beat(now) }) }

const (
	checkEvery = 20 * time.Second // how long a logout, ban or removal may take to reach a socket when its news is lost
	checkRest  = 5 * time.Second  // between two looks at all logins, however often news may have been lost
	checkChunk = 500
)

// checker asks whether the logins behind the connections are still good and for the same shops. The news of
// it usually comes at once (MemberChanged); this is for what Redis has lost: now and then, and when it is back.
func (c *Chat) checker(ctx context.Context) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-c.checkNow:
		}
		c.checkLogins(ctx)
		c.pause(ctx, checkRest)
	}
}

func (c *Chat) checkLogins(ctx context.Context) {
	all := c.logins(func(id.ID) bool { return true })
	if err := c.check(ctx, all); err != nil && ctx.Err() == nil {
		c.log.Warn("logins not checked", "error", err)
	}
}

// login is a connection and what it was let in by.
type login struct {
	id id.ID
	s  *session
}

// logins are the connections of some members, those of one login together.
func (c *Chat) logins(of func(member id.ID) bool) (all []login) {
	c.each(func(s *session) {
		if who := s.who.Load(); of(who.MemberID) {
			all = append(all, login{who.SessionID, s})
		}
	})
	slices.SortFunc(all, func(a, b login) int { return a.id.Compare(b.id) }) // several connections may have one login
	return all
}

// check looks at connections, some at a time, so that very many of them need no more memory than a few hundred.
func (c *Chat) check(ctx context.Context, all []login) error {
	ids := make([]id.ID, 0, checkChunk)
	for len(all) > 0 {
		n := 0
		for ids = ids[:0]; n < len(all) && (len(ids) < checkChunk || all[n].id == ids[len(ids)-1]); n++ {
			if len(ids) == 0 || all[n].id != ids[len(ids)-1] {
				ids = append(ids, all[n].id)
			}
		}
		if err := c.review(ctx, ids, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// review applies what has become of some logins to their connections, both sorted. A login that the database does not
// know is over.
func (c *Chat) review(ctx context.Context, ids []id.ID, logins []login) error {
	known := make([]bool, len(ids))
	err := c.members.Review(ctx, ids, func(x id.ID, standing member.Standing) {
		if at, ok := slices.BinarySearchFunc(ids, x, id.ID.Compare); ok {
			known[at] = true
		}
		at, _ := slices.BinarySearchFunc(logins, x, func(l login, x id.ID) int { return l.id.Compare(x) })
		for ; at < len(logins) && logins[at].id == x; at++ {
			logins[at].s.applyLogin(standing)
		}
	})
	if err != nil {
		return err
	}
	for _, l := range logins {
		if at, ok := slices.BinarySearchFunc(ids, l.id, id.ID.Compare); ok && !known[at] {
			l.s.applyLogin(member.Standing{})
		}
	}
	return nil
}

// applyLogin closes a connection whose login has ended, or is for other shops than it began with.
func (s *session) applyLogin(login member.Standing) {
	now := login.Principal
	switch {
	case login.Banned:
		s.conn.Close(socket.CloseForbidden, "banned")
		return
	case now == nil:
		s.conn.Close(socket.CloseToken, "logged out")
		return
	}
	if len(now.Shops) != len(s.parties)-1 {
		s.conn.Close(socket.CloseResync, "your shops have changed")
		return
	}
	for _, shop := range now.Shops {
		if !slices.Contains(s.parties, hub.Shop(shop.ShopID)) {
			s.conn.Close(socket.CloseResync, "your shops have changed")
			return
		}
	}
	if who := s.who.Load(); who.Cookie { // a web session lives on while its tab does
		fresh := *who
		fresh.ExpiresAt = now.ExpiresAt
		s.who.CompareAndSwap(who, &fresh)
	}
}

// Status is what the operator's status page shows of the chat.
type Status struct {
	Connections int    `json:"connections"`
	Refused     int64  `json:"relay_refused"` // news over Redis that was malformed or forged
	Degraded    bool   `json:"degraded"`      // Redis is away: other instances' messages come from the database
	Repaired    int64  `json:"repaired"`      // rooms read because something had been lost on the way
	Epoch       string `json:"epoch"`
	Lost        *Loss  `json:"lost,omitempty"` // messages of this epoch that were acked and are not in the database any more
	Limits      limits `json:"limits"`
}

// Status counts.
func (c *Chat) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Status{Connections: len(c.sessions), Refused: c.relay.Refused(), Degraded: !c.bus.Connected(), Repaired: c.repaired.Load(),
		Epoch: c.epoch(), Lost: c.losses.loss(), Limits: c.limits()}
}

// Measure adds the chat's figures to a registry.
func (c *Chat) Measure(reg prometheus.Registerer) {
	telemetry.Gauge(reg, "mall_chat_connections", "Live connections of this instance.", func() float64 { return float64(c.Status().Connections) })
	telemetry.Gauge(reg, "mall_chat_degraded", "1 while Redis is away and other instances' messages come from the database.", func() float64 {
		if c.bus.Connected() {
			return 0
		}
		return 1
	})
	telemetry.Counter(reg, "mall_chat_messages_total", "Messages stored by this instance.", c.messages.Load)
	telemetry.Counter(reg, "mall_chat_repaired_total", "Rooms read for a connection because something had been lost on the way.", c.repaired.Load)
	telemetry.Gauge(reg, "mall_chat_lost", "1 while messages that were acked are known to be gone from the database: run `mall epoch renew`.", func() float64 {
		if c.losses.loss() == nil {
			return 0
		}
		return 1
	})
	telemetry.Counter(reg, "mall_chat_past_head_total", "Resumes that named a message past its room's head, in the present epoch.", c.losses.claimed)
	telemetry.Counter(reg, "mall_chat_relay_refused_total", "News over Redis that was malformed or forged.", c.relay.Refused)
}
