package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/proxy"
)

// bustle is people who open rooms and change inquiries all the time, each call repeated until it is answered for good.
type bustle struct {
	*visitors

	s        *stage
	shops    []string          // that nobody has a room with at first
	products map[string]string // one of each shop
	changing []*changing

	wg     sync.WaitGroup
	ending chan struct{} // closed when nothing new is to be begun
	mu     sync.Mutex
	opened map[opening]*answered
	failed int // calls that had to be repeated
}

type opening struct {
	buyer *person
	shop  string
}

// answered is what a buyer has been told of their room with a shop.
type answered struct {
	room     string
	subjects []string // of inquiries, in the order of their names
}

// changing is a room in which only the state of its inquiry changes: done, open, done, open …
type changing struct {
	room, inquiry string
	changes       int // answered with 200
}

const (
	freshShops  = 40
	openEvery   = 150 * time.Millisecond
	changeEvery = 150 * time.Millisecond
	onceMore    = 300 * time.Millisecond // later, after an answer that is not one for good
)

func changeFaults() []fault {
	around := func(name, about string, short bool, lasts time.Duration, during promises, inject, heal act) fault {
		return whileBustling(fault{name: "changes, " + name, about: about + "; meanwhile rooms are opened and inquiries changed", short: short, lasts: lasts,
			during: during, inject: inject, heal: heal})
	}
	hold := promises{answer: answerWithin, socketsStay: true}
	return []fault{
		around("calm", "nothing is broken", true, 3*time.Second, hold, nil, nil),
		around("cut before commit", "the link is cut as COMMIT leaves", false, 5*time.Second, hold, aroundCommit(proxy.Cut, false), nil),
		around("cut after commit", "the link is cut before the answer to COMMIT arrives", false, 5*time.Second, hold, aroundCommit(proxy.Cut, true), nil),
		around("db killed", "the database is killed and started again", false, 5*time.Second, databaseDown, killMySQL,
			func(ctx context.Context, s *stage) error { return s.cluster.MySQL.Start(ctx) }),
		around("db frozen", "the database takes connections and bytes and answers nothing", false, 6*time.Second, databaseDown,
			func(_ context.Context, s *stage) error { return s.cluster.MySQL.Pause() },
			func(_ context.Context, s *stage) error { return s.cluster.MySQL.Resume() }),
		around("redis killed", "Redis is killed and comes back empty", false, 6*time.Second, redisDown,
			func(_ context.Context, s *stage) error { return s.cluster.Redis.Kill() },
			func(ctx context.Context, s *stage) error { return s.cluster.Redis.Start(ctx) }),
	}
}

// whileBustling plays a fault among people who open rooms and change inquiries, and looks at the tables in the end.
func whileBustling(f fault) fault {
	var b *bustle // of the play under way
	inject, heal := f.inject, f.heal
	f.inject = func(ctx context.Context, s *stage) (err error) {
		if b, err = s.prepareBustle(ctx); err != nil {
			return err
		}
		b.begin(ctx)
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		s.injected = time.Now()
		if inject != nil {
			return inject(ctx, s)
		}
		return nil
	}
	f.heal = func(ctx context.Context, s *stage) error {
		close(b.ending)
		if heal != nil {
			return heal(ctx, s)
		}
		return nil
	}
	f.after = func(ctx context.Context, _ *stage) error { return b.look(ctx) }
	return f
}

// prepareBustle makes the shops with their products, and the rooms whose inquiries are changed.
func (s *stage) prepareBustle(ctx context.Context) (b *bustle, err error) {
	b = &bustle{s: s, products: map[string]string{}, ending: make(chan struct{}), opened: map[opening]*answered{}}
	if b.visitors, err = s.visit(ctx, 3); err != nil {
		return nil, err
	}
	for n := range freshShops {
		shop, err := b.furtherShop(ctx, fmt.Sprintf("shop %d", n))
		if err != nil {
			return nil, err
		}
		b.shops = append(b.shops, shop)
	}
	for _, shop := range b.shops {
		var product struct{ ID string }
		draft := map[string]any{"name": "a thing", "category": "home", "price_won": 1000, "stock": 1}
		if _, err := b.keeper.rest(ctx, b.keeper.account.Base, "/shops/"+shop+"/products", draft, &product); err != nil {
			return nil, err
		}
		b.products[shop] = product.ID
	}
	for _, buyer := range b.buyers {
		room, err := s.meet(ctx, buyer, b.keeper, b.keeper.shop)
		if err != nil {
			return nil, err
		}
		now, err := b.inquiries(ctx, room)
		if err != nil || len(now) != 1 {
			return nil, errors.Join(err, fmt.Errorf("%d inquiries in a new room", len(now)))
		}
		b.changing = append(b.changing, &changing{room: room, inquiry: now[0].ID})
	}
	return b, s.bring(ctx, append([]*person{b.keeper}, b.buyers...)...)
}

