package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/record"
)

// How long the end of a credential may take to reach a live connection: over Redis, and without it.
const (
	heardWithin = 5 * time.Second
	foundWithin = 30 * time.Second
)

func credentialFaults() []fault {
	return []fault{
		{name: "credentials", about: "while all talk and bring fresh tokens, three of a shop's staff go: banned, logged out, off the staff", short: true, lasts: 2 * time.Second,
			during: promises{answer: answerWithin, socketsStay: true, ack: ackWithin, near: nearWithin, far: farWithin},
			inject: func(ctx context.Context, s *stage) error { return s.endCredentials(ctx, heardWithin) }, after: sawNothing(heardWithin)},
		{name: "credentials, no redis", about: "the same while Redis is away: every instance finds out by itself", lasts: 2 * time.Second, during: redisDown,
			inject: func(ctx context.Context, s *stage) error {
				if err := s.cluster.Redis.Kill(); err != nil {
					return err
				}
				return s.endCredentials(ctx, foundWithin)
			},
			heal:  func(ctx context.Context, s *stage) error { return s.cluster.Redis.Start(ctx) },
			after: sawNothing(foundWithin)},
	}
}

// guest is a further one of the first shop's staff, with a device on each instance, the last of them without a socket.
type guest struct {
	what    string
	code    string // with which the connections are closed
	account *client.Account
	devices []*client.Client
	end     func(ctx context.Context) error
	gone    time.Time // the end had been ordered
}

