// Package meter reads what processes cost: CPU and memory from /proc, and Redis' own count of commands.
package meter

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one that takes part in a run, such as the server or its database.
type Process struct {
	Name string // several may share one: they are summed up
	PID  int
}

// ParseProcess reads NAME=PID.
func ParseProcess(text string) (Process, error) {
	name, number, ok := strings.Cut(text, "=")
	pid, err := strconv.Atoi(number)
	if !ok || err != nil || name == "" || pid <= 0 {
		return Process{}, fmt.Errorf("%q is not NAME=PID", text)
	}
	return Process{name, pid}, nil
}

// Use is what processes of one name have used.
type Use struct {
	CPU      time.Duration // since their start
	RSSBytes int64         // now
}

// clockTick is the kernel's unit of CPU time in /proc; 100 a second on Linux, whatever the hardware.
const clockTick = 10 * time.Millisecond

// Uses reads the processes, by name. One that is gone counts as nothing.
func Uses(processes []Process) map[string]Use {
	uses := map[string]Use{}
	for _, p := range processes {
		u := uses[p.Name]
		u.CPU += cpu(p.PID)
		u.RSSBytes += rss(p.PID)
		uses[p.Name] = u
	}
	return uses
}

func cpu(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name before it may hold anything
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick
}

func rss(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// OwnCPU is the CPU time that this program has used.
func OwnCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// RedisCommands is how many commands a Redis has processed since its start.
func RedisCommands(ctx context.Context, addr string) (n int64, err error) {
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return 0, err
	}
	if _, err := fmt.Fprint(conn, "INFO stats\r\nQUIT\r\n"); err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if count, ok := strings.CutPrefix(lines.Text(), "total_commands_processed:"); ok {
			return strconv.ParseInt(strings.TrimSpace(count), 10, 64)
		}
	}
	return 0, fmt.Errorf("redis at %s does not say how many commands it has processed", addr)
}

// OwnRSS is the memory that this program holds.
func OwnRSS() int64 { return rss(os.Getpid()) }
