package factor

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"mall/modules/platform/id"
)

func box(t *testing.T, keys ...string) *Box {
	t.Helper()
	var all [][]byte
	for _, k := range keys {
		all = append(all, []byte(k))
	}
	b, err := NewBox(all)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A secret opens for its member, with the key it was sealed with, and in no other way.
func TestSealedSecrets(t *testing.T) {
	const first, second = "kP3v9LxQ2mZr8TnW5yBc7HdJ4sGf6AeU", "hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs"
	old, member := box(t, first), id.New()
	plain := NewTOTP()
	sealed := old.Seal(plain, member)
	if bytes.Contains(sealed, plain) {
		t.Fatal("nothing is encrypted")
	}
	if got, err := box(t, second, first).Open(sealed, member); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("after a change of the key: %v", err)
	}
	spoilt := bytes.Clone(sealed)
	spoilt[len(spoilt)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another member": func() ([]byte, error) { return old.Open(sealed, id.New()) },
		"another key":    func() ([]byte, error) { return box(t, second).Open(sealed, member) },
		"a changed bit":  func() ([]byte, error) { return old.Open(spoilt, member) },
		"cut":            func() ([]byte, error) { return old.Open(sealed[:20], member) },
		"empty":          func() ([]byte, error) { return old.Open(nil, member) },
	} {
		if got, err := open(); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

// The vectors of RFC 6238, appendix B, cut to six digits.
func TestTOTPCodesAreTheStandards(t *testing.T) {
	key := []byte("12345678901234567890")
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924",
		2000000000: "279037", 20000000000: "353130"} {
		if got := TOTPCode(key, at/30); got != code {
			t.Errorf("at %d: %s, want %s", at, got, code)
		}
	}
}

func TestTOTPStepTakesACodeOnceAndAStepEitherSide(t *testing.T) {
	key, now := NewTOTP(), time.Unix(1_700_000_010, 0)
	current := now.Unix() / 30
	for step := current - 3; step <= current+3; step++ {
		got, ok := TOTPStep(key, TOTPCode(key, step), now, 0)
		if near := step >= current-1 && step <= current+1; ok != near || ok && got != step {
			t.Errorf("step %+d: %d %v", step-current, got, ok)
		}
	}
	if _, ok := TOTPStep(key, TOTPCode(key, current), now, current); ok {
		t.Error("a code is taken twice")
	}
	if _, ok := TOTPStep(key, TOTPCode(key, current-1), now, current); ok {
		t.Error("an older code is taken after a newer one")
	}
	for _, code := range []string{"", "12345", "1234567", strings.Repeat("0", 1000)} {
		if _, ok := TOTPStep(key, code, now, 0); ok {
			t.Errorf("%q is taken", code)
		}
	}
}

func TestTheURIAndItsPicture(t *testing.T) {
	key := NewTOTP()
	uri := TOTPURI(key, "달빛 몰", "kim&secret=x@demo.mall")
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/달빛 몰:kim&secret=x@demo.mall" ||
		u.Query().Get("secret") != TOTPText(key) || u.Query().Get("issuer") != "달빛 몰" {
		t.Errorf("%s %v", uri, err)
	}
	svg, err := QR(uri)
	if err != nil || xml.Unmarshal([]byte(svg), new(struct{ XMLName xml.Name })) != nil || !strings.Contains(svg, "M4 4h7v1") {
		t.Errorf("%v %.300s", err, svg)
	}
}

func TestRecoveryCodes(t *testing.T) {
	codes, member := NewRecoveryCodes(), id.New()
	seen := map[string]bool{}
	for _, c := range codes {
		seen[c] = true
		hash := RecoveryHash(member, c)
		if !bytes.Equal(hash, RecoveryHash(member, " "+strings.ToUpper(strings.ReplaceAll(c, "-", " ")))) {
			t.Error("it must not matter how a code is typed")
		}
		if bytes.Equal(hash, RecoveryHash(id.New(), c)) {
			t.Error("another member's hash is the same")
		}
	}
	if len(seen) != recoveryCodes || len(codes[0]) != 19 {
		t.Errorf("%v", codes)
	}
}

// phone is a software authenticator on one site.
type phone struct {
	site          virtualwebauthn.RelyingParty
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
}

func newPhone(origin string) *phone {
	u, _ := url.Parse(origin)
	return &phone{virtualwebauthn.RelyingParty{Name: "mall", ID: u.Hostname(), Origin: origin},
		virtualwebauthn.NewAuthenticator(), passkeyCredential()}
}

func (p *phone) makes(t *testing.T, options []byte) []byte {
	t.Helper()
	parsed, err := virtualwebauthn.ParseAttestationOptions(fmt.Sprintf(`{"publicKey":%s}`, options))
	if err != nil {
		t.Fatal(err)
	}
	answer := virtualwebauthn.CreateAttestationResponse(p.site, p.authenticator, p.credential, *parsed)
	p.authenticator.AddCredential(p.credential)
	return []byte(answer)
}

func (p *phone) signs(t *testing.T, options []byte) []byte {
	t.Helper()
	parsed, err := virtualwebauthn.ParseAssertionOptions(fmt.Sprintf(`{"publicKey":%s}`, options))
	if err != nil {
		t.Fatal(err)
	}
	p.credential.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(p.site, p.authenticator, p.credential, *parsed))
}

