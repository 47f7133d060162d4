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

// Each query of the hot paths must go by the index that was made for it. What MariaDB says of a plan is
// written beside the query here; MySQL 8 words it alike but for the names of ranges.
func TestPlans(t *testing.T) {
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
	held := store.Held
	for _, r := range rooms[1:12] {
		if _, err := s.ChangeInquiry(t.Context(), r.ID, r.InquiryID, store.InquiryChange{State: &held}); err != nil {
			t.Fatal(err)
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
	state, stateArgs := inbox(store.Inbox{ShopID: shop, State: held})
	own, ownArgs := inbox(store.Inbox{BuyerID: buyer})
	for _, tc := range []struct {
		name, query string
		args        []any
		keys        []string // of the first tables of the plan, in its order
		sorted      bool     // by the index: no filesort
	}{
		{"history after", "SELECT body FROM chat_messages WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT 50", []any{room, 5}, []string{"PRIMARY"}, true},
		{"history before", "SELECT body FROM chat_messages WHERE room_id = ? AND seq < ? ORDER BY seq DESC LIMIT 50", []any{room, 50}, []string{"PRIMARY"}, true},
		{"retry", "SELECT seq FROM chat_messages WHERE (room_id = ? AND sender_id = ? AND client_msg_id = ?) OR (room_id = ? AND sender_id = ? AND client_msg_id = ?)",
			[]any{room, buyer, id.New(), room, shop, id.New()}, []string{"chat_messages_retry"}, true},
		{"room of a pair", "SELECT id, head FROM chat_rooms WHERE buyer_id = ? AND shop_id = ?", []any{buyer, rooms[0].ShopID}, []string{"chat_rooms_parties"}, true},
		{"inbox, recent", recent, recentArgs, []string{"chat_rooms_shop_recent"}, true},
		{"inbox, longest waiting", waiting, waitingArgs, []string{"chat_rooms_shop_waiting"}, true},
		{"inbox, a state", state, stateArgs, []string{"chat_rooms_shop_state"}, true},
		{"a buyer's rooms", own, ownArgs, []string{"chat_rooms_buyer_recent"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var plan []struct{ Table, Type, Key, Extra string }
			if err := d.Read(t.Context()).Raw("EXPLAIN "+tc.query, tc.args...).Scan(&plan).Error; err != nil {
				t.Fatal(err)
			}
			for i, key := range tc.keys {
				if plan[i].Key != key {
					t.Errorf("table %s goes by %q (%s), want %q: %s", plan[i].Table, plan[i].Key, plan[i].Type, key, fmt.Sprint(plan))
				}
			}
			for _, step := range plan {
				if step.Type == "ALL" {
					t.Errorf("table %s is read whole: %s", step.Table, fmt.Sprint(plan))
				}
				if tc.sorted && strings.Contains(step.Extra, "filesort") {
					t.Errorf("table %s is sorted: %s", step.Table, fmt.Sprint(plan))
				}
			}
			for _, step := range plan[1:] { // what hangs on a room is found by its key, one row each
				if step.Type != "eq_ref" && step.Type != "const" {
					t.Errorf("table %s is joined by %s: %s", step.Table, step.Type, fmt.Sprint(plan))
				}
			}
		})
	}
}

// The rooms of many parties at once are read by one stretch of the index for each, also where shops have a third of all
// rooms: MariaDB says ref by chat_rooms_shop_recent (chat_rooms_buyer_recent), Using where, no filesort, as often as
// there are owners, and names no table in between.
func TestPlanOfTheLatestRoomsOfMany(t *testing.T) {
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
	for ofShops, key := range map[bool]string{false: "chat_rooms_buyer_recent", true: "chat_rooms_shop_recent"} {
		var plan []struct{ SelectType, Table, Type, Key, Extra string }
		query, args := s.LatestQuery(owners[ofShops], ofShops, 5)
		if err := d.Read(t.Context()).Raw("EXPLAIN "+query, args...).Scan(&plan).Error; err != nil {
			t.Fatal(err)
		}
		read := 0
		for _, step := range plan {
			if step.Table != "chat_rooms" {
				continue
			}
			if read++; step.Key != key || step.Type == "ALL" || step.Type == "index" || strings.Contains(step.Extra, "filesort") {
				t.Errorf("an owner's rooms are read by %q (%s, %s): %+v", step.Key, step.Type, step.Extra, plan)
			}
		}
		if read != len(owners[ofShops]) || len(plan) > read+1 {
			t.Errorf("%d owners: %+v", len(owners[ofShops]), plan)
		}
	}
}
