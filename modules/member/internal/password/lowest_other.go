//go:build !linux

package password

import (
	"fmt"
	"syscall"
)

const lowest = 19 // nice

// Lowest lets this process have little while others want more. Errors: the system does not allow it.
func Lowest() error {
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, lowest); err != nil {
		return fmt.Errorf("password: the lowest priority: %w", err)
	}
	return nil
}
