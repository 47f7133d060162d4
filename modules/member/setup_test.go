package member

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"mall/modules/member/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/mail"
	"mall/modules/platform/outbox"
	"mall/modules/platform/securitylog"
)

const (
	secret = "kP3v9LxQ2mZr8TnW5yBc7HdJ4sGf6AeU"
	pass   = "moonlight-2026"
)

func config() Config {
	return Config{
		TokenSecret: secret, TokenIssuer: "mall", TokenAudience: "mall-api",
		AccessLife: 10 * time.Minute, RefreshIdle: 30 * 24 * time.Hour, RefreshGrace: 30 * time.Second,
		WebIdle: 7 * 24 * time.Hour, SessionMax: 60 * 24 * time.Hour,
		HashWait: 10 * time.Second, LoginTries: 10, LoginWindow: 15 * time.Minute,
		Cookie: Cookie{Name: "mall_session"}, StepUpLife: 10 * time.Minute, PublicURL: "https://mall.test",
	}
}

// clock stands still until a test moves it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a database with one or more instances of the module on it.
type world struct {
	*Members

	db    *db.DB
	clock *clock
	mail  *mailbag
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{db: d, clock: &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, mail: &mailbag{}}
	w.Members = w.instance(t, nil)
	return w
}

// instance is a further process of the mall.
func (w *world) instance(t *testing.T, b Bus) *Members {
	t.Helper()
	return w.instanceWith(t, config(), b)
}

func (w *world) instanceWith(t *testing.T, cfg Config, b Bus) *Members {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	m, err := New(cfg, Deps{DB: w.db, News: outbox.New(w.db, quiet, outbox.Config{}), Mail: w.mail, Bus: b,
		Security: securitylog.New(slog.New(slog.NewJSONHandler(&w.mail.events, nil))), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	m.clock = w.clock.now
	return m
}

// mailbag keeps the letters that were sent, and the security log.
type mailbag struct {
	mu      sync.Mutex
	letters []mail.Letter
	fail    error
	events  lockedBuffer
}

func (b *mailbag) Send(_ context.Context, l mail.Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail == nil {
		b.letters = append(b.letters, l)
	}
	return b.fail
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is what was written.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// waiting are the letters in the outbox, the oldest first.
func (w *world) waiting(t *testing.T) (messages []outbox.Message) {
	t.Helper()
	rows, err := w.db.SQL().QueryContext(t.Context(), "SELECT id, payload, attempts FROM platform_outbox WHERE topic = '"+TopicLetter+"' ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		m := outbox.Message{Topic: TopicLetter}
		var payload string
		if err := rows.Scan(&m.ID, &payload, &m.Attempts); err != nil {
			t.Fatal(err)
		}
		m.Payload, m.Attempts = json.RawMessage(payload), m.Attempts+1
		messages = append(messages, m)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return messages
}

// posted delivers what waits, as the outbox does, and gives the letters that came of it.
func (w *world) posted(t *testing.T) []mail.Letter {
	t.Helper()
	before := len(w.mail.letters)
	for _, m := range w.waiting(t) {
		if err := w.Deliver(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		w.exec(t, "DELETE FROM platform_outbox WHERE id = ?", m.ID)
	}
	return w.mail.letters[before:]
}

func (w *world) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := w.db.SQL().ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// lastLink delivers what waits and gives the token of the last letter's link to a page.
func (w *world) lastLink(t *testing.T, page string) string {
	t.Helper()
	letters := w.posted(t)
	for i := len(letters) - 1; i >= 0; i-- {
		for _, link := range mail.Links(letters[i].Text) {
			if at, token, is := strings.Cut(link, "#token="); is && at == config().PublicURL+page {
				return token
			}
		}
	}
	t.Fatalf("no letter has a link to %s: %v", page, letters)
	return ""
}

// proved is member with a proved address.
func (w *world) proved(t *testing.T, email string) id.ID {
	t.Helper()
	x := w.member(t, email)
	if err := w.store.ProveEmail(t.Context(), x, w.now()); err != nil {
		t.Fatal(err)
	}
	return x
}

// wire is a bus that leads to the given instances.
type wire struct{ to []*Members }

func (w *wire) Publish(channel string, payload []byte) {
	for _, m := range w.to {
		m.receive(channel, payload)
	}
}

func (*wire) Handle(string, func(string, []byte)) {}
func (*wire) Listen(string)                       {}

// cheapHash is of pass, with the smallest parameters: the tests log in hundreds of times.
var cheapHash = func() string {
	salt := []byte("salt of the tests")
	b64 := base64.RawStdEncoding
	return "$argon2id$v=19$m=8,t=1,p=1$" + b64.EncodeToString(salt) + "$" + b64.EncodeToString(argon2.IDKey([]byte(pass), salt, 1, 8, 1, 32))
}()

// member makes an account named after the first word of its e-mail.
func (w *world) member(t *testing.T, email string) id.ID {
	t.Helper()
	name, _, _ := strings.Cut(strings.Replace(email, "@", ".", 1), ".")
	row := store.Member{ID: id.New(), Email: email, PasswordHash: cheapHash, Name: name, CreatedAt: w.now()}
	if err := w.store.InsertMembers(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	return row.ID
}

// shop makes a shop with the given staff: "owner:kim manager:lee :song" names members, song of no role, and makes
// their accounts, with proved addresses.
func (w *world) shop(t *testing.T, staff string) (shop id.ID, who map[string]id.ID) {
	t.Helper()
	shop, who = id.New(), map[string]id.ID{}
	s := Seed{Shops: []SeedShop{{ID: shop, Name: "달빛상점"}}}
	for entry := range strings.FieldsSeq(staff) {
		role, name, _ := strings.Cut(entry, ":")
		who[name] = w.proved(t, staffEmail(name, shop))
		if role != "" {
			s.Staff = append(s.Staff, SeedStaff{Shop: shop, Member: who[name], Role: identity.Role(role)})
		}
	}
	w.seed(t, s)
	return shop, who
}

// hire invites a member by e-mail, who accepts.
func (w *world) hire(t *testing.T, actor, shop id.ID, email string, role identity.Role) {
	t.Helper()
	made, err := w.InviteStaff(t.Context(), actor, shop, email, role)
	if err != nil {
		t.Fatal(err)
	}
	who, err := w.Find(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AcceptInvitation(t.Context(), who.ID, made.ID); err != nil {
		t.Fatal(err)
	}
}

// staffEmail is the address of someone whom shop made.
func staffEmail(name string, shop id.ID) string {
	return name + "." + shop.String()[24:] + "@demo.mall"
}

func (w *world) seed(t *testing.T, s Seed) {
	t.Helper()
	if err := w.Seed(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func (w *world) logIn(t *testing.T, email string) Tokens {
	t.Helper()
	opened, err := w.LogIn(t.Context(), email, pass)
	if err != nil {
		t.Fatal(err)
	}
	return opened.Tokens
}

func bearer(t *testing.T, m *Members, access string) *identity.Principal {
	t.Helper()
	p, err := m.Bearer(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantCode checks that err is a fault of that kind and code; code "" wants no error.
func wantCode(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Errorf("unexpected error: %v", err)
		}
		return
	}
	if fault.KindOf(err) != kind || fault.CodeOf(err) != code {
		t.Errorf("got %v, want kind %d code %s", err, kind, code)
	}
}
