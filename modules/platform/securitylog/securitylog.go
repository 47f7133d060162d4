// Package securitylog writes one line for each event that whoever guards the mall wants to see.
package securitylog

import (
	"context"
	"log/slog"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// Event is what happened. It holds ids and words of ours, never what people typed: no e-mail address, no password, no
// token, no text of a message.
type Event struct {
	What   string // "login", "password_reset", "role_change": what was tried; the constants of this package
	Err    error  // nil: it was done. Else it was refused, or failed; its code is logged
	Member id.ID  // who did it, when that is known and the context does not say; zero: the caller in the context
	Target id.ID  // to which member, session, room, product or order; zero: none
	Shop   id.ID  // for which shop; zero: none
	Reason string // a word of ours or a setting's name; never free text of a stranger
}

// What can happen.
const (
	Login            = "login"
	SecondFactor     = "second_factor"
	StepUp           = "step_up"
	Logout           = "logout"
	Lockout          = "lockout"
	SignUp           = "sign_up"
	TokenReuse       = "token_reuse"
	PasswordChange   = "password_change"
	PasswordReset    = "password_reset"
	EmailProof       = "email_proof"
	FactorChange     = "factor_change"
	SessionEnd       = "session_end"
	RoleChange       = "role_change"
	Invitation       = "invitation"
	OperatorChange   = "operator_change"
	OperatorRead     = "operator_read"
	Ban              = "ban"
	Block            = "block"
	Report           = "report"
	Limit            = "limit"
	CrossOrigin      = "cross_origin"
	Refused          = "refused" // an act that the caller's role does not allow
	BadSeal          = "bad_seal"
	Export           = "export"
	Erasure          = "erasure"
	StartRefused     = "start_refused"
	DangerousSetting = "dangerous_setting"
)

// Log writes events. The nil Log writes nothing. It is safe for concurrent use.
type Log struct{ to *slog.Logger }

// New makes a log of events; each is a line of to with log=security, so that a collector can tell them from the rest.
func New(to *slog.Logger) *Log { return &Log{to.With(slog.String("log", "security"))} }

// Write logs an event with who called, from where and in which request, as the context says.
func (l *Log) Write(ctx context.Context, e Event) {
	if l == nil {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs, slog.String("event", e.What), slog.String("outcome", outcome(e.Err)))
	if e.Err != nil {
		attrs = append(attrs, slog.String("code", fault.CodeOf(e.Err)))
	}
	add := func(key string, x id.ID) {
		if !x.IsZero() {
			attrs = append(attrs, slog.String(key, x.String()))
		}
	}
	member := e.Member
	if p, err := identity.From(ctx); err == nil {
		if member.IsZero() {
			member = p.MemberID
		}
		add("session", p.SessionID)
	}
	add("member", member)
	add("target", e.Target)
	add("shop", e.Shop)
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	if from := identity.OriginOf(ctx); from.IP != "" {
		attrs = append(attrs, slog.String("ip", from.IP), slog.String("request_id", from.RequestID))
	}
	l.to.LogAttrs(ctx, level(e.Err), "security", attrs...)
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "done"
	case fault.KindOf(err) == fault.Internal, fault.KindOf(err) == fault.Unavailable:
		return "failed"
	default:
		return "refused"
	}
}

func level(err error) slog.Level {
	if err != nil {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
