package member

import (
	"context"

	"mall/modules/member/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// Seed is a set of accounts, shops and staff under ids that never change.
type Seed struct {
	Members []SeedMember
	Shops   []SeedShop
	Staff   []SeedStaff
}

// SeedMember is an account with its password in the open: for demo data only.
type SeedMember struct {
	ID                    id.ID
	Email, Password, Name string
	Operator              bool
}

// SeedShop is a shop.
type SeedShop struct {
	ID   id.ID
	Name string
}

// SeedStaff makes a member one of a shop's staff.
type SeedStaff struct {
	Shop, Member id.ID
	Role         identity.Role
}

// Seed creates what is not there yet, all or nothing, and leaves the rest as it has become. It asks nobody's
// leave: it is for demo data, not for requests. Two instances may seed at once. Errors: Invalid, and Conflict when
// an e-mail belongs to another account.
func (m *Members) Seed(ctx context.Context, s Seed) error {
	members, err := m.seedRows(ctx, s.Members)
	if err != nil {
		return err
	}
	err = m.seed(ctx, members, s)
	if fault.KindOf(err) == fault.Conflict { // another instance was faster, and has committed by now
		err = m.seed(ctx, members, s)
	}
	return err
}

func (m *Members) seed(ctx context.Context, members []store.Member, s Seed) error {
	return m.store.Tx(ctx, func(ctx context.Context) error {
		if err := m.seedMembers(ctx, members); err != nil {
			return err
		}
		if err := m.seedShops(ctx, s.Shops); err != nil {
			return err
		}
		return m.seedStaff(ctx, s.Staff)
	})
}

// seedRows checks accounts and hashes their passwords. Equal passwords are hashed once, so that a thousand demo
// accounts do not take a minute; they then share a salt, which tells whoever reads the table that they are equal.
func (m *Members) seedRows(ctx context.Context, seeds []SeedMember) ([]store.Member, error) {
	there, err := m.Names(ctx, memberIDs(seeds))
	if err != nil {
		return nil, err
	}
	slot, err := m.hasher.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer slot.Release()
	hashes := map[string]string{}
	var rows []store.Member
	for _, s := range seeds {
		if _, ok := there[s.ID]; ok {
			continue
		}
		row, err := m.newMember(s.Email, s.Password, s.Name)
		if err != nil {
			return nil, err
		}
		if hashes[s.Password] == "" {
			hashes[s.Password] = slot.Hash(s.Password)
		}
		row.ID, row.Operator, row.PasswordHash = s.ID, s.Operator, hashes[s.Password]
		row.EmailProvedAt = &row.CreatedAt
		rows = append(rows, row)
	}
	return rows, nil
}

func memberIDs(seeds []SeedMember) []id.ID {
	ids := make([]id.ID, len(seeds))
	for i, s := range seeds {
		ids[i] = s.ID
	}
	return ids
}

func (m *Members) seedMembers(ctx context.Context, rows []store.Member) error {
	ids := make([]id.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	there, err := m.Names(ctx, ids)
	if err != nil {
		return err
	}
	absent := make([]store.Member, 0, len(rows))
	for _, r := range rows {
		if _, ok := there[r.ID]; !ok {
			absent = append(absent, r)
		}
	}
	return m.store.InsertMembers(ctx, absent...)
}

func (m *Members) seedShops(ctx context.Context, seeds []SeedShop) error {
	ids := make([]id.ID, len(seeds))
	for i, s := range seeds {
		ids[i] = s.ID
	}
	there, err := m.Shops(ctx, ids)
	if err != nil {
		return err
	}
	var absent []store.Shop
	for _, s := range seeds {
		if _, ok := there[s.ID]; ok {
			continue
		}
		name, err := cleanName(s.Name, maxShopName)
		if err != nil {
			return err
		}
		absent = append(absent, store.Shop{ID: s.ID, Name: name, CreatedAt: m.now()})
	}
	return m.store.InsertShops(ctx, absent...)
}

func (m *Members) seedStaff(ctx context.Context, seeds []SeedStaff) error {
	shops := make([]id.ID, len(seeds))
	for i, s := range seeds {
		shops[i] = s.Shop
	}
	rows, err := m.store.StaffRows(ctx, shops)
	if err != nil {
		return err
	}
	there := make(map[[2]id.ID]bool, len(rows))
	for _, r := range rows {
		there[[2]id.ID{r.ShopID, r.MemberID}] = true
	}
	var absent []store.Staff
	for _, s := range seeds {
		if there[[2]id.ID{s.Shop, s.Member}] {
			continue
		}
		if err := checkRole(s.Role); err != nil {
			return err
		}
		absent = append(absent, store.Staff{ShopID: s.Shop, MemberID: s.Member, Role: string(s.Role), CreatedAt: m.now()})
	}
	return m.store.InsertStaff(ctx, absent...)
}
