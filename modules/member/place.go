package member

import (
	"context"
	"strings"
	"time"

	"mall/modules/member/internal/store"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

const (
	placeLife = 180 * 24 * time.Hour // a place where a member was not seen for so long is new again
	placeStep = 24 * time.Hour       // a place seen so lately is not written again
)

// nearPlace is the caller's network as one of a member's places: from there their logins are let through when others
// guess. It says nothing of the device, since a stranger who guesses can say that of theirs.
func nearPlace(ctx context.Context, member id.ID) []byte {
	return counterKey("near", member.String(), network(identity.OriginOf(ctx).IP))
}

// devicePlace is the caller's region and kind of device: where that is new, the member is told of the login.
func devicePlace(ctx context.Context, member id.ID) []byte {
	from := identity.OriginOf(ctx)
	return counterKey("device", member.String(), region(from.IP), kindOfDevice(from.UserAgent))
}

// kindOfDevice is a user agent without its versions: those change every few weeks.
func kindOfDevice(agent string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' {
			return -1
		}
		return r
	}, agent)
}

func (m *Members) knows(ctx context.Context, member id.ID, place []byte) (bool, error) {
	found, err := m.store.Places(ctx, member, [][]byte{place}, m.now().Add(-placeLife))
	return len(found) > 0, err
}

// notePlace keeps where a login comes from, in the transaction that opens it, and tells the member of a new place: by mail,
// where the address is proved, since else it may be a stranger's. A program, which comes from nowhere, is not noted.
func (m *Members) notePlace(ctx context.Context, who store.Member, session id.ID) error {
	if identity.OriginOf(ctx).IP == "" {
		return nil
	}
	near, device, now := nearPlace(ctx, who.ID), devicePlace(ctx, who.ID), m.now()
	known, err := m.store.Places(ctx, who.ID, [][]byte{near, device}, now.Add(-placeLife))
	if err != nil {
		return err
	}
	seen := map[string]time.Time{}
	for _, p := range known {
		seen[string(p.Place)] = p.SeenAt
	}
	var rows []store.Place
	for _, place := range [][]byte{near, device} {
		if now.Sub(seen[string(place)]) >= placeStep {
			rows = append(rows, store.Place{MemberID: who.ID, Place: place, SeenAt: now})
		}
	}
	if err := m.store.SeePlaces(ctx, rows...); err != nil {
		return err
	}
	if _, is := seen[string(device)]; is || who.EmailProvedAt == nil || session.IsZero() {
		return nil
	}
	from := identity.OriginOf(ctx)
	return m.post(ctx, letter{Kind: letterNewLogin, Member: who.ID, IP: from.IP, Device: agentText(from.UserAgent), At: now})
}

// maxAgent is how much of a user agent is kept.
const maxAgent = 200

// agentText is a user agent as its member is shown it: one line of what can be seen.
func agentText(agent string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, agent)
	return clean[:min(len(clean), maxAgent)]
}

// maxIP is the longest text of an address.
const maxIP = 45

// from is where a session is opened, as its row keeps it.
func openedFrom(ctx context.Context, row store.Session) store.Session {
	origin := identity.OriginOf(ctx)
	row.IP, _, _ = strings.Cut(origin.IP, "%") // without the zone, a name of our own network card
	row.IP = agentText(row.IP[:min(len(row.IP), maxIP)])
	row.UserAgent = agentText(origin.UserAgent)
	return row
}
