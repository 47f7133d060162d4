package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mall/migrations"
	"mall/modules/chat"
	"mall/modules/platform/db"
	"mall/modules/platform/httpserver"
	"mall/modules/platform/telemetry"
)

const (
	schemaEvery  = 2 * time.Second // how often pending migrations are looked for again
	inspectEvery = time.Minute     // settings of the database's server may be changed at any time
)

// foundation is what must be true of the database before the mall stands on it.
type foundation struct {
	db     *db.DB
	log    *slog.Logger
	server *httpserver.Server
	open   func() error // opens the public address
	strict bool

	mu       sync.Mutex
	schema   migrations.Schema
	findings []db.Finding
}

type databaseStatus struct {
	Schema   migrations.Schema `json:"schema"`
	Findings []db.Finding      `json:"findings"` // what may cost what was acked
}

func (f *foundation) status() databaseStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return databaseStatus{f.schema, f.findings}
}

func (f *foundation) measure(registry *prometheus.Registry) {
	telemetry.Gauge(registry, "mall_db_findings", "What the database may lose acked messages by; /statusz says what.",
		func() float64 { return float64(len(f.status().Findings)) })
}

// lay brings the schema up to date or waits until somebody has, and then looks whether the database keeps what it is
// given. Readiness does not depend on the database later, or an outage would take every instance out at once.
func (f *foundation) lay(ctx context.Context, migrate bool) error {
	if migrate {
		f.server.SetUnready("the database's schema is being brought up to date")
		if err := migrations.Up(ctx, f.db, f.log); err != nil {
			return err
		}
	}
	if err := f.awaitSchema(ctx); err != nil {
		return err
	}
	f.server.SetUnready("starting")
	if err := f.inspect(ctx); err != nil {
		return err
	}
	if n := len(f.findings); n > 0 && f.strict {
		return fmt.Errorf("db.strict: the database may lose what was acked: %s", strings.Join(texts(f.findings), "; "))
	}
	return nil
}

// awaitSchema returns when nothing is pending. A database that is away meanwhile is no reason to give up.
func (f *foundation) awaitSchema(ctx context.Context) error {
	said := ""
	for {
		schema, err := migrations.Compare(ctx, f.db)
		why := pendingText(schema.Pending)
		if err != nil {
			why = "the database does not say which migrations it has"
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if why == "" {
			f.note(schema)
			return nil
		}
		f.mu.Lock()
		f.schema = schema
		f.mu.Unlock()
		f.server.SetUnready(why)
		// Who asks outside is told as well: this may take as long as somebody takes to do something about it.
		if err := f.open(); err != nil {
			return err
		}
		if why != said { // once, not every time
			f.log.Warn("not ready: "+why, "error", err)
			said = why
		}
		pause(ctx, schemaEvery)
	}
}

func (f *foundation) note(schema migrations.Schema) {
	f.mu.Lock()
	f.schema = schema
	f.mu.Unlock()
	if len(schema.Newer) > 0 {
		f.log.Warn("the database has migrations that this program does not know: a newer program has been here", "versions", schema.Newer)
	}
}

func pendingText(pending []string) string {
	if len(pending) == 0 {
		return ""
	}
	return fmt.Sprintf("%d migrations are pending (%s): run `mall migrate up`", len(pending), strings.Join(pending, ", "))
}

// inspect looks at the database, and says in the log what is new.
func (f *foundation) inspect(ctx context.Context) error {
	found, err := f.db.Inspect(ctx, chat.Keys())
	if err != nil {
		return err
	}
	f.mu.Lock()
	before := f.findings
	f.findings = found
	f.mu.Unlock()
	for _, x := range found {
		if !slices.Contains(before, x) {
			f.log.Error("the database may lose what was acked: "+x.What, "loss", x.Loss, "mend", x.Mend)
		}
	}
	for _, x := range before {
		if !slices.Contains(found, x) {
			f.log.Info("mended: it is no longer so that " + x.What)
		}
	}
	return nil
}

// watch looks again now and then, until ctx ends.
func (f *foundation) watch(ctx context.Context) error {
	tick := time.NewTicker(inspectEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := f.inspect(ctx); err != nil && !errors.Is(err, context.Canceled) {
				f.log.Debug("the database was not inspected", "error", err)
			}
		}
	}
}

func texts(findings []db.Finding) []string {
	all := make([]string, len(findings))
	for i, x := range findings {
		all[i] = x.What
	}
	return all
}
