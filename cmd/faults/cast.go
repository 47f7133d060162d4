package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/cluster"
)

// cast are the people of a run and the rooms they talk in.
type cast struct {
	people []*person
	rooms  []string
}

// person is a member: a buyer with two rooms, or the owner of a shop with many.
type person struct {
	name    string
	account *client.Account
	shop    string // empty: a buyer
	home    int    // the instance that their first device starts with
	tabs    int    // how many devices they have, each with an instance of its own
	rooms   []string
	hears   []string // rooms of other shops of theirs: told of, and not kept
}

const (
	roomsOfShop  = 10
	roomsOfBuyer = 2
	password     = "faults-2026-break"
)

// engage signs everybody up and opens the rooms, through the public API. A room's buyer and seller sit on different
// instances; the first shop and the first two buyers have three tabs, on all of them.
func engage(ctx context.Context, c *cluster.Cluster, rooms int) (*cast, error) {
	shops := max(roomsOfBuyer, (rooms+roomsOfShop-1)/roomsOfShop)
	buyers := (rooms + roomsOfBuyer - 1) / roomsOfBuyer
	base := "http://" + c.Front.Addr()
	k := &cast{}
	for n := range shops + buyers {
		p := &person{tabs: 1, home: n % instances}
		if n < shops {
			p.name, p.shop = fmt.Sprintf("shop-%02d", n), "?"
		} else {
			b := n - shops
			p.name = fmt.Sprintf("buyer-%02d", b)
			for p.home == homeOf(b, 0, shops) || p.home == homeOf(b, 1, shops) {
				p.home = (p.home + 1) % instances
			}
		}
		if n == 0 || n == shops || n == shops+1 {
			p.tabs = instances
		}
		p.account = &client.Account{Base: base, Email: p.name + "@faults.test", Password: password}
		k.people = append(k.people, p)
	}
	if err := k.signUp(ctx); err != nil {
		return nil, err
	}
	for b, p := range k.people[shops:] {
		for n := range roomsOfBuyer {
			seller := k.people[shopOf(b, n, shops)]
			var room struct{ ID string }
			if _, err := p.account.Call(ctx, http.MethodPost, "/chat/rooms", map[string]string{"shop_id": seller.shop}, &room); err != nil {
				return nil, fmt.Errorf("room of %s and %s: %w", p.name, seller.name, err)
			}
			p.rooms, seller.rooms, k.rooms = append(p.rooms, room.ID), append(seller.rooms, room.ID), append(k.rooms, room.ID)
		}
	}
	return k, nil
}

func shopOf(buyer, n, shops int) int { return (roomsOfBuyer*buyer + n) % shops }

func homeOf(buyer, n, shops int) int { return shopOf(buyer, n, shops) % instances }

// signUp makes the accounts and shops; hashing passwords is dear on purpose, so few are made at once.
func (k *cast) signUp(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, p := range k.people {
		g.Go(func() error {
			err := patiently(ctx, func() error { return p.account.SignUp(ctx, p.name) })
			if err == nil {
				err = patiently(ctx, func() error { _, err := p.account.Token(ctx); return err })
			}
			if err != nil || p.shop == "" {
				return err
			}
			var shop struct{ ID string }
			_, err = p.account.Call(ctx, http.MethodPost, "/shops", map[string]string{"name": p.name}, &shop)
			p.shop = shop.ID
			return err
		})
	}
	return g.Wait()
}

// patiently repeats what the server is too busy for.
func patiently(ctx context.Context, do func() error) error {
	for {
		err := do()
		var p *client.Problem
		if err == nil || !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable && p.Status != http.StatusTooManyRequests {
			return err
		}
		if pause(ctx, 200*time.Millisecond) != nil {
			return err
		}
	}
}

// pause waits, or gives ctx' error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
