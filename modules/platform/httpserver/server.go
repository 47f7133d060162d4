// Package httpserver is Echo with the manners of this house: problem documents, request checks against
// the API description, who is calling, limits, logs, security headers and an orderly end.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"mall/modules/platform/fault"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
	"mall/modules/platform/telemetry"
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

	cfg      Config
	log      *slog.Logger
	auth     Authenticator
	security *securitylog.Log
	check    *requestCheck
	gate     *gate
	proxies  proxies
	origins  origins
	early    *echo.Echo // answers before the server is ready for the first time
	full     *echo.Echo // answers connections for which there is no place
	opened   atomic.Bool
	unfit    atomic.Pointer[string] // why this instance is not ready; nil: it is
	public   *http.Server
	inner    *http.Server
	away     *http.Server // turns connections away
	lnPub    atomic.Pointer[bounded]
	lnInt    net.Listener
	apart    bool // the internal address is served by itself
}

// Deps is what the server stands on.
type Deps struct {
	Members  Authenticator
	Security *securitylog.Log
	Registry prometheus.Registerer
	Log      *slog.Logger
}

// New builds the server; nothing listens before Listen. spec is the merged OpenAPI description (JSON).
func New(cfg Config, spec []byte, d Deps) (*Server, error) {
	check, err := newRequestCheck(spec)
	if err != nil {
		return nil, err
	}
	s := &Server{Echo: newEcho(), Internal: newEcho(), early: newEcho(), full: newEcho(),
		cfg: cfg, log: d.Log, auth: d.Members, security: d.Security,
		check: check, gate: newGate(cfg.Limits, d.Registry), proxies: parseProxies(cfg.TrustedProxies), origins: origins{}}
	s.SetUnready("starting")
	for _, o := range cfg.Origins() {
		s.origins[o] = true
	}
	s.Echo.HTTPErrorHandler = s.writeProblem
	s.Internal.HTTPErrorHandler = s.writeProblem
	around := []echo.MiddlewareFunc{s.proxies.effective, requestID, s.observe(d.Registry), s.recoverPanics, s.securityHeaders}
	s.Echo.Use(append(slices.Clone(around), s.limitPage)...)
	for e, refusal := range map[*echo.Echo]error{s.early: errNotOpen, s.full: errFull} {
		e.HTTPErrorHandler = s.writeProblem
		e.Use(around...)
		e.Any("/*", func(echo.Context) error { return refusal })
	}
	s.API = s.Echo.Group(apiPrefix, noteArrival, noStore, s.limitAddress, s.limitBody, s.authenticate, s.limitMember,
		check.middleware, s.limitTime)
	s.API.RouteNotFound("/*", s.otherMethods())
	s.Echo.GET("/openapi.json", func(c echo.Context) error { return c.JSONBlob(http.StatusOK, spec) })
	s.Echo.GET(securityPath, s.securityTxt)
	for _, e := range []*echo.Echo{s.Echo, s.early, s.full, s.Internal} {
		e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
		e.GET("/readyz", s.readyz)
	}
	s.public, s.inner, s.away = s.httpServer(s), s.httpServer(s.Internal), s.httpServer(s.full)
	s.public.WriteTimeout = cfg.WriteTimeout // profiles of the internal address take as long as they are asked to
	s.away.SetKeepAlivesEnabled(false)
	s.away.ReadHeaderTimeout, s.away.ReadTimeout, s.away.WriteTimeout = turnTime, turnTime, turnTime
	s.measure(d.Registry)
	return s, nil
}

func newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor, e.SchemeExtractor = echo.ExtractIPDirect(), scheme // of what effective has made of it
	return e
}

// What an instance says that serves nobody yet, and one that has no file left for one more connection.
var (
	errNotOpen = fault.Retry(fault.Unavailable, "unavailable", "The mall is not open yet; try again.", 2*time.Second)
	errFull    = fault.Retry(fault.Busy, "busy", "Too many are here at the moment; try again.", 2*time.Second)
)

// readyz says whether a balancer should send requests here, and if not, why: started, migrated and not draining. An
// outage of the database or Redis does not flip it, or every instance would be taken out at once.
func (s *Server) readyz(c echo.Context) error {
	if why := s.Unready(); why != "" {
		return c.String(http.StatusServiceUnavailable, "not ready: "+why+"\n")
	}
	return c.String(http.StatusOK, "ready\n")
}

