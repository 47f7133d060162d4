package store

import (
	"context"
	"strings"

	"mall/modules/chat/internal/inquiry"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// retryKey is the identity of one send, for the life of the row.
type retryKey struct{ room, sender, client id.ID }

func (d *Draft) key() retryKey { return retryKey{d.RoomID, d.SenderID, d.ClientMsgID} }

// findStored finds the drafts that are there already, under the room's lock, so that a retry that runs
// beside the first send sees it.
func (b *batch) findStored(ctx context.Context) error {
	keys := make([]retryKey, 0, len(b.drafts))
	for i := range b.drafts {
		if b.rooms[b.drafts[i].RoomID] != nil {
			keys = append(keys, b.drafts[i].key())
		}
	}
	found, err := b.s.find(ctx, keys)
	for key, m := range found {
		b.stored[key] = &m
	}
	return err
}

// recall looks for the keys of drafts that have been refused, under the room's lock too. What is stored is answered as
// stored, whatever would refuse it today.
func (b *batch) recall(ctx context.Context) error {
	var keys []retryKey
	for i := range b.drafts {
		if b.forgotten(i) {
			keys = append(keys, b.drafts[i].key())
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := b.s.find(ctx, keys)
	if err != nil {
		return err
	}
	for i := range b.drafts {
		if m, ok := found[b.drafts[i].key()]; ok && b.forgotten(i) {
			b.out[i] = Repeat(&b.drafts[i], m)
		}
	}
	return nil
}

// forgotten says whether a draft has been refused without a look for its key. Who has no seat learns nothing of what
// they have sent themselves.
func (b *batch) forgotten(i int) bool {
	d := &b.drafts[i]
	room := b.rooms[d.RoomID]
	return b.out[i].Err != nil && d.Change == nil && room != nil && b.stored[d.key()] == nil && b.maySit(room, d)
}

func (s *Store) find(ctx context.Context, keys []retryKey) (map[retryKey]Message, error) {
	found := make(map[retryKey]Message)
	if len(keys) == 0 {
		return found, nil
	}
	args := make([]any, 0, 3*len(keys))
	for _, k := range keys {
		args = append(args, k.room, k.sender, k.client)
	}
	where := "(room_id = ? AND sender_id = ? AND client_msg_id = ?)"
	where += strings.Repeat(" OR "+where, len(keys)-1)
	var rows []Message
	find := "SELECT " + messageColumns + " FROM chat_messages WHERE " + where
	if err := s.db.Write(ctx).Raw(find, args...).Scan(&rows).Error; err != nil {
		return nil, db.Fault(err)
	}
	for _, m := range rows {
		found[retryKey{m.RoomID, m.SenderID, m.ClientMsgID}] = m
	}
	return found, nil
}

// Repeat is the outcome of a draft whose key is stored as m: the same message again, or a conflict when
// the key was used for another body. A change's key is its own: whoever finds it has found the change.
func Repeat(d *Draft, m Message) Outcome {
	if d.Change == nil {
		sent, stored := inquiry.Words{Body: d.Body, CardKey: d.CardKey}, inquiry.Words{Body: m.Body, CardKey: CardKey(m.Card)}
		if err := inquiry.CheckRetry(sent, stored); err != nil {
			return Outcome{Err: err}
		}
	}
	return Outcome{Message: m, Dup: true}
}

// Find looks drafts up by their retry keys: after a COMMIT whose outcome is unknown it tells what was
// stored after all. The outcomes stand in the order of the drafts; ErrLocked marks what was not found.
func (s *Store) Find(ctx context.Context, drafts []Draft) ([]Outcome, error) {
	keys := make([]retryKey, len(drafts))
	for i := range drafts {
		keys[i] = drafts[i].key()
	}
	found, err := s.find(ctx, keys)
	if err != nil {
		return nil, err
	}
	out := make([]Outcome, len(drafts))
	for i := range drafts {
		if m, ok := found[keys[i]]; ok {
			out[i] = Repeat(&drafts[i], m)
		} else {
			out[i] = Outcome{Err: ErrLocked}
		}
	}
	return out, nil
}
