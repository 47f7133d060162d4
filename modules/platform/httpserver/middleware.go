package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// eventStream is looked at without changing anything, and yet no other site's page may: it would keep a connection of a
// member's open.
const eventStream = apiPrefix + "/chat/events"

// streaming names the routes that live as long as their client does.
var streaming = map[string]bool{apiPrefix + "/chat/ws": true, eventStream: true}

const headerRequestID = echo.HeaderXRequestID

// requestID gives every request a name that shows in its answer and in our logs. One from outside is kept
// when it looks like an id, so that a balancer's logs and ours can be joined.
func requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		rid := c.Request().Header.Get(headerRequestID)
		if !plainID(rid) {
			rid = id.New().String()
		}
		c.Response().Header().Set(headerRequestID, rid)
		return next(c)
	}
}

func plainID(s string) bool {
	if len(s) < 8 || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' {
			return false
		}
	}
	return true
}

// observe logs and measures each request by its route, never by its raw path, query or body.
func (s *Server) observe(reg prometheus.Registerer) echo.MiddlewareFunc {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "mall_http_request_seconds",
		Help:    "Time to answer a REST request.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"method", "route", "status"})
	reg.MustRegister(seconds)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := time.Now()
			if err := next(c); err != nil {
				c.Error(err) // answers now, so that the status below is the real one
			}
			route := c.Path()
			if streaming[route] {
				return nil
			}
			status := c.Response().Status
			took := time.Since(start)
			method := methodLabel(c.Request().Method)
			seconds.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
			s.log.LogAttrs(c.Request().Context(), accessLevel(status), "request",
				slog.String("method", method), slog.String("route", route), slog.Int("status", status),
				slog.Duration("took", took), slog.String("request_id", c.Response().Header().Get(headerRequestID)))
			return nil
		}
	}
}

func accessLevel(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if p := recover(); p != nil {
				if e, ok := p.(error); ok && errors.Is(e, http.ErrAbortHandler) {
					panic(p)
				}
				err = fault.Wrap(fault.Internal, "internal", "Something went wrong on our side.", fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		return next(c)
	}
}

func (s *Server) securityHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	strict := ""
	if s.cfg.https() && s.cfg.HSTS > 0 {
		strict = "max-age=" + strconv.FormatInt(int64(s.cfg.HSTS/time.Second), 10)
	}
	return func(c echo.Context) error {
		h := c.Response().Header()
		if strict != "" {
			h.Set("Strict-Transport-Security", strict)
		}
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // a page says otherwise
		return next(c)
	}
}

type arrivedKey struct{}

// noteArrival lets handlers know when the request came (what has been spent on it before them counts, too), and from where.
func noteArrival(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		ctx := context.WithValue(r.Context(), arrivedKey{}, time.Now())
		ctx = identity.WithOrigin(ctx, identity.Origin{IP: c.RealIP(), UserAgent: r.UserAgent(),
			RequestID: c.Response().Header().Get(headerRequestID)})
		c.SetRequest(r.WithContext(ctx))
		return next(c)
	}
}

// Arrived is when the request of this context came.
func Arrived(ctx context.Context) time.Time {
	if at, ok := ctx.Value(arrivedKey{}).(time.Time); ok {
		return at
	}
	return time.Now()
}

// noStore keeps answers that depend on who asks out of every cache; a handler may say otherwise.
func noStore(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "no-store")
		return next(c)
	}
}

func (s *Server) limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.ContentLength > s.cfg.BodyLimit {
			return tooLarge(s.cfg.BodyLimit)
		}
		r.Body = http.MaxBytesReader(c.Response(), r.Body, s.cfg.BodyLimit)
		return next(c)
	}
}

func tooLarge(limit int64) error {
	return fault.New(fault.TooLarge, "too_large", fmt.Sprintf("The request is larger than %d bytes.", limit))
}

func (s *Server) limitTime(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if streaming[c.Path()] {
			return next(c)
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), s.cfg.RequestTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// authenticate puts the caller into the context. No credential or a cookie that is no longer good means
// nobody: the handler decides whether that will do. A bad bearer token is refused at once.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		p, err := s.caller(c.Request())
		if err != nil {
			return err
		}
		if (p == nil || p.Cookie) && !(safe(c.Request().Method) && c.Path() != eventStream) && !s.origins.ours(c) {
			return fault.New(fault.Forbidden, crossOrigin, "This call must come from the mall's own pages.")
		}
		if p != nil {
			if err := expected(c.Request(), p); err != nil {
				return err
			}
			c.SetRequest(c.Request().WithContext(identity.With(c.Request().Context(), p)))
		}
		return next(c)
	}
}

// headerMember says which member the client believes to be. All tabs of a browser share one cookie: after a login in one of
// them what another still sends would else be said in the new member's name.
const headerMember = "X-Member"

func expected(r *http.Request, p *identity.Principal) error {
	text := r.Header.Get(headerMember)
	if text == "" {
		return nil
	}
	member, err := id.Parse(text)
	if err != nil {
		return fault.Invalidf(headerMember, "bad_request", "That is no member's id.")
	}
	if member != p.MemberID {
		return fault.New(fault.Conflict, "other_member", "Somebody else is logged in here by now.")
	}
	return nil
}

// caller is nil for nobody.
func (s *Server) caller(r *http.Request) (*identity.Principal, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, ok := strings.Cut(h, " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			return nil, fault.New(fault.Unauthenticated, "unauthenticated", "Only bearer tokens are taken.")
		}
		return s.auth.Bearer(r.Context(), strings.TrimSpace(token))
	}
	value := cookieValue(r, s.cfg.CookieName)
	if value == "" {
		return nil, nil //nolint:nilnil // nobody is a proper answer here
	}
	p, err := s.auth.Cookie(r.Context(), value)
	if fault.KindOf(err) == fault.Unauthenticated {
		return nil, nil //nolint:nilnil // a stale cookie is nobody
	}
	return p, err
}

// cookieValue is "" when there is no such cookie.
func cookieValue(r *http.Request, name string) string {
	cookie, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}
