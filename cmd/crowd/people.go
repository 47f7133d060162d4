package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"mall/modules/chat/chatseed"
	"mall/modules/member"
	"mall/modules/member/memberseed"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// person is one line of the file: what a client needs to act as the person.
type person struct {
	MemberID id.ID   `json:"member_id"`
	Kind     string  `json:"kind"` // buyer, staff
	ShopID   *id.ID  `json:"shop_id,omitempty"`
	Access   string  `json:"access_token"`
	Expires  int64   `json:"access_expires"` // Unix seconds
	Refresh  string  `json:"refresh_token"`
	Rooms    []id.ID `json:"rooms"`
}

// gather makes the people, logs them in, and opens their rooms.
func (o order) gather(
	ctx context.Context, members *member.Members, seeder *memberseed.Seeder, d *db.DB,
) ([]person, error) {
	seed, people := o.people()
	for _, part := range parts(seed) {
		if err := members.Seed(ctx, part); err != nil {
			return nil, err
		}
	}
	for some := range slices.Chunk(people, batch) {
		if err := logIn(ctx, seeder, some); err != nil {
			return nil, err
		}
	}
	return people, o.openRooms(ctx, d, people)
}

// people makes up who there is: the shops' owners first.
func (o order) people() (s member.Seed, people []person) {
	tag, password := strings.ToLower(rand.Text()[:8]), rand.Text() // nobody is told the password
	add := func(kind, name string, n int) *person {
		p := person{MemberID: id.New(), Kind: kind, Rooms: []id.ID{}}
		s.Members = append(s.Members, member.SeedMember{ID: p.MemberID, Password: password,
			Email: fmt.Sprintf("%s-%s-%d@%s", kind, tag, n, domain), Name: fmt.Sprintf("%s %d", name, n)})
		people = append(people, p)
		return &people[len(people)-1]
	}
	for n := range o.shops {
		shop := id.New()
		p := add("staff", "점원", n+1)
		p.ShopID = &shop
		s.Shops = append(s.Shops, member.SeedShop{ID: shop, Name: fmt.Sprintf("시험상점 %d", n+1)})
		s.Staff = append(s.Staff, member.SeedStaff{Shop: shop, Member: p.MemberID, Role: identity.RoleOwner})
	}
	for n := range o.buyers {
		add("buyer", "구매자", n+1)
	}
	return s, people
}

// parts cuts a seed into what one transaction takes. Shops and staff stay together; they stand at the front of the members.
func parts(s member.Seed) (all []member.Seed) {
	for some := range slices.Chunk(s.Members, batch) {
		n := min(len(some), len(s.Shops))
		all = append(all, member.Seed{Members: some, Shops: s.Shops[:n], Staff: s.Staff[:n]})
		s.Shops, s.Staff = s.Shops[n:], s.Staff[n:]
	}
	return all
}

// logIn gives people their tokens.
func logIn(ctx context.Context, seeder *memberseed.Seeder, people []person) error {
	ids := make([]id.ID, len(people))
	for i, p := range people {
		ids[i] = p.MemberID
	}
	tokens, err := seeder.OpenSessions(ctx, ids)
	for i, t := range tokens {
		people[i].Access, people[i].Refresh, people[i].Expires = t.Access, t.Refresh, time.Now().Add(t.AccessLife).Unix()
	}
	return err
}

// openRooms opens the buyers' rooms and writes them down with both sides.
func (o order) openRooms(ctx context.Context, d *db.DB, people []person) error {
	type seat struct{ buyer, staff *person }
	var seats []seat
	for n := range o.buyers {
		for k := range o.roomsPerBuyer {
			seats = append(seats, seat{&people[o.shops+n], &people[o.shopOf(n, k)]})
		}
	}
	for some := range slices.Chunk(seats, batch) {
		pairs := make([]chatseed.Pair, len(some))
		for i, s := range some {
			pairs[i] = chatseed.Pair{Buyer: s.buyer.MemberID, Shop: *s.staff.ShopID}
		}
		rooms, err := chatseed.Rooms(ctx, d, pairs)
		if err != nil {
			return err
		}
		for i, s := range some {
			s.buyer.Rooms, s.staff.Rooms = append(s.buyer.Rooms, rooms[i]), append(s.staff.Rooms, rooms[i])
		}
	}
	return nil
}

// shopOf is the shop of a buyer's k-th room.
func (o order) shopOf(buyer, k int) int {
	switch {
	case o.bigShop == 0 || o.shops == 1:
		return (buyer*o.roomsPerBuyer + k) % o.shops
	case buyer < o.bigShop && k == 0:
		return 0
	}
	return 1 + (buyer*o.roomsPerBuyer+k)%(o.shops-1)
}

// write makes the file, for whoever runs this alone.
func write(file string, people []person) (err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // the file that the operator named
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	lines := json.NewEncoder(w)
	for _, p := range people {
		if err := lines.Encode(p); err != nil { //nolint:gosec // G117: the tokens are what the file is for
			return err
		}
	}
	return w.Flush()
}
