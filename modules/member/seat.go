package member

import (
	"context"

	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// StaffRole is a member's role in a shop as the database has it, in the transaction that ctx carries when there is one;
// "" for who is not of the staff or is banned. A principal remembers its roles for a moment: what must not be done by who
// was removed just now asks here.
func (m *Members) StaffRole(ctx context.Context, shop, member id.ID) (identity.Role, error) {
	role, err := m.store.RoleOf(ctx, shop, member)
	return identity.Role(role), err
}
