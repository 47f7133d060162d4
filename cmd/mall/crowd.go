package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"mall/migrations"
	"mall/modules/chat"
	"mall/modules/member"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/telemetry"
)

// crowdDomain marks the people of load tests. Nobody can have an address there (RFC 2606).
const crowdDomain = "load.invalid"

// crowdBatch is how many people, sessions or rooms one transaction makes.
const crowdBatch = 2000

// crowdOrder says which people to make.
type crowdOrder struct {
	buyers, shops, roomsPerBuyer int
	bigShop                      int // rooms that the first shop gets before the others share the rest
	out                          string
	yes                          bool
}

// crowdPerson is one line of the file: what a client needs to act as the person.
type crowdPerson struct {
	MemberID id.ID   `json:"member_id"`
	Kind     string  `json:"kind"` // buyer, staff
	ShopID   *id.ID  `json:"shop_id,omitempty"`
	Access   string  `json:"access_token"`
	Expires  int64   `json:"access_expires"` // Unix seconds
	Refresh  string  `json:"refresh_token"`
	Rooms    []id.ID `json:"rooms"`
}

func parseCrowd(args []string, stderr io.Writer) (o crowdOrder, err error) {
	flags := flag.NewFlagSet("mall crowd", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.buyers, "buyers", 100, "how many buyers")
	flags.IntVar(&o.shops, "shops", 10, "how many shops, each with one owner")
	flags.IntVar(&o.roomsPerBuyer, "rooms-per-buyer", 1, "rooms of each buyer, all with different shops")
	spread := flags.String("spread", "even", "even: all shops have as many rooms; one-shop-with=N: the first has N, the others share the rest")
	flags.StringVar(&o.out, "out", "people.jsonl", "file for the people and their tokens, readable by you alone")
	flags.BoolVar(&o.yes, "yes", false, "also when the database has other people")
	if err := flags.Parse(args); err != nil {
		return o, errUsage
	}
	if n, big := strings.CutPrefix(*spread, "one-shop-with="); big {
		o.bigShop, err = strconv.Atoi(n)
	} else if *spread != "even" {
		err = errors.New("unknown spread")
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unknown word %q", flags.Arg(0))
	}
	if err == nil {
		err = o.check()
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "mall: crowd:", err)
		return o, errUsage
	}
	return o, nil
}

func (o crowdOrder) check() error {
	rest := o.shops
	if o.bigShop > 0 {
		rest-- // the big one is nobody's second room
	}
	switch {
	case o.buyers < 1 || o.shops < 1 || o.roomsPerBuyer < 0:
		return errors.New("at least one buyer and one shop")
	case o.bigShop < 0 || o.bigShop > o.buyers:
		return errors.New("a shop has at most one room with each buyer")
	case o.roomsPerBuyer > max(rest, min(o.shops, 1)):
		return errors.New("a buyer has at most one room with each shop")
	}
	return nil
}

// crowd fills the database with people for a load test.
func crowd(ctx context.Context, s settings, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parseCrowd(args, stderr)
	if err != nil {
		return err
	}
	log := telemetry.NewLogger(s.Log, stderr)
	d, err := db.Open(ctx, s.DB.Config, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if s.DB.Migrate {
		if err := migrations.Up(ctx, d, log); err != nil {
			return err
		}
	}
	members, err := member.New(s.Member, d, nil, log)
	if err != nil {
		return err
	}
	others, err := members.AnyBeyond(ctx, crowdDomain)
	if err != nil {
		return err
	}
	if others && !o.yes {
		return errors.New("crowd: this database has people who are not of a load test; their mall is no place for one (-yes if it is)")
	}
	began := time.Now()
	people, err := o.gather(ctx, members, d)
	if err != nil {
		return fmt.Errorf("crowd: %w", err)
	}
	if err := writePeople(o.out, people); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%d load-test people (%d buyers, %d shops), %d rooms in %v, for a test mall only: whoever has %s is them.\nTheir access tokens are good until %s, their sessions until %s.\n",
		len(people), o.buyers, o.shops, o.buyers*o.roomsPerBuyer, time.Since(began).Round(10*time.Millisecond), o.out,
		time.Now().Add(s.Member.AccessLife).Format(time.RFC3339), time.Now().Add(s.Member.RefreshIdle).Format(time.RFC3339))
	return err
}

