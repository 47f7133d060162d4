package mall

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

// schema is what must be true of the database before the mall stands on it.
type schema struct {
	db     *db.DB
	log    *slog.Logger
	server *httpserver.Server
	open   func(ctx context.Context) error // opens the public address
	strict bool

	mu       sync.Mutex
	version  migrations.Schema
	findings []db.Finding
}

type databaseStatus struct {
	Schema   migrations.Schema `json:"schema"`
	Findings []db.Finding      `json:"findings"` // what may cost what was acked
}

func (s *schema) status() databaseStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return databaseStatus{s.version, s.findings}
}

func (s *schema) measure(registry *prometheus.Registry) {
	telemetry.Gauge(registry, "mall_db_findings", "What the database may lose acked messages by; /statusz says what.",
		func() float64 { return float64(len(s.status().Findings)) })
}

// lay brings the schema up to date or waits until somebody has, and then looks whether the database keeps what it is
// given. Readiness does not depend on the database later, or an outage would take every instance out at once.
func (s *schema) lay(ctx context.Context, migrate bool) error {
	if migrate {
		s.server.SetUnready("the database's schema is being brought up to date")
		if err := migrations.Up(ctx, s.db, s.log); err != nil {
			return err
		}
	}
	if err := s.awaitSchema(ctx); err != nil {
		return err
	}
	s.server.SetUnready("starting")
	if err := s.inspect(ctx); err != nil {
		return err
	}
	if n := len(s.findings); n > 0 && s.strict {
		return fmt.Errorf("db.strict: the database may lose what was acked: %s", strings.Join(texts(s.findings), "; "))
	}
	return nil
}

// awaitSchema returns when nothing is pending. A database that is away meanwhile is no reason to give up.
func (s *schema) awaitSchema(ctx context.Context) error {
	said := ""
	for {
		found, err := migrations.Compare(ctx, s.db)
		why := pendingText(found.Pending)
		if err != nil {
			why = "the database does not say which migrations it has"
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if why == "" {
			s.note(found)
			return nil
		}
		s.mu.Lock()
		s.version = found
		s.mu.Unlock()
		s.server.SetUnready(why)
		// Who asks outside is told as well: this may take as long as somebody takes to do something about it.
		if err := s.open(ctx); err != nil {
			return err
		}
		if why != said { // once, not every time
			s.log.Warn("not ready: "+why, "error", err)
			said = why
		}
		pause(ctx, schemaEvery)
	}
}

func (s *schema) note(found migrations.Schema) {
	s.mu.Lock()
	s.version = found
	s.mu.Unlock()
	if len(found.Newer) > 0 {
		s.log.Warn("the database has migrations that this program does not know: a newer program has been here", "versions", found.Newer)
	}
}

func pendingText(pending []string) string {
	if len(pending) == 0 {
		return ""
	}
	return fmt.Sprintf("%d migrations are pending (%s): run `mall migrate up`", len(pending), strings.Join(pending, ", "))
}

// inspect looks at the database, and says in the log what is new.
func (s *schema) inspect(ctx context.Context) error {
	found, err := s.db.Inspect(ctx, chat.Keys())
	if err != nil {
		return err
	}
	s.mu.Lock()
	before := s.findings
	s.findings = found
	s.mu.Unlock()
	for _, x := range found {
		if !slices.Contains(before, x) {
			s.log.Error("the database may lose what was acked: "+x.What, "loss", x.Loss, "mend", x.Mend)
		}
	}
	for _, x := range before {
		if !slices.Contains(found, x) {
			s.log.Info("mended: it is no longer so that " + x.What)
		}
	}
	return nil
}

// watch looks again now and then, until ctx ends.
func (s *schema) watch(ctx context.Context) error {
	tick := time.NewTicker(inspectEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.inspect(ctx); err != nil && !errors.Is(err, context.Canceled) {
				s.log.Debug("the database was not inspected", "error", err)
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
