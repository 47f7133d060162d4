package store

import (
	"context"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// MoveCursor raises a party's cursors to the given seqs where they are higher; what is read has also been
// delivered. It answers the cursors now and whether this call moved one. The caller has checked the head.
func (s *Store) MoveCursor(ctx context.Context, room id.ID, party string, delivered, read int64) (Cursor, bool, error) {
	delivered = max(delivered, read)
	res := s.db.Write(ctx).Exec(`UPDATE chat_cursors SET
		delivered_seq = CASE WHEN delivered_seq < ? THEN ? ELSE delivered_seq END,
		read_seq = CASE WHEN read_seq < ? THEN ? ELSE read_seq END,
		moved_at = ?
		WHERE room_id = ? AND party = ? AND (delivered_seq < ? OR read_seq < ?)`,
		delivered, delivered, read, read, Now(), room, party, delivered, read)
	if res.Error != nil {
		return Cursor{}, false, db.Fault(res.Error)
	}
	cs, err := s.Cursors(ctx, []id.ID{room})
	if err != nil {
		return Cursor{}, false, err
	}
	return cs[room][party], res.RowsAffected > 0, nil
}

// Cursors reads both parties' cursors of many rooms.
func (s *Store) Cursors(ctx context.Context, rooms []id.ID) (map[id.ID]map[string]Cursor, error) {
	out := make(map[id.ID]map[string]Cursor, len(rooms))
	if len(rooms) == 0 {
		return out, nil
	}
	var cs []Cursor
	err := s.db.Write(ctx).Raw("SELECT room_id, party, delivered_seq, read_seq, moved_at FROM chat_cursors WHERE room_id IN ?", rooms).Scan(&cs).Error
	for _, c := range cs {
		if out[c.RoomID] == nil {
			out[c.RoomID] = make(map[string]Cursor, 2)
		}
		out[c.RoomID][c.Party] = c
	}
	return out, db.Fault(err)
}
