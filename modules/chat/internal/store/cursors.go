package store

import (
	"context"
	"strings"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Move says what a member, and with them their party, has received and read of a room.
type Move struct {
	Room, Member    id.ID
	Party           string
	Delivered, Read int64
}

// MoveCursor raises the cursors of the member and of the party to the given seqs where they are higher; what
// is read has also been delivered. It answers the party's cursors now and whether this call moved one. The
// caller has checked the head.
func (s *Store) MoveCursor(ctx context.Context, m Move) (now Cursor, moved bool, err error) {
	m.Delivered = max(m.Delivered, m.Read)
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		at := Now()
		res := s.db.Write(ctx).Exec(`UPDATE chat_cursors SET
			delivered_seq = CASE WHEN delivered_seq < ? THEN ? ELSE delivered_seq END,
			read_seq = CASE WHEN read_seq < ? THEN ? ELSE read_seq END,
			moved_at = ?
			WHERE room_id = ? AND party = ? AND (delivered_seq < ? OR read_seq < ?)`,
			m.Delivered, m.Delivered, m.Read, m.Read, at, m.Room, m.Party, m.Delivered, m.Read)
		if res.Error != nil {
			return db.Fault(res.Error)
		}
		moved = res.RowsAffected > 0
		if err := s.db.Write(ctx).Exec(s.memberUpsert(), m.Room, m.Member, m.Party, m.Delivered, m.Read, at, at).Error; err != nil {
			return db.Fault(err)
		}
		cs, err := s.Cursors(ctx, []id.ID{m.Room})
		now = cs[m.Room][m.Party]
		return err
	})
	return now, moved, err
}

// memberUpsert keeps the higher seqs and the moment when they were reached. The moments come first: MySQL
// assigns from left to right.
func (s *Store) memberUpsert() string {
	const insert = "INSERT INTO chat_member_cursors (room_id, member_id, party, delivered_seq, read_seq, delivered_at, read_at) VALUES (?, ?, ?, ?, ?, ?, ?) "
	const update = `delivered_at = CASE WHEN chat_member_cursors.delivered_seq < NEW(delivered_seq) THEN NEW(delivered_at) ELSE chat_member_cursors.delivered_at END,
		read_at = CASE WHEN chat_member_cursors.read_seq < NEW(read_seq) THEN NEW(read_at) ELSE chat_member_cursors.read_at END,
		delivered_seq = CASE WHEN chat_member_cursors.delivered_seq < NEW(delivered_seq) THEN NEW(delivered_seq) ELSE chat_member_cursors.delivered_seq END,
		read_seq = CASE WHEN chat_member_cursors.read_seq < NEW(read_seq) THEN NEW(read_seq) ELSE chat_member_cursors.read_seq END`
	if s.db.Dialect() == db.SQLite {
		values := strings.NewReplacer("NEW(", "excluded.", ")", "")
		return insert + "ON CONFLICT (room_id, member_id) DO UPDATE SET " + values.Replace(update)
	}
	return insert + "ON DUPLICATE KEY UPDATE " + strings.ReplaceAll(update, "NEW(", "VALUES(")
}

// MemberCursor is one row of chat_member_cursors.
type MemberCursor struct {
	MemberID              id.ID
	Party                 string
	DeliveredSeq, ReadSeq int64
	DeliveredAt, ReadAt   time.Time
}

// MemberCursors reads the cursors of everyone who has received anything in a room.
func (s *Store) MemberCursors(ctx context.Context, room id.ID) ([]MemberCursor, error) {
	var cs []MemberCursor
	err := s.db.Read(ctx).Raw("SELECT member_id, party, delivered_seq, read_seq, delivered_at, read_at FROM chat_member_cursors WHERE room_id = ?", room).Scan(&cs).Error
	return cs, db.Fault(err)
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
