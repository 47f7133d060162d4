package schedule

import (
	"syscall"
	"time"
)

// doze waits in the kernel. Go's own timers round up to a millisecond on an idle machine, which would be half of what a
// good ack takes, and would count as the server's.
func doze(d time.Duration) {
	ts := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&ts, nil) // interrupted, it is called again
}
