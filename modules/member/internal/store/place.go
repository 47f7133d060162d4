package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Place is where a member has logged in from, as a hash.
type Place struct {
	MemberID id.ID
	Place    []byte
	SeenAt   time.Time
}

// TableName is gorm's way to ask.
func (Place) TableName() string { return "member_places" }

// Places reads which of the places a member has logged in from since the given time.
func (s *Store) Places(ctx context.Context, member id.ID, places [][]byte, since time.Time) ([]Place, error) {
	return all[Place](s.db.Read(ctx).Select("member_id, place, seen_at").
		Where("member_id = ? AND place IN ? AND seen_at >= ?", member, places, since))
}

// SeePlaces notes places, new ones and known ones.
func (s *Store) SeePlaces(ctx context.Context, rows ...Place) error {
	if len(rows) == 0 {
		return nil
	}
	seen := clause.OnConflict{
		Columns:   []clause.Column{{Name: "member_id"}, {Name: "place"}},
		DoUpdates: clause.AssignmentColumns([]string{"seen_at"}),
	}
	return db.Fault(s.db.Write(ctx).Clauses(seen).Create(&rows).Error)
}

// SweepPlaces deletes up to limit places that were not seen since the given time, and says how many.
func (s *Store) SweepPlaces(ctx context.Context, before time.Time, limit int) (int, error) {
	var seen []time.Time
	err := s.db.Read(ctx).Model(&Place{}).Where("seen_at < ?", before).Order("seen_at").Limit(limit).Pluck("seen_at", &seen).Error
	if err != nil || len(seen) == 0 {
		return 0, db.Fault(err)
	}
	return len(seen), db.Fault(s.db.Write(ctx).Where("seen_at <= ?", seen[len(seen)-1]).Delete(&Place{}).Error)
}