// endCredentials lets three guests come, has everybody else bring a fresh token, and shows the guests out.
func (s *stage) endCredentials(ctx context.Context, limit time.Duration) error {
	guests, err := s.invite(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := s.reauth(ctx); err != nil {
		return err
	}
	s.note("%d sockets had fresh tokens taken after %v", s.sockets(), time.Since(began).Round(time.Millisecond))
	for _, g := range guests {
		if err := g.end(ctx); err != nil {
			return fmt.Errorf("%s: %w", g.what, err)
		}
		g.gone = time.Now()
	}
	s.shown = time.Now()
	for _, g := range guests {
		s.shownOut(ctx, g, limit)
	}
	if err := s.mayNotReturn(ctx, guests[0]); err != nil {
		return err
	}
	return pause(ctx, time.Until(s.shown.Add(limit))) // what is said from then on they must not see
}

// invite adds the guests to the first shop's staff, and waits until they have everything.
func (s *stage) invite(ctx context.Context) ([]*guest, error) {
	shop := s.cast.people[0]
	staff := "/shops/" + shop.shop + "/staff"
	banned, left, off := s.newGuest("banned", "4403"), s.newGuest("logged out", "4401"), s.newGuest("off the staff", "4510")
	banned.end = func(ctx context.Context) error {
		says, err := s.cluster.Tell(ctx, "member", "ban", banned.account.Email)
		s.note("%s", strings.ReplaceAll(strings.TrimSpace(says), "\n", "; "))
		return err
	}
	left.end = left.account.LogOut
	off.end = func(ctx context.Context) error {
		_, err := shop.account.Call(ctx, http.MethodDelete, staff+"/"+off.account.MemberID, nil, nil)
		return err
	}
	guests := []*guest{banned, left, off}
	for _, g := range guests {
		if err := patiently(ctx, func() error { return g.account.SignUp(ctx, g.what) }); err != nil {
			return nil, err
		}
		if err := s.hire(ctx, shop, g.account); err != nil {
			return nil, err
		}
		s.letIn(ctx, shop, g)
	}
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	return guests, until(limited, "the guests are connected", func() bool {
		for _, c := range s.guests {
			if _, ok := c.Ready(); !ok {
				return false
			}
		}
		return true
	})
}

// hire makes an account one of a shop's staff: invited by its owner, who proves again who they are, and accepted. No letters
// are sent here, so the address is proved where a letter's link would have it proved.
func (s *stage) hire(ctx context.Context, shop *person, account *client.Account) error {
	if err := patiently(ctx, func() error { return shop.account.StepUp(ctx) }); err != nil {
		return fmt.Errorf("step-up: %w", err)
	}
	var invitation struct{ ID string }
	ask := map[string]string{"email": account.Email, "role": "agent"}
	if _, err := shop.account.Call(ctx, http.MethodPost, "/shops/"+shop.shop+"/invitations", ask, &invitation); err != nil {
		return fmt.Errorf("invitation: %w", err)
	}
	if _, err := s.cluster.Root.ExecContext(ctx, "UPDATE member_members SET email_proved_at = created_at WHERE email = ?", account.Email); err != nil {
		return err
	}
	if err := patiently(ctx, func() error { _, err := account.Token(ctx); return err }); err != nil {
		return err
	}
	_, err := account.Call(ctx, http.MethodPost, "/me/invitations/"+invitation.ID, nil, nil)
	return err
}

func (s *stage) newGuest(what, code string) *guest {
	email := strings.NewReplacer(" ", ".", ",", "").Replace(s.fault.name+" "+what) + "@faults.test"
	return &guest{what: what, code: code, account: &client.Account{Base: s.cast.people[0].account.Base, Email: email, Password: password}}
}

// letIn connects a guest's devices; they go home with the fault at the latest.
func (s *stage) letIn(ctx context.Context, shop *person, g *guest) {
	p := &person{name: strings.ReplaceAll(g.what, " ", "-"), account: g.account, shop: shop.shop, rooms: shop.rooms}
	for tab := range instances {
		c := s.newClient(p, tab, "", tab == instances-1)
		g.devices, s.guests = append(g.devices, c), append(s.guests, c)
		s.join(ctx, c)
		s.brought = append(s.brought, c)
	}
}

func (s *stage) sockets() (n int) {
	for _, c := range s.clients {
		if !c.Events() {
			n++
		}
	}
	return n
}

// reauth has everybody bring a fresh token on their socket, and waits until all are taken.
func (s *stage) reauth(ctx context.Context) error {
	began := time.Now()
	for _, c := range s.clients {
		if c.Events() {
			continue
		}
		if err := patiently(ctx, func() error { return c.Reauth(ctx) }); err != nil {
			return fmt.Errorf("%s: %w", c.Name(), err)
		}
	}
	limited, cancel := context.WithTimeout(ctx, heardWithin)
	defer cancel()
	err := until(limited, "", func() bool {
		return len(checker.Within(s.watched(), checker.Window{From: began}, record.Authed)) >= s.sockets()
	})
	if err != nil {
		s.violatef(checker.Other, "%d of %d fresh tokens were taken", len(checker.Within(s.watched(), checker.Window{From: began}, record.Authed)), s.sockets())
	}
	return ctx.Err()
}

// firstEnd is when and how a device's first connection ended.
func firstEnd(c *client.Client) (end record.Event, ok bool) {
	ends := checker.Within([]*record.Log{c.Log()}, checker.Window{}, record.Closed)
	if len(ends) == 0 {
		return end, false
	}
	return ends[0], true
}

// shownOut waits until a guest's connections have ended, as they should and in time.
func (s *stage) shownOut(ctx context.Context, g *guest, limit time.Duration) {
	ctx, cancel := context.WithDeadline(ctx, g.gone.Add(limit+heardWithin))
	defer cancel()
	var slowest time.Duration
	for _, c := range g.devices {
		var end record.Event
		err := until(ctx, "", func() (ok bool) { end, ok = firstEnd(c); return ok })
		took := end.At.Sub(g.gone)
		switch {
		case err != nil:
			s.violatef(checker.Late, "%s: %s is still connected %v after the end was ordered", g.what, c.Name(), time.Since(g.gone).Round(time.Second))
			continue
		case took > limit:
			s.violatef(checker.Late, "%s: %s was closed after %v, limit %v", g.what, c.Name(), took.Round(10*time.Millisecond), limit)
		}
		if code, _, _ := strings.Cut(end.Note, " "); code != g.code {
			s.violatef(checker.Other, "%s: %s was closed with %q, not with %s", g.what, c.Name(), end.Note, g.code)
		}
		slowest = max(slowest, took)
	}
	s.note("%s: the last of %d connections was closed after %v", g.what, len(g.devices), slowest.Round(10*time.Millisecond))
}

// mayNotReturn: who is banned gets no new login.
func (s *stage) mayNotReturn(ctx context.Context, g *guest) error {
	again := &client.Account{Base: g.account.Base, Email: g.account.Email, Password: password}
	err := patiently(ctx, func() error { _, err := again.Token(ctx); return err })
	var refused *client.Problem
	if !errors.As(err, &refused) || refused.Code != "banned" {
		s.violatef(checker.Foreign, "who is banned logs in, and is answered %v", err)
	}
	return ctx.Err()
}

// sawNothing looks at what the guests have seen once the end of their credentials must have reached everybody: nothing of
// any room. Until then one that was closed may have come back on an instance that had not heard. Then they go home.
func sawNothing(limit time.Duration) act {
	return func(_ context.Context, s *stage) error {
		after := checker.Window{From: s.shown.Add(limit)}
		for _, c := range s.guests {
			for _, kind := range []record.Kind{record.Message, record.Pulled, record.Receipt, record.Resumed} {
				for _, e := range checker.Within([]*record.Log{c.Log()}, after, kind) {
					s.violate(checker.Violation{Kind: checker.Foreign, Client: c.Name(), Room: e.Room, Seq: e.Seq,
						Text: fmt.Sprintf("a %s %v after they were shown out", kind, e.At.Sub(s.shown).Round(time.Millisecond))})
				}
			}
			s.leave(c)
		}
		return nil
	}
}

// untilTheEnd is what a guest wrote down while they were one of the staff.
func untilTheEnd(c *client.Client) *record.Log {
	l := &record.Log{Client: c.Name(), Member: c.Log().Member, Rooms: c.Log().Rooms}
	for _, e := range c.Log().Events() {
		l.Add(e)
		if e.Kind == record.Closed {
			break
		}
	}
	return l
}
