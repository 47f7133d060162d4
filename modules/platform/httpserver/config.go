package httpserver

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// Config is how the program meets the network.
type Config struct {
	Addr           string        `koanf:"addr" validate:"required"`                    // the mall: REST, WebSocket, web UI
	InternalAddr   string        `koanf:"internal_addr" validate:"required"`           // metrics and status, never public
	PublicURL      string        `koanf:"public_url"`                                  // as people type it; empty: the addr
	AllowedOrigins []string      `koanf:"allowed_origins"`                             // further origins whose pages may call us
	TrustedProxies []string      `koanf:"trusted_proxies"`                             // CIDRs whose X-Forwarded-For is believed
	Connections    int           `koanf:"connections" validate:"min=0"`                // to addr at once; 0: what the limit of open files leaves
	SpareFiles     int           `koanf:"-"`                                           // open files that the rest of the program needs
	CookieName     string        `koanf:"cookie_name"`                                 // of the web session; the program fills an empty one in
	BodyLimit      int64         `koanf:"body_limit" validate:"min=1024,max=10485760"` // bytes of a REST request
	RequestTimeout time.Duration `koanf:"request_timeout" validate:"min=1s,max=2m"`    // for one REST request
	ShutdownGrace  time.Duration `koanf:"shutdown_grace" validate:"min=100ms,max=5m"`  // for REST requests under way at SIGTERM
}

// Check finds what tags cannot say. The error names the key.
func (c Config) Check() error {
	for _, a := range []struct{ key, addr string }{{"http.addr", c.Addr}, {"http.internal_addr", c.InternalAddr}} {
		if _, _, err := net.SplitHostPort(a.addr); err != nil {
			return fmt.Errorf("%s: %q is not host:port", a.key, a.addr)
		}
	}
	for _, p := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			return fmt.Errorf("http.trusted_proxies: %q is not a CIDR such as 10.0.0.0/8", p)
		}
	}
	for _, o := range c.AllowedOrigins {
		if u, err := url.Parse(o); err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" {
			return fmt.Errorf("http.allowed_origins: %q is not an origin such as https://shop.example", o)
		}
	}
	return nil
}
