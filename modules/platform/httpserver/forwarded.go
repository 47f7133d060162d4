package httpserver

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// What proxies say of the request that they pass on. All else of the kind is not read here, and dropped, since Echo reads
// some of it, from anybody.
const (
	forwardedFor   = "X-Forwarded-For"
	forwardedProto = "X-Forwarded-Proto"
	forwardedHost  = "X-Forwarded-Host"
)

var otherForwarding = []string{"Forwarded", "X-Real-Ip", "X-Forwarded-Protocol", "X-Forwarded-Ssl", "X-Url-Scheme"}

// proxies are the networks that are believed.
type proxies []netip.Prefix

func parseProxies(cidrs []string) proxies {
	all := make(proxies, len(cidrs))
	for i, c := range cidrs {
		all[i] = netip.MustParsePrefix(c) // Config.Check has seen it
	}
	return all
}

func (p proxies) trust(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// effective makes the request say what is true, before anything looks at it: r.RemoteAddr is the client's, r.Host what the
// client called, Echo's Scheme how. Headers about that are read from trusted proxies only, and are gone for whoever comes
// later when they were not believed.
func (p proxies) effective(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		for _, name := range otherForwarding {
			delete(r.Header, name)
		}
		peer := address(r.RemoteAddr)
		if !p.trust(peer) {
			delete(r.Header, forwardedFor)
			delete(r.Header, forwardedProto)
			delete(r.Header, forwardedHost)
			return next(c)
		}
		if client := p.client(r.Header[forwardedFor], peer); client != peer {
			r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
		}
		if !oneOf(r.Header[forwardedProto], "http", "https") {
			delete(r.Header, forwardedProto)
		}
		if host := r.Header[forwardedHost]; len(host) == 1 && plainHost(host[0]) {
			r.Host = host[0]
		}
		return next(c)
	}
}

// scheme is that of an effective request.
func scheme(r *http.Request) string {
	if r.TLS != nil || r.Header.Get(forwardedProto) == "https" {
		return "https"
	}
	return "http"
}

// client is the last who is no proxy of ours. What stands before that was said by whoever wanted to.
func (p proxies) client(lines []string, peer netip.Addr) netip.Addr {
	client := peer
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; rest != ""; {
			cut := strings.LastIndexByte(rest, ',')
			at := address(strings.TrimSpace(rest[cut+1:]))
			rest = rest[:max(cut, 0)]
			if !at.IsValid() {
				return client
			}
			if client = at; !p.trust(at) {
				return client
			}
		}
	}
	return client
}

// address reads an address with or without a port; the zero Addr where it is none.
func address(text string) netip.Addr {
	ap, err := netip.ParseAddrPort(text)
	a := ap.Addr()
	if err != nil {
		if a, err = netip.ParseAddr(text); err != nil {
			return netip.Addr{}
		}
	}
	return a.Unmap().WithZone("")
}

func oneOf(values []string, allowed ...string) bool {
	if len(values) != 1 {
		return false
	}
	for _, a := range allowed {
		if values[0] == a {
			return true
		}
	}
	return false
}

// plainHost says that the text can stand between https:// and the first slash.
func plainHost(host string) bool {
	if host == "" || len(host) > 255 {
		return false
	}
	for _, c := range host {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(".-:[]_", c) {
			return false
		}
	}
	return true
}

// network is who is counted as one: an IPv4 address, or the /64 that an IPv6 customer has for themselves.
func network(a netip.Addr) [16]byte {
	who := a.As16()
	if a.Is6() {
		clear(who[8:])
	}
	return who
}

// origins are those whose pages may call.
type origins map[string]bool

// ours says whether the page that sent the request is the mall's, or may call it. Programs name no origin: they send no
// cookie by themselves either.
func (o origins) ours(c echo.Context) bool {
	r := c.Request()
	origin := r.Header.Get("Origin")
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		return origin == "" || o[origin] || strings.EqualFold(origin, c.Scheme()+"://"+r.Host)
	}
	return o[origin]
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
