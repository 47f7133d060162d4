package main

import (
	"context"
	"fmt"
	"net/http"

	"mall/cmd/faults/internal/client"
	"mall/modules/platform/id"
)

// visitors are people of one fault alone: a shopkeeper and some buyers.
type visitors struct {
	keeper *person
	buyers []*person
}

// visit signs people up who are nobody else's, with one shop. Their devices come with bring.
func (s *stage) visit(ctx context.Context, buyers int) (*visitors, error) {
	tag := id.New().String()
	base := "http://" + s.cluster.Front.Addr()
	v := &visitors{}
	k := &cast{}
	for n := range buyers + 1 {
		name := fmt.Sprintf("visitor-%d-%s", n, tag[len(tag)-6:])
		p := &person{name: name, home: n % instances, tabs: 1, account: &client.Account{Base: base, Email: name + "@faults.test", Password: password}}
		if n == 0 {
			p.shop = "?"
			v.keeper = p
		} else {
			v.buyers = append(v.buyers, p)
		}
		k.people = append(k.people, p)
	}
	return v, k.signUp(ctx)
}

// furtherShop gives the keeper one more shop.
func (v *visitors) furtherShop(ctx context.Context, name string) (string, error) {
	var shop struct{ ID string }
	_, err := v.keeper.account.Call(ctx, http.MethodPost, "/shops", map[string]string{"name": name}, &shop)
	if err == nil {
		v.keeper.account.Renew() // the token names the shops
	}
	return shop.ID, err
}

// meet opens a buyer's room with a shop, which both of them know of from then on.
func (s *stage) meet(ctx context.Context, buyer, keeper *person, shop string) (room string, err error) {
	var opened struct{ ID string }
	if _, err = buyer.rest(ctx, buyer.account.Base, "/chat/rooms", map[string]string{"shop_id": shop}, &opened); err != nil {
		return "", err
	}
	buyer.rooms = append(buyer.rooms, opened.ID)
	if shop == keeper.shop {
		keeper.rooms = append(keeper.rooms, opened.ID)
	} else {
		keeper.hears = append(keeper.hears, opened.ID)
	}
	s.base[opened.ID] = 0
	return opened.ID, nil
}

// bring lets a device of each of them come.
func (s *stage) bring(ctx context.Context, people ...*person) error {
	for _, p := range people {
		c := s.newClient(p, 0, "", false)
		s.clients = append(s.clients, c)
		s.join(ctx, c)
	}
	return s.untilReady(ctx)
}
