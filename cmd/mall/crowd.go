package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"mall/migrations"
	"mall/modules/mall"
	"mall/modules/member"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
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
func crowd(ctx context.Context, s mall.Settings, args []string, stdout, stderr io.Writer) (err error) {
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
	members, err := member.New(s.Member, member.Deps{DB: d, Log: log})
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
