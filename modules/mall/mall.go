// Package mall is the composition: New makes all modules from the ground up, Start opens the mall and lets it work,
// Stop undoes everything in reverse. A start that fails half-way undoes what it has done by itself.
//
//	m, err := mall.New(ctx, settings, mall.Options{Log: log})
//	if err != nil {
//		return err
//	}
//	if err := m.Start(ctx); err != nil {
//		return err
//	}
//	<-m.Failed() // or whoever runs it wants it to end
//	return m.Stop(closing)
package mall

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"mall/modules/chat"
	"mall/modules/member"
	"mall/modules/order"
	"mall/modules/platform/db"
	"mall/modules/platform/httpserver"
	"mall/modules/platform/mail"
	"mall/modules/platform/outbox"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/securitylog"
	"mall/modules/product"
)

// Options are what a mall gets from the program that starts it, beside its settings.
type Options struct {
	Log         *slog.Logger
	Version     string      // for the status page
	HashCommand []string    // see member.Deps
	Letters     mail.Sender // takes the letters; nil: as the settings say
	Pictures    product.Pictures
}

// Mall is one instance. Its modules may be called from New on, and by whoever composes more before Start.
type Mall struct {
	DB       *db.DB
	Bus      *pubsub.Bus // which does not run before Start
	Members  *member.Members
	Products *product.Catalogue
	Orders   *order.Orders
	Chat     *chat.Chat
	Mailbox  *mail.Mailbox // the letters of a demo; nil: they are sent, or there are none

	settings Settings
	options  Options
	log      *slog.Logger
	security *securitylog.Log
	letters  mail.Sender
	redis    pubsub.Client
	registry *prometheus.Registry
	news     *outbox.Outbox
	server   *httpserver.Server
	listens  bool // on the public address
	schema   *schema
	status   *statusPage

	life
	serving  *errgroup.Group // the addresses
	working  *errgroup.Group // the modules' work in the background
	work     context.Context // ends when the modules are to stop it
	stopWork context.CancelFunc
	failed   context.Context
}

// CloseLimit is how long Stop may take: within the 30 s that an orchestrator commonly gives between SIGTERM and SIGKILL
// (P12).
const CloseLimit = 25 * time.Second

// ErrToldToEnd says that the context has ended while New waited for somebody to migrate the database: nothing is wrong.
var ErrToldToEnd = errors.New("told to end while the database's schema was waited for")

// New opens the stores, waits until the database's schema is fit, and makes the modules, each of them whole. Meanwhile
// the internal address answers whoever looks. ctx ends the waiting; what New has made lives on until Stop. Errors: a
// *SettingsError for settings with which no mall starts, ErrToldToEnd.
func New(ctx context.Context, s Settings, o Options) (*Mall, error) {
	m := prepare(s, o)
	if err := m.take(ctx, m.building()); err != nil {
		return nil, err
	}
	return m, nil
}

// Start opens the public address and lets everybody in. After an error everything has been undone, what New did too.
func (m *Mall) Start(ctx context.Context) error { return m.take(ctx, m.opening()) }

// Failed is closed when a part of the mall has ended by itself. Stop then says why.
func (m *Mall) Failed() <-chan struct{} { return m.failed.Done() }

// Stop closes the mall in the reverse order of its start: no new people, those who are there sent away, what is under
// way finished, the stores last. Each step gets what time those before it have left of ctx, and then the next one
// follows all the same. The error is that of the part that failed, and of what could not be closed in order.
func (m *Mall) Stop(ctx context.Context) error { return m.undo(ctx) }

// Addr is the public address, host:port; InternalAddr the internal one.
func (m *Mall) Addr() string { return m.server.Addr() }

// InternalAddr is the one of metrics and status.
func (m *Mall) InternalAddr() string { return m.server.InternalAddr() }

func prepare(s Settings, o Options) *Mall {
	m := &Mall{settings: s, options: o, log: o.Log, security: securitylog.New(o.Log)}
	m.work, m.stopWork = context.WithCancel(context.Background())
	var served context.Context
	m.serving, served = errgroup.WithContext(context.Background())
	m.working, m.failed = errgroup.WithContext(served)
	return m
}
