package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/record"
)

// restored are the tables that a restore brings back to an earlier moment.
var restored = []string{"chat_rooms", "chat_inquiries", "chat_messages", "chat_cursors", "chat_member_cursors"}

// restoreOlder does what an operator does: copy the tables, let people write on, then put the copy back and name a new
// epoch. Unless it is live, the mall is down meanwhile.
func restoreOlder(live bool) act {
	return func(ctx context.Context, s *stage) error {
		if err := s.copyTables(ctx); err != nil {
			return err
		}
		copied := time.Now()
		if err := pause(ctx, 3*time.Second); err != nil { // what is written now will be gone
			return err
		}
		if !live {
			s.cluster.KillInstances()
		}
		s.note("about %d acked messages are not in the copy", len(checker.Within(s.logs(), checker.Window{From: copied}, record.Ack)))
		if err := s.putBack(ctx); err != nil {
			return err
		}
		return s.cluster.StartInstances(ctx)
	}
}

// restoreBeforeRooms restores a copy in which some rooms do not exist yet, though people have talked in them. Who knows
// such a room has others, too, and must not be kept from those.
func restoreBeforeRooms(live bool) act {
	return func(ctx context.Context, s *stage) error {
		v, err := s.visit(ctx, 2)
		if err != nil {
			return err
		}
		first, second := v.buyers[0], v.buyers[1]
		other, err := v.furtherShop(ctx, "another shop")
		if err != nil {
			return err
		}
		if _, err := s.meet(ctx, first, v.keeper, v.keeper.shop); err != nil {
			return err
		}
		if err := s.copyTables(ctx); err != nil {
			return err
		}
		for _, late := range []opening{{second, v.keeper.shop}, {first, other}} {
			room, err := s.meet(ctx, late.buyer, v.keeper, late.shop)
			if err != nil {
				return err
			}
			s.gone[room] = true
		}
		if err := s.bring(ctx, v.keeper, first, second); err != nil {
			return err
		}
		s.sayOnce(func(c *client.Client) bool { return true })
		if err := s.untilSaid(ctx); err != nil { // what is unsent could not be sent any more
			return err
		}
		if !live {
			s.cluster.KillInstances()
		}
		if err := s.putBack(ctx); err != nil {
			return err
		}
		heads, err := checker.Heads(ctx, s.cluster.Root)
		for room := range s.gone {
			if _, there := heads[room]; there || err != nil {
				return errors.Join(err, errors.New("a room is in the copy that was opened after it"))
			}
		}
		return errors.Join(err, s.cluster.StartInstances(ctx))
	}
}

// copyTables copies all tables as they are at one moment.
func (s *stage) copyTables(ctx context.Context) error {
	statements := []string{"START TRANSACTION WITH CONSISTENT SNAPSHOT"}
	for _, t := range restored {
		if err := s.cluster.Exec(ctx, "DROP TABLE IF EXISTS copy_of_"+t, "CREATE TABLE copy_of_"+t+" LIKE "+t); err != nil {
			return err
		}
		statements = append(statements, "INSERT INTO copy_of_"+t+" SELECT * FROM "+t)
	}
	return s.together(ctx, append(statements, "COMMIT"))
}

// putBack brings the copy back in one transaction. It locks the rooms first, as everybody does who writes to them; a
// deadlock with somebody who does not is tried again.
func (s *stage) putBack(ctx context.Context) (err error) {
	statements := []string{"START TRANSACTION", "UPDATE chat_rooms SET head = head"}
	for _, t := range restored {
		statements = append(statements, "DELETE FROM "+t, "INSERT INTO "+t+" SELECT * FROM copy_of_"+t)
	}
	statements = append(statements, "UPDATE chat_settings SET value = CONCAT(LEFT(value, 36), '-', LEFT(UUID(), 8)) WHERE name = 'epoch'", "COMMIT")
	for range 5 {
		if err = s.together(ctx, statements); err == nil {
			break
		}
	}
	for _, t := range restored {
		err = errors.Join(err, s.cluster.Exec(ctx, "DROP TABLE copy_of_"+t))
	}
	return err
}

// together runs statements on one connection.
func (s *stage) together(ctx context.Context, statements []string) (err error) {
	conn, err := s.cluster.Root.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			_, _ = conn.ExecContext(ctx, "ROLLBACK")
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
