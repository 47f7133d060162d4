// Package factor knows second factors: authenticator apps, passkeys, recovery codes. It keeps nothing.
package factor

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"mall/modules/platform/id"
)

// ErrSealed is a secret that was encrypted for another member or with a key that is gone.
var ErrSealed = errors.New("factor: the stored secret cannot be decrypted")

// Box encrypts secrets for the database with keys that it does not have (AES-256-GCM). It is safe for
// concurrent use.
type Box struct{ keys []boxKey }

type boxKey struct {
	name [keyName]byte // stands before what was encrypted with it
	aead cipher.AEAD
}

const keyName = 4

// NewBox makes a box that encrypts with the first key, of 32 bytes, and decrypts with any.
func NewBox(keys [][]byte) (*Box, error) {
	b := &Box{}
	for _, k := range keys {
		key, err := newBoxKey(k)
		if err != nil {
			return nil, fmt.Errorf("factor: %w", err)
		}
		b.keys = append(b.keys, key)
	}
	return b, nil
}

func newBoxKey(key []byte) (k boxKey, err error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return k, err
	}
	name, err := hkdf.Key(sha256.New, key, nil, "name of the key", keyName)
	if err != nil {
		return k, err
	}
	copy(k.name[:], name)
	k.aead, err = cipher.NewGCMWithRandomNonce(block)
	return k, err
}

// Seal encrypts a member's secret. It is good for that member only: moved to another's row it cannot be opened.
func (b *Box) Seal(plain []byte, member id.ID) []byte {
	k := b.keys[0]
	return k.aead.Seal(k.name[:], nil, plain, member[:]) //nolint:gosec // G407: this AEAD makes a random nonce itself and takes none
}

// Open decrypts what Seal gave. Errors: ErrSealed.
func (b *Box) Open(sealed []byte, member id.ID) ([]byte, error) {
	if len(sealed) < keyName {
		return nil, ErrSealed
	}
	for _, k := range b.keys {
		if string(k.name[:]) != string(sealed[:keyName]) {
			continue
		}
		if plain, err := k.aead.Open(nil, nil, sealed[keyName:], member[:]); err == nil {
			return plain, nil
		}
	}
	return nil, ErrSealed
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}
