package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mall/cmd/faults/internal/cluster"
	"mall/configs"
)

// house is the cluster with its people, which all faults share.
type house struct {
	options

	cluster *cluster.Cluster
	cast    *cast
	clocked string // the mall with a clock of its own, once a fault has wanted it
	crowd   string // cmd/crowd, once a fault has wanted it
	lives   lives
}

// instances is how many malls run.
const instances = 3

// raised are the settings of the run that differ from the defaults, with the reason. Those that the program does not know
// are left out, so that older ones can be tested too.
var raised = []struct{ key, value, why string }{
	{"http.drain_delay", "500ms", "nginx notices a closed port at once"},
	{"http.limits.scale", "1000", "all clients have one address"},
	{"chat.sends_per_second", "1000", "the faults are not about the sender's limit"},
	{"chat.sends_burst", "5000", "the faults are not about the sender's limit"},
}

// open starts the cluster and lets its people in.
func open(ctx context.Context, o options, dir string) (*house, error) {
	settings := []string{"MALL_LOG__LEVEL=debug"}
	for _, r := range raised {
		if !known(string(configs.Default), r.key) {
			continue
		}
		o.say("setting changed for this run: %s = %s (%s)\n", r.key, r.value, r.why)
		settings = append(settings, variable(r.key, r.value))
	}
	began := time.Now()
	c, err := cluster.Start(ctx, cluster.Options{Program: o.program, NginxConf: o.nginx, Dir: dir, Logs: o.logs, Instances: instances, Settings: settings})
	if err != nil {
		return nil, err
	}
	h := &house{options: o, cluster: c}
	if h.cast, err = engage(ctx, c, o.rooms); err != nil {
		c.Close()
		return nil, err
	}
	o.say("database: private %s\n", c.MySQL)
	o.say("%d instances behind nginx, %d rooms, %d people; ready after %v\n\n", instances, len(h.cast.rooms), len(h.cast.people), time.Since(began).Round(time.Second))
	return h, nil
}

func (o *options) say(format string, args ...any) {
	if !o.quiet {
		fmt.Printf(format, args...)
	}
}

// known says whether the settings file has the key, written section.name; of a name with further parts the first counts.
func known(defaults, key string) bool {
	section, name, _ := strings.Cut(key, ".")
	name, _, _ = strings.Cut(name, ".")
	inside := false
	for line := range strings.Lines(defaults) {
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "#") {
			inside = strings.HasPrefix(line, section+":")
		}
		if inside && strings.HasPrefix(strings.TrimSpace(line), name+":") {
			return true
		}
	}
	return false
}

func variable(key, value string) string {
	return "MALL_" + strings.ToUpper(strings.ReplaceAll(key, ".", "__")) + "=" + value
}

// sizes gives how long the programs' logs are, so that a fault's part can be cut out later.
func (h *house) sizes() []int64 {
	var all []int64
	for _, p := range h.cluster.Programs() {
		size := int64(0)
		if info, err := os.Stat(p.Log()); err == nil {
			size = info.Size()
		}
		all = append(all, size)
	}
	return all
}

// keep writes down all that is known of a failed fault, and gives the folder.
func (h *house) keep(s *stage, from []int64, lines []string) (string, error) {
	dir := filepath.Join(h.logs, strings.ReplaceAll(s.fault.name, " ", "-"))
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return dir, err
	}
	head := fmt.Sprintf("%s: %s\ninjected %s\nhealed   %s\n\n%s\n", s.fault.name, s.fault.about,
		s.injected.Format(time.RFC3339Nano), s.healed.Format(time.RFC3339Nano), strings.Join(lines, "\n"))
	if err := os.WriteFile(filepath.Join(dir, "violations.txt"), []byte(head), 0o600); err != nil {
		return dir, err
	}
	for _, l := range s.logs() {
		f, err := os.Create(filepath.Join(dir, l.Client+".jsonl"))
		if err != nil {
			return dir, err
		}
		_, err = l.WriteTo(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return dir, err
		}
	}
	for i, p := range h.cluster.Programs() {
		if err := copyFrom(p.Log(), from[i], filepath.Join(dir, p.Name+".log")); err != nil {
			return dir, err
		}
	}
	return dir, nil
}

func copyFrom(source string, offset int64, target string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if _, err := in.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	out, err := os.Create(target)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
