package chat

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
)

// quietFor is how long an instance believes what it knows of a block: whether a room is blocked decides here only whether
// somebody's typing is told. Sends ask the room's own row.
const quietFor = 3 * time.Second

// quiet remembers which rooms are blocked.
type quiet struct {
	store *store.Store
	rooms *otter.Cache[id.ID, bool]
}

func newQuiet(s *store.Store) (*quiet, error) {
	rooms, err := otter.New(&otter.Options[id.ID, bool]{MaximumSize: 20_000, ExpiryCalculator: otter.ExpiryWriting[id.ID, bool](quietFor)})
	return &quiet{s, rooms}, err
}

// is says whether the room is blocked by either party.
func (q *quiet) is(ctx context.Context, room id.ID) (bool, error) {
	if blocked, known := q.rooms.GetIfPresent(room); known {
		return blocked, nil
	}
	heads, err := q.store.Heads(ctx, []id.ID{room})
	if err != nil {
		return false, err
	}
	blocked := len(heads) > 0 && heads[0].Blocks != 0
	q.rooms.Set(room, blocked)
	return blocked, nil
}

func (q *quiet) forget(room id.ID) { q.rooms.Invalidate(room) }

// close ends the clearing away of what is no longer believed.
func (q *quiet) close() { q.rooms.StopAllGoroutines() }