// A passkey is made and used with a real authenticator's signatures; what another site, another challenge, another
// member, another key or a copy signs proves nothing.
func TestPasskeys(t *testing.T) {
	const origin = "https://mall.example"
	site, err := NewPasskeys(origin, "mall")
	if err != nil {
		t.Fatal(err)
	}
	must := func(a, b []byte, err error) ([]byte, []byte) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a, b
	}
	kim := Owner{Member: id.New(), Email: "kim@demo.mall", Name: "김"}
	mine := newPhone(origin)
	options, asked := must(site.BeginAdd(kim))
	if _, _, err := site.Add(kim, asked, newPhone("https://mall.example.evil").makes(t, options)); !errors.Is(err, ErrRefused) {
		t.Errorf("made on another site: %v", err)
	}
	_, other := must(site.BeginAdd(kim))
	made := mine.makes(t, options)
	if _, _, err := site.Add(kim, other, made); !errors.Is(err, ErrRefused) {
		t.Errorf("made for another challenge: %v", err)
	}
	stored, _ := must(site.Add(kim, asked, made))
	if len(stored) > 2000 {
		t.Errorf("%d bytes are kept", len(stored))
	}
	kim.Passkeys = [][]byte{stored}

	options, asked = must(site.BeginUse(kim))
	thief := newPhone(origin)
	thief.credential.ID = mine.credential.ID
	if _, _, err := site.Use(kim, asked, thief.signs(t, options)); !errors.Is(err, ErrRefused) {
		t.Errorf("signed with another key: %v", err)
	}
	elsewhere := *mine
	elsewhere.site.Origin = "https://evil.example"
	if _, _, err := site.Use(kim, asked, elsewhere.signs(t, options)); !errors.Is(err, ErrRefused) {
		t.Errorf("signed for another site: %v", err)
	}
	first := mine.signs(t, options)
	if _, _, err := site.Use(Owner{Member: id.New(), Passkeys: kim.Passkeys}, asked, first); !errors.Is(err, ErrRefused) {
		t.Errorf("for another member: %v", err)
	}
	moved, _ := must(site.Use(kim, asked, first))
	kim.Passkeys = [][]byte{moved}

	options, asked = must(site.BeginUse(kim))
	if _, _, err := site.Use(kim, asked, first); !errors.Is(err, ErrRefused) {
		t.Errorf("an answer to an older challenge: %v", err)
	}
	mine.credential.Counter = 0
	if _, _, err := site.Use(kim, asked, mine.signs(t, options)); !errors.Is(err, ErrRefused) {
		t.Errorf("a copy, whose counter is behind: %v", err)
	}
	for name, text := range map[string]string{"nothing": "", "null": "null", "an empty object": "{}", "a list": "[]", "cut": string(first[:50])} {
		if _, _, err := site.Use(kim, asked, []byte(text)); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPasskeysNeedAName(t *testing.T) {
	for url, want := range map[string]error{"http://127.0.0.1:8080": ErrNoName, "http://[::1]:8080": ErrNoName, "": ErrNoName,
		"http://localhost:8080": nil, "https://mall.example": nil} {
		if _, err := NewPasskeys(url, "mall"); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// passkeyCredential is a new key. The library leaves out zeros that a coordinate begins with, as one key of 128 has them, which no
// authenticator does: such a key is not used.
func passkeyCredential() virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		const whole = "\x58\x20" // a string of 32 bytes, in CBOR
		if bytes.Count(c.Key.AttestationData(), []byte(whole)) >= 2 {
			return c
		}
	}
}
