package member

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"mall/modules/member/internal/token"
)

// Config is how people log in and for how long.
type Config struct {
	// TokenSecret signs access tokens and mailed links: one secret, or a list, "new:SECRET,old:SECRET", of which the first
	// signs and all verify. From the environment only. All instances share it; changing it makes API clients refresh,
	// nobody is logged out.
	TokenSecret   string        `koanf:"token_secret" validate:"required"`
	TokenIssuer   string        `koanf:"token_issuer" validate:"required"`
	TokenAudience string        `koanf:"token_audience" validate:"required"`
	AccessLife    time.Duration `koanf:"access_life" validate:"min=1m,max=1h"`     // of an access token
	RefreshIdle   time.Duration `koanf:"refresh_idle" validate:"min=1h,max=2160h"` // an API session unused for so long ends
	RefreshGrace  time.Duration `koanf:"refresh_grace" validate:"min=0s,max=2m"`   // a used refresh token may be sent again for so long, in case its answer was lost
	WebIdle       time.Duration `koanf:"web_idle" validate:"min=1h,max=2160h"`     // a web session unused for so long ends
	SessionMax    time.Duration `koanf:"session_max" validate:"min=1h,max=8760h"`  // any session ends after so long
	HashWait      time.Duration `koanf:"hash_wait" validate:"min=100ms,max=10s"`   // a login waits so long for its turn to be hashed
	LoginTries    int           `koanf:"login_tries" validate:"min=3,max=1000"`    // wrong passwords from one address for one e-mail within login_window
	LoginWindow   time.Duration `koanf:"login_window" validate:"min=1m,max=24h"`   // see login_tries

	LoginTriesPerIP      int           `koanf:"login_tries_per_ip" validate:"min=0,max=100000"`      // wrong passwords from one address, whatever the e-mail; 0: 100
	LoginTriesPerAccount int           `koanf:"login_tries_per_account" validate:"min=0,max=100000"` // wrong passwords for one e-mail from everywhere; 0: 100
	ResetLife            time.Duration `koanf:"reset_life" validate:"min=0,max=24h"`                 // of a link that sets a new password; 0: 30m
	ProofLife            time.Duration `koanf:"proof_life" validate:"min=0,max=168h"`                // of a link that proves an e-mail address; 0: 24h
	ShopsPerDay          int           `koanf:"shops_per_day" validate:"min=0,max=1000"`             // one member may open; 0: 10
	InvitationsPerDay    int           `koanf:"invitations_per_day" validate:"min=0,max=100000"`     // one shop may make; 0: 50

	// SecondFactor says of whom one is demanded: optional (nobody), operators, staff (and operators); auto is operators,
	// but optional with the embedded database. Empty: optional.
	SecondFactor string        `koanf:"second_factor" validate:"omitempty,oneof=auto optional operators staff"`
	StepUpLife   time.Duration `koanf:"step_up_life" validate:"min=0,max=24h"` // a proof of who one is lasts so long; 0: 10m

	// What the program sets: it follows from how people reach the mall, and from whether letters reach people.
	Cookie        Cookie `koanf:"-"`
	PublicURL     string `koanf:"-"` // as people type it; what mailed links begin with, and what passkeys are made for
	ProofForShops bool   `koanf:"-"` // who opens a shop has proved their e-mail address
}

// withDefaults fills in what was left at zero.
func (c Config) withDefaults() Config {
	c.LoginTriesPerIP = cmp.Or(c.LoginTriesPerIP, 100)
	c.LoginTriesPerAccount = cmp.Or(c.LoginTriesPerAccount, 100)
	c.ResetLife = cmp.Or(c.ResetLife, 30*time.Minute)
	c.ProofLife = cmp.Or(c.ProofLife, 24*time.Hour)
	c.ShopsPerDay = cmp.Or(c.ShopsPerDay, 10)
	c.InvitationsPerDay = cmp.Or(c.InvitationsPerDay, 50)
	c.StepUpLife = cmp.Or(c.StepUpLife, 10*time.Minute)
	return c
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
	if _, err := c.Keys(); err != nil {
		return err
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

// Keys are the secrets of the setting token_secret.
type Keys = token.Keys

// Keys reads TokenSecret. The error names the setting and shows no secret.
func (c Config) Keys() (Keys, error) {
	keys, err := token.ParseKeys(c.TokenSecret, CheckSecret)
	if err != nil {
		return keys, fmt.Errorf("member.token_secret: %w", err)
	}
	return keys, nil
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
