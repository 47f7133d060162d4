package chat

import (
	"testing"

	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
)

// A receipt travels to each side of the room by itself: that one side has heard of it says nothing of the other.
func TestAReceiptIsNewsForEachSide(t *testing.T) {
	r := newReceipts()
	buyer, shop := hub.Buyer(id.New()), hub.Shop(id.New())
	cur := &store.Cursor{RoomID: id.New(), Party: store.Buyer, DeliveredSeq: 3, ReadSeq: 2}
	for _, side := range []hub.Party{buyer, shop} {
		if !r.note(side, cur) {
			t.Errorf("%c: it has not been told", side.Kind)
		}
		if r.note(side, cur) {
			t.Errorf("%c: it has been told", side.Kind)
		}
	}
	cur.ReadSeq = 3
	if !r.note(buyer, cur) {
		t.Error("the cursor has moved")
	}
	r.forgetAll()
	cur.DeliveredSeq, cur.ReadSeq = 1, 1
	if !r.note(shop, cur) {
		t.Error("in another epoch cursors may be lower")
	}
}