// SetReady opens the instance to the balancer, or closes it. From the first time on the modules' routes are served; what
// comes before is answered 503, so routes may be added until then, also while the server is at work.
func (s *Server) SetReady(ready bool) {
	if !ready {
		s.SetUnready("draining")
		return
	}
	s.unfit.Store(nil)
	s.opened.Store(true)
}

// SetUnready closes the instance to the balancer, and tells whoever looks at it why.
func (s *Server) SetUnready(why string) { s.unfit.Store(&why) }

// Unready is why the instance is not ready; empty when it is.
func (s *Server) Unready() string {
	if why := s.unfit.Load(); why != nil {
		return *why
	}
	return ""
}

// ServeHTTP answers a request of the public address.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.opened.Load() {
		s.Echo.ServeHTTP(w, r)
		return
	}
	s.early.ServeHTTP(w, r)
}

// ListenInternal binds the internal address alone, for who looks while the rest is not there yet. ServeInternal must
// follow.
func (s *Server) ListenInternal(ctx context.Context) (err error) {
	var lc net.ListenConfig
	s.lnInt, err = lc.Listen(ctx, "tcp", s.cfg.InternalAddr)
	s.apart = err == nil
	return err
}

// ServeInternal answers on the internal address until Shutdown.
func (s *Server) ServeInternal() error { return ignoreClosed(s.inner.Serve(s.lnInt)) }

// Listen binds the public address, and the internal one where that is not bound yet. Before it, whoever dials is refused at
// once, and a balancer without a look at /readyz passes the instance over.
func (s *Server) Listen(ctx context.Context) error {
	var lc net.ListenConfig
	most, err := s.connections()
	if err != nil {
		return err
	}
	public, err := lc.Listen(ctx, "tcp", s.cfg.Addr)
	if err != nil {
		return err
	}
	if !s.apart {
		if s.lnInt, err = lc.Listen(ctx, "tcp", s.cfg.InternalAddr); err != nil {
			return errors.Join(err, public.Close())
		}
	}
	s.lnPub.Store(newBounded(public, most, scaled(s.cfg.Limits.ConnectionsPerIP, s.cfg.Limits.Scale), s.proxies))
	return nil
}

// connections is how many the public address takes at once.
func (s *Server) connections() (int, error) {
	if s.cfg.Connections > 0 {
		return s.cfg.Connections, nil
	}
	files, err := fileLimit()
	if err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	most, enough := places(files, s.cfg.SpareFiles)
	if !enough {
		s.log.Warn("the limit of open files is low (ulimit -n): connections may take those that the database and Redis need",
			"files", files, "connections", most, "wanted", s.cfg.SpareFiles+ownFiles)
	}
	return most, nil
}

// Connections are those of the public address.
type Connections struct {
	Open   int64 `json:"open"`
	Most   int64 `json:"most"`
	Turned int64 `json:"turned_away"` // so far, since there was no place
}

// Connections counts; zero before Listen.
func (s *Server) Connections() Connections {
	if l := s.lnPub.Load(); l != nil {
		return Connections{Open: l.open.Load(), Most: l.most, Turned: l.turned.Load()}
	}
	return Connections{}
}

func (s *Server) measure(reg prometheus.Registerer) {
	telemetry.Gauge(reg, "mall_http_connections", "Connections to the public address.", func() float64 { return float64(s.Connections().Open) })
	telemetry.Gauge(reg, "mall_http_connections_most", "Connections that the public address takes at once.", func() float64 { return float64(s.Connections().Most) })
	telemetry.Counter(reg, "mall_http_turned_away_total", "Connections for which there was no place.", func() int64 { return s.Connections().Turned })
}

func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       s.cfg.ReadTimeout, // the body, too; a hijacked socket sets its own deadlines
		IdleTimeout:       75 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// Addr is the bound public address; InternalAddr the internal one.
func (s *Server) Addr() string { return s.lnPub.Load().Addr().String() }

// InternalAddr is the bound internal address.
func (s *Server) InternalAddr() string { return s.lnInt.Addr().String() }

// Serve answers until Shutdown; it returns nil after an orderly end.
func (s *Server) Serve() error {
	var g errgroup.Group
	public := s.lnPub.Load()
	g.Go(func() error { return ignoreClosed(s.public.Serve(public)) })
	g.Go(func() error { return ignoreClosed(s.away.Serve(&public.beyond)) })
	if !s.apart {
		g.Go(s.ServeInternal)
	}
	return g.Wait()
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Close ends everything at once: for a start that has failed.
func (s *Server) Close() error { return errors.Join(s.public.Close(), s.inner.Close(), s.away.Close()) }

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
	return errors.Join(err, s.inner.Close(), s.away.Close())
}
