package memberseed_test

import (
	"log/slog"
	"testing"
	"time"

	"mall/modules/member"
	"mall/modules/member/memberseed"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// settings are those of a mall and of whoever fills it.
var settings = member.Config{
	TokenSecret: "kP3v9LxQ2mZr8TnW5yBc7HdJ4sGf6AeU", TokenIssuer: "mall", TokenAudience: "mall-api",
	AccessLife: 10 * time.Minute, RefreshIdle: 30 * 24 * time.Hour, RefreshGrace: 30 * time.Second,
	WebIdle: 7 * 24 * time.Hour, SessionMax: 60 * 24 * time.Hour, HashWait: 10 * time.Second,
	Cookie: member.Cookie{Name: "mall_session"}, PublicURL: "https://mall.test",
}

// mall is the members of a mall, and a seeder of theirs.
func mall(t *testing.T, d *db.DB) (*member.Members, *memberseed.Seeder) {
	t.Helper()
	members, err := member.New(settings, member.Deps{DB: d, Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	seeder, err := memberseed.New(settings, d)
	check(t, err)
	return members, seeder
}

func join(t *testing.T, m *member.Members, email string) id.ID {
	t.Helper()
	x := id.New()
	check(t, m.Seed(t.Context(), member.Seed{Members: []member.SeedMember{{ID: x, Email: email, Password: "moonlight-2026", Name: "누구"}}}))
	return x
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSessionsAreAsGoodAsLogins(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		members, seeder := mall(t, d)
		who := []id.ID{join(t, members, "kim@load.invalid"), join(t, members, "lee@load.invalid")}
		opened, err := seeder.OpenSessions(t.Context(), who)
		if err != nil || len(opened) != 2 {
			t.Fatal(opened, err)
		}
		is := func(access string, who id.ID) {
			t.Helper()
			p, err := members.Bearer(t.Context(), access)
			check(t, err)
			if p.MemberID != who {
				t.Errorf("the token of %v is %v's", who, p.MemberID)
			}
		}
		for i, tokens := range opened {
			is(tokens.Access, who[i])
			if tokens.AccessLife != settings.AccessLife || tokens.RefreshLife != settings.RefreshIdle {
				t.Errorf("lives %+v", tokens)
			}
			next, err := members.Refresh(t.Context(), tokens.Refresh)
			check(t, err)
			is(next.Access, who[i])
		}
		_, err = members.Refresh(t.Context(), opened[0].Refresh[:60]+opened[1].Refresh[60:])
		if fault.CodeOf(err) != "invalid_token" {
			t.Errorf("a token made of two: %v", err)
		}
	})
}

func TestWhoIsNotOfTheCrowdIsSeen(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		members, seeder := mall(t, d)
		others := func() bool {
			t.Helper()
			any, err := seeder.AnyBeyond(t.Context(), "load.invalid")
			check(t, err)
			return any
		}
		join(t, members, "kim@load.invalid")
		if others() {
			t.Error("the crowd itself counts as others")
		}
		join(t, members, "kim@load.invalid.example")
		if !others() {
			t.Error("a stranger was not seen")
		}
	})
}

func TestASecretThatIsNone(t *testing.T) {
	bad := settings
	bad.TokenSecret = "changeme"
	if _, err := memberseed.New(bad, nil); err == nil {
		t.Error("a seeder signs with it")
	}
}
