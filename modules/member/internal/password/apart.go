package password

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// A hash keeps a core busy for some 34 ms and leaves 19 MiB for the garbage collector. In the process of the chat that makes
// acks of others late: the runtime gives it a turn like any other goroutine, and the collector's work comes with it. In a
// process of its own, of the lowest priority, the system lets it have what nobody else wants.

const (
	// apartWait is how long an answer may take, with the waiting for a process that is idle. On a machine that has no time to
	// spare it takes longer: then a password is hashed here, one a second and slot, which is little enough to harm nobody.
	apartWait = time.Second
	apartLate = 30 * time.Second // a process that has not started, or answered, by then is ended
	maxAsked  = 4 << 10          // bytes of a question; passwords are far shorter
)

// apart is a process that hashes, one question after the other. It ends with this one: its input does.
type apart struct {
	cmd *exec.Cmd
	to  *os.File
	by  *os.File
}

func startApart(command []string) (a *apart, err error) {
	theirIn, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	by, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirIn.Close(), to.Close())
	}
	cmd := exec.CommandContext(context.Background(), command[0], command[1:]...) //nolint:gosec // G204: this program itself
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = theirIn, theirOut, os.Stderr, []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C is for the mall, which ends in order
	err = cmd.Start()
	err = errors.Join(err, theirIn.Close(), theirOut.Close())
	if err != nil {
		return nil, errors.Join(err, to.Close(), by.Close())
	}
	return &apart{cmd, to, by}, nil
}

// end stops the process.
func (a *apart) end() {
	_ = a.to.Close()
	_ = a.by.Close()
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// ready waits until the process takes questions.
func (a *apart) ready(wait time.Duration) error {
	if err := a.by.SetDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	_, err := io.ReadFull(a.by, make([]byte, 1))
	return err
}

func (a *apart) derive(p parameters, plain string, salt []byte, size int, wait time.Duration) ([]byte, error) {
	until := time.Now().Add(wait)
	if err := errors.Join(a.to.SetDeadline(until), a.by.SetDeadline(until)); err != nil {
		return nil, err
	}
	if _, err := a.to.Write(asked{p, salt, size, plain}.text()); err != nil {
		return nil, err
	}
	key := make([]byte, size)
	_, err := io.ReadFull(a.by, key)
	return key, err
}

// asked is a question: how, and of what.
type asked struct {
	parameters
	salt  []byte
	size  int
	plain string
}

const askedHead = 4 + 4 + 4 + 1 + 2 + 2

// text is the question's length, then its numbers, the salt, the password.
func (a asked) text() []byte {
	b := make([]byte, 0, askedHead+len(a.salt)+len(a.plain))
	b = binary.BigEndian.AppendUint32(b, uint32(askedHead-4+len(a.salt)+len(a.plain))) //nolint:gosec // G115: both are short
	b = binary.BigEndian.AppendUint32(b, a.memory)
	b = binary.BigEndian.AppendUint32(b, a.time)
	b = append(b, a.threads)
	b = binary.BigEndian.AppendUint16(b, uint16(a.size))      //nolint:gosec // G115: parse has bounded it
	b = binary.BigEndian.AppendUint16(b, uint16(len(a.salt))) //nolint:gosec // G115: the same
	return append(append(b, a.salt...), a.plain...)
}

var errAsked = errors.New("password: that is no question of ours")

// read takes one question; io.EOF when there are no more.
func (a *asked) read(r io.Reader) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < askedHead-4 || n > maxAsked {
		return errAsked
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	a.memory, a.time, a.threads = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), b[8]
	a.size = int(binary.BigEndian.Uint16(b[9:]))
	salt := int(binary.BigEndian.Uint16(b[11:]))
	rest := b[13:]
	if salt > len(rest) || !a.sane() || a.size < 16 || a.size > maxKeyBytes {
		return errAsked
	}
	a.salt, a.plain = rest[:salt], string(rest[salt:])
	return nil
}

// Serve answers questions until there are no more: the whole life of a process that hashes for another one. Such a process
// calls Lowest before.
func Serve(in io.Reader, out io.Writer) error {
	if _, err := out.Write([]byte{'.'}); err != nil { // it is ready
		return err
	}
	for {
		var a asked
		if err := a.read(in); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if _, err := out.Write(derive(a.parameters, a.plain, a.salt, a.size)); err != nil {
			return err
		}
	}
}
