package mall

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mall/modules/chat"
	"mall/modules/platform/mail"
	"mall/modules/platform/pubsub"
	"mall/web"
)

// mountAPI adds the modules' calls.
func mountAPI(g *echo.Group, modules ...interface{ Routes(g *echo.Group) }) {
	for _, m := range modules {
		m.Routes(g)
	}
}

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
	version string
	schema  *schema
	rooms   atomic.Pointer[chat.Chat]
	bus     atomic.Pointer[pubsub.Bus]
}

func (p *statusPage) open(rooms *chat.Chat, bus *pubsub.Bus) {
	p.rooms.Store(rooms)
	p.bus.Store(bus)
}

func (p *statusPage) now() map[string]any {
	server := p.schema.server
	page := map[string]any{"version": p.version, "ready": "yes", "database": p.schema.status(), "connections": server.Connections()}
	if why := server.Unready(); why != "" {
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

const mailboxStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}` +
	`article{border:1px solid #bbb;border-radius:8px;padding:0 1rem;margin:1rem 0}pre{white-space:pre-wrap;overflow-wrap:anywhere}`

// mailboxPage shows letters as text: nothing in them is markup.
var mailboxPage = template.Must(template.New("mailbox").Parse(`<!doctype html>
<html lang="ko"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>데모 우편함 · Demo mailbox</title>
<style>` + mailboxStyle + `</style></head><body>
<h1>데모 우편함 · Demo mailbox</h1>
<p>데모에서는 메일을 보내지 않고 여기에 보여 줍니다. The demo sends no mail; this is what it would have sent.</p>
{{range .}}<article><h2>{{.Subject}}</h2><p>{{.To}} · <time>{{.At.Format "2006-01-02 15:04:05"}}</time></p><pre>{{.Text}}</pre>
{{range .Links}}<p><a href="{{.}}">{{.}}</a></p>{{end}}</article>{{else}}<p>아직 편지가 없습니다. No letters yet.</p>{{end}}
</body></html>
`))

type shownLetter struct {
	mail.Kept

	Links []string
}

// mountMailbox shows the demo's letters to whoever sits at this machine. A page of somebody else's that has made its name
// lead here has that name in Host, and is shown nothing.
func mountMailbox(e *echo.Echo, box *mail.Mailbox) {
	hash := sha256.Sum256([]byte(mailboxStyle))
	policy := "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(hash[:]) + "'"
	e.GET("/mailbox", func(c echo.Context) error {
		host, _, err := net.SplitHostPort(c.Request().Host)
		if err != nil {
			host = c.Request().Host
		}
		if !loopback(host) {
			return echo.ErrNotFound
		}
		letters := box.Letters()
		shown := make([]shownLetter, len(letters))
		for i, l := range letters {
			shown[i] = shownLetter{l, mail.Links(l.Text)}
		}
		h := c.Response().Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		c.Response().WriteHeader(http.StatusOK)
		return mailboxPage.Execute(c.Response(), shown)
	})
}
