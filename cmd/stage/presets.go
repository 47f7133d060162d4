package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// preset is a named run: who takes part, and what loadtest is told.
type preset struct {
	name, about string
	crowd       crowd
	flags       string
	repeat      int
	relay       bool // the bare relay plays beside it
	instances   int  // 0: as -instances says
	against     int  // instances of a further mall of the same program that it is compared to
	fill        int  // messages that are stored before
	long        bool // only by its name
	outside     bool // the limits of addresses and members are the product's, and people say where they are

	shortCrowd crowd
	shortFill  int
	shortFlags string // empty: left out of the short sample
}

// crowd says which people cmd/crowd makes.
type crowd struct {
	buyers, shops, perBuyer int
	spread                  string
}

func (c crowd) args() []string {
	args := []string{"-buyers", strconv.Itoa(c.buyers), "-shops", strconv.Itoa(c.shops), "-rooms-per-buyer", strconv.Itoa(c.perBuyer)}
	if c.spread != "" {
		args = append(args, "-spread", c.spread)
	}
	return args
}

// pairs are rooms whose two sides have no other room.
func pairs(n int) crowd { return crowd{buyers: n, shops: n, perBuyer: 1} }

func presets() []preset {
	return []preset{
		{name: "max", about: "200 rooms, both sides with one message in flight, beside a bare relay",
			crowd: pairs(200), flags: "-workload max -rooms 200", repeat: 3, relay: true,
			shortCrowd: pairs(40), shortFlags: "-workload max -rooms 40 -warmup 300ms -duration 1s"},
		{name: "steady-200", about: "200 messages/s over 500 rooms", crowd: pairs(500), flags: "-workload steady -rooms 500 -rate 200", relay: true},
		{name: "steady-1000", about: "1,000 messages/s over 500 rooms", crowd: pairs(500), flags: "-workload steady -rooms 500 -rate 1000", relay: true,
			shortCrowd: pairs(50), shortFlags: "-workload steady -rooms 50 -rate 300 -warmup 300ms -duration 1s"},
		{name: "steady-3000", about: "3,000 messages/s over 500 rooms", crowd: pairs(500), flags: "-workload steady -rooms 500 -rate 3000", relay: true},
		{name: "overload", about: "twice what a probe says can be taken, 500 rooms; then the recovery", crowd: pairs(500), flags: "-workload overload -rooms 500",
			shortCrowd: pairs(50), shortFlags: "-workload overload -rooms 50 -duration 1s"},
		{name: "connect-10000", about: "10,000 idle connections",
			crowd: crowd{buyers: 9900, shops: 100, perBuyer: 1}, flags: "-workload connect -connections 10000", repeat: 1, // a second time finds the memory of the first
			shortCrowd: crowd{buyers: 300, shops: 10, perBuyer: 1}, shortFlags: "-workload connect -connections 300 -duration 1s"},
		{name: "burst", about: "1,000 users in 500 rooms dial at once; 550,000 deliveries", crowd: pairs(500), flags: "-workload burst -rooms 500 -window 1 -messages 550000", repeat: 1, relay: true,
			shortCrowd: pairs(50), shortFlags: "-workload burst -rooms 50 -messages 10000"},
		{name: "history", about: "16 readers of the newest page of 500 rooms that hold a million messages", crowd: pairs(500),
			fill: 1_000_000, flags: "-workload history -rooms 500",
			shortCrowd: pairs(20), shortFill: 5000, shortFlags: "-workload history -rooms 20 -readers 4 -warmup 200ms -duration 1s"},
		{name: "inbox", about: "staff look at their list of 10,000 rooms while 1,000 messages/s arrive",
			crowd: crowd{buyers: 10_000, shops: 1, perBuyer: 1}, flags: "-workload inbox -rate 1000 -rooms 1000 -readers 1",
			shortCrowd: crowd{buyers: 200, shops: 1, perBuyer: 1}, shortFlags: "-workload inbox -rate 200 -rooms 50 -readers 2 -warmup 200ms -duration 1s"},
		{name: "reconnect", about: "1,000 connections cut at once come back while 200 messages/s go on", crowd: pairs(500), flags: "-workload reconnect -rooms 500 -rate 200",
			shortCrowd: pairs(50), shortFlags: "-workload reconnect -rooms 50 -rate 100 -warmup 300ms -duration 1500ms"},
		{name: "chatday", about: "2,000 buyers and 10 shops in a day's mixture", crowd: crowd{buyers: 2000, shops: 10, perBuyer: 1}, flags: "-workload chatday -rooms 2000",
			shortCrowd: crowd{buyers: 100, shops: 4, perBuyer: 1}, shortFlags: "-workload chatday -rooms 100 -rate 50 -warmup 300ms -duration 2s"},
		{name: "two-instances", about: "max on two instances, the sides of each room on different ones, against one", crowd: pairs(200), flags: "-workload max -rooms 200",
			repeat: 3, instances: 2, against: 1,
			shortCrowd: pairs(20), shortFlags: "-workload max -rooms 20 -warmup 300ms -duration 1s"},
		{name: "crowding", about: "50 busy rooms among 100 to 10,000 connections", crowd: crowd{buyers: 9900, shops: 100, perBuyer: 1},
			flags: "-workload crowding -rooms 50 -connections 10000"},
		{name: "floods", about: "500 messages/s in 100 rooms, calm and then under one flood of strangers after the other", crowd: pairs(100),
			flags: "-workload floods -rooms 100 -rate 500 -duration 6s -forwarded", outside: true,
			shortCrowd: pairs(20), shortFlags: "-workload floods -rooms 20 -rate 100 -warmup 300ms -duration 1s -forwarded"},
		{name: "growth", about: "max until 5,000,000 messages are stored, a sample every 250,000; minutes on a fast machine, half an hour on a slow one", crowd: pairs(200),
			flags: "-workload growth -rooms 200 -messages 5000000", long: true},
	}
}

// choose picks the presets to play.
func choose(all []preset, o options) (chosen []preset, err error) {
	words := strings.FieldsFunc(o.only, func(r rune) bool { return r == ',' })
	for _, w := range words {
		if !slices.ContainsFunc(all, func(p preset) bool { return p.name == w }) {
			return nil, fmt.Errorf("no workload is called %q; -list names them", w)
		}
	}
	for _, p := range all {
		named := slices.Contains(words, p.name)
		if (named || len(words) == 0 && !p.long) && (!o.short || p.shortFlags != "") {
			chosen = append(chosen, p)
		}
	}
	return chosen, nil
}
