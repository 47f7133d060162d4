package pubsub

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync/atomic"

	"mall/modules/platform/id"
)

// What travels is sealed, so that who can write to Redis cannot speak for an instance, and who can read there cannot
// listen: version, hint, sender, number, then kind and payload, encrypted and with a mark (AES-256-GCM). The key is the
// sender's own on that link, derived from the secret that all instances share; the channel's full name goes into the mark.
const (
	sealVersion = 1
	senderAt    = 2
	numberAt    = senderAt + len(id.ID{})
	headSize    = numberAt + 8
	// The nonce is the end of the sender's id and the number: of one key no two are the same, since a link never counts back.
	nonceAt  = headSize - 12
	markSize = 16
	sealSize = headSize + 1 + markSize // of a seal without a payload
)

// wire names what travels, in the channels' names: instances of a version that speaks otherwise meet in other channels,
// and do not take each other's news for forgeries. They find what is new in the database meanwhile.
const wire = "s1"

// root is what the keys of all senders follow from.
type root struct {
	key  []byte
	hint byte // says which of several keys has sealed; two may share one
}

// rootsOf derives a key of our own from each secret: what else is done with the secret tells nothing of it.
func rootsOf(secrets [][]byte) []root {
	roots := make([]root, len(secrets))
	for i, secret := range secrets {
		roots[i] = root{derive(secret, "mall pubsub seal"), derive(secret, "mall pubsub hint")[0]}
	}
	return roots
}

// derive gives 32 bytes for a purpose.
func derive(secret []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, purpose, 32)
	if err != nil { // of a length that it does not have
		panic(err)
	}
	return key
}

// aead is the key of a sender on the link whose channels begin with prefix.
func (r root) aead(sender id.ID, prefix string) cipher.AEAD {
	block, err := aes.NewCipher(derive(r.key, string(sender[:])+prefix))
	if err != nil { // of a length that it does not have
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil { // of another block size than AES has
		panic(err)
	}
	return aead
}

// sealer seals what this instance says on a link. It is safe for concurrent use.
type sealer struct {
	aead cipher.AEAD
	head [numberAt]byte
	last atomic.Uint64 // number given
}

func newSealer(r root, self id.ID, prefix string) *sealer {
	s := &sealer{aead: r.aead(self, prefix), head: [numberAt]byte{sealVersion, r.hint}}
	copy(s.head[senderAt:], self[:])
	return s
}

// seal appends what travels to b, which has to keep its bytes until they are sent.
func (s *sealer) seal(b []byte, channel string, kind byte, payload []byte) []byte {
	from := len(b)
	b = slices.Grow(b, sealSize+len(payload))
	b = append(b, s.head[:]...)
	b = binary.BigEndian.AppendUint64(b, s.last.Add(1))
	b = append(b, kind)
	b = append(b, payload...)
	text := b[from:]
	sealed := s.aead.Seal(text[:headSize], text[nonceAt:headSize], text[headSize:], bytesOf(channel)) // in its place
	return b[:from+len(sealed)]
}

// sealed is what has come, still closed.
type sealed struct {
	text    []byte
	channel string // its name in Redis
}

// whole says whether it can be a seal at all.
func (s sealed) whole() bool { return len(s.text) >= sealSize && s.text[0] == sealVersion }

func (s sealed) hint() byte { return s.text[1] }

func (s sealed) sender() id.ID { return id.ID(s.text[senderAt:numberAt]) }

func (s sealed) number() uint64 { return binary.BigEndian.Uint64(s.text[numberAt:]) }

// open gives what was sealed; false where somebody else did it, or for another channel.
func (s sealed) open(by cipher.AEAD) (opened, bool) {
	buffer := make([]byte, 0, len(s.text)-headSize-markSize)
	plain, err := by.Open(buffer, s.text[nonceAt:headSize], s.text[headSize:], bytesOf(s.channel))
	if err != nil {
		return opened{}, false
	}
	return opened{s.sender(), s.number(), s.channel, plain[0], plain[1:]}, true
}

// opened is what an instance has said.
type opened struct {
	sender  id.ID
	number  uint64
	channel string // its name in Redis
	kind    byte
	payload []byte
}

// window knows which numbers of a sender have come. They come in order, but for those that waited in a connection that
// was given up while Redis was frozen.
type window struct {
	top  uint64
	seen [windowSize / 64]uint64
}

const windowSize = 4096

// windowAfter takes all up to floor for seen.
func windowAfter(floor uint64) window {
	w := window{top: floor}
	for i := range w.seen {
		w.seen[i] = ^uint64(0)
	}
	return w
}

// fresh says whether the number has not come yet. One that is too far back counts as one that has.
func (w *window) fresh(n uint64) bool {
	if n > w.top {
		return true
	}
	return w.top-n < windowSize && w.seen[n/64%uint64(len(w.seen))]&(1<<(n%64)) == 0
}

// mark notes that a fresh number has come.
func (w *window) mark(n uint64) {
	if n > w.top {
		for next := max(w.top+1, n-min(n, windowSize-1)); next <= n; next++ {
			w.seen[next/64%uint64(len(w.seen))] &^= 1 << (next % 64)
		}
		w.top = n
	}
	w.seen[n/64%uint64(len(w.seen))] |= 1 << (n % 64)
}
