package socket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// wire is a corked connection and what its peer reads.
func wire(t *testing.T) (*corked, *bytes.Buffer, func()) {
	t.Helper()
	ours, theirs := net.Pipe()
	read, done := new(bytes.Buffer), make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(read, theirs) }()
	return &corked{Conn: ours, until: time.Now().Add(time.Minute)}, read, func() {
		_ = ours.Close()
		<-done
		_ = theirs.Close()
	}
}

// What could not be written to one connection is never written to another, whichever step failed.
func TestACorkThatCouldNotBeWrittenIsNobodyElses(t *testing.T) {
	for name, spoil := range map[string]func(c *corked) error{
		"closed":      func(c *corked) error { return c.Close() },
		"out of time": func(c *corked) error { c.until = time.Now().Add(-time.Second); return nil },
		"closed, too big": func(c *corked) error {
			_ = c.Close()
			_, err := c.Write(make([]byte, corkMax))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 200 { // a pool may forget what it was given: under the race detector it often does
				victim, _, end := wire(t)
				victim.cork()
				_, _ = victim.Write([]byte("for the victim alone"))
				if err := errors.Join(spoil(victim), victim.uncork()); err == nil {
					t.Fatal("the write succeeded: nothing is tested")
				}
				end()

				other, read, end := wire(t)
				other.cork()
				if _, err := other.Write([]byte("hello")); err != nil {
					t.Fatal(err)
				}
				if err := other.uncork(); err != nil {
					t.Fatal(err)
				}
				end()
				if got := read.String(); got != "hello" {
					t.Fatalf("the other's peer read %q", got)
				}
			}
		})
	}
}

// A buffer that somebody gives back without emptying it is still nobody else's.
func TestACorkBeginsEmpty(t *testing.T) {
	for range 200 {
		left := make([]byte, 0, corkMax)
		left = append(left, "what another connection left behind"...)
		corks.Put(&left)
		c, read, end := wire(t)
		c.cork()
		_, _ = c.Write([]byte("hello"))
		if err := c.uncork(); err != nil {
			t.Fatal(err)
		}
		end()
		if got := read.String(); got != "hello" {
			t.Fatalf("the peer read %q", got)
		}
	}
}
