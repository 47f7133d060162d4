// Command crowd fills a test mall's database with people for a load test, logged in and with rooms: ten thousand in a
// second, where signing up takes a password's hash each. It takes the mall's own settings. docs/loadtest.md tells how to
// use it.
//
// It is a program of its own because it opens logins without passwords: the one that is shipped cannot.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mall/migrations"
	"mall/modules/mall"
	"mall/modules/member"
	"mall/modules/member/memberseed"
	"mall/modules/platform/config"
	"mall/modules/platform/db"
	"mall/modules/platform/telemetry"
)

// domain marks the people of load tests. Nobody can have an address there (RFC 2606).
const domain = "load.invalid"

// batch is how many people, sessions or rooms one transaction makes.
const batch = 2000

// order says which people to make.
type order struct {
	buyers, shops, roomsPerBuyer int
	bigShop                      int // rooms that the first shop gets before the others share the rest
	out                          string
	yes                          bool
	config                       string
}

// errUsage has been explained already.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(exitCode(err, os.Stderr))
}

// exitCode is 2 for a mistake in the call or the settings, 1 for everything else that went wrong.
func exitCode(err error, stderr io.Writer) int {
	var bad *mall.SettingsError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	case errors.As(err, &bad):
		_, _ = fmt.Fprintln(stderr, "crowd: settings:", bad)
		return 2
	}
	_, _ = fmt.Fprintln(stderr, "crowd:", err)
	return 1
}

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	s, err := mall.Load(o.config, environ)
	if err != nil {
		return err
	}
	return fill(ctx, s, o, stdout, stderr)
}

func parse(args []string, stderr io.Writer) (o order, err error) {
	flags := flag.NewFlagSet("crowd", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.buyers, "buyers", 100, "how many buyers")
	flags.IntVar(&o.shops, "shops", 10, "how many shops, each with one owner")
	flags.IntVar(&o.roomsPerBuyer, "rooms-per-buyer", 1, "rooms of each buyer, all with different shops")
	spread := flags.String("spread", "even",
		"even: all shops have as many rooms; one-shop-with=N: the first has N, the others share the rest")
	flags.StringVar(&o.out, "out", "people.jsonl", "file for the people and their tokens, readable by you alone")
	flags.BoolVar(&o.yes, "yes", false, "also when the database has other people")
	flags.StringVar(&o.config, "config", os.Getenv(config.FileVariable), "settings file of the mall")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
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
		_, _ = fmt.Fprintln(stderr, "crowd:", err)
		return o, errUsage
	}
	return o, nil
}

func (o order) check() error {
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

// fill makes the people, and the file that tells of them.
func fill(ctx context.Context, s mall.Settings, o order, stdout, stderr io.Writer) (err error) {
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
	seeder, err := memberseed.New(s.Member, d)
	if err != nil {
		return err
	}
	others, err := seeder.AnyBeyond(ctx, domain)
	if err != nil {
		return err
	}
	if others && !o.yes {
		return errors.New("this database has people who are not of a load test; " +
			"their mall is no place for one (-yes if it is)")
	}
	began := time.Now()
	people, err := o.gather(ctx, members, seeder, d)
	if err != nil {
		return err
	}
	if err := write(o.out, people); err != nil {
		return err
	}
	return o.report(stdout, s, len(people), began)
}

func (o order) report(to io.Writer, s mall.Settings, people int, began time.Time) error {
	until := func(life time.Duration) string { return time.Now().Add(life).Format(time.RFC3339) }
	_, err := fmt.Fprintf(to, "%d load-test people (%d buyers, %d shops), %d rooms in %v, for a test mall only: "+
		"whoever has %s is them.\nTheir access tokens are good until %s, their sessions until %s.\n",
		people, o.buyers, o.shops, o.buyers*o.roomsPerBuyer, time.Since(began).Round(10*time.Millisecond), o.out,
		until(s.Member.AccessLife), until(s.Member.RefreshIdle))
	return err
}
