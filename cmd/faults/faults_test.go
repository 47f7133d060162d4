package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/configs"
)

func TestFaultsAreToldApart(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range faults() {
		if f.name == "" || f.about == "" || seen[f.name] {
			t.Errorf("%q: every fault has a name of its own and says what it is", f.name)
		}
		seen[f.name] = true
	}
	sample, err := choose(faults(), options{short: true})
	if err != nil || len(sample) < 8 || len(sample) >= len(seen) {
		t.Errorf("the sample has %d of %d faults, %v", len(sample), len(seen), err)
	}
	some, err := choose(faults(), options{only: "torn,db link"})
	if err != nil || len(some) != 3 {
		t.Errorf("%d faults chosen, %v", len(some), err)
	}
	if _, err := choose(faults(), options{only: "no such thing"}); err == nil {
		t.Error("a name that no fault has must be an error")
	}
}

// A room's two sides begin on different instances, and nobody has more rooms than they can.
func TestSidesBeginApart(t *testing.T) {
	for _, rooms := range []int{2, 8, 20, 100, 101} {
		shops := max(roomsOfBuyer, (rooms+roomsOfShop-1)/roomsOfShop)
		for b := range (rooms + roomsOfBuyer - 1) / roomsOfBuyer {
			if shopOf(b, 0, shops) == shopOf(b, 1, shops) {
				t.Errorf("%d rooms: buyer %d has two rooms with one shop", rooms, b)
			}
			if n := homeOf(b, 0, shops) + homeOf(b, 1, shops); n > 2*(instances-1) {
				t.Errorf("%d rooms: buyer %d has no instance left", rooms, b)
			}
		}
	}
}

func TestSettingsThatTheProgramDoesNotKnowAreLeftOut(t *testing.T) {
	for key, want := range map[string]bool{"chat.ping_every": true, "http.drain_delay": true, "http.limits.scale": true, "chat.drain_delay": false, "chat.nonsense": false} {
		if got := known(string(configs.Default), key); got != want {
			t.Errorf("%s: known %v, want %v", key, got, want)
		}
	}
	if got := variable("chat.ping_every", "5s"); got != "MALL_CHAT__PING_EVERY=5s" {
		t.Error(got)
	}
}

func TestTheReportCountsAndFails(t *testing.T) {
	var out bytes.Buffer
	r := newReport(&out)
	good := result{name: "good", counts: checker.Counts{Sends: 5, Acked: 5}, complete: 20 * time.Millisecond}
	bad := result{name: "bad", folder: "logs/bad", found: []checker.Violation{
		{Kind: checker.Lost, Client: "a", Room: "r", Seq: 1, Text: "gone"}, {Kind: checker.Unsent}, {Kind: checker.Doubled}, {Kind: checker.Late}}}
	torn := result{name: "torn", folder: "logs/torn", err: errors.New("no server")}
	for _, x := range []result{good, bad, torn} {
		if err := r.add(x); err != nil {
			t.Fatal(err)
		}
	}
	if r.failed != 2 {
		t.Errorf("%d failed, want 2", r.failed)
	}
	for _, want := range []string{"doubled 1, late 1, lost 1, unsent 1", "room r seq 1: gone", "not played to its end", "see logs/bad", "0.02s"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
