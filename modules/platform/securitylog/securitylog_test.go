package securitylog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

func TestALineSaysWhoWhatFromWhereAndHowItEnded(t *testing.T) {
	var out bytes.Buffer
	log := securitylog.New(slog.New(slog.NewJSONHandler(&out, nil)))
	caller, target, shop := &identity.Principal{MemberID: id.New(), SessionID: id.New()}, id.New(), id.New()
	ctx := identity.With(t.Context(), caller)
	ctx = identity.WithOrigin(ctx, identity.Origin{IP: "192.0.2.7", UserAgent: "curl", RequestID: "r-12345678"})
	log.Write(ctx, securitylog.Event{What: securitylog.RoleChange, Target: target, Shop: shop, Reason: "owner",
		Err: fault.New(fault.Forbidden, "forbidden", "secret words of ours")})
	var got map[string]string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	want := map[string]string{"level": "WARN", "msg": "security", "log": "security", "event": "role_change", "outcome": "refused",
		"code": "forbidden", "session": caller.SessionID.String(), "member": caller.MemberID.String(), "target": target.String(),
		"shop": shop.String(), "reason": "owner", "ip": "192.0.2.7", "request_id": "r-12345678"}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %q, want %q", k, got[k], v)
		}
	}
	if len(got) != len(want) || strings.Contains(out.String(), "secret words") {
		t.Errorf("the line says more than it may: %s", out.String())
	}
}

func TestAnErrorOfOursIsAFailureAndItsTextStaysInside(t *testing.T) {
	var out bytes.Buffer
	securitylog.New(slog.New(slog.NewTextHandler(&out, nil))).
		Write(t.Context(), securitylog.Event{What: securitylog.Login, Err: errors.New("db: dsn with a password")})
	if line := out.String(); !strings.Contains(line, "outcome=failed") || strings.Contains(line, "dsn") {
		t.Error(line)
	}
}

func TestNoLogTakesEvents(t *testing.T) {
	var none *securitylog.Log
	none.Write(t.Context(), securitylog.Event{What: securitylog.Login})
}
