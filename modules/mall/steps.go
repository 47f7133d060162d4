package mall

import (
	"context"
	"encoding/json"
	"errors"

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

// building are the steps of New. What stands on something comes after it, and so is closed before it.
func (m *Mall) building() []step {
	return []step{m.checkSettings, m.openDatabase, m.openRedis, m.makeMembers, m.makeServer,
		m.showItself, m.laySchema, m.makeModules, m.mount}
}

// opening are those of Start.
func (m *Mall) opening() []step { return []step{m.openToAll, m.beginWork, m.letIn} }

func (m *Mall) checkSettings(ctx context.Context) (err error) {
	if err := m.settings.checkExposure(ctx, m.security); err != nil {
		return &SettingsError{err}
	}
	m.letters = m.options.Letters
	if m.letters == nil {
		if m.letters, m.Mailbox, err = m.settings.letters(ctx, m.log, m.security); err != nil {
			return &SettingsError{err}
		}
	}
	m.settings.tellExposure(ctx, m.log, m.security)
	return nil
}

func (m *Mall) openDatabase(ctx context.Context) (err error) {
	if m.DB, err = db.Open(ctx, m.settings.DB.Config, m.log); err != nil {
		return err
	}
	m.onStop(func(closing context.Context) error { return within(closing, "the database", m.DB.Close) })
	m.registry = telemetry.NewRegistry(m.DB.Pools())
	m.news = outbox.New(m.DB, m.log, m.settings.Outbox)
	return nil
}

// openRedis also makes the bus, which all modules that speak to other instances are made on.
func (m *Mall) openRedis(ctx context.Context) error {
	client, closeClient, err := pubsub.Open(m.settings.Redis, m.log)
	if err != nil {
		return err
	}
	m.redis = client
	m.onStop(func(closing context.Context) error { return within(closing, "Redis", closeClient) })
	for _, setting := range m.settings.Redis.Dangers() {
		m.log.Warn("others may reach Redis, or listen on the way to it", "setting", setting)
		m.security.Write(ctx, securitylog.Event{What: securitylog.DangerousSetting, Reason: setting})
	}
	m.Bus = pubsub.New(client, m.settings.Redis.Prefix, m.settings.BusSecrets(), m.log)
	m.Bus.OnRefused(badSeals(m.security))
	return nil
}

func (m *Mall) makeMembers(context.Context) (err error) {
	m.Members, err = member.New(m.settings.Member, member.Deps{DB: m.DB, News: m.news, Mail: m.letters, Bus: m.Bus,
		Security: m.security, Log: m.log, HashCommand: m.options.HashCommand})
	if err != nil {
		return err
	}
	m.onStop(func(context.Context) error { m.Members.Close(); return nil })
	m.news.Handle(member.TopicLetter, m.Members.Deliver)
	return nil
}

// API is the description of all REST calls, in JSON.
func API() ([]byte, error) {
	return apidoc.Merge(httpserver.API(), member.API(), product.API(), order.API(), chat.API(), records.API())
}

func (m *Mall) makeServer(context.Context) error {
	description, err := API()
	if err != nil {
		return err
	}
	m.server, err = httpserver.New(m.settings.HTTP.Config, description,
		httpserver.Deps{Members: m.Members, Security: m.security, Registry: m.registry, Log: m.log})
	if err != nil {
		return err
	}
	m.schema = &schema{db: m.DB, log: m.log, server: m.server, open: m.listen, strict: m.settings.DB.Strict}
	m.schema.measure(m.registry)
	m.status = &statusPage{version: m.options.Version, schema: m.schema}
	mountInternal(m.server.Internal, m.registry, m.status)
	return nil
}

// listen opens the public address, once.
func (m *Mall) listen(ctx context.Context) error {
	if m.listens {
		return nil
	}
	if err := m.server.Listen(ctx); err != nil {
		return err
	}
	m.listens = true
	m.serving.Go(m.server.Serve)
	return nil
}

// showItself opens the internal address: from here on whoever looks sees that the process lives, and what it waits for.
// Its end is that of all addresses, as far as they are still open.
func (m *Mall) showItself(ctx context.Context) error {
	if err := m.server.ListenInternal(ctx); err != nil {
		return err
	}
	m.onStop(func(closing context.Context) error {
		return errors.Join(m.server.Close(), within(closing, "the addresses", m.serving.Wait))
	})
	m.serving.Go(m.server.ServeInternal)
	return nil
}

func (m *Mall) laySchema(ctx context.Context) error {
	err := m.schema.lay(ctx, m.settings.DB.Migrate)
	if err != nil && ctx.Err() != nil && !m.settings.DB.Migrate {
		return ErrToldToEnd
	}
	return err
}

// makeModules makes those that need the schema, and tells each of them who hears what it has to tell. What they do in
// the background is stopped after the chat has stored what waits, and before what they stand on.
func (m *Mall) makeModules(ctx context.Context) (err error) {
	m.onStop(func(closing context.Context) error {
		m.stopWork()
		return within(closing, "the work in the background", m.working.Wait)
	})
	s := m.settings
	m.Products = product.New(m.DB, m.Members, m.options.Pictures)
	m.Orders = order.New(s.Order, order.Deps{DB: m.DB, News: m.news, Products: m.Products, Members: m.Members,
		Payments: s.payments(), Log: m.log})
	m.Chat, err = chat.New(ctx, s.Chat, chat.Deps{DB: m.DB, Members: m.Members, Products: m.Products, Orders: m.Orders,
		Bus: m.Bus, Redis: m.redis, Prefix: s.Redis.Prefix, Origins: s.HTTP.Origins(),
		Security: m.security, Log: m.log})
	if err != nil {
		return err
	}
	m.onStop(func(closing context.Context) error { return within(closing, "the chat", m.Chat.Close) })
	m.Members.OnChanged(m.Chat.MemberChanged)
	m.news.Handle(order.TopicStatusChanged, tellRoom(m.Chat))
	return nil
}

// mount puts the modules' calls and the pages on the public address, which serves them once everybody is let in.
func (m *Mall) mount(context.Context) error {
	socketDescription, err := apidoc.JSON(chat.AsyncAPI())
	if err != nil {
		return err
	}
	kept := records.New(records.Deps{DB: m.DB, Members: m.Members, Orders: m.Orders, Talks: m.Chat,
		Security: m.security, Log: m.log})
	mountAPI(m.server.API, m.Members, m.Products, m.Orders, m.Chat, kept)
	mountDocs(m.server.Echo, socketDescription)
	mountUI(m.server.Echo)
	if m.Mailbox != nil {
		mountMailbox(m.server.Echo, m.Mailbox)
	}
	m.status.open(m.Chat, m.Bus)
	m.Chat.Measure(m.registry)
	m.Bus.Measure(m.registry)
	return nil
}

// openToAll opens the public address, where it is not open yet. At the end connections are sent away first; then the
// calls under way are answered.
func (m *Mall) openToAll(ctx context.Context) error {
	if err := m.listen(ctx); err != nil {
		return err
	}
	m.onStop(m.server.Shutdown)
	m.onStop(m.Chat.Drain)
	return nil
}

func (m *Mall) beginWork(context.Context) error {
	for _, run := range []step{m.Bus.Run, m.Members.Run, m.Orders.Run, m.news.Run, m.Chat.Run, m.schema.watch} {
		m.working.Go(func() error { return run(m.work) })
	}
	return nil
}

func (m *Mall) letIn(context.Context) error {
	m.server.SetReady(true)
	m.onStop(func(closing context.Context) error {
		m.server.SetReady(false)
		pause(closing, m.settings.HTTP.DrainDelay)
		return nil
	})
	return nil
}

// tellRoom brings an order's news to its room.
func tellRoom(rooms *chat.Chat) outbox.Handler {
	return func(ctx context.Context, m outbox.Message) error {
		var c order.StatusChanged
		if err := json.Unmarshal(m.Payload, &c); err != nil {
			return err
		}
		return rooms.OrderChanged(ctx, chat.OrderChange{News: m.ID, OrderID: c.OrderID,
			ShopID: c.ShopID, BuyerID: c.BuyerID, Status: string(c.To)})
	}
}
