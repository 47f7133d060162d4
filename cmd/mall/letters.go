package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"log/slog"
	"net"
	"net/http"

	"github.com/labstack/echo/v4"

	"mall/modules/platform/mail"
	"mall/modules/platform/securitylog"
)

// letters gives what sends the mall's letters: a relay, or the mailbox that the demo shows. nil: none are sent, which a
// real mall must say on purpose, since its members can then neither prove an address nor get back in without a password.
func (s settings) letters(ctx context.Context, log *slog.Logger, security *securitylog.Log) (mail.Sender, *mail.Mailbox, error) {
	if err := s.Mail.Check(); err != nil {
		return nil, nil, err
	}
	host, _, _ := net.SplitHostPort(s.HTTP.Addr)
	switch {
	case s.Mail.SMTPAddr != "":
		relay, err := mail.NewSMTP(s.Mail, log)
		return relay, nil, err
	case s.Mail.Off:
	case s.embedded() && s.demo() && loopback(host):
		box := mail.NewMailbox(log)
		return box, box, nil
	case !s.embedded():
		return nil, nil, errors.New("mail.smtp_addr: must be set with db.driver mysql (members could not set a new password), or mail.off: true")
	}
	log.WarnContext(ctx, "no letters are sent: members cannot prove an address nor set a forgotten password (mail.smtp_addr)")
	security.Write(ctx, securitylog.Event{What: securitylog.DangerousSetting, Reason: "mail.smtp_addr"})
	return nil, nil, nil
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
