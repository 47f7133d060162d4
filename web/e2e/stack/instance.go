package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// How long a program may take until it answers, on a machine that is busy.
const startPatience = 60 * time.Second

// An instance is one program of ours that answers at url: a mall, or nginx before it. It keeps its port over restarts.
type instance struct {
	url     string
	ready   string // the path that answers 200 when it is ready
	log     string
	command func() *exec.Cmd
	end     os.Signal // what ends it at once, its children too
	running *exec.Cmd
	exited  chan struct{}
}

func newInstance(ctx context.Context, program string, settings []string, log string) (*instance, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	return newInstanceAt(ctx, addr, program, settings, log)
}

func homeData(dir string) string { return filepath.Join(dir, "home") }

// newHome is a mall as somebody tries it at home: with embedded stores, and letters on a page. Browsers make passkeys for
// names only, so it is found at one.
func newHome(ctx context.Context, program, dir, log string) (*instance, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	url := "http://localhost:" + port
	settings := []string{"MALL_DEMO=true", "MALL_DATA=" + homeData(dir), "MALL_HTTP__PUBLIC_URL=" + url}
	home, err := newInstanceAt(ctx, addr, program, settings, log)
	if err == nil {
		home.url = url
	}
	return home, err
}

func newInstanceAt(ctx context.Context, addr, program string, settings []string, log string) (*instance, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	internal, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	settings = append(slices.Clone(settings), "MALL_HTTP__ADDR="+addr, "MALL_HTTP__INTERNAL_ADDR="+internal)
	// The settings of whoever runs the test are not the mall's.
	others := slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "MALL_") })
	return &instance{url: "http://" + addr, ready: "/readyz", log: log, end: os.Kill, command: func() *exec.Cmd {
		c := exec.CommandContext(ctx, program, "serve")
		c.Env = slices.Concat(others, settings)
		return c
	}}, nil
}

// startBalancer runs nginx with the project's own configuration, its addresses and folders replaced. It gives nil
// where nginx is not installed.
func startBalancer(ctx context.Context, conf, dir string, mall []*instance, log string) (*instance, error) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if nginx, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			return nil, nil //nolint:nilnil,nilerr // the test knows by the missing address
		}
	}
	text, err := os.ReadFile(conf)
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	replaced := []string{"/tmp/", dir + "/", "listen 8000", "listen " + addr}
	for n, i := range mall {
		replaced = append(replaced, fmt.Sprintf("mall-%d:8080", n+1), strings.TrimPrefix(i.url, "http://"))
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // nginx started by root works as nobody, and needs its folders
		return nil, err
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(strings.NewReplacer(replaced...).Replace(string(text))), 0o600); err != nil {
		return nil, err
	}
	i := &instance{url: "http://" + addr, ready: "/healthz", log: log, end: syscall.SIGTERM, command: func() *exec.Cmd {
		c := exec.CommandContext(ctx, nginx, "-p", dir, "-c", file, "-g", "daemon off;")
		c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
		return c
	}}
	if err := i.start(ctx); err != nil {
		return nil, err
	}
	return i, nil
}

// start runs the program and returns when it answers; at once when it runs already.
func (i *instance) start(ctx context.Context) error {
	if i.runs() {
		return nil
	}
	log, err := os.OpenFile(i.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	c := i.command()
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		_ = c.Wait()
		close(exited)
	}()
	i.running, i.exited = c, exited
	return i.untilReady(ctx)
}

func (i *instance) runs() bool {
	if i.running == nil {
		return false
	}
	select {
	case <-i.exited:
		return false
	default:
		return true
	}
}

func (i *instance) untilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := i.ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-i.exited:
			return fmt.Errorf("%s ended while starting; its log is %s", i.running.Path, i.log)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; its log is %s", i.running.Path, errors.Join(ctx.Err(), err), i.log)
		case <-tick.C:
		}
	}
}

func (i *instance) ask(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, i.url+i.ready, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Timeout: time.Second}).Do(request)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", i.ready, answer.Status)
	}
	return nil
}

// kill ends the program at once, as a crash would, and waits until it is gone.
func (i *instance) kill() {
	if i.running == nil {
		return
	}
	_ = i.running.Process.Signal(i.end) // an error means that it is gone already
	<-i.exited
}

// freeAddr finds an address of the loopback whose port nobody holds now.
func freeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
