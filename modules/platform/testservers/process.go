package testservers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// ErrAbsent says that a server's program is not installed on this machine.
var ErrAbsent = errors.New("testservers: not installed")

// How long a server may take to start and to stop by itself, on a machine that is busy with other tests.
const (
	startPatience = 60 * time.Second
	stopPatience  = 30 * time.Second
)

// process is a server that this program started. No goroutine watches it, so that tests can look for leaked ones.
type process struct {
	path    string
	args    []string
	env     []string // nil: this program's own
	more    []string // arguments for a while
	logPath string
	remove  string // a folder that goes when this program ends
	within  Within // nil: where this program is

	mu     sync.Mutex
	pid    int // 0 when it is not running
	leash  *os.File
	reaper int
	frozen bool
}

// reap waits for the end of the leash, which comes when the program that holds its other end closes it, exits or is
// killed; then it ends the server and clears up. It lives in a process group of its own: Ctrl-C must not reach it.
const reap = `trap "" INT TERM HUP; cat >/dev/null; kill -9 "$1" 2>/dev/null; [ -z "$2" ] || rm -rf "$2"`

func (p *process) launch() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid != 0 {
		return fmt.Errorf("testservers: %s runs already", p.path)
	}
	output, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	server := exec.Command(p.path, slices.Concat(p.args, p.more)...)
	server.Stdout, server.Stderr, server.Env = output, output, p.env
	within := p.within
	if within == nil {
		within = func(start func() error) error { return start() }
	}
	if err := within(func() (err error) { p.pid, err = spawn(server); return err }); err != nil {
		return err
	}
	end, leash, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = end.Close() }()
	reaper := exec.Command("/bin/sh", "-c", reap, "reaper", strconv.Itoa(p.pid), p.remove)
	reaper.Stdin = end
	p.leash = leash
	p.reaper, err = spawn(reaper)
	return err
}

func spawn(cmd *exec.Cmd) (pid int, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	pid = cmd.Process.Pid
	return pid, cmd.Process.Release() // waited for below, by its number
}

// With gives the server further options and environment from its next start on; none takes them back.
func (p *process) With(options, env []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.more, p.env = options, nil
	if len(env) > 0 {
		p.env = append(os.Environ(), env...)
	}
}

// ended says whether the server is gone, and collects it if so.
func (p *process) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.collect()
}

func (p *process) collect() bool {
	if p.pid == 0 {
		return true
	}
	got, err := syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
	if got != p.pid && !errors.Is(err, syscall.ECHILD) {
		return false
	}
	p.gone()
	return true
}

// gone clears up after a server that was waited for.
func (p *process) gone() {
	p.pid, p.frozen = 0, false
	_ = syscall.Kill(p.reaper, syscall.SIGKILL) // before it can mistake a stranger for the server
	_, _ = syscall.Wait4(p.reaper, nil, 0, nil)
	_ = p.leash.Close()
}

func (p *process) signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tell(sig)
}

func (p *process) tell(sig syscall.Signal) error {
	if p.pid == 0 {
		return fmt.Errorf("testservers: %s does not run", p.path)
	}
	return syscall.Kill(p.pid, sig)
}

// PID is the server's process id; 0 when it does not run.
func (p *process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// Pause freezes the server (SIGSTOP) and returns when all of it stands still: connections stay open and nothing answers.
func (p *process) Pause() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen {
		return nil
	}
	if err := p.tell(syscall.SIGSTOP); err != nil {
		return err
	}
	for { // a thread that is not at work at this moment stops when it would go on
		var status syscall.WaitStatus
		switch _, err := syscall.Wait4(p.pid, &status, syscall.WUNTRACED, nil); {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return err
		case !status.Stopped():
			p.gone()
			return fmt.Errorf("testservers: %s ended", p.path)
		}
		p.frozen = true
		return nil
	}
}

// Resume lets a frozen server go on.
func (p *process) Resume() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = false
	return p.tell(syscall.SIGCONT)
}

// Kill ends the server at once (SIGKILL), as a crash would. The data stays; no error when it is not running.
func (p *process) Kill() error { return p.end(syscall.SIGKILL) }

// Stop lets the server end in order. The data stays; no error when it is not running.
func (p *process) Stop() error { return p.end(syscall.SIGTERM) }

func (p *process) end(sig syscall.Signal) error {
	if p.ended() {
		return nil
	}
	_ = p.signal(sig)
	_ = p.Resume() // a frozen one could not hear it
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	err := until(ctx, func(context.Context) (bool, error) { return p.ended(), nil })
	if err == nil {
		return nil
	}
	_ = p.signal(syscall.SIGKILL)
	return fmt.Errorf("testservers: %s did not stop in %v and was killed", p.path, stopPatience)
}

// ready waits until probe finds the server answering. It gives up when the server has ended.
func (p *process) ready(ctx context.Context, probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	var last error
	err := until(ctx, func(ctx context.Context) (bool, error) {
		if last = probe(ctx); last == nil {
			return true, nil
		}
		if p.ended() {
			return false, fmt.Errorf("testservers: %s ended while starting: %s", p.path, p.lastWords())
		}
		return false, nil
	})
	if err == nil {
		return nil
	}
	return errors.Join(err, last, p.Kill())
}

// lastWords is the end of the server's log.
func (p *process) lastWords() string {
	text, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// until asks every few milliseconds until the answer is yes or an error, or ctx ends.
func until(ctx context.Context, done func(context.Context) (bool, error)) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(ctx); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// freePort finds a port of the loopback that nobody holds now. Somebody may take it before the server does: the
// probes ask who it is that answers, and starting is tried again on another.
func freePort(ctx context.Context) (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// lookUp finds the first of the programs that is installed; servers often lie in /usr/sbin, outside a user's PATH.
func lookUp(names ...string) (string, error) {
	for _, name := range names {
		if name == "" {
			continue
		}
		for _, candidate := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
			if path, err := exec.LookPath(candidate); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%w: %v", ErrAbsent, names)
}
