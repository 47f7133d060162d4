package password

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"mall/modules/platform/fault"
)

func slot(t *testing.T, h *Hasher) Slot {
	t.Helper()
	s, err := h.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHashAndMatch(t *testing.T) {
	s := slot(t, NewHasher(time.Second))
	defer s.Release()
	stored := s.Hash("correct horse")
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("not the PHC string agreed on: %s", stored)
	}
	if s.h.decoy[:31] != stored[:31] || len(s.h.decoy) != len(stored) {
		t.Errorf("no account takes other work than a wrong password: %s", s.h.decoy)
	}
	if again := s.Hash("correct horse"); again == stored {
		t.Error("two hashes of one password are equal: no salt")
	}
	for plain, want := range map[string]bool{"correct horse": true, "correct horsE": false, "": false} {
		if got, err := s.Matches(plain, stored); err != nil || got != want {
			t.Errorf("Matches(%q) = %v, %v, want %v", plain, got, err, want)
		}
	}
}

// macOS may send 가 as two jamo, Windows sends one syllable; both are the same password.
func TestComposedAndDecomposedAreOnePassword(t *testing.T) {
	s := slot(t, NewHasher(time.Second))
	defer s.Release()
	if ok, err := s.Matches("\u1100\u1161-password", s.Hash("\uac00-password")); err != nil || !ok {
		t.Errorf("Matches = %v, %v", ok, err)
	}
}

func TestNoAccountNeverMatches(t *testing.T) {
	s := slot(t, NewHasher(time.Second))
	defer s.Release()
	if ok, err := s.Matches("anything", ""); ok || err != nil {
		t.Errorf("Matches = %v, %v", ok, err)
	}
}

// A string written with other parameters is checked with its own, so that ours can be raised later.
func TestKnownVector(t *testing.T) {
	s := slot(t, NewHasher(time.Second))
	defer s.Release()
	const stored = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$" // argon2 reference test: password, somesalt
	p := parameters{64, 1, 1}
	full := format(p, []byte("somesalt"), derive(p, "password", []byte("somesalt"), 24))
	if !strings.HasPrefix(full, stored) {
		t.Fatalf("format = %s", full)
	}
	// The reference implementation's own answer for these inputs (argon2_test.go of x/crypto: 655ad15eac652dc59f7170a7332bf49b8469be1fdb9c28bb).
	if want := stored + "ZVrRXqxlLcWfcXCnMyv0m4Rpvh/bnCi7"; full != want {
		t.Errorf("derived %s, want %s", full, want)
	}
	if ok, err := s.Matches("password", full); err != nil || !ok {
		t.Errorf("Matches = %v, %v", ok, err)
	}
}

