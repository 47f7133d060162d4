package main

import (
	"net/http"
	"net/http/pprof"
	"sync/atomic"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mall/modules/chat"
	"mall/modules/platform/pubsub"
	"mall/web"
)

// echoGroup is what modules add their routes to.
type echoGroup = echo.Group

func mountDocs(e *echo.Echo, socketDescription []byte) {
	e.GET("/asyncapi.json", func(c echo.Context) error { return c.JSONBlob(http.StatusOK, socketDescription) })
}

// mountUI serves the built web UI for every address that is not the API's. Both apps route in the browser.
func mountUI(e *echo.Echo) {
	files, built := web.FS()
	page := func(c echo.Context) error {
		if !built {
			return c.String(http.StatusServiceUnavailable, web.NotBuilt)
		}
		path := c.Request().URL.Path
		if path == "/api" || len(path) > 4 && path[:5] == "/api/" {
			return echo.ErrNotFound
		}
		name, ok := web.File(path)
		if !ok {
			return echo.ErrNotFound
		}
		h := c.Response().Header()
		h.Set("Cache-Control", web.CacheControl(name))
		h.Set("Content-Security-Policy", web.ContentSecurityPolicy)
		http.ServeFileFS(c.Response(), c.Request(), files, name)
		return nil
	}
	e.GET("/*", page)
	e.HEAD("/*", page)
}

// mountInternal serves what operators and their tools look at.
func mountInternal(e *echo.Echo, registry *prometheus.Registry, status *statusPage) {
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry})))
	e.GET("/statusz", func(c echo.Context) error { return c.JSON(http.StatusOK, status.now()) })
	mountProfiles(e)
}

// statusPage is what an operator is shown of this instance. The modules are there once the database is fit for them.
type statusPage struct {
	base  *foundation
	rooms atomic.Pointer[chat.Chat]
	bus   atomic.Pointer[pubsub.Bus]
}

func (p *statusPage) open(rooms *chat.Chat, bus *pubsub.Bus) {
	p.rooms.Store(rooms)
	p.bus.Store(bus)
}

func (p *statusPage) now() map[string]any {
	page := map[string]any{"version": version, "ready": "yes", "database": p.base.status(), "connections": p.base.server.Connections()}
	if why := p.base.server.Unready(); why != "" {
		page["ready"] = "no: " + why
	}
	if rooms, bus := p.rooms.Load(), p.bus.Load(); rooms != nil && bus != nil {
		page["chat"], page["redis"] = rooms.Status(), bus.Stats()
	}
	return page
}

// mountProfiles serves the runtime's own profiles, which cost nothing until somebody asks. Whoever reaches the
// internal address may read them: they hold names of functions, never texts of messages.
func mountProfiles(e *echo.Echo) {
	for path, serve := range map[string]http.HandlerFunc{"profile": pprof.Profile, "trace": pprof.Trace, "cmdline": pprof.Cmdline, "symbol": pprof.Symbol} {
		e.GET("/debug/pprof/"+path, echo.WrapHandler(serve))
	}
	e.GET("/debug/pprof/*", echo.WrapHandler(http.HandlerFunc(pprof.Index)))
}
