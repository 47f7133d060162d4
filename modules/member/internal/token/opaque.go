package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"

	"mall/modules/platform/id"
)

// Secret is 256 random bits. Only its hash is ever stored.
type Secret [32]byte

// NewSecret makes one.
func NewSecret() Secret {
	var s Secret
	_, _ = rand.Read(s[:]) // never fails: crypto/rand ends the program instead
	return s
}

// Hash is what the database keeps. A fast hash will do: nobody guesses 256 bits.
func (s Secret) Hash() []byte {
	sum := sha256.Sum256(s[:])
	return sum[:]
}

// Is says whether hash was made of this secret, in a time that tells nothing.
func (s Secret) Is(hash []byte) bool { return subtle.ConstantTimeCompare(s.Hash(), hash) == 1 }

// Strict: one credential has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// Cookie is the credential of a web session: which session, and the proof.
type Cookie struct {
	SessionID id.ID
	Secret    Secret
}

// String is the cookie's value: 64 characters of base64url.
func (c Cookie) String() string {
	return encoding.EncodeToString(slices.Concat(c.SessionID[:], c.Secret[:]))
}

// ParseCookie reads String's form; false for anything else.
func ParseCookie(text string) (c Cookie, ok bool) {
	b, ok := decode(text, len(c.SessionID)+len(c.Secret))
	if !ok {
		return c, false
	}
	copy(c.SessionID[:], b)
	copy(c.Secret[:], b[len(c.SessionID):])
	return c, !c.SessionID.IsZero()
}

// Refresh is the credential that buys the next token pair. Family is the same in all refresh tokens of a
// session, so that an old one can be told from a made-up one: only the former betrays a theft.
type Refresh struct {
	SessionID      id.ID
	Family, Secret Secret
}

// String is the token: 107 characters of base64url.
func (r Refresh) String() string {
	return encoding.EncodeToString(slices.Concat(r.SessionID[:], r.Family[:], r.Secret[:]))
}

// ParseRefresh reads String's form; false for anything else.
func ParseRefresh(text string) (r Refresh, ok bool) {
	b, ok := decode(text, len(r.SessionID)+len(r.Family)+len(r.Secret))
	if !ok {
		return r, false
	}
	copy(r.SessionID[:], b)
	copy(r.Family[:], b[len(r.SessionID):])
	copy(r.Secret[:], b[len(r.SessionID)+len(r.Family):])
	return r, !r.SessionID.IsZero()
}

func decode(text string, size int) ([]byte, bool) {
	if len(text) != encoding.EncodedLen(size) {
		return nil, false
	}
	b, err := encoding.DecodeString(text)
	return b, err == nil && len(b) == size
}

// Challenge is what whoever is asked for a proof sends back with it: which challenge, and that they were the one asked.
type Challenge struct {
	ID     id.ID
	Secret Secret
}

// String is the form that travels: 64 characters of base64url.
func (c Challenge) String() string {
	return encoding.EncodeToString(slices.Concat(c.ID[:], c.Secret[:]))
}

// ParseChallenge reads String's form; false for anything else.
func ParseChallenge(text string) (c Challenge, ok bool) {
	b, ok := decode(text, len(c.ID)+len(c.Secret))
	if !ok {
		return c, false
	}
	copy(c.ID[:], b)
	copy(c.Secret[:], b[len(c.ID):])
	return c, !c.ID.IsZero()
}
