package store

import (
	"context"
	"database/sql"

	"mall/modules/platform/id"
)

// Known is a message that was in the database once.
type Known struct {
	Room id.ID
	Seq  int64
	Key  id.ID // its client_msg_id; id.Nil: not known, any message of that number will do
}

// Missing gives those of some known messages that the database does not have: nothing is stored under the number, or
// another message is. One row of the primary key is read for each.
func (s *Store) Missing(ctx context.Context, known []Known) (missing []Known, err error) {
	if len(known) == 0 {
		return nil, nil
	}
	type place struct {
		room id.ID
		seq  int64
	}
	keys := make(map[place]id.ID, len(known))
	var at place
	var key id.ID
	err = s.query(ctx, s.knownQuery(known), func(rows *sql.Rows) error {
		err := rows.Scan(&at.room, &at.seq, &key)
		keys[at] = key
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, k := range known {
		if key, ok := keys[place{k.Room, k.Seq}]; !ok || k.Key != id.Nil && k.Key != key {
			missing = append(missing, k)
		}
	}
	return missing, nil
}

func (s *Store) knownQuery(known []Known) *statement {
	q := s.statement("SELECT room_id, seq, client_msg_id FROM chat_messages WHERE ")
	for i, k := range known {
		if i > 0 {
			q.raw(" OR ")
		}
		q.raw("(room_id = ").id(k.Room).raw(" AND seq = ").num(k.Seq).raw(")")
	}
	return q
}
