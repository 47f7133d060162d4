// Package password turns passwords into argon2id strings, and compares.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"mall/modules/platform/fault"
)

// OWASP's first choice: about 34 ms and 19 MiB a hash.
const (
	memoryKiB  = 19 * 1024
	iterations = 2
	lanes      = 1
	saltBytes  = 16
	keyBytes   = 32
)

// What a stored string may ask for. Only we write them, but a damaged row must not take all memory.
const (
	maxMemoryKiB  = 256 * 1024
	maxIterations = 16
	maxKeyBytes   = 64
)

// queuePerSlot is how many may wait for a slot, for each there is. 16 are served in about half a second; who comes to a
// longer queue is better told so at once than kept, with its request, for an answer that comes too late.
const queuePerSlot = 16

// Hasher lets at most a few hashes run at once: each takes 19 MiB and a whole core, so more at once would only make
// everybody else slow. One core stays free of them, where there is more than one. With a command they are done by processes of
// their own, one a slot, of the lowest priority; what such a process cannot do is done here.
type Hasher struct {
	command []string
	idle    chan *apart   // nil: one that could not be started
	alive   chan struct{} // one for each process that is there or starts
	slots   chan struct{}
	queue   chan struct{} // one for each who has a slot or waits for one
	wait    time.Duration // for a slot
	apart   time.Duration // for a process and its answer
	late    time.Duration // until a process without an answer is ended
	decoy   string
}

// NewHasher makes a Hasher of one slot fewer than the cores that we may use, but one. A caller who waits longer than wait
// for a slot, or finds a full queue, is told Busy. command starts a process that calls Serve; none: hashes are done here.
func NewHasher(wait time.Duration, command ...string) *Hasher {
	slots := max(1, runtime.GOMAXPROCS(0)-1)
	return &Hasher{
		command: command, idle: make(chan *apart, slots), alive: make(chan struct{}, slots),
		slots: make(chan struct{}, slots),
		queue: make(chan struct{}, slots+slots*queuePerSlot),
		wait:  wait,
		apart: apartWait,
		late:  apartLate,
		decoy: format(parameters{memoryKiB, iterations, lanes}, random(saltBytes), random(keyBytes)),
	}
}

// Slot is the right to hash, until Release.
type Slot struct{ h *Hasher }

// Acquire waits for a slot. Errors: fault.Busy at once when too many wait already, and after the Hasher's wait; ctx's own
// when it ends first.
func (h *Hasher) Acquire(ctx context.Context) (Slot, error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return Slot{}, busy()
	}
	err := h.take(ctx)
	if err != nil {
		<-h.queue
	}
	return Slot{h}, err
}

func (h *Hasher) take(ctx context.Context) error {
	select { // a free slot needs no timer
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(h.wait)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return busy()
	}
}

func busy() error {
	return fault.Retry(fault.Busy, "busy", "Too many people are logging in right now.", time.Second)
}

// Release gives the slot back.
func (s Slot) Release() {
	<-s.h.slots
	<-s.h.queue
}

// Hash gives the PHC string of a password with a fresh salt.
func (s Slot) Hash(plain string) string {
	p := parameters{memoryKiB, iterations, lanes}
	salt := random(saltBytes)
	return format(p, salt, s.h.derive(p, plain, salt, keyBytes))
}

// Matches compares a password with a stored string. An empty stored string (there is no such account)
// takes as long as a real one and never matches. Errors: the stored string is damaged.
func (s Slot) Matches(plain, stored string) (bool, error) {
	known := stored != ""
	if !known {
		stored = s.h.decoy
	}
	p, salt, want, err := parse(stored)
	if err != nil {
		return false, err
	}
	got := s.h.derive(p, plain, salt, len(want))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

// derive has it done by a process, or here. A Slot is held meanwhile.
func (h *Hasher) derive(p parameters, plain string, salt []byte, size int) []byte {
	if key := h.elsewhere(p, plain, salt, size); key != nil {
		return key
	}
	return derive(p, plain, salt, size)
}

// elsewhere has it done by a process; nil when none does it in time. One that is late is left to answer, since to start
// another would take the machine more than that, and is idle again only when its answer has been read.
func (h *Hasher) elsewhere(p parameters, plain string, salt []byte, size int) []byte {
	if len(h.command) == 0 {
		return nil
	}
	select {
	case h.alive <- struct{}{}:
		go h.start()
	default:
	}
	timer := time.NewTimer(h.apart)
	defer timer.Stop()
	var a *apart
	select {
	case a = <-h.idle:
	case <-timer.C:
		return nil
	}
	if a == nil {
		<-h.alive
		return nil
	}
	answer := make(chan []byte, 1)
	go func() {
		key, err := a.derive(p, plain, salt, size, h.late)
		if err != nil {
			key = nil
			a.end()
			<-h.alive
		} else {
			h.idle <- a
		}
		answer <- key
	}()
	select {
	case key := <-answer:
		return key
	case <-timer.C:
		return nil
	}
}

func (h *Hasher) start() {
	a, err := startApart(h.command)
	if err == nil {
		if err = a.ready(h.late); err != nil {
			a.end()
		}
	}
	if err != nil {
		a = nil
	}
	h.idle <- a
}

// Close ends the processes that are idle; those at work, and those that start, end with this one.
func (h *Hasher) Close() {
	for {
		select {
		case a := <-h.idle:
			if a != nil {
				a.end()
			}
			<-h.alive
		default:
			return
		}
	}
}

type parameters struct {
	memory, time uint32
	threads      uint8
}

// derive composes the password first: the same Korean syllables come as one or as several code points,
// depending on the keyboard's system.
func derive(p parameters, plain string, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(plain)), salt, p.time, p.memory, p.threads, uint32(size)) //nolint:gosec // size is bounded by parse
}

func format(p parameters, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

var errDamaged = errors.New("password: the stored hash is not an argon2id string we write")

func parse(stored string) (p parameters, salt, key []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errDamaged
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); n != 3 || err != nil {
		return p, nil, nil, errDamaged
	}
	b64 := base64.RawStdEncoding.Strict()
	salt, saltErr := b64.DecodeString(parts[4])
	key, keyErr := b64.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || !p.sane() || len(salt) < 8 || len(key) < 16 || len(key) > maxKeyBytes {
		return p, nil, nil, errDamaged
	}
	return p, salt, key, nil
}

func (p parameters) sane() bool {
	return p.memory >= 8 && p.memory <= maxMemoryKiB && p.time >= 1 && p.time <= maxIterations && p.threads >= 1
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}
