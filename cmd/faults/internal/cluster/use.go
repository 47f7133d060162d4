package cluster

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Use is what a program holds.
type Use struct {
	Goroutines, Files int
	SQL               int // connections that its pool to the database has open
	SQLBusy           int // of them, those that somebody has taken and not given back
	Heap              int // bytes that are alive or not collected yet
}

// Collect lets the program's collector run, twice: what pools keep survives the first time.
func (p *Program) Collect(ctx context.Context) error {
	for range 2 {
		if err := p.ask(ctx, p.Internal, "/debug/pprof/heap?gc=1"); err != nil {
			return err
		}
	}
	return nil
}

// OpenTo counts the program's connections to servers of the loopback, as the system knows them.
func (p *Program) OpenTo(addrs ...string) (n int, err error) {
	ports := map[string]bool{} // as the system writes them
	for _, addr := range addrs {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return 0, err
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			return 0, err
		}
		ports[fmt.Sprintf("%04X", number)] = true
	}
	own := fmt.Sprintf("/proc/%d", p.pid())
	text, err := os.ReadFile(own + "/net/tcp")
	if err != nil {
		return 0, err
	}
	theirs := map[string]bool{} // sockets whose other end is there, whoever's
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 9 {
			if _, port, _ := strings.Cut(fields[2], ":"); ports[port] {
				theirs["socket:["+fields[9]+"]"] = true
			}
		}
	}
	files, err := filepath.Glob(own + "/fd/*")
	for _, file := range files {
		if to, err := os.Readlink(file); err == nil && theirs[to] {
			n++
		}
	}
	return n, err
}

func (p *Program) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		return 0
	}
	return p.running.Process.Pid
}

// Use reads what the program says of itself.
func (p *Program) Use(ctx context.Context) (Use, error) {
	answer, err := get(ctx, p.Internal, "/metrics")
	if err != nil {
		return Use{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	var u Use
	figures := map[string]*int{"go_goroutines": &u.Goroutines, "process_open_fds": &u.Files,
		`go_sql_open_connections{db_name="mysql"}`: &u.SQL, `go_sql_in_use_connections{db_name="mysql"}`: &u.SQLBusy,
		"go_memstats_heap_alloc_bytes": &u.Heap}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if into := figures[name]; into != nil {
			number, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return u, fmt.Errorf("%s: %s: %w", p.Name, name, err)
			}
			*into = int(number)
			delete(figures, name)
		}
	}
	for name := range figures {
		return u, fmt.Errorf("%s: no %s in its metrics", p.Name, name)
	}
	return u, nil
}

// Figure reads one of the program's metrics that has no labels.
func (p *Program) Figure(ctx context.Context, name string) (float64, error) {
	answer, err := get(ctx, p.Internal, "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if found, value, _ := strings.Cut(lines.Text(), " "); found == name {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%s: no %s in its metrics", p.Name, name)
}
