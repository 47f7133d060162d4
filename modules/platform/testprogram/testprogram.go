// Package testprogram gives tests of whole programs what each of them needs before it can begin: the programs, built once,
// and addresses at which nobody listens. testservers runs them.
package testprogram

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Main builds the programs of some packages, runs the tests with them, takes them away, and gives the exit code. It is for
// TestMain, with a place for each program's path:
//
//	var program string
//
//	func TestMain(m *testing.M) {
//		os.Exit(testprogram.Main(m, map[string]*string{"mall/cmd/mall": &program}))
//	}
func Main(m *testing.M, programs map[string]*string) int {
	dir, err := os.MkdirTemp("", "mall-program-")
	if err != nil {
		return say(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for from, path := range programs {
		*path = filepath.Join(dir, filepath.Base(from))
		build := exec.CommandContext(context.Background(), "go", "build", "-o", *path, from) //nolint:gosec // tests name their own packages
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return say(err)
		}
	}
	return m.Run()
}

func say(err error) int {
	fmt.Fprintln(os.Stderr, "testprogram:", err)
	return 1
}

// FreeAddr is an address of the loopback that nobody holds now. Somebody may take it before the program does.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
