package token

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"mall/modules/platform/id"
)

const other = "w8Zc5RjT1uXn6VbM3qKe9LsD7yGh2FpA"

func anySecret(string) error { return nil }

func keysOf(t *testing.T, text string) Keys {
	t.Helper()
	keys, err := ParseKeys(text, anySecret)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestParseKeysRefuses(t *testing.T) {
	refuse := func(s string) error {
		if len(s) < 32 {
			return errors.New("too short")
		}
		return nil
	}
	for _, text := range []string{"", "new:", "short", "new:short," + secret, secret + "," + secret, "a:" + secret + ",a:" + other, "a:" + secret + ",b:" + secret, secret + ","} {
		if _, err := ParseKeys(text, refuse); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseKeys(" new:"+secret+" , "+other, refuse); err != nil {
		t.Error(err)
	}
}

// A secret is replaced while its tokens are about: each step of the list reads what the step before it has issued.
func TestASecretIsReplacedStepByStep(t *testing.T) {
	now := noon
	access := func(keys string) *Access {
		return NewAccess(keysOf(t, keys), "mall", "mall-api", 10*time.Minute, func() time.Time { return now })
	}
	steps := []string{secret, "old:" + secret + ",new:" + other, "new:" + other + ",old:" + secret, "new:" + other, other}
	for i, step := range steps {
		text, err := access(step).Issue(id.New(), id.New())
		if err != nil {
			t.Fatal(err)
		}
		for j := max(0, i-1); j <= min(i+1, len(steps)-1); j++ { // instances change one after the other
			if _, err := access(steps[j]).Read(text); err != nil {
				t.Errorf("issued at step %d, read at step %d: %v", i, j, err)
			}
		}
	}
	text, err := access(secret).Issue(id.New(), id.New())
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{other, "new:" + other, "old:" + other} {
		if _, err := access(gone).Read(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("a token of a secret that is gone, read with %q: %v", gone[:4], err)
		}
	}
}

func TestPurposesShareNoKey(t *testing.T) {
	keys := keysOf(t, "new:"+other+",old:"+secret)
	links, relay := keys.Derive("links"), keys.Derive("relay")
	if len(links) != 2 || bytes.Equal(links[0], relay[0]) || bytes.Equal(links[0], links[1]) || bytes.Contains(links[1], []byte(secret)) {
		t.Errorf("links %x, relay %x", links, relay)
	}
	if again := keysOf(t, secret).Derive("links"); !bytes.Equal(again[0], links[1]) {
		t.Error("the name of a secret is part of what is derived from it")
	}
}

func TestLinksOfAnOlderSecretAreGood(t *testing.T) {
	b := Bound{Kind: "reset", Member: id.New(), Expires: noon}
	row := id.New()
	text := NewLinks(keysOf(t, secret)).Make(row, b)
	if n := len(text); n < 20 || n > 200 {
		t.Errorf("%d characters do not fit the API's 20..200", n)
	}
	link, ok := ParseLink(text)
	if !ok || link.ID != row {
		t.Fatalf("ParseLink = %v, %v", link, ok)
	}
	if !NewLinks(keysOf(t, other+","+secret)).Is(link, b) || NewLinks(keysOf(t, other)).Is(link, b) {
		t.Error("a link must be good while its secret is in the list, and no longer")
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add(NewLinks(Keys{list: []key{{secret: []byte(secret)}}}).Make(id.New(), Bound{}))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if l, ok := ParseLink(text); ok {
			if again := encoding.EncodeToString(append(l.ID[:], l.proof[:]...)); again != text {
				t.Errorf("%q has a second spelling %q", text, again)
			}
		}
	})
}
