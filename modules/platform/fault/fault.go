// Package fault names the few kinds of error that the house knows and that callers can act on.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Kind says what a caller can do about an error. The zero value is Internal: an error nobody classified.
type Kind uint8

// The kinds, each with the one HTTP status that it becomes (see Status).
const (
	Internal        Kind = iota // our mistake; its text is never shown outside
	Invalid                     // the request is malformed or breaks a rule; sending it again is useless
	Unauthenticated             // nobody is logged in, or the credential is no longer good
	Forbidden                   // logged in, but may not do this to a thing they may see
	NotFound                    // there is no such thing, or the caller may not know that there is
	Conflict                    // the thing is no longer in the state that the request assumes
	TooLarge                    // the request is bigger than the limit
	RateLimited                 // too many requests; RetryAfter says when to come back
	Busy                        // too much work is waiting; RetryAfter says when to come back
	Unavailable                 // a part we need is away, or the outcome is unknown; retrying is safe
)

var statuses = [...]int{
	Internal:        http.StatusInternalServerError,
	Invalid:         http.StatusBadRequest,
	Unauthenticated: http.StatusUnauthorized,
	Forbidden:       http.StatusForbidden,
	NotFound:        http.StatusNotFound,
	Conflict:        http.StatusConflict,
	TooLarge:        http.StatusRequestEntityTooLarge,
	RateLimited:     http.StatusTooManyRequests,
	Busy:            http.StatusServiceUnavailable,
	Unavailable:     http.StatusServiceUnavailable,
}

// Status is the HTTP status of the kind.
func (k Kind) Status() int { return statuses[k] }

// Retryable says whether the same request may succeed later without being changed.
func (k Kind) Retryable() bool { return k == RateLimited || k == Busy || k == Unavailable }

// Error is an error with a kind and words for the person or program that caused it.
// Err is the cause for our own logs; it is never shown outside.
type Error struct {
	Kind       Kind
	Code       string        // stable, machine-readable: "not_found", "sold_out"
	Message    string        // one plain sentence
	Field      string        // the input at fault, when there is one
	RetryAfter time.Duration // for the retryable kinds
	Err        error
}

// Error is the text for logs: it includes the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return e.Code + ": " + e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New is an error of the given kind.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Invalidf is a refused input, with the field at fault.
func Invalidf(field, code, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Code: code, Message: fmt.Sprintf(format, args...), Field: field}
}

// Missing is the one answer for what is absent and for what the caller may not know of.
func Missing(what string) *Error {
	return &Error{Kind: NotFound, Code: "not_found", Message: "There is no such " + what + "."}
}

// Retry is a refusal of a retryable kind that says when to come back.
func Retry(kind Kind, code, message string, after time.Duration) *Error {
	return &Error{Kind: kind, Code: code, Message: message, RetryAfter: after}
}

// Wrap classifies a cause; message is what the outside may read.
func Wrap(kind Kind, code, message string, err error) *Error {
	return &Error{Kind: kind, Code: code, Message: message, Err: err}
}

// As finds the classified error in err's chain.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// KindOf is the kind of err; Internal when nobody classified it.
func KindOf(err error) Kind {
	if e, ok := As(err); ok {
		return e.Kind
	}
	return Internal
}

// CodeOf is the code of err; "internal" when nobody classified it.
func CodeOf(err error) string {
	if e, ok := As(err); ok {
		return e.Code
	}
	return "internal"
}
