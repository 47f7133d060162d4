package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"mall/modules/platform/testservers"
	"mall/modules/platform/tlsfiles"
)

// relay is a real SMTP server that keeps what it gets.
type relay struct {
	addr      string
	authority *testservers.Authority // of its certificate
	secure    atomic.Pointer[tls.Config]
	refuse    error // of a recipient

	mu   sync.Mutex
	from []string
	to   []string
	text []string
}

type relaySession struct {
	r     *relay
	known bool
	auth  bool
}

func (s *relaySession) AuthMechanisms() []string {
	if !s.auth {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *relaySession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != "mall" || password != "relay secret" {
			return errors.New("wrong")
		}
		s.known = true
		return nil
	}), nil
}

func (s *relaySession) Mail(from string, _ *smtp.MailOptions) error {
	if s.auth && !s.known {
		return smtp.ErrAuthRequired
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.from = append(s.r.from, from)
	return nil
}

func (s *relaySession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.r.refuse != nil {
		return s.r.refuse
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.to = append(s.r.to, to)
	return nil
}

func (s *relaySession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.text = append(s.r.text, string(text))
	return err
}

func (s *relaySession) Reset()        {}
func (s *relaySession) Logout() error { return nil }

// startRelay serves with STARTTLS, with TLS from the first byte, or in the open ("none"), and may ask for a login.
func startRelay(t *testing.T, how string, auth bool) *relay {
	t.Helper()
	r := &relay{authority: testservers.NewAuthority(t)}
	r.identify(t, nil)
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &relaySession{r: r, auth: auth}, nil
	}))
	server.Domain, server.AllowInsecureAuth, server.ErrorLog = "relay.test", how == "none", log.New(io.Discard, "", 0)
	secure := &tls.Config{MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return r.secure.Load(), nil }}
	var l net.Listener
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	switch how {
	case "starttls":
		server.TLSConfig = secure
	case "tls":
		l = tls.NewListener(l, secure)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return r
}

// identify gives the relay a certificate of its authority, and asks clients for one of theirs, if there is such.
func (r *relay) identify(t *testing.T, clients *testservers.Authority) {
	t.Helper()
	own, err := tls.LoadX509KeyPair(r.authority.Issue("relay.test"))
	if err != nil {
		t.Fatal(err)
	}
	secure := &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		text, err := os.ReadFile(clients.File)
		if err != nil {
			t.Fatal(err)
		}
		secure.ClientCAs, secure.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		secure.ClientCAs.AppendCertsFromPEM(text)
	}
	r.secure.Store(secure)
}