type listedInquiry struct{ ID, State string }

func (b *bustle) inquiries(ctx context.Context, room string) ([]listedInquiry, error) {
	var list struct{ Items []listedInquiry }
	_, err := b.keeper.account.Call(ctx, http.MethodGet, "/chat/rooms/"+room+"/inquiries", nil, &list)
	return list.Items, err
}

// begin lets everybody act until ending is closed.
func (b *bustle) begin(ctx context.Context) {
	for n, buyer := range b.buyers {
		b.wg.Go(func() {
			for _, shop := range b.shops {
				if !b.goesOn(ctx, openEvery) {
					return
				}
				b.open(ctx, buyer, shop, n)
			}
		})
	}
	for _, c := range b.changing {
		b.wg.Go(func() {
			for refused := false; !refused && b.goesOn(ctx, changeEvery); {
				refused = !b.change(ctx, c)
			}
		})
	}
}

func (b *bustle) goesOn(ctx context.Context, after time.Duration) bool {
	select {
	case <-b.ending:
		return false
	case <-ctx.Done():
		return false
	case <-time.After(after):
		return true
	}
}

// open asks for a room from two tabs at once, and then in it for an inquiry about a product, in the same way.
func (b *bustle) open(ctx context.Context, buyer *person, shop string, n int) {
	for _, subject := range []string{"general", "product"} {
		about := map[string]string{"shop_id": shop}
		if subject == "product" {
			about["product_id"] = b.products[shop]
		}
		var tabs sync.WaitGroup
		for _, base := range []string{buyer.account.Base, "http://" + b.s.cluster.Instances[n%instances].Addr} {
			tabs.Go(func() {
				var room struct{ ID string }
				if b.persist(ctx, buyer, base, http.MethodPost, "/chat/rooms", about, &room) {
					b.told(opening{buyer, shop}, room.ID, subject)
				}
			})
		}
		tabs.Wait()
	}
}

func (b *bustle) told(o opening, room, subject string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.opened[o]
	if a == nil {
		a = &answered{room: room}
		b.opened[o] = a
	}
	if a.room != room {
		b.s.violatef(checker.Doubled, "%s and shop %s: rooms %s and %s", o.buyer.name, o.shop, a.room, room)
	}
	if !slices.Contains(a.subjects, subject) {
		a.subjects = append(a.subjects, subject)
	}
}

// change closes or reopens the inquiry; false when that was refused for good.
func (b *bustle) change(ctx context.Context, c *changing) bool {
	state := "done"
	if c.changes%2 == 1 {
		state = "open"
	}
	ok := b.persist(ctx, b.keeper, b.keeper.account.Base, http.MethodPatch, "/chat/rooms/"+c.room+"/inquiries/"+c.inquiry, map[string]string{"state": state}, nil)
	if ok {
		c.changes++
	}
	return ok
}

// persist makes a call again until it is answered for good. Nothing that happens to the servers is the caller's fault: to be
// told anything else than "later" is a violation.
func (b *bustle) persist(ctx context.Context, p *person, base, method, path string, in, out any) (ok bool) {
	for ctx.Err() == nil {
		status, err := p.account.CallAt(ctx, base, method, path, in, out)
		if err == nil {
			return true
		}
		var refused *client.Problem
		if errors.As(err, &refused) && refused.Status != http.StatusServiceUnavailable && refused.Status != http.StatusTooManyRequests {
			b.s.violatef(checker.Other, "%s %s at %s: %v", method, path, time.Now().Format("15:04:05.000"), err)
			if status < http.StatusInternalServerError {
				return false
			}
		}
		b.mu.Lock()
		b.failed++
		b.mu.Unlock()
		if pause(ctx, onceMore) != nil {
			return false
		}
	}
	return false
}

