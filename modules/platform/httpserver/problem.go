package httpserver

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"mall/modules/platform/fault"
)

// problem is an RFC 9457 document; api.yaml describes it.
type problem struct {
	Type         string `json:"type"`
	Title        string `json:"title"`
	Status       int    `json:"status"`
	Code         string `json:"code"`
	Detail       string `json:"detail,omitempty"`
	Field        string `json:"field,omitempty"`
	RequestID    string `json:"request_id,omitempty"`
	Retryable    bool   `json:"retryable,omitempty"`
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
}

// writeProblem is the one place where an error becomes an answer.
func (s *Server) writeProblem(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	f := classify(err)
	rid := c.Response().Header().Get(headerRequestID)
	if f.Kind == fault.Internal {
		s.log.LogAttrs(c.Request().Context(), slog.LevelError, "request failed", slog.String("route", c.Path()),
			slog.String("request_id", rid), slog.Any("error", err))
		f = fault.New(fault.Internal, "internal", "Something went wrong on our side.")
	} else if f.Kind.Retryable() && f.Err != nil {
		s.log.LogAttrs(c.Request().Context(), slog.LevelWarn, "request refused", slog.String("route", c.Path()),
			slog.String("request_id", rid), slog.String("code", f.Code), slog.Any("error", f.Err))
	}
	s.tell(c, f)
	s.send(c, f, rid)
}

// codeMethod is answered with status 405.
const codeMethod = "method_not_allowed"

func (s *Server) send(c echo.Context, f *fault.Error, rid string) {
	status := f.Kind.Status()
	switch f.Code {
	case codeMethod:
		status = http.StatusMethodNotAllowed
	case codeSlow:
		status = http.StatusRequestTimeout
		c.Response().Header().Set("Connection", "close")
	}
	p := problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: f.Code, Detail: f.Message,
		Field: f.Field, RequestID: rid, Retryable: f.Kind.Retryable()}
	h := c.Response().Header()
	if p.Retryable {
		after := max(f.RetryAfter, time.Second)
		p.RetryAfterMS = after.Milliseconds()
		h.Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
	}
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	h.Set("Cache-Control", "no-store")
	if c.Request().Method == http.MethodHead {
		_ = c.NoContent(status)
		return
	}
	body, err := json.Marshal(p)
	if err == nil {
		err = c.Blob(status, "application/problem+json", body)
	}
	if err != nil { // the client is gone; nobody is left to tell
		s.log.Debug("problem not delivered", "error", err)
	}
}

// classify finds the fault in err, or names what Echo, net/http and the context mean.
func classify(err error) *fault.Error {
	if f, ok := fault.As(err); ok {
		return f
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &fault.Error{Kind: fault.TooLarge, Code: "too_large", Message: "The request is larger than " + strconv.FormatInt(large.Limit, 10) + " bytes.", Err: err}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fault.Wrap(fault.Unavailable, "unavailable", "That took too long; try again.", err)
	}
	var he *echo.HTTPError
	if errors.As(err, &he) {
		return fromEcho(he)
	}
	return fault.Wrap(fault.Internal, "internal", "Something went wrong on our side.", err)
}

func fromEcho(he *echo.HTTPError) *fault.Error {
	if he.Internal != nil {
		if f, ok := fault.As(he.Internal); ok {
			return f
		}
	}
	switch {
	case he.Code == http.StatusNotFound:
		return fault.New(fault.NotFound, "not_found", "There is nothing at this address.")
	case he.Code == http.StatusMethodNotAllowed:
		return fault.New(fault.Invalid, codeMethod, "This address does not take that method.")
	case he.Code == http.StatusRequestEntityTooLarge:
		return fault.New(fault.TooLarge, "too_large", "The request is too large.")
	case he.Code >= 400 && he.Code < 500: // the binding of a parameter: its text names the parameter, and nothing of ours
		msg, ok := he.Message.(string)
		if !ok {
			msg = "The request is malformed."
		}
		return fault.New(fault.Invalid, "bad_request", msg)
	}
	return fault.Wrap(fault.Internal, "internal", "Something went wrong on our side.", he)
}
