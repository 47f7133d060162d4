// Package member is who people are: accounts, logins and their sessions, shops and the staff who answer for them.
//
// A session is a row; its credential is a cookie (web) or a pair of tokens (API clients). Every credential is
// checked against that row, through a memory of at most 3 s, so that an ended session is refused at once by the
// instance that ended it, and by the others as soon as they hear of it, or after 3 s when they do not.
package member

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"mall/modules/member/internal/factor"
	"mall/modules/member/internal/password"
	"mall/modules/member/internal/recent"
	"mall/modules/member/internal/store"
	"mall/modules/member/internal/token"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/mail"
	"mall/modules/platform/securitylog"
)

//go:embed api.yaml
var description []byte

// API is the module's part of the API description, in YAML.
func API() []byte { return description }

const (
	recentLife = 3 * time.Second // how long another instance may believe in an ended session
	recentSize = 50_000          // sessions remembered; more only cost a query each
)

// Members is the module. It is safe for concurrent use once its hooks are registered.
type Members struct {
	cfg      Config
	store    *store.Store
	hasher   *password.Hasher
	box      *factor.Box      // what authenticator apps share with us is kept in
	passkeys *factor.Passkeys // nil: the mall has no name to make them for
	access   *token.Access
	links    *token.Links
	recent   *recent.Cache
	bus      Bus
	news     News
	mail     mail.Sender
	security *securitylog.Log
	log      *slog.Logger
	clock    func() time.Time
	changed  []func(member id.ID)
	notices  notices
}

// News carries letters to be written out of a transaction to whoever writes them; see TopicLetter.
type News interface {
	Add(ctx context.Context, topic string, payload any) error
}

// Deps is what the module stands on.
type Deps struct {
	DB       *db.DB
	News     News             // nil: no letters are asked for, as by programs that are not the mall
	Bus      Bus              // reaches the other instances, and does not run yet; nil when there are none
	Mail     mail.Sender      // nil: no letters are sent
	Security *securitylog.Log // nil: events are not written down
	Log      *slog.Logger

	HashCommand []string // starts a process that calls ServeHashes; none: passwords are hashed in this one
}

// ServeHashes hashes passwords for another process of the mall, until its input ends. It is the whole work of this process:
// to have the lowest priority it may start the program again, with the same arguments. Where the system refuses that
// priority it says so to stderr and hashes all the same.
func ServeHashes(in io.Reader, out, stderr io.Writer) error {
	if err := password.Lowest(); err != nil {
		_, _ = fmt.Fprintln(stderr, "mall: passwords are hashed at the usual priority:", err)
	}
	return password.Serve(in, out)
}

// Close ends the processes that have hashed passwords.
func (m *Members) Close() { m.hasher.Close() }

// New makes the module on an open database.
func New(cfg Config, deps Deps) (*Members, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	keys, err := cfg.Keys()
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	m := &Members{
		cfg: cfg, store: store.New(deps.DB), hasher: password.NewHasher(cfg.HashWait, deps.HashCommand...), links: token.NewLinks(keys),
		news: deps.News, bus: deps.Bus, mail: deps.Mail, security: deps.Security, log: deps.Log, clock: time.Now,
	}
	if m.box, err = factor.NewBox(keys.Derive("second factors")); err != nil {
		return nil, err
	}
	if m.passkeys, err = factor.NewPasskeys(cfg.PublicURL, m.siteName()); err != nil && !errors.Is(err, factor.ErrNoName) {
		return nil, err
	}
	m.access = token.NewAccess(keys, cfg.TokenIssuer, cfg.TokenAudience, cfg.AccessLife, m.now)
	m.notices.waiting = map[id.ID]struct{}{}
	m.recent = recent.New(recentSize, recentLife, m.now, m.readSessions)
	if m.bus != nil {
		m.listen()
	}
	return m, nil
}

// now is the time as both databases keep it.
func (m *Members) now() time.Time { return m.clock().UTC().Truncate(time.Microsecond) }

const (
	sweepEvery = 10 * time.Minute
	sweepBatch = 500
	keepEnded  = day // an ended session stays this long, for whoever looks into a complaint
	day        = 24 * time.Hour
)

// Run clears away what has ended until ctx does; it then returns nil. Any number of instances may run it.
func (m *Members) Run(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		if err := m.Sweep(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "old sessions were not cleared away", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Sweep deletes sessions and links that expired a day ago, and forgotten login attempts and places, in small batches.
func (m *Members) Sweep(ctx context.Context) error {
	now := m.now()
	return errors.Join(
		untilDone("sessions", func() (int, error) { return m.store.SweepSessions(ctx, now.Add(-keepEnded), sweepBatch) }),
		untilDone("links", func() (int, error) { return m.store.SweepLinks(ctx, now.Add(-keepEnded), sweepBatch) }),
		untilDone("places", func() (int, error) { return m.store.SweepPlaces(ctx, now.Add(-placeLife), sweepBatch) }),
		untilDone("invitations", func() (int, error) { return m.store.SweepInvitations(ctx, now, sweepBatch) }),
		untilDone("challenges", func() (int, error) { return m.store.SweepChallenges(ctx, now, sweepBatch) }),
		untilDone("attempts", func() (int, error) { return m.store.SweepAttempts(ctx, now.Add(-longestWindow), sweepBatch) }),
	)
}

func untilDone(what string, sweep func() (int, error)) error {
	for {
		n, err := sweep()
		if err != nil {
			return fmt.Errorf("member: sweep %s: %w", what, err)
		}
		if n < sweepBatch {
			return nil
		}
	}
}

// Names gives the names of members; ids that nobody has are left out. Ask for a page's worth, not for thousands.
func (m *Members) Names(ctx context.Context, members []id.ID) (map[id.ID]string, error) {
	names := make(map[id.ID]string, len(members))
	if len(members) == 0 {
		return names, nil
	}
	rows, err := m.store.Members(ctx, members)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, nil
}
