package group

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"syscall"
	"unsafe"

	"mall/modules/platform/testservers"
)

// island is a network of its own, of which nothing is known outside: what runs there reaches others, and is reached, only
// through proxies of ours. It is that of one thread, on which all that begins there begins: sockets and programs stay there.
type island struct{ jobs chan func() }

// newIsland makes a network with nothing in it but its own loopback. It needs root, or `unshare -r`.
func newIsland() (*island, error) {
	i := &island{jobs: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and nothing else may ever run on it
		err := syscall.Unshare(syscall.CLONE_NEWNET)
		if err == nil {
			err = raiseLoopback()
		}
		made <- err
		for job := range i.jobs {
			job()
		}
	}()
	if err := <-made; err != nil {
		close(i.jobs)
		return nil, fmt.Errorf("%w: a network of its own (it needs root, or `unshare -r`): %w", testservers.ErrAbsent, err)
	}
	return i, nil
}

func raiseLoopback() error {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(s) }()
	request := struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(request.name[:], "lo")
	if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); failed != 0 { //nolint:gosec // the kernel reads it
		return failed
	}
	return nil
}

// within runs something that begins there.
func (i *island) within(do func() error) error {
	done := make(chan error)
	i.jobs <- func() { done <- do() }
	return <-done
}

func (i *island) listen(ctx context.Context, addr string) (ln net.Listener, err error) {
	err = i.within(func() (err error) { ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", addr); return err })
	return ln, err
}

func (i *island) dial(addr string) func() (net.Conn, error) {
	return func() (c net.Conn, err error) {
		err = i.within(func() (err error) {
			c, err = net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(mustAddr(addr)))
			return err
		})
		return c, err
	}
}

func (i *island) close() { close(i.jobs) }
