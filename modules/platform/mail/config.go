package mail

import (
	"errors"
	"fmt"
	"net"
	netmail "net/mail"

	"mall/modules/platform/tlsfiles"
)

// Config says how letters leave the mall.
type Config struct {
	SMTPAddr string `koanf:"smtp_addr"` // host:port of the relay; empty: letters do not leave
	Username string `koanf:"username"`
	Password string `koanf:"password"` // from the environment only
	TLS      string `koanf:"tls" validate:"oneof=starttls tls none"`
	From     string `koanf:"from"` // the sender: an address, or Name <address>
	Off      bool   `koanf:"off"`  // said on purpose: this mall sends no letters

	TLSFiles tlsfiles.Config `koanf:",squash"`
}

// Check finds what tags cannot say. The error names the key.
func (c Config) Check() error {
	if c.SMTPAddr == "" {
		if !c.TLSFiles.Empty() {
			return errors.New("mail.smtp_addr: must be set for the settings of TLS to mean anything")
		}
		return nil
	}
	host, _, err := net.SplitHostPort(c.SMTPAddr)
	switch {
	case c.Off:
		return errors.New("mail.off: letters cannot be off and have an smtp_addr")
	case err != nil:
		return fmt.Errorf("mail.smtp_addr: %q is not host:port", c.SMTPAddr)
	case c.TLS == "none" && tlsfiles.WayTo(host) != tlsfiles.Machine:
		return errors.New("mail.tls: none would send letters, and the links in them, in the open; only a relay on this machine may be reached so")
	case (c.Username == "") != (c.Password == ""):
		return errors.New("mail.username: a username and a password go together")
	}
	if _, err := netmail.ParseAddress(c.From); err != nil {
		return fmt.Errorf("mail.from: %q is not an address, as mall@example.com or The mall <mall@example.com>", c.From)
	}
	return c.TLSFiles.Check("mail", c.TLS != "none")
}
