package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"mall/modules/chat"
	"mall/modules/member"
	"mall/modules/order"
	"mall/modules/platform/apidoc"
	"mall/modules/platform/db"
	"mall/modules/platform/httpserver"
	"mall/modules/platform/outbox"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/securitylog"
	"mall/modules/platform/telemetry"
	"mall/modules/product"
	"mall/modules/records"
)

// serve builds the house from the ground up, opens it, and closes it in reverse when ctx ends.
func serve(ctx context.Context, s settings, stdout, stderr io.Writer) (err error) {
	log := telemetry.NewLogger(s.Log, stderr)
	security := securitylog.New(log)
	if err := s.checkExposure(ctx, security); err != nil {
		return &settingsError{err}
	}
	letters, mailbox, err := s.letters(ctx, log, security)
	if err != nil {
		return &settingsError{err}
	}
	s.tellExposure(ctx, log, security)

	closing, giveUp := context.WithCancel(context.WithoutCancel(ctx)) // one time for all that is closed, last of all the stores
	defer giveUp()
	d, err := db.Open(ctx, s.DB.Config, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, within(closing, "the database", d.Close)) }()
	redis, closeRedis, err := pubsub.Open(s.Redis, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, within(closing, "Redis", closeRedis)) }()
	for _, setting := range s.Redis.Dangers() {
		log.Warn("others may reach Redis, or listen on the way to it", "setting", setting)
		security.Write(ctx, securitylog.Event{What: securitylog.DangerousSetting, Reason: setting})
	}
	registry := telemetry.NewRegistry(d.Pools())
	bus := pubsub.New(redis, s.Redis.Prefix, s.busSecrets(), log)
	bus.OnRefused(badSeals(security))
	news := outbox.New(d, log, s.Outbox)

	members, err := member.New(s.Member, member.Deps{DB: d, News: news, Mail: letters, Bus: bus, Security: security, Log: log, HashCommand: ownHashes()})
	if err != nil {
		return err
	}
	defer members.Close()
	description, err := apidoc.Merge(httpserver.API(), member.API(), product.API(), order.API(), chat.API(), records.API())
	if err != nil {
		return err
	}
	server, err := httpserver.New(s.HTTP.Config, description, httpserver.Deps{Members: members, Security: security, Registry: registry, Log: log})
	if err != nil {
		return err
	}
	// Everything runs until it is told to stop; what others need stops last.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	g, failed := errgroup.WithContext(work)
	open := sync.OnceValue(func() error {
		if err := server.Listen(ctx); err != nil {
			return err
		}
		g.Go(server.Serve)
		return nil
	})
	base := &foundation{db: d, log: log, server: server, open: open, strict: s.DB.Strict}
	base.measure(registry)
	status := &statusPage{base: base}
	mountInternal(server.Internal, registry, status)
	if err := server.ListenInternal(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	g.Go(server.ServeInternal) // from here on whoever looks sees that the process lives, and what it waits for
	if err := base.lay(ctx, s.DB.Migrate); err != nil {
		if ctx.Err() != nil && !s.DB.Migrate {
			return nil // told to end while it waited: in order
		}
		return err
	}

	products := product.New(d, members)
	orders := order.New(s.Order, order.Deps{DB: d, News: news, Products: products, Members: members, Payments: s.payments(), Log: log})
	rooms, err := chat.New(ctx, s.Chat, chat.Deps{DB: d, Members: members, Products: products, Orders: orders,
		Bus: bus, Redis: redis, Prefix: s.Redis.Prefix, Origins: s.HTTP.Origins(), Security: security, Log: log})
	if err != nil {
		return err
	}

	members.OnChanged(rooms.MemberChanged)
	news.Handle(order.TopicStatusChanged, tellRoom(rooms))
	news.Handle(member.TopicLetter, members.Deliver)

	socketDescription, err := apidoc.JSON(chat.AsyncAPI())
	if err != nil {
		return err
	}
	kept := records.New(records.Deps{DB: d, Members: members, Orders: orders, Talks: rooms, Security: security, Log: log})
	for _, m := range []interface{ Routes(g *echoGroup) }{members, products, orders, rooms, kept} {
		m.Routes(server.API)
	}
	mountDocs(server.Echo, socketDescription)
	mountUI(server.Echo)
	if mailbox != nil {
		mountMailbox(server.Echo, mailbox)
	}
	status.open(rooms, bus)
	rooms.Measure(registry)
	bus.Measure(registry)

	if err := s.startDemo(ctx, members, func() error { return seedDemo(ctx, members, products, orders, rooms) }, log); err != nil {
		return fmt.Errorf("demo data: %w", err)
	}

	if err := open(); err != nil {
		return err
	}
	for _, run := range []func(context.Context) error{bus.Run, members.Run, orders.Run, news.Run, rooms.Run, paceCollector, base.watch} {
		g.Go(func() error { return run(work) })
	}
	server.SetReady(true)
	greet(stdout, s, server, mailbox != nil)

	select {
	case <-ctx.Done():
	case <-failed.Done(): // a part ended by itself: close the rest in order, and say why
	}
	time.AfterFunc(closeLimit, giveUp)
	server.SetReady(false)
	pause(closing, s.HTTP.DrainDelay)
	err = errors.Join(rooms.Drain(closing), server.Shutdown(closing), within(closing, "the chat", rooms.Close))
	stopWork()
	return errors.Join(err, within(closing, "the work in the background", g.Wait))
}

// ownHashes is how to start this program as one that hashes passwords; none where it cannot be found.
func ownHashes() []string {
	own, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{own, hashCommand}
}

// closeLimit is within the 30 s that an orchestrator commonly gives between SIGTERM and SIGKILL (P12). Each step of the
// closing gets what those before it have left.
const closeLimit = 25 * time.Second

// within waits for a step of the closing until its time is over: the process then ends all the same.
func within(closing context.Context, step string, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-closing.Done():
		return fmt.Errorf("closing %s took too long", step)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// tellRoom brings an order's news to its room.
func tellRoom(rooms *chat.Chat) outbox.Handler {
	return func(ctx context.Context, m outbox.Message) error {
		var c order.StatusChanged
		if err := json.Unmarshal(m.Payload, &c); err != nil {
			return err
		}
		return rooms.OrderChanged(ctx, chat.OrderChange{News: m.ID, OrderID: c.OrderID, ShopID: c.ShopID, BuyerID: c.BuyerID, Status: string(c.To)})
	}
}

// greet tells whoever started the mall where to look.
func greet(w io.Writer, s settings, server *httpserver.Server, mailbox bool) {
	var b strings.Builder
	base := strings.TrimSuffix(s.HTTP.PublicURL, "/")
	if base == "http://"+s.HTTP.Addr {
		base = "http://" + server.Addr()
	}
	fmt.Fprintf(&b, "\nThe mall is open.\n\n  buyers    %s/\n  sellers   %s/seller\n  API       %s/openapi.json  %s/asyncapi.json\n  status    http://%s/statusz  /metrics\n",
		base, base, base, base, server.InternalAddr())
	if s.embedded() {
		fmt.Fprintf(&b, "\nEmbedded mode: one process, not for production. Its data is kept in %s.\n", s.Data)
	}
	if s.demo() {
		b.WriteString(demoLogins)
	}
	if mailbox {
		fmt.Fprintf(&b, "  letters   %s/mailbox\n", base)
	}
	_, _ = fmt.Fprintln(w, b.String())
}
