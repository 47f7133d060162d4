package chat

import (
	"encoding/json"
	"sync"
	"time"

	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
)

// receipts remembers which cursors each side's connections of this instance have been told of lately, by whatever way,
// so that a sweep can tell a receipt that Redis has lost from one that has come.
type receipts struct {
	mu   sync.Mutex
	told map[cursorKey]toldCursor
}

type cursorKey struct {
	room  id.ID
	party string // whose cursor it is
	side  byte   // who has been told: what Redis brings one side it may lose for the other
}

type toldCursor struct {
	delivered, read int64
	at              time.Time
}

// receiptKept is longer than a sweep looks back while all is well. What is forgotten sooner than a sweep comes by
// is told twice, which changes nothing for a client.
const receiptKept = 30 * time.Second

func newReceipts() *receipts { return &receipts{told: map[cursorKey]toldCursor{}} }

// note says whether the cursor is news here for a side of the room, and that it is told now.
func (r *receipts) note(to hub.Party, cur *store.Cursor) bool {
	key := cursorKey{cur.RoomID, cur.Party, to.Kind}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.told[key]
	if cur.DeliveredSeq <= t.delivered && cur.ReadSeq <= t.read {
		return false
	}
	r.told[key] = toldCursor{max(t.delivered, cur.DeliveredSeq), max(t.read, cur.ReadSeq), time.Now()}
	return true
}

// forget drops what was told long ago.
func (r *receipts) forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, t := range r.told {
		if now.Sub(t.at) > receiptKept {
			delete(r.told, key)
		}
	}
}

// forgetAll is for a new epoch, in which cursors may be lower.
func (r *receipts) forgetAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.told)
}

// heardReceipt notes a receipt of another instance, which that side's connections here have been told.
func (c *Chat) heardReceipt(to hub.Party, frame []byte) {
	var f receiptFrame
	if json.Unmarshal(frame, &f) == nil {
		c.receipts.note(to, &store.Cursor{RoomID: f.RoomID, Party: f.Party, DeliveredSeq: f.DeliveredSeq, ReadSeq: f.ReadSeq})
	}
}
