package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const startPatience = 60 * time.Second

// Program is a process of ours that answers HTTP. It keeps its port over restarts and ends with this program, however
// that ends.
type Program struct {
	Name     string
	Addr     string // host:port
	Internal string // of its metrics; empty: it has none

	path  string
	args  []string
	env   func() []string
	ready string // the path that answers 200 when it is ready
	log   string
	stop  syscall.Signal // besides SIGKILL, what ends it with its children; 0: it has none

	mu      sync.Mutex
	running *exec.Cmd
	exited  chan struct{}
	lives   int // how often it was started
}

// Life counts the program's starts: what one life holds says nothing of another.
func (p *Program) Life() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lives
}

// Log is the file of what the program says.
func (p *Program) Log() string { return p.log }

// leash ends the program when this one, which holds the other end of its input, is gone. Ctrl-C must not reach it.
const leash = `trap "" INT TERM HUP; cat >/dev/null; kill -9 "-$1" 2>/dev/null` // with its children

// use lets another program run from the next start on.
func (p *Program) use(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.path = path
}

// Start runs the program and returns when it is ready; at once when it runs already.
func (p *Program) Start(ctx context.Context) error {
	if err := p.launch(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := p.ask(ctx, p.Addr, p.ready)
		if err == nil {
			return nil
		}
		select {
		case <-p.exitedChan():
			return fmt.Errorf("%s: %w while starting; see %s", p.Name, errGone, p.log)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; see %s", p.Name, errors.Join(ctx.Err(), err), p.log)
		case <-tick.C:
		}
	}
}

func (p *Program) launch() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs() {
		return nil
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	c := exec.Command(p.path, p.args...)
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if p.env != nil {
		c.Env = p.env()
	}
	if err := c.Start(); err != nil {
		return err
	}
	keeper := exec.Command("/bin/sh", "-c", leash, "leash", strconv.Itoa(c.Process.Pid))
	keeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	held, err := keeper.StdinPipe()
	if err == nil {
		err = keeper.Start()
	}
	exited := make(chan struct{})
	go func() {
		_ = c.Wait()
		if keeper.Process != nil {
			_ = keeper.Process.Kill() // before it can mistake a stranger for the program
			_ = keeper.Wait()
		}
		_ = held.Close()
		close(exited)
	}()
	p.running, p.exited = c, exited
	p.lives++
	return err
}

func (p *Program) runs() bool {
	if p.running == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

func (p *Program) exitedChan() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited
}

// Signal sends a signal to a running program.
func (p *Program) Signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.runs() {
		return fmt.Errorf("%s: %w", p.Name, errGone)
	}
	return p.running.Process.Signal(s)
}

// Kill ends the program as a crash would and waits until it is gone; no error when it does not run.
func (p *Program) Kill() {
	how := syscall.SIGKILL
	if p.stop != 0 {
		how = p.stop
	}
	if p.Signal(how) == nil {
		_ = p.Signal(syscall.SIGCONT)
		<-p.exitedChan()
	}
}

// Terminate asks the program to end (SIGTERM) and gives its exit code and how long it took. One that has not ended
// within patience is killed, and the code is then -1.
func (p *Program) Terminate(ctx context.Context, patience time.Duration) (code int, took time.Duration, err error) {
	began := time.Now()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return 0, 0, err
	}
	select {
	case <-p.exitedChan():
	case <-time.After(patience):
		p.Kill()
	case <-ctx.Done():
		p.Kill()
	}
	return p.running.ProcessState.ExitCode(), time.Since(began), ctx.Err()
}

func (p *Program) ask(ctx context.Context, addr, path string) error {
	answer, err := get(ctx, addr, path)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, answer.Status)
	}
	return nil
}

func get(ctx context.Context, addr, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Close = true // each look is a connection of its own, so that looking leaves nothing open
	return (&http.Client{Timeout: 2 * time.Second}).Do(request)
}

// freeAddrs finds two addresses of the loopback that nobody holds now. They lie below the ports that systems give to
// connections: or one of those would have a program's port while it is restarted.
func freeAddrs(ctx context.Context) (first, second string, err error) {
	a, err := listenBelow(ctx)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = a.Close() }()
	b, err := listenBelow(ctx)
	if err != nil {
		return "", "", err
	}
	return a.Addr().String(), b.Addr().String(), b.Close()
}

func listenBelow(ctx context.Context) (l net.Listener, err error) {
	const lowest, most = 20000, 12000
	for range 100 {
		port := lowest + rand.IntN(most) //nolint:gosec // any will do
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			return l, nil
		}
	}
	return nil, err
}
