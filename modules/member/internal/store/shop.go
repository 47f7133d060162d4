package store

import (
	"context"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Shop is a seller.
type Shop struct {
	ID        id.ID
	Name      string
	CreatedAt time.Time
}

// TableName is gorm's way to ask.
func (Shop) TableName() string { return "member_shops" }

// Staff says that a member answers for a shop.
type Staff struct {
	ShopID    id.ID
	MemberID  id.ID
	Role      string
	CreatedAt time.Time
}

// TableName is gorm's way to ask.
func (Staff) TableName() string { return "member_staff" }

// StaffMember is a staff entry as its colleagues see it.
type StaffMember struct {
	MemberID id.ID
	Name     string
	Email    string
	Role     string
}

// StaffShop is a staff entry as its member sees it.
type StaffShop struct {
	MemberID id.ID
	ShopID   id.ID
	Name     string
	Role     string
}

const shopColumns = "id, name, created_at"

// InsertShops adds shops. Conflict: an id is taken.
func (s *Store) InsertShops(ctx context.Context, rows ...Shop) error {
	return insert(s.db.Write(ctx), rows)
}

// Shops finds shops by id, in no order; unknown ids are left out.
func (s *Store) Shops(ctx context.Context, ids []id.ID) ([]Shop, error) {
	return all[Shop](s.db.Read(ctx).Select(shopColumns).Where("id IN ?", ids))
}

// LockShop makes all who change the shop's staff wait for the transaction's end.
func (s *Store) LockShop(ctx context.Context, shop id.ID) (Shop, error) {
	return one[Shop](s.db.Write(ctx).Select(shopColumns).Where("id = ?", shop).Clauses(forUpdate))
}

// ShopRules says what a shop's staff may do. NotFound: there is no such shop.
func (s *Store) ShopRules(ctx context.Context, shop id.ID) (agentsEdit bool, err error) {
	row, err := one[struct{ AgentsEditProducts bool }](s.db.Read(ctx).Model(&Shop{}).Select("agents_edit_products").Where("id = ?", shop))
	return row.AgentsEditProducts, err
}

// SetShopRules changes that. NotFound: there is no such shop.
func (s *Store) SetShopRules(ctx context.Context, shop id.ID, agentsEdit bool) error {
	return changed(s.db.Write(ctx).Model(&Shop{}).Where("id = ?", shop).UpdateColumn("agents_edit_products", agentsEdit))
}

// InsertStaff adds staff entries. Conflict: a member is of the shop's staff already.
func (s *Store) InsertStaff(ctx context.Context, rows ...Staff) error {
	return insert(s.db.Write(ctx), rows)
}

// StaffRows are the bare entries of the given shops.
func (s *Store) StaffRows(ctx context.Context, shops []id.ID) ([]Staff, error) {
	return all[Staff](s.db.Read(ctx).Select("shop_id, member_id, role, created_at").Where("shop_id IN ?", shops))
}

// StaffOf is a shop's staff, the longest serving first.
func (s *Store) StaffOf(ctx context.Context, shop id.ID) ([]StaffMember, error) {
	return all[StaffMember](s.db.Read(ctx).Table("member_staff AS t").Select("t.member_id, m.name, m.email, t.role").
		Joins("JOIN member_members AS m ON m.id = t.member_id").Where("t.shop_id = ?", shop).Order("t.created_at, t.member_id"))
}

// ShopsOf are the shops that the given members answer for, each member's oldest first.
func (s *Store) ShopsOf(ctx context.Context, members []id.ID) ([]StaffShop, error) {
	return all[StaffShop](s.db.Read(ctx).Table("member_staff AS t").Select("t.member_id, t.shop_id, s.name, t.role").
		Joins("JOIN member_shops AS s ON s.id = t.shop_id").Where("t.member_id IN ?", members).Order("t.member_id, t.shop_id"))
}

// CountShopsOf is the number of shops that a member answers for.
func (s *Store) CountShopsOf(ctx context.Context, member id.ID) (int64, error) {
	var n int64
	err := s.db.Read(ctx).Model(&Staff{}).Where("member_id = ?", member).Count(&n).Error
	return n, db.Fault(err)
}

// SetRole changes a staff entry. NotFound: there is none.
func (s *Store) SetRole(ctx context.Context, shop, member id.ID, role string) error {
	return changed(s.db.Write(ctx).Model(&Staff{}).Where("shop_id = ? AND member_id = ?", shop, member).UpdateColumn("role", role))
}

// DeleteStaff removes a staff entry. NotFound: there is none.
func (s *Store) DeleteStaff(ctx context.Context, shop, member id.ID) error {
	return changed(s.db.Write(ctx).Where("shop_id = ? AND member_id = ?", shop, member).Delete(&Staff{}))
}
