package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"mall/modules/platform/tlsfiles"
)

// smtpTimeout bounds each step of a delivery.
const smtpTimeout = 8 * time.Second

// SMTP sends letters through a relay, a connection each.
type SMTP struct {
	host    string
	options []gomail.Option
	from    *netmail.Address
	files   *tlsfiles.Files
}

// NewSMTP makes the sender of a Config with an SMTPAddr. Nothing is dialled yet. log hears of certificates that are
// replaced meanwhile.
func NewSMTP(c Config, log *slog.Logger) (*SMTP, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	host, portText, err := net.SplitHostPort(c.SMTPAddr)
	if err != nil {
		return nil, fmt.Errorf("mail.smtp_addr: %w", err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("mail.smtp_addr: port %q", portText)
	}
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("mail.from: %w", err)
	}
	files, err := tlsfiles.Open("mail", c.TLSFiles, log)
	if err != nil {
		return nil, err
	}
	s := &SMTP{host: host, from: from, files: files, options: []gomail.Option{
		gomail.WithPort(port), gomail.WithTimeout(smtpTimeout), gomail.WithoutNoop(),
	}}
	switch c.TLS {
	case "tls":
		s.options = append(s.options, gomail.WithSSL())
	case "none":
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.NoTLS))
	default: // a relay that offers no STARTTLS, or from which somebody has taken the offer away, gets nothing
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if c.Username != "" {
		auth := gomail.SMTPAuthAutoDiscover
		if c.TLS == "none" {
			auth = gomail.SMTPAuthPlainNoEnc // to this machine only, as Check has seen to
		}
		s.options = append(s.options, gomail.WithSMTPAuth(auth), gomail.WithUsername(c.Username), gomail.WithPassword(c.Password))
	}
	_, err = s.client()
	return s, err
}

// client is one letter's.
func (s *SMTP) client() (*gomail.Client, error) {
	return gomail.NewClient(s.host, append(slices.Clip(s.options), gomail.WithTLSConfig(s.files.Client(s.host)))...)
}

// Refused says that a relay will not take a letter, now or later.
type Refused struct{ Code int }

func (e Refused) Error() string {
	return fmt.Sprintf("mail: the relay refuses the letter: SMTP code %d", e.Code)
}

// Send hands a letter to the relay. Errors: Refused for what no other try helps; anything else may be tried again. No
// error tells the address: a relay's own words may, so they are left out.
func (s *SMTP) Send(ctx context.Context, l Letter) error {
	m, err := s.message(l)
	if err != nil {
		return err
	}
	client, err := s.client()
	if err != nil {
		return errors.New("mail: the relay's settings are not usable")
	}
	if err = client.DialAndSendWithContext(ctx, m); err == nil {
		return nil
	}
	var failed *gomail.SendError
	if errors.As(err, &failed) {
		if code := failed.ErrorCode(); code >= 500 {
			return Refused{code}
		}
		return fmt.Errorf("mail: the relay did not take the letter: SMTP code %d", failed.ErrorCode())
	}
	return fmt.Errorf("mail: the relay cannot be reached: %s", reason(err))
}

// reason is the kind of a failed connection, in words of ours.
func reason(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "no answer in time"
	case errors.As(err, &dns):
		return "its name is unknown"
	case errors.As(err, &certificate):
		return "its certificate is not trusted"
	default:
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "remote error" { // an alert of TLS, in words that the protocol knows
			return "it refuses us: " + op.Err.Error()
		} else if op != nil {
			return op.Op + " failed"
		}
		return "TLS or the login failed"
	}
}

// errLetter is for a letter that would say more than one thing in its head.
var errLetter = errors.New("mail: an address or a subject that is not one line")

func (s *SMTP) message(l Letter) (*gomail.Msg, error) {
	to, err := netmail.ParseAddress(l.To)
	if err != nil || to.Address != l.To || strings.ContainsAny(l.To+l.Subject, "\r\n\x00") {
		return nil, errLetter
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(s.from)
	m.ToMailAddress(to)
	m.Subject(l.Subject)
	m.SetDate()
	m.SetMessageID()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answers from machines
	m.SetBodyString(gomail.TypeTextPlain, l.Text)
	return m, nil
}