// gather makes the people, logs them in, and opens their rooms.
func (o crowdOrder) gather(ctx context.Context, members *member.Members, d *db.DB) ([]crowdPerson, error) {
	seed, people := o.people()
	for _, part := range parts(seed) {
		if err := members.Seed(ctx, part); err != nil {
			return nil, err
		}
	}
	for batch := range slices.Chunk(people, crowdBatch) {
		if err := logIn(ctx, members, batch); err != nil {
			return nil, err
		}
	}
	return people, o.openRooms(ctx, d, people)
}

// people makes up who there is: the shops' owners first.
func (o crowdOrder) people() (s member.Seed, people []crowdPerson) {
	tag, password := strings.ToLower(rand.Text()[:8]), rand.Text() // nobody is told the password
	add := func(kind, name string, n int) *crowdPerson {
		p := crowdPerson{MemberID: id.New(), Kind: kind, Rooms: []id.ID{}}
		s.Members = append(s.Members, member.SeedMember{ID: p.MemberID, Password: password,
			Email: fmt.Sprintf("%s-%s-%d@%s", kind, tag, n, crowdDomain), Name: fmt.Sprintf("%s %d", name, n)})
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
	for batch := range slices.Chunk(s.Members, crowdBatch) {
		n := min(len(batch), len(s.Shops))
		all = append(all, member.Seed{Members: batch, Shops: s.Shops[:n], Staff: s.Staff[:n]})
		s.Shops, s.Staff = s.Shops[n:], s.Staff[n:]
	}
	return all
}

func logIn(ctx context.Context, members *member.Members, people []crowdPerson) error {
	ids := make([]id.ID, len(people))
	for i, p := range people {
		ids[i] = p.MemberID
	}
	tokens, err := members.OpenSessions(ctx, ids)
	for i, t := range tokens {
		people[i].Access, people[i].Refresh, people[i].Expires = t.Access, t.Refresh, time.Now().Add(t.AccessLife).Unix()
	}
	return err
}

// openRooms opens the buyers' rooms and writes them down with both sides.
func (o crowdOrder) openRooms(ctx context.Context, d *db.DB, people []crowdPerson) error {
	type seat struct{ buyer, staff *crowdPerson }
	var seats []seat
	for n := range o.buyers {
		for k := range o.roomsPerBuyer {
			seats = append(seats, seat{&people[o.shops+n], &people[o.shopOf(n, k)]})
		}
	}
	for batch := range slices.Chunk(seats, crowdBatch) {
		pairs := make([]chat.Pair, len(batch))
		for i, s := range batch {
			pairs[i] = chat.Pair{Buyer: s.buyer.MemberID, Shop: *s.staff.ShopID}
		}
		rooms, err := chat.OpenRooms(ctx, d, pairs)
		if err != nil {
			return err
		}
		for i, s := range batch {
			s.buyer.Rooms, s.staff.Rooms = append(s.buyer.Rooms, rooms[i]), append(s.staff.Rooms, rooms[i])
		}
	}
	return nil
}

// shopOf is the shop of a buyer's k-th room.
func (o crowdOrder) shopOf(buyer, k int) int {
	switch {
	case o.bigShop == 0 || o.shops == 1:
		return (buyer*o.roomsPerBuyer + k) % o.shops
	case buyer < o.bigShop && k == 0:
		return 0
	}
	return 1 + (buyer*o.roomsPerBuyer+k)%(o.shops-1)
}

func writePeople(file string, people []crowdPerson) (err error) {
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