func sender(t *testing.T, r *relay, change func(*Config)) *SMTP {
	t.Helper()
	c := Config{SMTPAddr: r.addr, TLS: "starttls", From: "달빛몰 <no-reply@mall.test>",
		TLSFiles: tlsfiles.Config{CA: r.authority.File, ServerName: "relay.test"}}
	if change != nil {
		change(&c)
	}
	if c.TLS == "none" {
		c.TLSFiles = tlsfiles.Config{}
	}
	s, err := NewSMTP(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var hello = Letter{To: "kim@demo.mall", Subject: "새 비밀번호 · Set a new password", Text: "안녕하세요\nhttps://mall.test/reset-password#token=abc\n.\nend\n"}

func TestALetterArrivesAsItWasWritten(t *testing.T) {
	for name, c := range map[string]struct {
		how  string
		auth bool
	}{"starttls": {"starttls", false}, "starttls, login": {"starttls", true}, "tls": {"tls", false}, "tls, login": {"tls", true}, "none": {"none", false}, "none, login": {"none", true}} {
		t.Run(name, func(t *testing.T) {
			r := startRelay(t, c.how, c.auth)
			s := sender(t, r, func(cfg *Config) {
				cfg.TLS = c.how
				if c.auth {
					cfg.Username, cfg.Password = "mall", "relay secret"
				}
			})
			if err := s.Send(t.Context(), hello); err != nil {
				t.Fatal(err)
			}
			if len(r.text) != 1 || r.to[0] != hello.To || r.from[0] != "no-reply@mall.test" {
				t.Fatalf("from %v to %v, %d letters", r.from, r.to, len(r.text))
			}
			got, err := netmail.ReadMessage(strings.NewReader(r.text[0]))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
			if err != nil || subject != hello.Subject {
				t.Errorf("subject %q %v", subject, err)
			}
			body, err := io.ReadAll(quotedprintable.NewReader(got.Body))
			if err != nil || strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n") != strings.TrimRight(hello.Text, "\n") {
				t.Errorf("text %q %v", body, err)
			}
			if got.Header.Get("Auto-Submitted") != "auto-generated" || got.Header.Get("Date") == "" || got.Header.Get("Message-Id") == "" {
				t.Errorf("headers %v", got.Header)
			}
		})
	}
}

// Nothing is sent in the open when TLS is asked for: not to a relay that does not offer it, nor to one whose certificate
// nobody has signed; and no error tells whom the letter was for.
func TestALetterIsNotSentInTheOpen(t *testing.T) {
	for name, c := range map[string]struct {
		how, asked string
		trusted    bool
	}{"no STARTTLS": {"none", "starttls", true}, "no TLS": {"none", "tls", true}, "unknown certificate": {"starttls", "starttls", false}, "unknown certificate, TLS": {"tls", "tls", false}} {
		t.Run(name, func(t *testing.T) {
			r := startRelay(t, c.how, false)
			if !c.trusted {
				r.authority = testservers.NewAuthority(t)
			}
			err := sender(t, r, func(cfg *Config) { cfg.TLS = c.asked }).Send(t.Context(), hello)
			var refused Refused
			if err == nil || errors.As(err, &refused) || strings.Contains(err.Error(), "@") || len(r.text)+len(r.to) != 0 {
				t.Errorf("%v, %d letters", err, len(r.text))
			}
		})
	}
}

// A relay that asks for our certificate gets it, and the one that has taken its place from the next letter on.
func TestARelayAsksWhoWeAre(t *testing.T) {
	for _, how := range []string{"starttls", "tls"} {
		t.Run(how, func(t *testing.T) {
			r := startRelay(t, how, false)
			ours := testservers.NewAuthority(t)
			r.identify(t, ours)
			cert, key := ours.Issue("mall.test")
			authority := r.authority.File
			named := func(c *Config) { c.TLS, c.TLSFiles.Cert, c.TLSFiles.Key = how, cert, key }
			s := sender(t, r, named)
			if err := s.Send(t.Context(), hello); err != nil || len(r.text) != 1 {
				t.Fatalf("%v, %d letters", err, len(r.text))
			}
			for name, change := range map[string]func(*Config){
				"no certificate": func(c *Config) { c.TLS = how },
				"another's certificate": func(c *Config) {
					c.TLS = how
					c.TLSFiles.Cert, c.TLSFiles.Key = testservers.NewAuthority(t).Issue("mall.test")
				},
				"another server's name": func(c *Config) { named(c); c.TLSFiles.ServerName = "other.test" },
			} {
				err := sender(t, r, change).Send(t.Context(), hello)
				var refused Refused
				if err == nil || errors.As(err, &refused) || len(r.text) != 1 {
					t.Errorf("%s: %v, %d letters", name, err, len(r.text))
				}
				if name == "no certificate" && !strings.Contains(err.Error(), "it refuses us: tls: certificate required") {
					t.Errorf("%s: %v", name, err)
				}
			}
			renewed := testservers.NewAuthority(t)
			r.authority = renewed
			r.identify(t, renewed)
			if err := s.Send(t.Context(), hello); err == nil {
				t.Error("the relay's new authority is believed")
			}
			newCert, newKey := renewed.Issue("mall.test")
			testservers.Replace(t, map[string]string{renewed.File: authority, newCert: cert, newKey: key})
			if err := s.Send(t.Context(), hello); err != nil || len(r.text) != 2 {
				t.Errorf("with new certificates: %v, %d letters", err, len(r.text))
			}
		})
	}
}

func TestARefusedLetterIsToldFromOneToTryAgain(t *testing.T) {
	r := startRelay(t, "starttls", false)
	s := sender(t, r, nil)
	for code, permanent := range map[int]bool{550: true, 451: false} {
		r.refuse = &smtp.SMTPError{Code: code, Message: "no such user <kim@demo.mall>"}
		err := s.Send(t.Context(), hello)
		var refused Refused
		if errors.As(err, &refused) != permanent || err == nil || strings.Contains(err.Error(), "kim") {
			t.Errorf("%d: %v", code, err)
		}
	}
	wrong := sender(t, startRelay(t, "starttls", true), func(c *Config) { c.Username, c.Password = "mall", "wrong" })
	var refused Refused
	if err := wrong.Send(t.Context(), hello); err == nil || errors.As(err, &refused) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong login of ours: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Send(ctx, hello); err == nil {
		t.Error("sent after the end")
	}
}

// Whatever an address or a subject holds, the letter has one head.
func TestNoHeaderCanBeInjected(t *testing.T) {
	r := startRelay(t, "starttls", false)
	s := sender(t, r, nil)
	for name, l := range map[string]Letter{
		"to":      {To: "kim@demo.mall\r\nBcc: all@demo.mall", Subject: "x", Text: "x"},
		"two":     {To: "kim@demo.mall, lee@demo.mall", Subject: "x", Text: "x"},
		"named":   {To: "Kim <kim@demo.mall>", Subject: "x", Text: "x"},
		"subject": {To: "kim@demo.mall", Subject: "x\r\nBcc: all@demo.mall", Text: "x"},
		"bare LF": {To: "kim@demo.mall", Subject: "x\nBcc: all@demo.mall", Text: "x"},
		"NUL":     {To: "kim@demo.mall", Subject: "x\x00", Text: "x"},
		"nobody":  {To: "", Subject: "x", Text: "x"},
	} {
		if err := s.Send(t.Context(), l); err == nil {
			t.Errorf("%s was sent", name)
		}
	}
	if len(r.to) != 0 {
		t.Errorf("the relay was asked for %v", r.to)
	}
	// Dots and commands in the text stay text.
	if err := s.Send(t.Context(), Letter{To: "kim@demo.mall", Subject: "x", Text: "a\r\n.\r\nMAIL FROM:<x@y.kr>\r\nRCPT TO:<lee@demo.mall>\r\n"}); err != nil {
		t.Fatal(err)
	}
	if len(r.text) != 1 || len(r.to) != 1 {
		t.Errorf("%d letters to %v", len(r.text), r.to)
	}
}

func TestCheck(t *testing.T) {
	good := Config{SMTPAddr: "relay.example:587", TLS: "starttls", From: "mall@example.com"}
	for name, change := range map[string]func(*Config){
		"no port": func(c *Config) { c.SMTPAddr = "relay.example" }, "no sender": func(c *Config) { c.From = "" },
		"two senders": func(c *Config) { c.From = "a@b.kr, c@d.kr" }, "open": func(c *Config) { c.TLS = "none" },
		"half a login": func(c *Config) { c.Username = "mall" }, "no such authority": func(c *Config) { c.TLSFiles.CA = "nowhere.pem" },
		"TLS to nobody": func(c *Config) { *c = Config{TLSFiles: tlsfiles.Config{ServerName: "x"}} },
		"TLS and none":  func(c *Config) { c.SMTPAddr, c.TLS, c.TLSFiles.ServerName = "127.0.0.1:25", "none", "x" }, "off and on": func(c *Config) { c.Off = true },
	} {
		c := good
		if change(&c); c.Check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	if err := (Config{}).Check(); err != nil {
		t.Error(err)
	}
}
