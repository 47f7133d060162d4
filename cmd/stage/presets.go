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

	shortCrowd crowd
	shortFlags string // empty: left out of the short sample
}

// crowd says which people `mall crowd` makes.
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
			shortCrowd: pairs(40), shortFlags: "-workload max -rooms 40 -warmup 500ms -duration 2s"},
		{name: "steady-200", about: "200 messages/s over 500 rooms", crowd: pairs(500), flags: "-workload steady -rooms 500 -rate 200"},
		{name: "steady-1000", about: "1,000 messages/s over 500 rooms", crowd: pairs(500), flags: "-workload steady -rooms 500 -rate 1000",
			shortCrowd: pairs(50), shortFlags: "-workload steady -rooms 50 -rate 300 -warmup 500ms -duration 2s"},
		{name: "steady-3000", about: "3,000 messages/s over 500 rooms", crowd: pairs(500), flags: "-workload steady -rooms 500 -rate 3000"},
		{name: "connect-10000", about: "10,000 idle connections", crowd: crowd{9900, 100, 1, ""}, flags: "-workload connect -connections 9900",
			shortCrowd: crowd{300, 10, 1, ""}, shortFlags: "-workload connect -connections 300 -duration 1s"},
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
		if (len(words) == 0 || slices.Contains(words, p.name)) && (!o.short || p.shortFlags != "") {
			chosen = append(chosen, p)
		}
	}
	return chosen, nil
}
