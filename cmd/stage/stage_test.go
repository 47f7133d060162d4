package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mall/configs"
)

func names(presets []preset) (list []string) {
	for _, p := range presets {
		list = append(list, p.name)
	}
	return list
}

func TestWhatIsPlayed(t *testing.T) {
	all := presets()
	if got := names(all); len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(all) {
		t.Errorf("two workloads of one name: %v", got)
	}
	for _, tc := range []struct {
		options options
		has     []string
		hasNot  []string
	}{
		{options{}, []string{"max", "steady-200", "crowding"}, []string{"growth"}},
		{options{only: "growth,max"}, []string{"growth", "max"}, []string{"steady-200"}},
		{options{short: true}, []string{"max", "reconnect"}, []string{"steady-200", "growth"}},
	} {
		chosen, err := choose(all, tc.options)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range tc.has {
			if !slices.Contains(names(chosen), n) {
				t.Errorf("%+v leaves %s out", tc.options, n)
			}
		}
		for _, n := range tc.hasNot {
			if slices.Contains(names(chosen), n) {
				t.Errorf("%+v plays %s", tc.options, n)
			}
		}
	}
	if _, err := choose(all, options{only: "max,dance"}); err == nil {
		t.Error("an unknown name was taken")
	}
}

func TestSidesOfAComparison(t *testing.T) {
	h := &house{options: options{program: "new", base: "old", instances: 1}}
	if got := h.sides(preset{}); len(got) != 2 || got[1] != (side{name: "base", program: "old", instances: 1}) {
		t.Errorf("%+v", got)
	}
	h.base, h.with = "", "chat.lanes=1"
	if got := h.sides(preset{}); len(got) != 2 || got[1] != (side{name: "with", program: "new", instances: 1, settings: "chat.lanes=1"}) {
		t.Errorf("%+v", got)
	}
	h.with = ""
	if got := h.sides(preset{instances: 2, against: 1}); len(got) != 2 || got[0].instances != 2 || got[1].instances != 1 || got[1].program != "new" {
		t.Errorf("%+v", got)
	}
}

// A setting that nobody knows any more would keep the mall from starting.
func TestRaisedSettingsExist(t *testing.T) {
	for _, r := range raised {
		section, name, _ := strings.Cut(r.key, ".")
		name, _, _ = strings.Cut(name, ".")
		_, rest, _ := strings.Cut(string(configs.Default), "\n"+section+":")
		rest, _, _ = strings.Cut(rest, "\n\n")
		if !strings.Contains(rest, "\n  "+name+":") {
			t.Errorf("configs/default.yaml has no %s", r.key)
		}
	}
	if got := variable("chat.sends_burst", "5"); got != "MALL_CHAT__SENDS_BURST=5" {
		t.Errorf("as a variable: %s", got)
	}
}

// A mall is filled by the crowd of its own tree, which is beside its program, or by an older program itself.
func TestWhoFillsAMall(t *testing.T) {
	dir := t.TempDir()
	program, beside := filepath.Join(dir, "mall"), filepath.Join(dir, crowdName)
	if err := build(t.Context(), program, "../mall"); err != nil {
		t.Fatal(err)
	}
	if filler, err := fillerOf(t.Context(), program); err == nil || !strings.Contains(err.Error(), "cmd/crowd of its tree as "+beside) {
		t.Errorf("alone it is filled by %q, %v", filler, err)
	}
	if err := build(t.Context(), beside, "../crowd"); err != nil {
		t.Fatal(err)
	}
	if filler, err := fillerOf(t.Context(), program); err != nil || !slices.Equal(filler, []string{beside}) {
		t.Errorf("with its crowd it is filled by %q, %v", filler, err)
	}
	older := filepath.Join(t.TempDir(), "mall")
	if err := os.WriteFile(older, []byte("#!/bin/sh\necho '  -rooms-per-buyer int' >&2\nexit 2\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if filler, err := fillerOf(t.Context(), older); err != nil || !slices.Equal(filler, []string{older, "crowd"}) {
		t.Errorf("an older one is filled by %q, %v", filler, err)
	}
}

// What the runs raise is known to this tree's program, and an unknown setting is seen to be one.
func TestAProgramIsAskedWhatItKnows(t *testing.T) {
	program := filepath.Join(t.TempDir(), "mall")
	if err := build(t.Context(), program, "../mall"); err != nil {
		t.Fatal(err)
	}
	for _, r := range raised {
		if !knows(t.Context(), program, r.key, r.value) {
			t.Errorf("%s is not known", r.key)
		}
	}
	if knows(t.Context(), program, "http.nonsense", "1") {
		t.Error("nonsense is known")
	}
}
