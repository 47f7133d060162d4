package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// side is one mall of a run.
type side struct {
	name, program string
	instances     int
	settings      string // further ones, as "key=value key=value"
	outside       bool   // see preset
}

// sides are the malls that a preset needs, the measured one first.
func (h *house) sides(p preset) []side {
	instances := h.instances
	if p.instances > 0 {
		instances = p.instances
	}
	all := []side{{name: "mall", program: h.program, instances: instances}}
	if p.against > 0 {
		all[0].name = fmt.Sprintf("%d instances", instances)
		all = append(all, side{name: fmt.Sprintf("%d instance", p.against), program: h.program, instances: p.against})
	}
	if h.base != "" {
		all = append(all, side{name: "base", program: h.base, instances: instances})
	}
	if h.with != "" {
		all = append(all, side{name: "with", program: h.program, instances: instances, settings: h.with})
	}
	for i := range all {
		all[i].outside = p.outside
	}
	return all
}

// play sets a preset's malls up, lets loadtest play on them, and takes them down.
func (h *house) play(ctx context.Context, p preset) (err error) {
	fmt.Printf("\n== %s: %s\n", p.name, p.about)
	var malls []*mall
	defer func() {
		for _, m := range malls {
			err = errors.Join(err, m.close())
		}
	}()
	var flags []string
	for _, s := range h.sides(p) {
		m, err := h.open(ctx, s)
		if err != nil {
			return err
		}
		malls = append(malls, m)
		if err := m.crowd(ctx, h.crowdOf(p).args()); err != nil {
			return err
		}
		if err := h.fillUp(ctx, m, p); err != nil {
			return err
		}
		flags = append(flags, m.target()...)
	}
	return h.load(ctx, append(flags, h.flagsOf(p)...))
}

// fillUp stores messages through the API until a mall holds as many as the preset wants.
func (h *house) fillUp(ctx context.Context, m *mall, p preset) error {
	n := p.fill
	switch {
	case h.short:
		n = p.shortFill
	case n > 0 && h.fill > 0:
		n = h.fill
	}
	if n == 0 {
		return nil
	}
	rooms := min(h.crowdOf(p).buyers, 500)
	return h.load(ctx, append(m.target(), "-workload", "growth", "-window", "2", "-rooms", strconv.Itoa(rooms), "-messages", strconv.Itoa(n)))
}

func (h *house) crowdOf(p preset) crowd {
	if h.short {
		return p.shortCrowd
	}
	return p.crowd
}

// flagsOf is what loadtest is told besides the targets.
func (h *house) flagsOf(p preset) []string {
	flags, repeat := strings.Fields(p.flags), max(p.repeat, 1)
	if h.short {
		flags, repeat = strings.Fields(p.shortFlags), 1
	}
	if h.repeat > 0 {
		repeat = h.repeat
	}
	flags = append(flags, "-repeat", strconv.Itoa(repeat), "-json", h.results(".jsonl"), "-title", p.name, "-note", raisedInWords())
	if h.duration > 0 {
		flags = append(flags, "-duration", h.duration.String())
	}
	if h.profile != "" {
		flags = append(flags, "-profile", h.profile)
	}
	if p.relay && !h.short {
		flags = append(flags, "-relay")
	}
	return append(flags, strings.Fields(h.extra)...)
}

// load runs loadtest. It is asked to end, not killed, so that it says goodbye and reports; when this program is killed, the
// end of its input ends it.
func (h *house) load(ctx context.Context, flags []string) error {
	c := exec.CommandContext(ctx, h.loadtest, append([]string{"-leashed"}, flags...)...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	leash, err := c.StdinPipe()
	if err != nil {
		return err
	}
	defer func() { _ = leash.Close() }()
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	return c.Run()
}

// results is a file of this run's.
func (h *house) results(ending string) string {
	return filepath.Join(h.logs, h.began.Format("20060102-150405")+ending)
}

// report makes one page of all that was played.
func (h *house) report(ctx context.Context) error {
	if _, err := os.Stat(h.results(".jsonl")); err != nil {
		return nil //nolint:nilerr // nothing was played
	}
	err := h.load(ctx, []string{"-report", h.results(".jsonl"), "-html", h.results(".html")})
	if err == nil {
		fmt.Printf("\nresults: %s, to look at: %s\n", h.results(".jsonl"), h.results(".html"))
	}
	return err
}
