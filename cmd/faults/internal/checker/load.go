package checker

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Load reads what the database holds of the rooms that base names: all of it in figures, and the messages after the
// given seq of each room.
func Load(ctx context.Context, db *sql.DB, base map[string]int64) (Stored, error) {
	s := Stored{Rooms: map[string]Room{}}
	var err error
	if s.Epoch, err = Epoch(ctx, db); err != nil {
		return s, err
	}
	heads, err := Heads(ctx, db)
	if err != nil {
		return s, err
	}
	for id, after := range base {
		r, err := loadRoom(ctx, db, id, after)
		if err != nil {
			return s, fmt.Errorf("room %s: %w", id, err)
		}
		r.Head = heads[id]
		s.Rooms[id] = r
	}
	return s, nil
}

// Epoch reads the name of this life of the database.
func Epoch(ctx context.Context, db *sql.DB) (epoch string, err error) {
	err = db.QueryRowContext(ctx, `SELECT value FROM chat_settings WHERE name = 'epoch'`).Scan(&epoch)
	return epoch, err
}

// Heads reads every room's head.
func Heads(ctx context.Context, db *sql.DB) (map[string]int64, error) {
	rows, err := db.QueryContext(ctx, `SELECT HEX(id), head FROM chat_rooms`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	heads := map[string]int64{}
	for rows.Next() {
		var id string
		var head int64
		if err := rows.Scan(&id, &head); err != nil {
			return nil, err
		}
		heads[dashed(id)] = head
	}
	return heads, rows.Err()
}

func loadRoom(ctx context.Context, db *sql.DB, id string, after int64) (Room, error) {
	r := Room{Rows: map[int64]Message{}}
	hex := strings.ReplaceAll(id, "-", "")
	err := db.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MIN(seq), 0), COALESCE(MAX(seq), 0) FROM chat_messages WHERE room_id = UNHEX(?)`, hex).
		Scan(&r.Count, &r.First, &r.Last)
	if err != nil {
		return r, err
	}
	if r.Doubled, err = doubled(ctx, db, hex); err != nil {
		return r, err
	}
	rows, err := db.QueryContext(ctx, `SELECT seq, HEX(client_msg_id), body, party FROM chat_messages WHERE room_id = UNHEX(?) AND seq > ?`, hex, after)
	if err != nil {
		return r, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var m Message
		if err := rows.Scan(&m.Seq, &m.Key, &m.Body, &m.Party); err != nil {
			return r, err
		}
		m.Key = dashed(m.Key)
		if m.Party == "system" { // a notice: nobody is told its key
			m.Key = ""
		}
		r.Rows[m.Seq] = m
	}
	return r, rows.Err()
}

// doubled does not trust the unique key: it may be the one that is missing.
func doubled(ctx context.Context, db *sql.DB, hex string) (keys []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT HEX(client_msg_id) FROM chat_messages WHERE room_id = UNHEX(?)
		GROUP BY sender_id, client_msg_id HAVING COUNT(*) > 1`, hex)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, dashed(key))
	}
	return keys, rows.Err()
}

// Cursor is what a party has received and read of a room.
type Cursor struct{ Delivered, Read int64 }

// Cursors reads both parties' cursors of every room.
func Cursors(ctx context.Context, db *sql.DB) (map[string]map[string]Cursor, error) {
	rows, err := db.QueryContext(ctx, `SELECT HEX(room_id), party, delivered_seq, read_seq FROM chat_cursors`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	all := map[string]map[string]Cursor{}
	for rows.Next() {
		var room, party string
		var c Cursor
		if err := rows.Scan(&room, &party, &c.Delivered, &c.Read); err != nil {
			return nil, err
		}
		room = dashed(room)
		if all[room] == nil {
			all[room] = map[string]Cursor{}
		}
		all[room][party] = c
	}
	return all, rows.Err()
}

// dashed is a UUID as people write it.
func dashed(hex string) string {
	if len(hex) != 32 {
		return hex
	}
	h := strings.ToLower(hex)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
