package httpserver

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Whoever finds a hole must learn whom to tell (RFC 9116). The text is good for half a year from each day on which it is
// asked for: it says that the address is read, and a running mall with that setting is the proof.
const (
	securityPath = "/.well-known/security.txt"
	securityLife = 180 * 24 * time.Hour
)

func (s *Server) securityTxt(c echo.Context) error {
	if s.cfg.SecurityContact == "" {
		return echo.ErrNotFound
	}
	expires := time.Now().UTC().Truncate(24 * time.Hour).Add(securityLife)
	var b strings.Builder
	fmt.Fprintf(&b, "Contact: %s\nExpires: %s\nPreferred-Languages: ko, en\n", s.cfg.SecurityContact, expires.Format(time.RFC3339))
	if s.cfg.https() {
		fmt.Fprintf(&b, "Canonical: %s%s\n", strings.TrimSuffix(s.cfg.PublicURL, "/"), securityPath)
	}
	return c.Blob(http.StatusOK, "text/plain; charset=utf-8", []byte(b.String()))
}

// contact says that the text is a URI of the kinds that the RFC names, on one line; or nothing.
func contact(text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	if err != nil || strings.ContainsAny(text, " \r\n\t") {
		return false
	}
	return u.Scheme == "https" && u.Host != "" || (u.Scheme == "mailto" || u.Scheme == "tel") && u.Opaque != ""
}
