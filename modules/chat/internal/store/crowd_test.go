package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"mall/modules/chat/internal/inquiry"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// A room of a crowd is what its buyer's opening it would have made: opening it afterwards finds everything there.
func TestRoomsMadeTogetherAreAsIfOpened(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, d *db.DB) {
		shop := id.New()
		var openings []store.Opening
		for range 3 {
			openings = append(openings, store.Opening{BuyerID: id.New(), ShopID: shop, Subject: "general"})
		}
		rooms, err := s.CreateRooms(t.Context(), openings)
		if err != nil {
			t.Fatal(err)
		}
		alone := openRoom(t, s, id.New(), shop)
		for i, o := range openings {
			opened, err := s.OpenRoom(t.Context(), o)
			if err != nil || opened.New || opened.Room.ID != rooms[i] {
				t.Fatalf("opened again: %+v, %v, want room %v", opened, err, rooms[i])
			}
			if diff := cmp.Diff(kept(alone), kept(opened.Room)); diff != "" {
				t.Errorf("differs from a room that was opened: %s", diff)
			}
			if n := count(t, d, rooms[i]); n != 2 {
				t.Errorf("%d cursors, want 2", n)
			}
		}
		if _, err := s.CreateRooms(t.Context(), append(openings[:1:1], store.Opening{BuyerID: id.New(), ShopID: shop, Subject: "general"})); fault.KindOf(err) != fault.Conflict {
			t.Errorf("a pair that has a room: %v, want Conflict", err)
		}
	})
}

// kept leaves out of a room what no two have in common.
func kept(r store.Room) store.Room {
	return store.Room{ShopID: r.ShopID, Room: inquiry.Room{
		Head: r.Head, State: r.State, BuyerCount: r.BuyerCount, ShopCount: r.ShopCount, WaitingSince: r.WaitingSince}}
}

func count(t *testing.T, d *db.DB, room id.ID) (n int64) {
	t.Helper()
	if err := d.Read(t.Context()).Model(&store.Cursor{}).Where("room_id = ?", room).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}
