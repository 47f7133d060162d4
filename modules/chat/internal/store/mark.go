package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Clock asks the database's server for its time; on SQLite it is this process' own.
func (s *Store) Clock(ctx context.Context) (now time.Time, err error) {
	if s.isSQLite() {
		return s.Now(), nil
	}
	err = s.db.Query(ctx, "SELECT UTC_TIMESTAMP(6)", nil, func(rows *sql.Rows) error { return rows.Scan(&now) })
	if err == nil {
		s.learn(now)
	}
	return now, db.Fault(err)
}

// pulses is how many rows instances share: two that have the same wait for each other.
const pulses = 64

// Prove finds out until when everything that was written is visible, and remembers it: see Proven. It stores something
// itself: servers make transactions visible in the order in which they commit, so once a COMMIT of ours has come back, all
// that entered theirs before are visible, also those that have long waited for a disk or a replica. A SQLite database
// shows at once what it has stored. It is bounded by the database's own timeouts: what it waits for may take long, and
// another COMMIT behind it tells nothing sooner.
func (s *Store) Prove(ctx context.Context, instance id.ID) error {
	at, err := s.Clock(ctx)
	if err == nil && !s.isSQLite() {
		_, err = s.db.Exec(ctx, "INSERT INTO chat_settings (name, value) VALUES (?, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE value = UTC_TIMESTAMP(6)",
			"pulse:"+strconv.Itoa(int(instance[15])%pulses))
	}
	if err == nil {
		s.proven.Store(&at)
	}
	return db.Fault(err)
}

// Proven is the moment, on the database's clock, until which everything that was written is visible; nil: none is known
// yet. Who looks for changes asks before it looks.
func (s *Store) Proven() *time.Time { return s.proven.Load() }

const (
	// lookBack is how far behind what is visible a look begins: a change is given its moment in the same packet as its
	// COMMIT, so less lies between that and its COMMIT's beginning.
	lookBack = 10 * time.Second
	// lookUnproven is how far back the first look goes, since what was written before the process began may not be visible.
	lookUnproven = 10 * time.Minute
)

// Mark is how far looks for changes have come, on the database's clock. The zero Mark has not begun.
type Mark struct{ until time.Time }

// Begun says whether a look has been complete, with something proven before.
func (m Mark) Begun() bool { return !m.until.IsZero() }

// Since is from when a look that begins now must look. A clock that was set back is behind the last look.
func (m Mark) Since(now time.Time) time.Time {
	if !m.Begun() {
		return now.Add(-lookUnproven)
	}
	if m.until.Before(now) {
		now = m.until
	}
	return now.Add(-lookBack)
}

// After is the mark after a look that began at a moment and saw everything; proven is what Proven said before.
func (m Mark) After(begun time.Time, proven *time.Time) Mark {
	switch {
	case proven == nil: // what was written before the process began may still not be visible
		return m
	case proven.Before(begun):
		return Mark{*proven}
	}
	return Mark{begun} // the clock was set back since
}
