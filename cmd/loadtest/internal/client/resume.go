package client

// resumed ends the time in which two streams come.
func (c *Conn) resumed() {
	for i := range c.views {
		c.views[i].Resumed()
	}
}
