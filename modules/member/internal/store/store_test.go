package store

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func kim() Member {
	return Member{ID: id.New(), Email: "kim@demo.mall", Name: "김", PasswordHash: "$argon2id$", CreatedAt: noon}
}

// What a rule above forgot, both databases refuse.
func TestBothDatabasesRefuseWhatDoesNotFit(t *testing.T) {
	testservers.EveryDatabase(t, func(t *testing.T, d *db.DB) {
		s := New(d)
		for name, spoil := range map[string]func(*Member){
			"long e-mail":     func(m *Member) { m.Email = strings.Repeat("a", 255) },
			"long name":       func(m *Member) { m.Name = strings.Repeat("가", 41) },
			"long hash":       func(m *Member) { m.PasswordHash = strings.Repeat("a", 201) },
			"no id":           func(m *Member) { m.ID = id.Nil },
			"Korean in ascii": func(m *Member) { m.PasswordHash = "해시" },
		} {
			row := kim()
			spoil(&row)
			err := s.InsertMembers(t.Context(), row)
			if name == "Korean in ascii" && d.Dialect() == db.SQLite {
				continue // its texts are all Unicode
			}
			if err == nil {
				t.Errorf("%s was stored", name)
			}
		}
		for name, spoil := range map[string]func(*Session){
			"another kind":    func(r *Session) { r.Kind = "root" },
			"long address":    func(r *Session) { r.IP = strings.Repeat("f", 46) },
			"long user agent": func(r *Session) { r.UserAgent = strings.Repeat("a", 201) },
		} {
			row := Session{ID: id.New(), MemberID: id.New(), Kind: Web, TokenHash: hash(1), CreatedAt: noon, ExpiresAt: noon}
			spoil(&row)
			if err := s.InsertSessions(t.Context(), row); err == nil {
				t.Errorf("a session with %s was stored", name)
			}
		}
		if err := s.InsertLink(t.Context(), Link{ID: id.New(), Kind: "login", MemberID: id.New(), CreatedAt: noon, ExpiresAt: noon}); err == nil {
			t.Error("a link of another kind was stored")
		}
		if err := s.InsertStaff(t.Context(), Staff{ShopID: id.New(), MemberID: id.New(), Role: "god", CreatedAt: noon}); err == nil {
			t.Error("another role was stored")
		}
		row := Session{ID: id.New(), MemberID: id.New(), Kind: Web, TokenHash: []byte("short"), CreatedAt: noon, ExpiresAt: noon}
		if err := s.InsertSessions(t.Context(), row); d.Dialect() == db.SQLite && err == nil {
			t.Error("a short hash was stored") // MySQL would pad it, and it would match nothing
		}
	})
}