// look compares what was answered with the tables.
func (b *bustle) look(ctx context.Context) error {
	b.wg.Wait()
	for o, told := range b.opened {
		if err := b.lookAtRoom(ctx, o, told); err != nil {
			return err
		}
	}
	total := 0
	for _, c := range b.changing {
		if err := b.lookAtChanges(ctx, c); err != nil {
			return err
		}
		total += c.changes
	}
	b.s.note("%d rooms opened, %d changes of inquiries, %d calls repeated", len(b.opened), total, b.failed)
	if len(b.opened) == 0 || total == 0 {
		return errors.New("nothing was opened or changed")
	}
	return nil
}

func unhex(uuid string) string { return strings.ReplaceAll(uuid, "-", "") }

// lookAtRoom: the buyer and the shop have one room, which is the one that was answered, and in it one inquiry about each
// subject.
func (b *bustle) lookAtRoom(ctx context.Context, o opening, told *answered) error {
	rooms, err := b.texts(ctx, "SELECT LOWER(HEX(id)) FROM chat_rooms WHERE buyer_id = UNHEX(?) AND shop_id = UNHEX(?)", unhex(o.buyer.account.MemberID), unhex(o.shop))
	if err != nil {
		return err
	}
	switch {
	case len(rooms) > 1:
		b.s.violatef(checker.Doubled, "%s has %d rooms with shop %s", o.buyer.name, len(rooms), o.shop)
	case len(rooms) == 0 || rooms[0] != unhex(told.room):
		b.s.violatef(checker.Lost, "%s was told of room %s with shop %s, stored is %v", o.buyer.name, told.room, o.shop, rooms)
		return nil
	}
	subjects, err := b.texts(ctx, "SELECT subject FROM chat_inquiries WHERE room_id = UNHEX(?) ORDER BY subject", unhex(told.room))
	if err != nil {
		return err
	}
	if !slices.Equal(subjects, told.subjects) {
		kind := checker.Lost
		if len(subjects) > len(told.subjects) {
			kind = checker.Doubled
		}
		b.s.violatef(kind, "room %s: inquiries on %v were answered, stored are those on %v", told.room, told.subjects, subjects)
	}
	return nil
}

// lookAtChanges: each change that was answered is stored, and said once in the room.
func (b *bustle) lookAtChanges(ctx context.Context, c *changing) error {
	said, err := b.texts(ctx, "SELECT body FROM chat_messages WHERE room_id = UNHEX(?) ORDER BY seq", unhex(c.room))
	if err != nil {
		return err
	}
	var want []string
	state := "open"
	for n := range c.changes {
		if n%2 == 0 {
			want, state = append(want, "inquiry_done"), "done"
		} else {
			want, state = append(want, "inquiry_reopened"), "open"
		}
	}
	kind := checker.Lost
	if len(said) > len(want) {
		kind = checker.Doubled
	}
	if !slices.Equal(said, want) {
		b.s.violatef(kind, "room %s: %d changes of its inquiry were answered with 200, and %d are said in it: %v", c.room, len(want), len(said), unevenly(said))
	}
	now, err := b.inquiries(ctx, c.room)
	if err != nil {
		return err
	}
	if len(now) != 1 || now[0].State != state {
		b.s.violatef(checker.Lost, "room %s: the last change of its inquiry was to %s, it is %+v", c.room, state, now)
	}
	return nil
}

// unevenly names the first place in which the same is said twice running, which is where something is missing or doubled.
func unevenly(said []string) string {
	for i := 1; i < len(said); i++ {
		if said[i] == said[i-1] {
			return fmt.Sprintf("seq %d and %d are both %s", i, i+1, said[i])
		}
	}
	return "they alternate"
}

func (b *bustle) texts(ctx context.Context, query string, args ...any) (all []string, err error) {
	rows, err := b.s.cluster.Root.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
