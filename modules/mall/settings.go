package mall

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mall/configs"
	"mall/modules/chat"
	"mall/modules/member"
	"mall/modules/order"
	"mall/modules/platform/config"
	"mall/modules/platform/db"
	"mall/modules/platform/httpserver"
	"mall/modules/platform/mail"
	"mall/modules/platform/outbox"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/telemetry"
)

// Settings is the list of the parts' own settings; configs/default.yaml explains each key.
type Settings struct {
	Data        string           `koanf:"data" validate:"required"`
	Demo        string           `koanf:"demo" validate:"oneof=auto true false"`
	DemoExposed bool             `koanf:"demo_exposed"`
	Log         telemetry.Config `koanf:"log"`
	HTTP        HTTPSettings     `koanf:"http"`
	DB          DBSettings       `koanf:"db"`
	Redis       pubsub.Config    `koanf:"redis"`
	Member      member.Config    `koanf:"member"`
	Mail        mail.Config      `koanf:"mail"`
	Order       order.Config     `koanf:"order"`
	Outbox      outbox.Config    `koanf:"outbox"`
	Chat        chat.Config      `koanf:"chat"`
}

// HTTPSettings are the server's, and what the mall itself does about its addresses.
type HTTPSettings struct {
	httpserver.Config `koanf:",squash"`

	DrainDelay      time.Duration `koanf:"drain_delay" validate:"min=0,max=1m"`
	Plain           bool          `koanf:"plain"`            // public_url may be http for others than this machine
	InternalExposed bool          `koanf:"internal_exposed"` // internal_addr may be reachable from everywhere
}

// DBSettings are the database's, and what the mall wants of it.
type DBSettings struct {
	db.Config `koanf:",squash"`

	Migrate bool `koanf:"migrate"`
	Strict  bool `koanf:"strict"`
}

// SettingsError is a mistake of whoever set the mall up: one line for the operator, which names the key at fault.
type SettingsError struct{ Err error }

func (e *SettingsError) Error() string { return e.Err.Error() }

// Unwrap gives what is wrong.
func (e *SettingsError) Unwrap() error { return e.Err }

// Load reads and completes the settings of a file and of MALL_ variables, either of which may be empty. The error is a
// *SettingsError.
func Load(file string, environ []string) (Settings, error) {
	s, err := load(file, environ)
	if err != nil {
		return s, &SettingsError{err}
	}
	return s, nil
}

func load(file string, environ []string) (Settings, error) {
	var s Settings
	if err := config.Load(configs.Default, file, environ, &s); err != nil {
		return s, err
	}
	if s.Embedded() {
		if err := s.completeEmbedded(); err != nil {
			return s, err
		}
	}
	if err := config.Check(&s); err != nil {
		return s, err
	}
	if s.DB.Driver == db.MySQL && s.Redis.Embedded() {
		return s, errors.New("redis.addr: must be set with db.driver mysql (instances reach each other through Redis)")
	}
	if s.HTTP.PublicURL == "" {
		s.HTTP.PublicURL = "http://" + s.HTTP.Addr
	}
	s.secondFactor()
	s.HTTP.SpareFiles = s.DB.Files() + s.Redis.Files()
	secure := strings.HasPrefix(s.HTTP.PublicURL, "https://")
	if s.HTTP.CookieName == "" {
		s.HTTP.CookieName = cookieName(secure)
	}
	s.Member.Cookie = member.Cookie{Name: s.HTTP.CookieName, Secure: secure}
	s.Member.PublicURL, s.Member.ProofForShops = s.HTTP.PublicURL, s.Mail.SMTPAddr != ""
	return s, errors.Join(s.HTTP.Check(), s.DB.Check(), s.Redis.Check(), s.Member.Check())
}

// cookieName is the strongest that browsers take: the prefix keeps other hosts of the domain from setting the cookie.
func cookieName(secure bool) string {
	if secure {
		return "__Host-mall_session"
	}
	return "mall_session"
}

// secondFactor says of whom a second factor is demanded where nobody has said it: whoever tries the mall out at home has none.
func (s *Settings) secondFactor() {
	switch {
	case s.Member.SecondFactor != "auto":
	case s.Embedded():
		s.Member.SecondFactor = "optional"
	default:
		s.Member.SecondFactor = "operators"
	}
}

// Embedded says whether the database is in this process.
func (s *Settings) Embedded() bool { return s.DB.Driver == db.SQLite }

// IsDemo says whether the mall shows demo data.
func (s *Settings) IsDemo() bool { return s.Demo == "true" || s.Demo == "auto" && s.Embedded() }

// completeEmbedded fills in what a mall without servers keeps in its data folder, and that it may play with money.
func (s *Settings) completeEmbedded() error {
	if s.Order.Payments == "" {
		s.Order.Payments = paymentsDemo
	}
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if s.DB.Path == "" {
		s.DB.Path = filepath.Join(s.Data, "mall.db")
	}
	if s.Member.TokenSecret != "" {
		return nil
	}
	secret, err := keptSecret(filepath.Join(s.Data, "token_secret"))
	s.Member.TokenSecret = secret
	return err
}

// keptSecret reads the secret that an earlier start made, or makes one.
func keptSecret(file string) (string, error) {
	text, err := os.ReadFile(file) //nolint:gosec // a file of our own data folder
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("token secret: %w", err)
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("token secret: %w", err)
	}
	secret := hex.EncodeToString(random)
	return secret, os.WriteFile(file, []byte(secret+"\n"), 0o600)
}
