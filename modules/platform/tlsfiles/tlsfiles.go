// Package tlsfiles encrypts connections to the servers that the mall dials, with certificates from files that may be
// replaced while it runs: each new connection takes what the files hold then.
package tlsfiles

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Config names the files of one server's connections. It is squashed into the settings of whoever dials.
type Config struct {
	CA         string `koanf:"tls_ca"`          // of the authorities that are believed; empty: the system's
	ServerName string `koanf:"tls_server_name"` // in the server's certificate; empty: the host that is dialled
	Cert       string `koanf:"tls_cert"`        // of our own certificate, where the server asks for one
	Key        string `koanf:"tls_key"`         // of its key
}

// Empty says that nothing is set.
func (c Config) Empty() bool { return c == Config{} }

// Files are read anew for each connection: they are small, a connection is dear, and a time of change that is coarser than
// two changes cannot mislead.
type Files struct {
	section string
	cfg     Config
	log     *slog.Logger

	mu     sync.Mutex
	tried  content // what was read last, good or not
	failed string  // why it is not used; empty: it is
	good   material
}

// content is what the files hold, and material what is made of it.
type (
	content  struct{ ca, cert, key []byte }
	material struct {
		roots *x509.CertPool // nil: the system's
		own   []tls.Certificate
	}
)

// Open reads the files. section is that of the settings: the error is one line that begins with the key at fault. What
// is wrong with later versions of the files is told to log.
func Open(section string, cfg Config, log *slog.Logger) (*Files, error) {
	f := &Files{section: section, cfg: cfg, log: log}
	read, err := f.read()
	if err != nil {
		return nil, err
	}
	f.tried = read
	if f.good, err = f.parse(read); err == nil && f.good.ended() && log != nil {
		log.Error("our own certificate has ended", "section", section, "ended", f.good.ends())
	}
	return f, err
}

// Client is how one connection to host is made. It holds what the files hold now, or held before something was wrong with
// them.
func (f *Files) Client(host string) *tls.Config {
	now := f.current()
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: cmp.Or(f.cfg.ServerName, host), RootCAs: now.roots, Certificates: now.own}
}

func (f *Files) current() material {
	f.mu.Lock()
	defer f.mu.Unlock()
	read, err := f.read()
	if err == nil && read.equal(f.tried) && f.failed == "" {
		return f.good
	}
	var fresh material
	if err == nil {
		fresh, err = f.parse(read)
	}
	if err == nil && fresh.ended() && !f.good.ended() {
		err = fmt.Errorf("%s.tls_cert: has ended on %s", f.section, fresh.ends())
	}
	if err != nil {
		f.refuse(read, err)
		return f.good
	}
	f.tried, f.failed, f.good = read, "", fresh
	f.log.Info("other TLS files are used from now on", "section", f.section, "certificate_ends", fresh.ends())
	return fresh
}

// refuse tells of files that cannot be used, each state of them once.
func (f *Files) refuse(read content, err error) {
	if f.failed == err.Error() && read.equal(f.tried) {
		return
	}
	f.tried, f.failed = read, err.Error()
	f.log.Error("TLS files cannot be used; what they held before is used on, until the next start", "error", err)
}

func (f *Files) read() (c content, err error) {
	for _, x := range []struct {
		key, path string
		into      *[]byte
	}{{"tls_ca", f.cfg.CA, &c.ca}, {"tls_cert", f.cfg.Cert, &c.cert}, {"tls_key", f.cfg.Key, &c.key}} {
		if x.path == "" {
			continue
		}
		text, err := os.ReadFile(x.path)
		if err != nil {
			return content{}, fmt.Errorf("%s.%s: %w", f.section, x.key, err)
		}
		*x.into = text
	}
	return c, nil
}

func (f *Files) parse(c content) (m material, err error) {
	if f.cfg.CA != "" {
		if m.roots = x509.NewCertPool(); !m.roots.AppendCertsFromPEM(c.ca) {
			return material{}, fmt.Errorf("%s.tls_ca: holds no certificate", f.section)
		}
	}
	if f.cfg.Cert == "" && f.cfg.Key == "" {
		return m, nil
	}
	if f.cfg.Cert == "" || f.cfg.Key == "" {
		return material{}, fmt.Errorf("%s.tls_cert, %s.tls_key: a certificate and its key go together", f.section, f.section)
	}
	own, err := tls.X509KeyPair(c.cert, c.key)
	if err != nil {
		return material{}, fmt.Errorf("%s.tls_cert, %s.tls_key: %w", f.section, f.section, err)
	}
	m.own = []tls.Certificate{own}
	return m, nil
}

func (c content) equal(o content) bool {
	return bytes.Equal(c.ca, o.ca) && bytes.Equal(c.cert, o.cert) && bytes.Equal(c.key, o.key)
}

func (m material) ended() bool { return len(m.own) > 0 && time.Now().After(m.own[0].Leaf.NotAfter) }

// ends is when our own certificate does; empty where there is none.
func (m material) ends() string {
	if len(m.own) == 0 {
		return ""
	}
	return m.own[0].Leaf.NotAfter.UTC().Format(time.DateTime)
}

// Check looks at the settings of one server: on says whether its connections are encrypted.
func (c Config) Check(section string, on bool) error {
	if on {
		_, err := Open(section, c, nil)
		return err
	}
	if !c.Empty() {
		return errors.New(section + ".tls: must be set for the other settings of TLS to mean anything")
	}
	return nil
}