func TestDamagedStringsAreErrors(t *testing.T) {
	s := slot(t, NewHasher(time.Second))
	defer s.Release()
	good := s.Hash("x")
	for name, stored := range map[string]string{
		"other algorithm": strings.Replace(good, "argon2id", "argon2i", 1),
		"other version":   strings.Replace(good, "v=19", "v=16", 1),
		"all memory":      strings.Replace(good, "m=19456", "m=4194304000", 1),
		"no iterations":   strings.Replace(good, "t=2", "t=0", 1),
		"no lanes":        strings.Replace(good, "p=1", "p=0", 1),
		"cut":             good[:40],
		"not base64":      good[:len(good)-1] + "!",
		"text":            "hunter2",
	} {
		if ok, err := s.Matches("x", stored); ok || err == nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
}

func TestWaitingForASlotIsBounded(t *testing.T) {
	h := NewHasher(time.Nanosecond)
	for range cap(h.slots) {
		slot(t, h)
	}
	_, err := h.Acquire(t.Context())
	f, ok := fault.As(err)
	if !ok || f.Kind != fault.Busy || f.RetryAfter <= 0 {
		t.Errorf("a full house answers %v, want Busy with a time", err)
	}
	h.wait = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Acquire(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left got %v", err)
	}
	Slot{h}.Release()
	if _, err := h.Acquire(t.Context()); err != nil {
		t.Errorf("after a release: %v", err)
	}
}

// A full queue is told so at once: nobody is kept, with a request and its memory, for a turn that comes too late. Who waits
// within it is served.
func TestTheQueueForASlotIsBounded(t *testing.T) {
	h := NewHasher(time.Hour)
	if cap(h.slots) != max(1, runtime.GOMAXPROCS(0)-1) {
		t.Errorf("%d slots on %d cores: one stays free for everything else", cap(h.slots), runtime.GOMAXPROCS(0))
	}
	for range cap(h.slots) {
		slot(t, h)
	}
	served := make(chan error)
	for range cap(h.queue) - cap(h.slots) {
		go func() {
			s, err := h.Acquire(context.WithoutCancel(t.Context()))
			if err == nil {
				s.Release()
			}
			served <- err
		}()
	}
	for len(h.queue) < cap(h.queue) { // until all of them wait
		runtime.Gosched()
	}
	if _, err := h.Acquire(t.Context()); fault.KindOf(err) != fault.Busy {
		t.Errorf("one too many got %v, want Busy at once", err)
	}
	for range cap(h.slots) {
		Slot{h}.Release()
	}
	for range cap(h.queue) - cap(h.slots) {
		if err := <-served; err != nil {
			t.Errorf("one of the queue got %v", err)
		}
	}
	if len(h.queue) != 0 || len(h.slots) != 0 {
		t.Errorf("%d in the queue and %d slots taken when all have left", len(h.queue), len(h.slots))
	}
}

// OWASP ASVS 5 asks for the 3000 commonest that the policy takes, at the least.
func TestTheCommonestAreKnown(t *testing.T) {
	if n := len(common()); n < 3000 {
		t.Errorf("%d passwords are known as common", n)
	}
	for line := range common() {
		if !Common(strings.ToUpper(line)) {
			t.Errorf("%q in capitals is not known", line)
		}
	}
	for plain, want := range map[string]bool{"password": true, "Iloveyou": true, "qlalfqjsgh": true, "moonlight-2026": false, "": false} {
		if Common(plain) != want {
			t.Errorf("Common(%q) = %v", plain, !want)
		}
	}
}

// This test's program is what hashes for it, when it is told to be.
func TestMain(m *testing.M) {
	if os.Getenv("HASH_FOR_ANOTHER") != "" {
		lower := func() error { return nil }
		if os.Getenv("HASH_FOR_ANOTHER") == "lowest" {
			lower = Lowest
		}
		if err := errors.Join(lower(), Serve(os.Stdin, os.Stdout)); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// byProcesses is a Hasher whose processes may take their time, and have the usual priority unless they are asked to take the
// lowest: the machine of a test may have no time to spare for that.
func byProcesses(t *testing.T, priority string) *Hasher {
	t.Helper()
	h := NewHasher(time.Minute, "/usr/bin/env", "HASH_FOR_ANOTHER="+priority, os.Args[0])
	h.apart, h.late = 5*time.Minute, 5*time.Minute
	t.Cleanup(h.Close)
	return h
}

// A process of its own gives what this one would, one answer for each question, and is used again.
func TestHashesOfAnotherProcess(t *testing.T) {
	h := byProcesses(t, "usual")
	s := slot(t, h)
	defer s.Release()
	first := s.Hash("달빛 아래 고양이")
	if len(h.idle) != 1 {
		t.Fatal("no process has hashed")
	}
	process := <-h.idle
	h.idle <- process
	for plain, want := range map[string]bool{"달빛 아래 고양이": true, "달빛 아래 고양이 ": false, "": false} {
		if got, err := s.Matches(plain, first); err != nil || got != want {
			t.Errorf("%q: %v %v", plain, got, err)
		}
	}
	here := slot(t, NewHasher(time.Second))
	defer here.Release()
	if ok, err := here.Matches("달빛 아래 고양이", first); err != nil || !ok {
		t.Errorf("hashed elsewhere, it does not match here: %v", err)
	}
	if again := <-h.idle; again != process {
		t.Error("another process for the next question")
	} else {
		h.idle <- again
	}
}

// A process that dies, or that was never there, costs time and nothing else; a later hash has a new one.
func TestAProcessThatDiesIsReplaced(t *testing.T) {
	h := byProcesses(t, "usual")
	s := slot(t, h)
	defer s.Release()
	stored := s.Hash("moonlight")
	dead := <-h.idle
	_ = dead.cmd.Process.Kill()
	_ = dead.cmd.Wait()
	h.idle <- dead
	for range 2 {
		if ok, err := s.Matches("moonlight", stored); err != nil || !ok {
			t.Errorf("%v %v", ok, err)
		}
	}
	if len(h.idle) != 1 || <-h.idle == dead {
		t.Error("the dead process was kept")
	}
	none := NewHasher(time.Second, "/nowhere/at/all")
	n := slot(t, none)
	defer n.Release()
	if ok, err := n.Matches("moonlight", stored); err != nil || !ok {
		t.Errorf("without a process: %v %v", ok, err)
	}
}

// freeze stops the process that is idle where it is.
func freeze(t *testing.T, h *Hasher) *apart {
	t.Helper()
	a := <-h.idle
	h.idle <- a
	if err := a.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	return a
}

// Nobody waits long for a process that stands still. When it goes on, its late answer is nobody else's.
func TestAFrozenProcessKeepsNobodyWaiting(t *testing.T) {
	h := byProcesses(t, "usual")
	s := slot(t, h)
	defer s.Release()
	stored := s.Hash("moonlight")
	frozen := freeze(t, h)
	h.apart = 50 * time.Millisecond
	for range 2 { // who asks it, and who finds it asked
		if ok, err := s.Matches("moonlight", stored); err != nil || !ok {
			t.Errorf("while its process is frozen: %v %v", ok, err)
		}
	}
	if err := frozen.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	h.apart = time.Minute
	for plain, want := range map[string]bool{"moonshine": false, "moonlight": true} {
		if ok, err := s.Matches(plain, stored); err != nil || ok != want {
			t.Errorf("%q, when it goes on: %v %v", plain, ok, err)
		}
	}
	if again := <-h.idle; again != frozen {
		t.Error("another process: that one was given up")
	} else {
		h.idle <- again
	}
}

func TestAProcessThatNeverAnswersIsEnded(t *testing.T) {
	h := byProcesses(t, "usual")
	s := slot(t, h)
	defer s.Release()
	stored := s.Hash("moonlight")
	frozen := freeze(t, h)
	h.late = 50 * time.Millisecond
	if ok, err := s.Matches("moonlight", stored); err != nil || !ok {
		t.Errorf("%v %v", ok, err)
	}
	if len(h.alive) != 0 || frozen.cmd.ProcessState == nil {
		t.Error("it is still there")
	}
}

func FuzzAsked(f *testing.F) {
	f.Add(asked{parameters{memoryKiB, iterations, lanes}, make([]byte, saltBytes), keyBytes, "moonlight"}.text())
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 13, 0, 0, 0, 8, 0, 0, 0, 1, 1, 0, 32, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, text []byte) {
		var a asked
		if err := a.read(bytes.NewReader(text)); err == nil && (a.size > maxKeyBytes || a.memory > maxMemoryKiB || a.time > maxIterations) {
			t.Errorf("taken: %+v", a)
		}
	})
}
