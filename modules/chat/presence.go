package chat

import (
	"context"
	"errors"
	"slices"
	"time"

	"mall/modules/chat/internal/api"
	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/presence"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
)

// presenceRooms is in how many of its latest rooms a party's coming and going is told: a shop with ten
// thousand rooms would otherwise wake ten thousand buyers by opening its console.
const presenceRooms = 50

// presenceChunk is how many parties' rooms are read with one query.
const presenceChunk = 100

// presenceChanged tells the other sides of parties' latest rooms that they have come or gone.
func (c *Chat) presenceChanged(changes []presence.Change) {
	for part := range slices.Chunk(changes, presenceChunk) {
		states, buyers, shops := map[hub.Party]presence.State{}, []id.ID{}, []id.ID{}
		for _, ch := range part {
			states[ch.Party] = ch.State
			if ch.Party == hub.Shop(ch.Party.ID) {
				shops = append(shops, ch.Party.ID)
			} else {
				buyers = append(buyers, ch.Party.ID)
			}
		}
		err := errors.Join(c.publishPresence(buyers, false, states), c.publishPresence(shops, true, states))
		if err != nil && c.lifetime.Err() == nil {
			c.log.Warn("presence not told", "error", err)
		}
	}
}

func (c *Chat) publishPresence(owners []id.ID, shops bool, states map[hub.Party]presence.State) error {
	ctx, cancel := context.WithTimeout(c.lifetime, c.cfg.SendPatience)
	defer cancel()
	rooms, err := c.store.LatestOf(ctx, owners, shops, presenceRooms)
	if err != nil {
		return err
	}
	for _, r := range rooms {
		if r.Blocks != 0 {
			continue // whoever has been blocked is not told when the other side is there
		}
		who, other, party := hub.Buyer(r.BuyerID), hub.Shop(r.ShopID), store.Buyer
		if shops {
			who, other, party = other, who, store.Shop
		}
		st := states[who]
		frame := presenceFrame{Type: "presence", RoomID: r.ID, Party: party, Online: st.Online, LastSeen: seenAt(st)}
		c.relay.Push(other, encodeFrame(frame), nil)
	}
	return nil
}

func seenAt(st presence.State) *time.Time {
	if st.Online || st.LastSeen.IsZero() {
		return nil
	}
	return &st.LastSeen
}

// addPresence says of each room whether the other party is there; nothing while Redis is away, or of a blocked room.
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
		if st, known := states[other]; known && !views[i].Blocked.ByMe && !views[i].Blocked.ByOther {
			views[i].Presence = &api.Presence{Online: st.Online, LastSeen: seenAt(st)}
		}
	}
}
