package token

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// Keys are the secrets of the mall, the newest first: it signs, all of them verify. So a secret can be replaced while
// people are logged in: add the new one at the end, on every instance; then move it to the front; then, when what the old
// one signed has expired, take that away.
type Keys struct{ list []key }

type key struct {
	id     string // what tokens call it
	secret []byte
}

// named is a secret with a name.
var named = regexp.MustCompile(`^([A-Za-z0-9_-]{1,16}):(.+)$`)

// ParseKeys reads a secret, or a list of them with commas between, each with or without a name: "new:SECRET,old:SECRET". The
// names are for whoever writes the list. A token's key id is made of the secret itself: so it is the same before, while
// and after a secret has a name, and instances that are restarted one after the other understand each other. What check
// says of a secret is its error. No error shows a secret.
func ParseKeys(text string, check func(secret string) error) (Keys, error) {
	var keys Keys
	seen := map[string]bool{}
	for n, part := range strings.Split(text, ",") {
		name, secret := "", strings.TrimSpace(part)
		if m := named.FindStringSubmatch(secret); m != nil {
			name, secret = m[1]+":", m[2]
		}
		if err := check(secret); err != nil {
			return Keys{}, fmt.Errorf("key %d: %w", n+1, err)
		}
		k := key{id: hex.EncodeToString(derive([]byte(secret), "key id", 6)), secret: []byte(secret)}
		if seen[k.id] || name != "" && seen[name] {
			return Keys{}, fmt.Errorf("key %d: a name or a secret is there twice", n+1)
		}
		seen[k.id], seen[name] = true, true
		keys.list = append(keys.list, k)
	}
	return keys, nil
}

// Derive gives the keys of a purpose, the one that signs first. No two purposes share a key, and none tells a secret.
func (k Keys) Derive(purpose string) [][]byte {
	keys := make([][]byte, len(k.list))
	for i, x := range k.list {
		keys[i] = derive(x.secret, purpose, sha256.Size)
	}
	return keys
}

func derive(secret []byte, purpose string, size int) []byte {
	b, err := hkdf.Key(sha256.New, secret, nil, "mall/member: "+purpose, size)
	if err != nil {
		panic(err) // only for sizes far beyond ours
	}
	return b
}

// called are the secrets that a token with this key id may be signed with: any, when it names none, as tokens did once.
func (k Keys) called(id string) [][]byte {
	var secrets [][]byte
	for _, x := range k.list {
		if id == "" || x.id == id {
			secrets = append(secrets, x.secret)
		}
	}
	return secrets
}
