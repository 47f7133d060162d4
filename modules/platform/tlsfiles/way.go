package tlsfiles

import (
	"net"
	"strings"
)

// Way is who may be on the way to a server.
type Way int

// The ways, from the shortest on.
const (
	Machine Way = iota // nobody but this machine
	Private            // a network of our own: a private address, or a name without a dot
	Unknown            // what a name stands for, nobody can tell
	Public             // the internet
)

// WayTo says who may be on the way to a host.
func WayTo(host string) Way {
	ip := net.ParseIP(host)
	switch {
	case host == "", host == "localhost", ip != nil && ip.IsLoopback():
		return Machine
	case ip != nil && (ip.IsPrivate() || ip.IsLinkLocalUnicast()), ip == nil && !strings.Contains(host, "."):
		return Private
	case ip == nil:
		return Unknown
	}
	return Public
}

// WayToAddr is that to host:port.
func WayToAddr(addr string) Way {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	return WayTo(host)
}