// E-mails are bytes: normalising is the caller's, and a database that folds more would mix people up.
func TestEmailsAreBytes(t *testing.T) {
	testservers.EveryDatabase(t, func(t *testing.T, d *db.DB) {
		s := New(d)
		row := kim()
		if err := s.InsertMembers(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		twin := kim()
		if err := s.InsertMembers(t.Context(), twin); fault.KindOf(err) != fault.Conflict {
			t.Errorf("a second account of one e-mail: %v", err)
		}
		for _, other := range []string{"KIM@demo.mall", "kim@demo.mall ", "kim@demo.mal"} {
			if _, err := s.MemberByEmail(t.Context(), other); fault.KindOf(err) != fault.NotFound && other != "kim@demo.mall " {
				t.Errorf("%q: %v", other, err)
			}
		}
		got, err := s.MemberByEmail(t.Context(), "kim@demo.mall")
		if err != nil || got.ID != row.ID || !got.CreatedAt.Equal(noon) || got.BannedAt != nil {
			t.Errorf("%+v %v", got, err)
		}
	})
}

// plan is a query with how it is to be answered.
type plan struct {
	name string
	run  func(context.Context) error
	want []string // the keys used, in the order of the statements and their tables
	sort bool     // may sort its few rows
}

// The plans of the queries that the indexes were made for: none may scan a table or sort more than a shop's staff.
func TestPlans(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		s := New(d)
		f := fill(t, d)
		seen := record(t, d)
		for _, tc := range append(factorPlans(s, f), []plan{
			{"member by e-mail", func(ctx context.Context) error { _, err := s.MemberByEmail(ctx, "m7@demo.mall"); return err }, []string{"member_members_email"}, false},
			{"members by id", func(ctx context.Context) error { _, err := s.Members(ctx, f.members[:20]); return err }, []string{"PRIMARY"}, false},
			{"sessions with members", func(ctx context.Context) error { _, err := s.Logins(ctx, f.sessions[:1]); return err }, []string{"PRIMARY", "PRIMARY"}, false},
			{"many sessions with members", func(ctx context.Context) error { _, err := s.Logins(ctx, f.sessions[:50]); return err }, []string{"PRIMARY", "PRIMARY"}, false},
			{"session to refresh", func(ctx context.Context) error { _, err := s.LockSession(ctx, f.sessions[3]); return err }, []string{"PRIMARY"}, false},
			{"end a session", func(ctx context.Context) error { return s.EndSession(ctx, f.sessions[3], noon) }, []string{"PRIMARY"}, false},
			{"use a session", func(ctx context.Context) error { return s.UseSession(ctx, f.sessions[4], noon, noon.Add(time.Hour)) }, []string{"PRIMARY"}, false},
			{"a member's logins", func(ctx context.Context) error { _, err := s.OpenSessions(ctx, f.members[3], noon, 100); return err }, []string{"member_sessions_member"}, true},
			{"a member's other logins", func(ctx context.Context) error {
				_, err := s.OthersOpen(ctx, f.members[3], f.sessions[3], noon)
				return err
			}, []string{"any"}, false},
			{"end some sessions", func(ctx context.Context) error { return s.EndSessions(ctx, f.sessions[5:8], noon) }, []string{"PRIMARY"}, false},
			{"set a password", func(ctx context.Context) error { _ = s.SetPassword(ctx, f.members[3], "was", "is"); return nil }, []string{"member_challenges_member", "any"}, false},
			{"link by id", func(ctx context.Context) error { _, err := s.LockLink(ctx, f.links[3]); return err }, []string{"PRIMARY"}, false},
			{"links of a member", func(ctx context.Context) error { _, err := s.LinksOf(ctx, f.members[3], Reset); return err }, []string{"member_links_member"}, false},
			{"drop links of a member", func(ctx context.Context) error { return s.DropLinks(ctx, f.members[3], Reset) }, []string{"member_links_member"}, false},
			{"sweep links", func(ctx context.Context) error {
				_, err := s.SweepLinks(ctx, noon.Add(10*time.Second), 500)
				return err
			}, []string{"member_links_expires", "any"}, false},
			{"places of a member", func(ctx context.Context) error {
				_, err := s.Places(ctx, f.members[3], [][]byte{hash(3), hash(4)}, noon)
				return err
			}, []string{"any"}, false},
			{"sweep places", func(ctx context.Context) error {
				_, err := s.SweepPlaces(ctx, noon.Add(10*time.Second), 500)
				return err
			}, []string{"member_places_seen", "any"}, false},
			{"end a member's sessions", func(ctx context.Context) error { return s.EndSessionsOf(ctx, f.members[3], noon) }, []string{"member_challenges_member", "member_sessions_member"}, false},
			{"sweep sessions", func(ctx context.Context) error {
				_, err := s.SweepSessions(ctx, noon.Add(10*time.Second), 500)
				return err
			}, []string{"member_sessions_expires", "any"}, false},
			{"staff of a shop", func(ctx context.Context) error { _, err := s.StaffOf(ctx, f.shops[3]); return err }, []string{"PRIMARY", "PRIMARY"}, true},
			{"staff rows", func(ctx context.Context) error { _, err := s.StaffRows(ctx, f.shops[3:4]); return err }, []string{"PRIMARY"}, false},
			{"shops of a member", func(ctx context.Context) error { _, err := s.ShopsOf(ctx, f.members[3:4]); return err }, []string{"member_staff_member", "PRIMARY"}, false},
			{"count shops of a member", func(ctx context.Context) error { _, err := s.CountShopsOf(ctx, f.members[3]); return err }, []string{"member_staff_member"}, false},
			{"shops by id", func(ctx context.Context) error { _, err := s.Shops(ctx, f.shops[:20]); return err }, []string{"PRIMARY"}, false},
			{"count an attempt", func(ctx context.Context) error {
				_, err := s.CountAttempts(ctx, noon, noon, hash(7), hash(8), hash(9))
				return err
			}, []string{"", "PRIMARY"}, false},
			{"take attempts back", func(ctx context.Context) error { return s.UncountAttempts(ctx, hash(7), hash(8)) }, []string{"PRIMARY"}, false},
			{"sweep attempts", func(ctx context.Context) error {
				_, err := s.SweepAttempts(ctx, noon.Add(10*time.Second), 500)
				return err
			}, []string{"member_login_attempts_window", "any"}, false},
		}...) {
			t.Run(tc.name, func(t *testing.T) {
				*seen = nil
				if err := s.Tx(t.Context(), tc.run); err != nil {
					t.Fatal(err)
				}
				var keys []string
				for _, statement := range *seen {
					for _, step := range testservers.Explain(t, d, statement.text, statement.vars...) {
						key := step.Key
						if i := len(keys); key != "" && i < len(tc.want) && tc.want[i] == "any" {
							key = "any" // two keys find the same few rows
						}
						keys = append(keys, key)
						if step.Type == "ALL" && step.Key == "" && !strings.HasPrefix(statement.text, "INSERT") || step.Type == "index" {
							t.Errorf("scans %s: %s", step.Table, statement.text)
						}
						if strings.Contains(step.Extra, "filesort") && !tc.sort {
							t.Errorf("sorts %s: %s", step.Table, statement.text)
						}
					}
				}
				if fmt.Sprint(keys) != fmt.Sprint(tc.want) {
					t.Errorf("keys %q, want %q: %v", keys, tc.want, *seen)
				}
			})
		}
	})
}

