// Package clock sets the clocks of other processes astray: that of a program in C with libfaketime, that of a Go program,
// which asks the kernel past the C library, by building it with another time.Now. Both are moved while the process runs,
// and for both only the time of day is wrong: how long something takes is measured by another clock, as on real machines.
package clock

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// ErrAbsent says that libfaketime is not installed on this machine.
var ErrAbsent = errors.New("clock: libfaketime is not installed (Debian package: faketime)")

// libraries are where libfaketime lies: Debian's place, and the place of who builds it.
var libraries = []string{"/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1"}

// Preloaded is the clock of processes that are started with its Env. The file is read at each look at the clock.
type Preloaded struct{ file, library string }

// NewPreloaded is a clock that is right at first. The error is ErrAbsent where libfaketime is not installed.
func NewPreloaded(dir string) (*Preloaded, error) {
	for _, pattern := range libraries {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			p := &Preloaded{file: filepath.Join(dir, "faketime"), library: found[0]}
			err := p.Set(0)
			return p, err
		}
	}
	return nil, ErrAbsent
}

// Env lets a process have this clock.
func (p *Preloaded) Env() []string {
	return []string{"LD_PRELOAD=" + p.library, "FAKETIME_TIMESTAMP_FILE=" + p.file, "FAKETIME_NO_CACHE=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1"}
}

// Set puts the clock ahead of the true one, or behind it, in whole seconds.
func (p *Preloaded) Set(ahead time.Duration) error {
	text := fmt.Sprintf("%+d\n", int64(ahead/time.Second))
	if err := os.WriteFile(p.file+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(p.file+".new", p.file) // nobody reads half of it
}

// Shared is the clock of a Go program that is built with Overlay and started with its Env. They share a page of memory.
type Shared struct{ file string }

// NewShared is a clock that is right at first.
func NewShared(file string) (*Shared, error) {
	return &Shared{file}, os.WriteFile(file, make([]byte, 8), 0o600)
}

// Env lets a process have this clock.
func (c *Shared) Env() string { return variable + "=" + c.file }

// Set puts the clock ahead of the true one, or behind it. The file stays the same one: it is mapped.
func (c *Shared) Set(ahead time.Duration) (err error) {
	f, err := os.OpenFile(c.file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], uint64(ahead))
	_, err = f.WriteAt(b[:], 0)
	return err
}

// variable names the file of a Go program's clock.
const variable = "FAULTS_CLOCK"

// What is changed in the standard library: the one place from which all looks at the time of day go.
const (
	nowBefore = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	nowAfter  = nowBefore + "\tsec, nsec = astray(sec, nsec)\n"
	extraFile = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

var astrayBy = astrayPage()

func astrayPage() *int64 {
	name, found := syscall.Getenv("` + variable + `")
	if !found {
		return new(int64)
	}
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		panic("time: no clock: " + err.Error())
	}
	page, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("time: no clock: " + err.Error())
	}
	_ = syscall.Close(fd)
	return (*int64)(unsafe.Pointer(&page[0]))
}

func astray(sec int64, nsec int32) (int64, int32) {
	by := atomic.LoadInt64(astrayBy)
	sec, by = sec+by/1e9, int64(nsec)+by%1e9
	if by < 0 {
		sec, by = sec-1, by+1e9
	}
	return sec + by/1e9, int32(by % 1e9)
}
`
)

// Overlay writes into dir what go build -overlay needs for a program whose time.Now heeds a Shared clock, and gives the
// file for that flag. goroot is that of the compiler. An error says that the standard library has changed there.
func Overlay(goroot, dir string) (file string, err error) {
	original := filepath.Join(goroot, "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), nowBefore); n != 1 {
		return "", fmt.Errorf("clock: %s (%s) has %d times what is to be replaced once: %q", original, runtime.Version(), n, nowBefore)
	}
	changed, extra := filepath.Join(dir, "time.go"), filepath.Join(dir, "astray.go")
	file = filepath.Join(dir, "overlay.json")
	words, err := json.Marshal(map[string]map[string]string{"Replace": {
		original: changed, filepath.Join(filepath.Dir(original), "astray.go"): extra,
	}})
	return file, errors.Join(err,
		os.WriteFile(changed, []byte(strings.Replace(string(text), nowBefore, nowAfter, 1)), 0o600),
		os.WriteFile(extra, []byte(extraFile), 0o600),
		os.WriteFile(file, words, 0o600))
}
