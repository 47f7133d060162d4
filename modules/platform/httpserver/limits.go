package httpserver

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"mall/modules/platform/bucket"
	"mall/modules/platform/fault"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

// class is what a call costs. The API description says which one an operation has, as x-limit.
type class uint8

const (
	classLogin   class = iota // a password is tried
	classSignUp               // an account is made
	classMail                 // somebody is sent a letter, or invited
	classSearch               // the catalogue is gone through, which anybody may
	classRead                 // what else only looks
	classWrite                // what else changes something
	classSend                 // what a socket would say: messages, which the chat itself limits by member, and cursors
	classConnect              // a connection that stays
	classPage                 // what is no call: the UI's pages and files, descriptions
	classes
)

var classNames = [classes]string{"login", "sign_up", "mail", "search", "read", "write", "send", "connect", "page"}

func (c class) String() string { return classNames[c] }

func classOf(name string) (class, error) {
	for i, n := range classNames {
		if n == name {
			return class(i), nil
		}
	}
	return 0, fmt.Errorf("x-limit: %q is none of %v", name, classNames)
}

// usual is the class of what the description does not class.
func usual(method string) class {
	if safe(method) {
		return classRead
	}
	return classWrite
}

// remembered is how many addresses and members have a bucket at most, each some 100 bytes.
const remembered = 1 << 17

// gate lets in as much as the limits allow. It holds them for this instance alone: Redis is asked nothing, so that a flood
// costs nothing but this, and the mall behind it stays as it is. Who uses k instances at once has k times as much.
type gate struct {
	byIP, byMember [classes]bucket.Limit
	byAll          [classes]bucket.Limit // what everybody together may ask, however many addresses they have
	perIP          int                   // requests under way
	perMember      int
	buckets        *bucket.Store
	under          *bucket.Places // way
	said           *bucket.Store  // what the security log has been told lately
	refused        *prometheus.CounterVec
}

func newGate(l Limits, reg prometheus.Registerer) *gate {
	g := &gate{buckets: bucket.NewStore(remembered), said: bucket.NewStore(remembered / 8), under: bucket.NewPlaces(),
		perIP: scaled(l.RequestsPerIP, l.Scale), perMember: scaled(l.RequestsPerMember, l.Scale)}
	for i, r := range [classes]Rates{l.Login, l.SignUp, l.Mail, l.Search, l.Read, l.Write, l.Send, l.Connect, l.Page} {
		g.byIP[i], g.byMember[i], g.byAll[i] = r.IP.limit(l.Scale), r.Member.limit(l.Scale), r.All.limit(l.Scale)
	}
	g.refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "mall_http_limited_total", Help: "Requests refused since their address or member asks too much.",
	}, []string{"class", "by"})
	reg.MustRegister(g.refused)
	return g
}

func (r Rate) limit(scale float64) bucket.Limit {
	return bucket.PerMinute(float64(r.PerMinute)*scale, float64(r.Burst)*scale)
}

// scaled keeps a limit one where there is one; 0 is none.
func scaled(n int, scale float64) int {
	if n == 0 || scale == 0 {
		return 0
	}
	return max(1, int(float64(n)*scale))
}

// Whose a bucket is.
const (
	byIP uint8 = iota
	byMember
	byAll
)

func (c class) key(by uint8, who [16]byte) bucket.Key {
	return bucket.Key{Of: uint8(c)<<2 | by, Who: who}
}

// enter takes a token and, unless the request is to stay, a place, which leave gives back.
func (g *gate) enter(cl class, by uint8, who [16]byte, stays bool) error {
	limit, most, name := g.byIP[cl], g.perIP, "ip"
	if by == byMember {
		limit, most, name = g.byMember[cl], g.perMember, "member"
	}
	if wait, ok := g.buckets.Take(cl.key(by, who), limit); !ok {
		g.refused.WithLabelValues(cl.String(), name).Inc()
		return tooMany(wait)
	}
	if !stays && !g.under.Enter(bucket.Key{Of: by, Who: who}, most) {
		g.refused.WithLabelValues(cl.String(), name+"_at_once").Inc()
		return tooMany(time.Second)
	}
	return nil
}

