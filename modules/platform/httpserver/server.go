// Package httpserver is Echo with the manners of this house: problem documents, request checks against
// the API description, who is calling, limits, logs, security headers and an orderly end.
package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"mall/modules/platform/identity"
)

// Authenticator turns a credential into a member. Both answer fault.Unauthenticated for a credential that
// is not good, and fault.Unavailable when that cannot be found out now.
type Authenticator interface {
	Bearer(ctx context.Context, token string) (*identity.Principal, error)
	Cookie(ctx context.Context, value string) (*identity.Principal, error)
}

// Server is the public listener and the internal one.
type Server struct {
	Echo     *echo.Echo // public routes
	API      *echo.Group
	Internal *echo.Echo // metrics, status; bound to the internal address

	cfg    Config
	log    *slog.Logger
	auth   Authenticator
	cross  *http.CrossOriginProtection
	ready  atomic.Bool
	public *http.Server
	inner  *http.Server
	lnPub  net.Listener
	lnInt  net.Listener
}

// New builds the server; nothing listens before Listen. spec is the merged OpenAPI description (JSON).
func New(cfg Config, spec []byte, auth Authenticator, reg prometheus.Registerer, log *slog.Logger) (*Server, error) {
	check, err := newRequestCheck(spec)
	if err != nil {
		return nil, err
	}
	s := &Server{Echo: newEcho(), Internal: newEcho(), cfg: cfg, log: log, auth: auth, cross: http.NewCrossOriginProtection()}
	for _, o := range cfg.AllowedOrigins {
		if err := s.cross.AddTrustedOrigin(o); err != nil {
			return nil, err
		}
	}
	s.Echo.IPExtractor = clientIP(cfg.TrustedProxies)
	s.Echo.HTTPErrorHandler = s.writeProblem
	s.Internal.HTTPErrorHandler = s.writeProblem
	s.Echo.Use(requestID, s.observe(reg), s.recoverPanics, securityHeaders)
	s.API = s.Echo.Group("/api/v1", noteArrival, noStore, s.limitBody, s.authenticate, check.middleware, s.limitTime)
	s.Echo.GET("/openapi.json", func(c echo.Context) error { return c.JSONBlob(http.StatusOK, spec) })
	s.Echo.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	s.Echo.GET("/readyz", s.readyz)
	return s, nil
}

func newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	return e
}

// clientIP believes X-Forwarded-For from the given networks only; Echo by itself would believe anyone.
func clientIP(trusted []string) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	opts := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, cidr := range trusted {
		p := netip.MustParsePrefix(cidr) // Config.Check has seen it
		bits := 32
		if p.Addr().Is6() {
			bits = 128
		}
		opts = append(opts, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), bits)}))
	}
	return echo.ExtractIPFromXFFHeader(opts...)
}

// readyz says whether a balancer should send requests here: started and not draining. An outage of the
// database or Redis does not flip it, or every instance would be taken out at once.
func (s *Server) readyz(c echo.Context) error {
	if !s.ready.Load() {
		return c.String(http.StatusServiceUnavailable, "not ready\n")
	}
	return c.String(http.StatusOK, "ready\n")
}

// SetReady opens or closes the instance to the balancer.
func (s *Server) SetReady(ready bool) { s.ready.Store(ready) }

// Listen binds both addresses, so that a port that is taken shows at start.
func (s *Server) Listen(ctx context.Context) error {
	var lc net.ListenConfig
	var err error
	if s.lnPub, err = lc.Listen(ctx, "tcp", s.cfg.Addr); err != nil {
		return err
	}
	if s.lnInt, err = lc.Listen(ctx, "tcp", s.cfg.InternalAddr); err != nil {
		return errors.Join(err, s.lnPub.Close())
	}
	s.public = s.httpServer(s.Echo)
	s.inner = s.httpServer(s.Internal)
	return nil
}

func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second, // a request's body; a hijacked socket sets its own deadlines
		IdleTimeout:       75 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// Addr is the bound public address; InternalAddr the internal one.
func (s *Server) Addr() string { return s.lnPub.Addr().String() }

// InternalAddr is the bound internal address.
func (s *Server) InternalAddr() string { return s.lnInt.Addr().String() }

// Serve answers until Shutdown; it returns nil after an orderly end.
func (s *Server) Serve() error {
	var g errgroup.Group
	g.Go(func() error { return ignoreClosed(s.public.Serve(s.lnPub)) })
	g.Go(func() error { return ignoreClosed(s.inner.Serve(s.lnInt)) })
	return g.Wait()
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown lets REST requests under way finish, for at most the configured grace, then cuts them.
// Hijacked connections are not touched: their module closes them first.
func (s *Server) Shutdown(ctx context.Context) error {
	s.SetReady(false)
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ShutdownGrace)
	defer cancel()
	err := s.public.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.public.Close())
	}
	return errors.Join(err, s.inner.Close())
}
