package frame

import (
	"crypto/rand"
	"encoding/binary"
)

// Key is what a client_msg_id of ours says: which lane the message took (the way of one connection's messages into one
// room, numbered 0, 1, 2 …), its number there, and when it was due. So nothing about a message under way need be looked up, and a message that comes twice is known whatever
// its seq. What differs between the messages of a lane is scattered over the front of the id, as in the random
// ids of real clients: ids in order would spare the server's index work that it has in earnest.
type Key struct {
	Lane uint32 // below MaxLanes
	N    uint32
	At   int64 // microseconds since the run began, below 2^40
}

// MaxLanes is how many lanes one run can tell apart.
const MaxLanes = 1 << 24

// Run marks the keys of one run.
type Run uint32

// NewRun gives a run its mark.
func NewRun() Run {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return Run(binary.BigEndian.Uint32(b[:]) & runMask)
}

const (
	runMask  = 1<<22 - 1
	whole    = 1<<56 - 1
	multiply = 0x9e3779b97f4a7c15 & whole
)

// scatter is a one-to-one map of 56 bits.
func scatter(v uint64) uint64 {
	v = v * multiply & whole
	v ^= v >> 28
	return v * multiply & whole
}

func gather(v uint64) uint64 {
	v = v * inverse & whole
	v ^= v >> 28
	return v * inverse & whole
}

var inverse = invert(multiply)

// invert finds the inverse of an odd number modulo 2^64 (Newton's way doubles the right bits each time).
func invert(odd uint64) uint64 {
	x := odd
	for range 6 {
		x *= 2 - odd*x
	}
	return x
}

// Append appends the key as a UUID of version 8.
func (r Run) Append(b []byte, k Key) []byte {
	v := scatter(uint64(k.Lane)<<32 | uint64(k.N))
	low := 1<<63 | uint64(r)<<40 | uint64(k.At)
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], v>>8<<16|0x8000|v&0xff)
	binary.BigEndian.PutUint64(id[8:], low)
	return appendUUID(b, id)
}

// Read reads what Append wrote; false for what is not of this run.
func (r Run) Read(text []byte) (k Key, ok bool) {
	id, ok := parseUUID(text)
	high, low := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	if !ok || low>>40 != 1<<23|uint64(r) || high&0xff00 != 0x8000 {
		return k, false
	}
	v := gather(high>>16<<8 | high&0xff)
	return Key{Lane: uint32(v >> 32), N: uint32(v), At: int64(low & (1<<40 - 1))}, true
}

const hex = "0123456789abcdef"

func appendUUID(b []byte, id [16]byte) []byte {
	for i, c := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, hex[c>>4], hex[c&15])
	}
	return b
}

func parseUUID(text []byte) (id [16]byte, ok bool) {
	if len(text) != 36 {
		return id, false
	}
	at := 0
	for i := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			if text[at] != '-' {
				return id, false
			}
			at++
		}
		high, low := digit(text[at]), digit(text[at+1])
		if high > 15 || low > 15 {
			return id, false
		}
		id[i] = high<<4 | low
		at += 2
	}
	return id, true
}

func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
