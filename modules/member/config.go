package member

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config is how people log in and for how long.
type Config struct {
	// TokenSecret signs access tokens. From the environment only. All instances share it; changing it makes API
	// clients refresh, nobody is logged out.
	TokenSecret   string        `koanf:"token_secret" validate:"required"`
	TokenIssuer   string        `koanf:"token_issuer" validate:"required"`
	TokenAudience string        `koanf:"token_audience" validate:"required"`
	AccessLife    time.Duration `koanf:"access_life" validate:"min=1m,max=1h"`     // of an access token
	RefreshIdle   time.Duration `koanf:"refresh_idle" validate:"min=1h,max=2160h"` // an API session unused for so long ends
	RefreshGrace  time.Duration `koanf:"refresh_grace" validate:"min=0s,max=2m"`   // a used refresh token may be sent again for so long, in case its answer was lost
	WebIdle       time.Duration `koanf:"web_idle" validate:"min=1h,max=2160h"`     // a web session unused for so long ends
	SessionMax    time.Duration `koanf:"session_max" validate:"min=1h,max=8760h"`  // any session ends after so long
	HashWait      time.Duration `koanf:"hash_wait" validate:"min=100ms,max=10s"`   // a login waits so long for its turn to be hashed
	LoginTries    int           `koanf:"login_tries" validate:"min=3,max=1000"`    // wrong passwords for one e-mail within login_window
	LoginWindow   time.Duration `koanf:"login_window" validate:"min=1m,max=24h"`   // see login_tries
	// SecondFactor says of whom one is demanded: optional (nobody), operators, staff (and operators); auto is operators,
	// but optional with the embedded database.
	SecondFactor string        `koanf:"second_factor" validate:"oneof=auto optional operators staff"`
	StepUpLife   time.Duration `koanf:"step_up_life" validate:"min=1m,max=24h"` // who has proved who they are need not again for so long
	Cookie       Cookie        `koanf:"-"`                                      // set by the program: it follows from how people reach the mall
	PublicURL    string        `koanf:"-"`                                      // set by the program: where people find the mall
}

// demands says whether a second factor is demanded of who has such roles.
func (c Config) demands(operator, staff bool) bool {
	switch c.SecondFactor {
	case "operators":
		return operator
	case "staff":
		return operator || staff
	default:
		return false
	}
}

// Cookie is what the browser keeps of a web session.
type Cookie struct {
	Name   string // __Host-… needs Secure
	Secure bool   // people come by https
}

// Check finds what tags cannot say. The error names the key.
func (c Config) Check() error {
	if err := CheckSecret(c.TokenSecret); err != nil {
		return fmt.Errorf("member.token_secret: %w", err)
	}
	if c.RefreshIdle > c.SessionMax {
		return fmt.Errorf("member.refresh_idle: %v is longer than session_max %v", c.RefreshIdle, c.SessionMax)
	}
	if c.WebIdle > c.SessionMax {
		return fmt.Errorf("member.web_idle: %v is longer than session_max %v", c.WebIdle, c.SessionMax)
	}
	if c.Cookie.Name == "" {
		return errors.New("member: the session cookie has no name")
	}
	if strings.HasPrefix(c.Cookie.Name, "__") && !c.Cookie.Secure {
		return fmt.Errorf("member: browsers refuse the cookie name %s without https", c.Cookie.Name)
	}
	return nil
}

const (
	minSecret   = 32
	minDistinct = 9 // 32 random hex digits have fewer once in a hundred thousand times
)

// wellKnown are pieces of the secrets that documentation and tutorials give.
var wellKnown = []string{"secret", "password", "changeme", "change-me", "change_me", "example", "default", "mysecret",
	"your-256-bit", "qwerty", "abcdefgh", "0123456789", "1234567890", "test-", "demo-"}

// CheckSecret says why a secret must not sign tokens: shorter than 32 bytes, repeated, or well known. The error
// never shows the secret.
func CheckSecret(secret string) error {
	if len(secret) < minSecret {
		return fmt.Errorf("%d bytes are too few: want at least %d random ones (openssl rand -hex 32)", len(secret), minSecret)
	}
	if distinct(secret) < minDistinct || repeats(secret) {
		return errors.New("it repeats itself: want random bytes (openssl rand -hex 32)")
	}
	lower := strings.ToLower(secret)
	for _, w := range wellKnown {
		if strings.Contains(lower, w) {
			return errors.New("it contains a word that everybody tries: want random bytes (openssl rand -hex 32)")
		}
	}
	return nil
}

func distinct(s string) int {
	seen := map[byte]bool{}
	for i := range len(s) {
		seen[s[i]] = true
	}
	return len(seen)
}

// repeats says whether s is a shorter text written again and again.
func repeats(s string) bool { return strings.Contains((s + s)[1:2*len(s)-1], s) }
