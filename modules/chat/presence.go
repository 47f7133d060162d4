package chat

import (
	"context"
	"time"

	"mall/modules/chat/internal/api"
	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/presence"
	"mall/modules/chat/internal/store"
)

// presenceRooms is in how many of its latest rooms a party's coming and going is told: a shop with ten
// thousand rooms would otherwise wake ten thousand buyers by opening its console.
const presenceRooms = 50

// presenceChanged tells the other sides of a party's latest rooms that it has come or gone.
func (c *Chat) presenceChanged(p hub.Party, st presence.State) {
	ctx, cancel := context.WithTimeout(c.lifetime, c.cfg.SendPatience)
	defer cancel()
	f, party := store.Inbox{BuyerID: p.ID, Limit: presenceRooms}, store.Buyer
	if p == hub.Shop(p.ID) {
		f, party = store.Inbox{ShopID: p.ID, Limit: presenceRooms}, store.Shop
	}
	rooms, err := c.store.Latest(ctx, f)
	if err != nil {
		if c.lifetime.Err() == nil {
			c.log.Warn("presence not told", "error", err)
		}
		return
	}
	for _, r := range rooms {
		other := hub.Shop(r.ShopID)
		if party == store.Shop {
			other = hub.Buyer(r.BuyerID)
		}
		frame := presenceFrame{Type: "presence", RoomID: r.ID, Party: party, Online: st.Online, LastSeen: seenAt(st)}
		c.relay.Push(other, encodeFrame(frame), nil)
	}
}

func seenAt(st presence.State) *time.Time {
	if st.Online || st.LastSeen.IsZero() {
		return nil
	}
	return &st.LastSeen
}

// addPresence says of each room whether the other party is there; nothing while Redis is away.
func (c *Chat) addPresence(ctx context.Context, views []api.Room, party string) {
	if len(views) == 0 || !c.bus.Connected() {
		return
	}
	others := make([]hub.Party, len(views))
	for i := range views {
		others[i] = hub.Buyer(views[i].Buyer.Id)
		if party == store.Buyer {
			others[i] = hub.Shop(views[i].Shop.Id)
		}
	}
	states := c.online.States(ctx, others)
	for i, other := range others {
		if st, known := states[other]; known {
			views[i].Presence = &api.Presence{Online: st.Online, LastSeen: seenAt(st)}
		}
	}
}
