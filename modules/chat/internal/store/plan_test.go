package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// Each query of the hot paths must go by the index that was made for it. What the servers say of a plan is
// written beside the query here.
func TestPlans(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		s := store.New(d)
		shop, buyer := id.New(), id.New()
		var rooms []store.Room
		for i := range 200 {
			b, sh := id.New(), shop
			if i%4 == 0 {
				sh = id.New()
			}
			if i%16 == 0 {
				b = buyer
			}
			rooms = append(rooms, openRoom(t, s, b, sh))
		}
		for range 6 {
			var ds []store.Draft
			for _, r := range rooms {
				for range 1 + rand.IntN(8) {
					ds = append(ds, draft(r.ID, r.BuyerID, store.Buyer, "?"))
				}
			}
			appendAll(t, s, ds...)
		}
		for _, r := range rooms[1:12] {
			if o := appendAll(t, s, change(r, r.InquiryID, store.Held))[0]; o.Err != nil {
				t.Fatal(o.Err)
			}
		}
		for _, table := range []string{"chat_rooms", "chat_messages", "chat_inquiries", "chat_cursors"} {
			if err := d.Write(t.Context()).Exec("ANALYZE TABLE " + table).Error; err != nil {
				t.Fatal(err)
			}
		}
		room := rooms[1].ID
		inbox := func(f store.Inbox) (string, []any) {
			f.Limit = 20
			return store.InboxQuery(f)
		}
		recent, recentArgs := inbox(store.Inbox{ShopID: shop})
		waiting, waitingArgs := inbox(store.Inbox{ShopID: shop, Waiting: true})
		state, stateArgs := inbox(store.Inbox{ShopID: shop, State: store.Held})
		own, ownArgs := inbox(store.Inbox{BuyerID: buyer})
		for _, tc := range []struct {
			name, query string
			args        []any
			key         string // of the table where the plan begins
			index       bool   // the index alone answers, in its order
			sorted      bool   // by the index: no filesort
		}{
			{"history after", "SELECT body FROM chat_messages WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT 50", []any{room, 5}, "PRIMARY", false, true},
			{"history before", "SELECT body FROM chat_messages WHERE room_id = ? AND seq < ? ORDER BY seq DESC LIMIT 50", []any{room, 50}, "PRIMARY", false, true},
			{"retry", "SELECT seq FROM chat_messages WHERE (room_id = ? AND sender_id = ? AND client_msg_id = ?) OR (room_id = ? AND sender_id = ? AND client_msg_id = ?)",
				[]any{room, buyer, id.New(), room, shop, id.New()}, "chat_messages_retry", false, true},
			{"last until a moment", "SELECT seq FROM chat_messages WHERE room_id = ? AND created_at <= '2026-01-02' ORDER BY seq DESC LIMIT 1", []any{room}, "PRIMARY", false, true},
			{"cursors to raise", "SELECT read_seq FROM chat_cursors WHERE (room_id = ? AND party = 'buyer') OR (room_id = ? AND party = 'shop') FOR UPDATE",
				[]any{room, rooms[2].ID}, "PRIMARY", false, true},
			{"rooms of buyers", "SELECT id, buyer_id, shop_id, head, updated_at FROM chat_rooms WHERE buyer_id IN (?, ?) LIMIT 1001", []any{buyer, rooms[1].BuyerID}, "chat_rooms_parties", false, true},
			{"room of a pair", "SELECT id, head FROM chat_rooms WHERE buyer_id = ? AND shop_id = ?", []any{buyer, rooms[0].ShopID}, "chat_rooms_parties", false, true},
			{"inbox, recent", recent, recentArgs, "chat_rooms_shop_recent", true, true},
			{"inbox, longest waiting", waiting, waitingArgs, "chat_rooms_shop_waiting", false, true},
			{"inbox, a state", state, stateArgs, "chat_rooms_shop_recent", true, true},
			{"a buyer's rooms", own, ownArgs, "chat_rooms_parties", false, false}, // few: sorted when they are read
		} {
			t.Run(tc.name, func(t *testing.T) {
				plan := testservers.Explain(t, d, tc.query, tc.args...)
				first := plan[0]
				for _, s := range plan {
					if s.SelectType == "DERIVED" { // the page's rooms; what it is joined to comes before it
						first = s
					}
				}
				if first.Key != tc.key {
					t.Errorf("it goes by %q (%s), want %q: %s", first.Key, first.Type, tc.key, fmt.Sprint(plan))
				}
				if tc.index && !strings.Contains(first.Extra, "Using index") {
					t.Errorf("the index does not answer alone: %s", fmt.Sprint(plan))
				}
				if tc.sorted && strings.Contains(first.Extra, "filesort") {
					t.Errorf("table %s is sorted: %s", first.Table, fmt.Sprint(plan))
				}
				for _, s := range plan {
					page := strings.HasPrefix(s.Table, "<derived")
					if s.Type == "ALL" && !page {
						t.Errorf("table %s is read whole: %s", s.Table, fmt.Sprint(plan))
					}
					// What hangs on a room is found by its key, one row each.
					if s != first && !page && s.Type != "eq_ref" && s.Type != "const" {
						t.Errorf("table %s is joined by %s: %s", s.Table, s.Type, fmt.Sprint(plan))
					}
				}
			})
		}
	})
}

// The rooms of many parties at once are read by one stretch of the index for each, also where shops have a third of all
// rooms: both servers say ref by chat_rooms_shop_recent (no filesort) or chat_rooms_parties (a few rows, sorted), as often as
// there are owners, and name no table in between.
func TestPlanOfTheLatestRoomsOfMany(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		s := store.New(d)
		owners := map[bool][]id.ID{}
		shops := []id.ID{id.New(), id.New(), id.New()}
		for i := range 150 {
			buyer := id.New()
			openRoom(t, s, buyer, shops[i%len(shops)])
			if i < len(shops) {
				openRoom(t, s, buyer, shops[(i+1)%len(shops)])
				owners[false] = append(owners[false], buyer)
			}
		}
		owners[true] = shops
		if err := d.Write(t.Context()).Exec("ANALYZE TABLE chat_rooms").Error; err != nil {
			t.Fatal(err)
		}
		for ofShops, key := range map[bool]string{false: "chat_rooms_parties", true: "chat_rooms_shop_recent"} {
			plan := testservers.Explain(t, d, s.LatestQuery(owners[ofShops], ofShops, 5))
			read := 0
			for _, step := range plan {
				if step.Table != "chat_rooms" {
					continue
				}
				if read++; step.Key != key || step.Type == "ALL" || step.Type == "index" || ofShops && strings.Contains(step.Extra, "filesort") {
					t.Errorf("an owner's rooms are read by %q (%s, %s): %+v", step.Key, step.Type, step.Extra, plan)
				}
			}
			if read != len(owners[ofShops]) || len(plan) > read+1 {
				t.Errorf("%d owners: %+v", len(owners[ofShops]), plan)
			}
		}
	})
}
