package mall

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"

	"mall/modules/order"
	"mall/modules/platform/fault"
	"mall/modules/platform/securitylog"
)

// A mall may be set up so that it looks well and strangers do as they please: log in with passwords that are in our
// documentation, take goods without paying, read cookies on the way. None of that begins by itself. Each such start is
// refused until a setting of its own says that it is wanted, and then it is told at every start.

var errRefused = fault.New(fault.Forbidden, "dangerous_setting", "The mall does not start like this.")

// The ways in which an order is paid.
const (
	paymentsDemo = "demo" // every payment is approved, and no money moves
	paymentsNone = "none" // nobody can pay
)

// danger is what a setting opens to strangers.
type danger struct {
	setting string // the key at fault
	open    bool   // the mall is set up so
	wanted  bool   // and another setting says that this is meant
	refusal string // what is wrong, and what to set
	warning string // what is told when it is wanted; empty where it is usual
	mild    bool   // told in a lower voice
}

// exposures lists the dangers, in the order in which they are told.
func (s *Settings) exposures() []danger {
	demo := "and the demo's passwords are known to everybody, its operator's too: " +
		"set demo to false, or demo_exposed to true where nobody else gets there"
	plain := s.HTTP.PublicURL + " is read by whoever is on the way, passwords and cookies too"
	payments := s.Order.Payments == paymentsDemo && !s.Embedded()
	database, readable, likely := s.DB.Readable()
	return []danger{
		{setting: "http.addr", open: s.IsDemo() && !loopbackAddr(s.HTTP.Addr), wanted: s.DemoExposed,
			refusal: fmt.Sprintf("%s is reachable by others, %s", s.HTTP.Addr, demo),
			warning: "whoever reaches this mall logs in with the demo's passwords, as its operator too"},
		{setting: "http.public_url", open: s.IsDemo() && !s.local(), wanted: s.DemoExposed,
			refusal: fmt.Sprintf("%s is where others come, %s", s.HTTP.PublicURL, demo),
			warning: "whoever reaches this mall logs in with the demo's passwords, as its operator too"},
		{setting: "order.payments", open: s.Order.Payments == "",
			refusal: "must be set with db.driver mysql: none (nobody can pay in this mall), " +
				"or demo (every order counts as paid, and no money moves)"},
		{setting: "order.payments", open: payments, wanted: true,
			warning: "every order counts as paid as soon as its buyer says so, and no money moves"},
		{setting: "http.public_url", open: s.HTTP.plainHTTP() && !s.local(), wanted: s.HTTP.Plain,
			refusal: plain + ": set it to the https address that people type, or http.plain to true",
			warning: plain},
		{setting: "http.internal_addr", open: !inside(s.HTTP.InternalAddr), wanted: s.HTTP.InternalExposed,
			refusal: fmt.Sprintf("%s is reachable from everywhere, and metrics and status are nobody's business: give it an address of "+
				"this machine or of a private network, or set http.internal_exposed to true where a firewall or a container keeps others out",
				s.HTTP.InternalAddr)},
		{setting: "db.tls", open: readable, wanted: true, mild: !likely,
			warning: "whoever is on the way to the database at " + database + " reads all that is said to it, and may answer in its name"},
	}
}

// checkExposure says why the mall must not be opened as it is set up; one line for the operator.
func (s *Settings) checkExposure(ctx context.Context, security *securitylog.Log) error {
	if err := s.checkPublicURL(); err != nil {
		return err
	}
	for _, d := range s.exposures() {
		if d.open && !d.wanted {
			security.Write(ctx, securitylog.Event{What: securitylog.StartRefused, Reason: d.setting, Err: errRefused})
			return fmt.Errorf("%s: %s", d.setting, d.refusal)
		}
	}
	return nil
}

// tellExposure writes down what the mall opens to strangers because it was told to.
func (s *Settings) tellExposure(ctx context.Context, log *slog.Logger, security *securitylog.Log) {
	for _, d := range s.exposures() {
		if !d.open {
			continue
		}
		security.Write(ctx, securitylog.Event{What: securitylog.DangerousSetting, Reason: d.setting})
		if d.warning != "" {
			level := slog.LevelError
			if d.mild {
				level = slog.LevelWarn
			}
			log.Log(ctx, level, "dangerous setting: "+d.warning, slog.String("setting", d.setting))
		}
	}
}

// checkPublicURL finds what is no address of a site.
func (s *Settings) checkPublicURL() error {
	u, err := url.Parse(s.HTTP.PublicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return fmt.Errorf("http.public_url: %q is not the address of a site such as https://mall.example", s.HTTP.PublicURL)
	}
	return nil
}

// local says whether people reach the mall from this machine only, as far as its public address tells.
func (s *Settings) local() bool {
	u, err := url.Parse(s.HTTP.PublicURL)
	return err == nil && loopback(u.Hostname())
}

func (h HTTPSettings) plainHTTP() bool {
	u, err := url.Parse(h.PublicURL)
	return err == nil && u.Scheme == "http"
}

func loopbackAddr(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && loopback(host)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// inside says whether an address belongs to this machine or to one private network, rather than to every network that the
// machine is in.
func inside(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return loopback(host) || ip != nil && ip.IsPrivate()
}

// payments is the service that the settings name.
func (s *Settings) payments() order.Payments {
	if s.Order.Payments == paymentsDemo {
		return order.DemoPayments{}
	}
	return nil
}
