package token

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"mall/modules/platform/id"
)

const secret = "kP3v9LxQ2mZr8TnW5yBc7HdJ4sGf6AeU"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newAccess(now *time.Time) *Access {
	keys, err := ParseKeys(secret, func(string) error { return nil })
	if err != nil {
		panic(err)
	}
	return NewAccess(keys, "mall", "mall-api", 10*time.Minute, func() time.Time { return *now })
}

func TestAccessRoundTrip(t *testing.T) {
	now := noon
	a := newAccess(&now)
	member, session := id.New(), id.New()
	text, err := a.Issue(member, session)
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Read(text)
	want := Claims{MemberID: member, SessionID: session, ExpiresAt: noon.Add(10 * time.Minute)}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Read: %v %s", err, diff)
	}
	now = noon.Add(10*time.Minute + skew + time.Second)
	if _, err := a.Read(text); !errors.Is(err, ErrExpired) {
		t.Errorf("after its life: %v, want ErrExpired", err)
	}
}

// Everything that golang-jwt v5 takes by default, or could be talked into.
func TestAccessRefusesForeignTokens(t *testing.T) {
	now := noon
	a := newAccess(&now)
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"iss": "mall", "aud": "mall-api", "sub": id.New().String(), "sid": id.New().String(),
			"iat": noon.Unix(), "exp": noon.Add(time.Minute).Unix()}
	}
	with := func(key string, value any) jwt.MapClaims {
		c := good()
		if value == nil {
			delete(c, key)
		} else {
			c[key] = value
		}
		return c
	}
	sign := func(m jwt.SigningMethod, key any, c jwt.MapClaims) string {
		t.Helper()
		s, err := jwt.NewWithClaims(m, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	hs256 := func(c jwt.MapClaims) string { return sign(jwt.SigningMethodHS256, []byte(secret), c) }
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Read(hs256(good())); err != nil {
		t.Fatalf("the model of all others is refused: %v", err)
	}
	for name, text := range map[string]string{
		"no exp":               hs256(with("exp", nil)),
		"exp as text":          hs256(with("exp", "never")),
		"no aud":               hs256(with("aud", nil)),
		"another aud":          hs256(with("aud", "bank-api")),
		"no iss":               hs256(with("iss", nil)),
		"another iss":          hs256(with("iss", "bank")),
		"issued tomorrow":      hs256(with("iat", noon.Add(24*time.Hour).Unix())),
		"not yet":              hs256(with("nbf", noon.Add(30*time.Second).Unix())),
		"no sub":               hs256(with("sub", nil)),
		"sub is no id":         hs256(with("sub", "admin")),
		"sub is the nil id":    hs256(with("sub", id.Nil.String())),
		"no sid":               hs256(with("sid", nil)),
		"sid is no id":         hs256(with("sid", 7)),
		"HS512":                sign(jwt.SigningMethodHS512, []byte(secret), good()),
		"HS384":                sign(jwt.SigningMethodHS384, []byte(secret), good()),
		"none":                 sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good()),
		"RS256":                sign(jwt.SigningMethodRS256, rsaKey, good()),
		"another secret":       sign(jwt.SigningMethodHS256, []byte(strings.ToLower(secret)), good()),
		"expired elsewhere":    hs256(jwt.MapClaims{"iss": "bank", "aud": "mall-api", "exp": noon.Add(-time.Hour).Unix()}),
		"expired, not ours":    sign(jwt.SigningMethodHS256, []byte("x"), with("exp", noon.Add(-time.Hour).Unix())),
		"no signature":         strings.TrimRight(hs256(good()), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
		"signature of another": hs256(good())[:20] + hs256(with("sub", id.New().String()))[20:] + "A",
		"empty":                "",
		"text":                 "Bearer of news",
		"huge":                 strings.Repeat("a", 1<<20),
	} {
		if _, err := a.Read(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

// The last character of a signature has bits that mean nothing: only one spelling is ours.
func TestAccessTakesOneSpelling(t *testing.T) {
	now := noon
	a := newAccess(&now)
	text, err := a.Issue(id.New(), id.New())
	if err != nil {
		t.Fatal(err)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, text[len(text)-1])
	other := text[:len(text)-1] + string(alphabet[i^1])
	sig := func(s string) string {
		b, err := base64.RawURLEncoding.DecodeString(s[strings.LastIndexByte(s, '.')+1:])
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if sig(text) != sig(other) {
		t.Fatal("the two spellings differ in meaning: nothing is tested")
	}
	if _, err := a.Read(other); !errors.Is(err, ErrInvalid) {
		t.Errorf("a second spelling: %v", err)
	}
}
