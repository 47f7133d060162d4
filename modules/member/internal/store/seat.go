package store

import (
	"context"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// RoleOf is a member's role in a shop; "" for who is not of its staff, and for who is banned.
func (s *Store) RoleOf(ctx context.Context, shop, member id.ID) (string, error) {
	var roles []string
	err := s.db.Read(ctx).Table("member_staff AS t").Joins("JOIN member_members AS m ON m.id = t.member_id").
		Where("t.shop_id = ? AND t.member_id = ? AND m.banned_at IS NULL", shop, member).Pluck("t.role", &roles).Error
	if err != nil || len(roles) == 0 {
		return "", db.Fault(err)
	}
	return roles[0], nil
}
