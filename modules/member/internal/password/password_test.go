package password

import (
	"context"
	"errors"
	"strings"
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
