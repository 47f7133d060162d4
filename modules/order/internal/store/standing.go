package store

import (
	"context"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// CountByStatus says how many orders a buyer has in each status; statuses without one are left out.
func (s Store) CountByStatus(ctx context.Context, buyer id.ID) (map[Status]int, error) {
	var rows []struct {
		Status Status
		N      int
	}
	err := s.db.Read(ctx).Table("order_orders").Select("status, COUNT(*) AS n").Where("buyer_id = ?", buyer).
		Group("status").Find(&rows).Error
	counts := make(map[Status]int, len(rows))
	for _, r := range rows {
		counts[r.Status] = r.N
	}
	return counts, db.Fault(err)
}
