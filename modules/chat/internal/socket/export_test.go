package socket

import "time"

// Limit shortens the times that a test waits for.
func (u *Upgrader) Limit(write, fragment, goodbye time.Duration) {
	u.limits = limits{write, fragment, goodbye}
}

// Over says whether the connection takes no frame any more.
func (c *Conn) Over() bool { return c.ended() != nil }

// Queued is how many frames the writer has not taken yet.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}
