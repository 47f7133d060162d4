//go:build !linux

package schedule

import "time"

// doze waits as exactly as Go does.
func doze(d time.Duration) { <-time.After(d) }
