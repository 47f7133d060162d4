package httpserver

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config is how the program meets the network.
type Config struct {
	Addr            string        `koanf:"addr" validate:"required"`                    // the mall: REST, WebSocket, web UI
	InternalAddr    string        `koanf:"internal_addr" validate:"required"`           // metrics and status, never public
	PublicURL       string        `koanf:"public_url"`                                  // as people type it; empty: the addr
	AllowedOrigins  []string      `koanf:"allowed_origins"`                             // further origins whose pages may call us
	TrustedProxies  []string      `koanf:"trusted_proxies"`                             // CIDRs whose X-Forwarded-… headers are believed
	Connections     int           `koanf:"connections" validate:"min=0"`                // to addr at once; 0: what the limit of open files leaves
	SpareFiles      int           `koanf:"-"`                                           // open files that the rest of the program needs
	CookieName      string        `koanf:"cookie_name"`                                 // of the web session; the program fills an empty one in
	BodyLimit       int64         `koanf:"body_limit" validate:"min=1024,max=10485760"` // bytes of a REST request
	ReadTimeout     time.Duration `koanf:"read_timeout" validate:"min=1s,max=2m"`       // in which a request must have come
	RequestTimeout  time.Duration `koanf:"request_timeout" validate:"min=1s,max=2m"`    // for one REST request
	WriteTimeout    time.Duration `koanf:"write_timeout" validate:"min=1s,max=10m,gtfield=RequestTimeout"`
	ShutdownGrace   time.Duration `koanf:"shutdown_grace" validate:"min=100ms,max=5m"` // for REST requests under way at SIGTERM
	HSTS            time.Duration `koanf:"hsts" validate:"min=0"`                      // with an https public_url; 0: not said
	SecurityContact string        `koanf:"security_contact"`                           // for security.txt
	Limits          Limits        `koanf:"limits"`
}

// Limits bound what one address or one member may ask of an instance.
type Limits struct {
	Scale             float64 `koanf:"scale" validate:"min=0.001,max=1000000"` // of all below; 0 in a Config of one's own: no limits
	ConnectionsPerIP  int     `koanf:"connections_per_ip" validate:"min=1"`
	RequestsPerIP     int     `koanf:"requests_per_ip" validate:"min=1"`
	RequestsPerMember int     `koanf:"requests_per_member" validate:"min=1"`
	Login             Rates   `koanf:"login"`
	SignUp            Rates   `koanf:"sign_up"`
	Mail              Rates   `koanf:"mail"`
	Search            Rates   `koanf:"search"`
	Read              Rates   `koanf:"read"`
	Write             Rates   `koanf:"write"`
	Send              Rates   `koanf:"send"`
	Connect           Rates   `koanf:"connect"`
	Page              Rates   `koanf:"page"` // of an address alone: nobody's login is looked at
}

// Rates are those of a class of calls.
type Rates struct {
	IP     Rate `koanf:"ip"`
	Member Rate `koanf:"member"`
	All    Rate `koanf:"all"` // everybody together
}

// Rate is how often; where one of the two is 0 there is no limit.
type Rate struct {
	PerMinute int `koanf:"per_minute" validate:"min=0"`
	Burst     int `koanf:"burst" validate:"min=0"`
}

// Origins are those whose pages may call: that of the public URL and the further ones.
func (c Config) Origins() []string {
	all := slices.Clone(c.AllowedOrigins)
	if u, err := url.Parse(c.PublicURL); err == nil && u.Scheme != "" && u.Host != "" {
		all = append(all, u.Scheme+"://"+u.Host)
	}
	return all
}

// widest is the shortest prefix that can be a network of one's own: 10.0.0.0/8, and fc00::/7.
func widest(a netip.Addr) int {
	if a.Is4() {
		return 8
	}
	return 7
}

func (c Config) https() bool { return strings.HasPrefix(c.PublicURL, "https://") }

// Check finds what tags cannot say. The error names the key.
func (c Config) Check() error {
	for _, a := range []struct{ key, addr string }{{"http.addr", c.Addr}, {"http.internal_addr", c.InternalAddr}} {
		if _, _, err := net.SplitHostPort(a.addr); err != nil {
			return fmt.Errorf("%s: %q is not host:port", a.key, a.addr)
		}
	}
	for _, p := range c.TrustedProxies {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return fmt.Errorf("http.trusted_proxies: %q is not a CIDR such as 10.0.0.0/8", p)
		}
		if prefix.Bits() < widest(prefix.Addr()) {
			return fmt.Errorf("http.trusted_proxies: %s is half the world, which could then say who it is", p)
		}
	}
	for _, o := range c.AllowedOrigins {
		if u, err := url.Parse(o); err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" {
			return fmt.Errorf("http.allowed_origins: %q is not an origin such as https://shop.example", o)
		}
	}
	if !contact(c.SecurityContact) {
		return fmt.Errorf("http.security_contact: %q is not an address such as mailto:security@mall.example or an https page",
			c.SecurityContact)
	}
	return nil
}
