//go:build !linux

package group

import (
	"context"
	"fmt"
	"net"

	"mall/modules/platform/testservers"
)

type island struct{}

func newIsland() (*island, error) {
	return nil, fmt.Errorf("%w: a network of its own, which only Linux has", testservers.ErrAbsent)
}

func (*island) within(func() error) error { return nil }

func (*island) listen(context.Context, string) (net.Listener, error) { return nil, nil }

func (*island) dial(string) func() (net.Conn, error) { return nil }

func (*island) close() {}
