package chat_test

import (
	"testing"

	"mall/modules/chat"
	"mall/modules/platform/db"
	"mall/modules/platform/testservers"
)

// After a restore rooms may be shorter than cursors: a new epoch begins with cursors within the heads, or
// what is written next would count as read.
func TestANewEpochHoldsCursorsAgainstTheHeads(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg db.Config) {
		m := newMall(t, cfg, "", 1)
		r := m.openRoom(t, "buyer")
		m.write(t, r.ID, 1, 4)
		m.rest(t, 0, "owner", "PUT", "/chat/rooms/"+r.ID.String()+"/cursor", map[string]any{"read_seq": 4}, 200, nil)
		d := testservers.Open(t, cfg)
		for _, lost := range []string{"DELETE FROM chat_messages WHERE room_id = ? AND seq > 2", "UPDATE chat_rooms SET head = 2, buyer_count = 2 WHERE id = ?"} {
			check(t, d.Write(t.Context()).Exec(lost, r.ID).Error)
		}
		_, err := chat.RenewEpoch(t.Context(), d)
		check(t, err)
		if now := m.room(t, 0, "owner", r.ID); now.Cursors.Shop.ReadSeq != 2 || now.Cursors.Shop.DeliveredSeq != 2 || now.Cursors.Buyer.ReadSeq != 0 {
			t.Errorf("cursors %+v in a room of %d", now.Cursors, now.Head)
		}
	})
}

// What a client said of another epoch is not written into this one, before the instance has noticed.
func TestACursorOfAnotherEpochIsNotWritten(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg db.Config) {
		m := newMall(t, cfg, "", 1)
		r := m.openRoom(t, "buyer")
		m.write(t, r.ID, 1, 3)
		d := testservers.Open(t, cfg)
		renewed, err := chat.RenewEpoch(t.Context(), d)
		check(t, err)
		status, text := m.call(t, 0, "owner", "PUT", "/chat/rooms/"+r.ID.String()+"/cursor", map[string]any{"read_seq": 3})
		if old := m.instances[0].chat.Status().Epoch != renewed; old && status != 503 {
			t.Errorf("an instance that has not noticed answers %d %s", status, text)
		}
		until(t, "the instance is in the new epoch", func() bool {
			status, _ := m.call(t, 0, "owner", "PUT", "/chat/rooms/"+r.ID.String()+"/cursor", map[string]any{"read_seq": 2})
			return status == 200
		})
		if now := m.room(t, 0, "owner", r.ID); status == 503 && now.Cursors.Shop.ReadSeq != 2 {
			t.Errorf("the shop has read up to %d, want 2", now.Cursors.Shop.ReadSeq)
		}
	})
}
