package password

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Lowest lets this process have only what no other wants (SCHED_IDLE, see sched(7)). A policy belongs to a thread and goes to
// those that the thread starts, and by now the runtime has started some: so one thread takes it and starts the program
// again, with the same arguments, input and output. Errors: the system does not allow it.
func Lowest() error {
	now, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return fmt.Errorf("password: what priority this has: %w", err)
	}
	if now.Policy == unix.SCHED_IDLE {
		return nil
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_IDLE}, 0); err != nil {
		return fmt.Errorf("password: the lowest priority: %w", err)
	}
	err = syscall.Exec("/proc/self/exe", os.Args, os.Environ()) //nolint:gosec,forbidigo // G204: this program itself, with what it has
	return fmt.Errorf("password: to start again: %w", err)
}