// crowded refuses what is too much of all together: whoever has thousands of addresses is held by no other limit.
func (g *gate) crowded(cl class) error {
	if wait, ok := g.buckets.Take(cl.key(byAll, [16]byte{}), g.byAll[cl]); !ok {
		g.refused.WithLabelValues(cl.String(), "all").Inc()
		return fault.Retry(fault.Busy, "busy", "Too many ask for that at the moment; try again.", max(wait, time.Second))
	}
	return nil
}

func (g *gate) leave(by uint8, who [16]byte) { g.under.Leave(bucket.Key{Of: by, Who: who}) }

func tooMany(wait time.Duration) error {
	return fault.Retry(fault.RateLimited, "rate_limited", "That is too much at once; try again in a moment.", wait)
}

// limitAddress comes before anything that costs something: who asks is not known yet, and to find out may ask the database.
func (s *Server) limitAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, stays := network(address(c.Request().RemoteAddr)), streaming[c.Path()]
		class := s.check.class(c)
		if err := s.gate.enter(class, byIP, who, stays); err != nil {
			return err
		}
		if !stays {
			defer s.gate.leave(byIP, who)
		}
		if err := s.gate.crowded(class); err != nil {
			return err
		}
		return next(c)
	}
}

// unlimited is what the balancer asks, as often as it likes.
var unlimited = map[string]bool{"/healthz": true, "/readyz": true}

// limitPage holds an address to so many pages and files. It takes none of the places of calls: a file that is read slowly
// keeps nobody's call waiting, and the connections of an address are bounded.
func (s *Server) limitPage(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.check.class(c) == classPage && !unlimited[c.Path()] {
			if err := s.gate.enter(classPage, byIP, network(address(c.Request().RemoteAddr)), true); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// limitMember comes when the caller is known.
func (s *Server) limitMember(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		p, err := identity.From(c.Request().Context())
		if err != nil {
			return next(c) // nobody: the address is all there is
		}
		stays := streaming[c.Path()]
		if err := s.gate.enter(s.check.class(c), byMember, p.MemberID, stays); err != nil {
			return err
		}
		if !stays {
			defer s.gate.leave(byMember, p.MemberID)
		}
		return next(c)
	}
}

// tell writes what the guard of the mall wants to know of a refusal. Limits and pages of others are told once a minute for
// each class and member or address, or telling would be the flood.
func (s *Server) tell(c echo.Context, f *fault.Error) {
	ctx := c.Request().Context()
	event := securitylog.Event{Err: f, Reason: c.Path()}
	about := bucket.Key{Of: aboutOrigin, Who: network(address(c.Request().RemoteAddr))}
	switch {
	case f.Kind == fault.RateLimited:
		cl := s.check.class(c)
		event.What, event.Reason, about = securitylog.Limit, cl.String(), cl.key(byIP, about.Who)
		if p, err := identity.From(ctx); err == nil {
			about = cl.key(byMember, p.MemberID)
		}
	case f.Code == crossOrigin:
		event.What = securitylog.CrossOrigin
	case f.Kind == fault.Forbidden: // each of them: who may call so often is limited as all calls are
		s.security.Write(ctx, securitylog.Event{What: securitylog.Refused, Err: f, Reason: c.Path()})
		return
	default:
		return
	}
	if _, ok := s.gate.said.Take(about, onceAMinute); ok {
		s.security.Write(ctx, event)
	}
}

const aboutOrigin = uint8(classes) << 2 // behind all that class.key gives

var onceAMinute = bucket.PerMinute(1, 1)

const crossOrigin = "cross_origin"

// methodLabel is what a metric calls the method: a stranger can invent as many as they like.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}