type statement struct {
	text string
	vars []any
}

// record notes every statement that goes to the database.
func record(t *testing.T, d *db.DB) *[]statement {
	t.Helper()
	seen := &[]statement{}
	note := func(g *gorm.DB) {
		*seen = append(*seen, statement{g.Statement.SQL.String(), append([]any(nil), g.Statement.Vars...)})
	}
	c := d.Write(t.Context()).Callback()
	for _, err := range []error{
		c.Query().After("gorm:query").Register("test:note", note),
		c.Create().After("gorm:create").Register("test:note", note),
		c.Update().After("gorm:update").Register("test:note", note),
		c.Delete().After("gorm:delete").Register("test:note", note),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return seen
}

type filled struct{ members, sessions, shops, links []id.ID }

func hash(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 16) }

// fill makes tables large enough for the optimizer to care.
func fill(t *testing.T, d *db.DB) filled {
	t.Helper()
	const n = 2000
	var f filled
	var members []Member
	var sessions []Session
	var shops []Shop
	var staff []Staff
	var attempts []Attempts
	var links []Link
	var places []Place
	for i := range n {
		member, session, shop, link := id.New(), id.New(), id.New(), id.New()
		at := noon.Add(time.Duration(i) * time.Second)
		f.members, f.sessions, f.shops = append(f.members, member), append(f.sessions, session), append(f.shops, shop)
		f.links = append(f.links, link)
		links = append(links, Link{ID: link, Kind: Reset, MemberID: member, CreatedAt: at, ExpiresAt: at})
		places = append(places, Place{MemberID: member, Place: hash(i), SeenAt: at})
		members = append(members, Member{ID: member, Email: fmt.Sprintf("m%d@demo.mall", i), Name: "m", PasswordHash: "x", CreatedAt: at})
		sessions = append(sessions, Session{ID: session, MemberID: member, Kind: Web, TokenHash: hash(i), CreatedAt: at, ExpiresAt: at})
		shops = append(shops, Shop{ID: shop, Name: "s", CreatedAt: at})
		staff = append(staff, Staff{ShopID: shop, MemberID: member, Role: "owner", CreatedAt: at}, Staff{ShopID: shop, MemberID: f.members[i/2], Role: "agent", CreatedAt: at})
		attempts = append(attempts, Attempts{EmailHash: hash(i), WindowStart: at, Attempts: 1})
	}
	fillFactors(t, d, f)
	staff = staff[2:] // the first two are the same pair
	w := d.Write(t.Context())
	for _, err := range []error{
		w.CreateInBatches(members, 500).Error, w.CreateInBatches(sessions, 500).Error, w.CreateInBatches(shops, 500).Error,
		w.CreateInBatches(staff, 500).Error, w.CreateInBatches(attempts, 500).Error,
		w.CreateInBatches(links, 500).Error, w.CreateInBatches(places, 500).Error,
		w.Exec("ANALYZE TABLE member_members, member_sessions, member_shops, member_staff, member_login_attempts, member_links, member_places").Error,
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return f
}
