package chat_test

import "testing"

func TestPresenceOfTheOtherParty(t *testing.T) {
	onEach(t, func(t *testing.T, m *mall) {
		r := m.openRoom(t, "buyer")
		buyer := m.connect(t, 0, "buyer")
		var seen struct {
			Presence *struct{ Online bool }
		}
		m.rest(t, m.last(), "buyer", "GET", "/chat/rooms/"+r.ID.String(), nil, 200, &seen)
		if seen.Presence == nil || seen.Presence.Online {
			t.Errorf("nobody of the shop is here: %+v", seen.Presence)
		}
		owner := m.connect(t, m.last(), "owner")
		if got := buyer.skipTo("presence"); !got.Online || got.Party != "shop" || got.RoomID != r.ID {
			t.Errorf("the shop has come: %+v", got)
		}
		m.rest(t, 0, "buyer", "GET", "/chat/rooms/"+r.ID.String(), nil, 200, &seen)
		if seen.Presence == nil || !seen.Presence.Online {
			t.Errorf("the shop is here: %+v", seen.Presence)
		}
		check(t, owner.ws.Close())
		if got := buyer.skipTo("presence"); got.Online {
			t.Errorf("the shop has gone: %+v", got)
		}
	})
}
