package member

import (
	"context"
	"time"

	"mall/modules/member/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// maxShops is how many shops one member may answer for: every request of theirs carries the list.
const maxShops = 50

// Shop is a seller as anyone sees it.
type Shop struct {
	ID        id.ID
	Name      string
	CreatedAt time.Time
}

// OpenShop makes a shop with owner as its first owner. Errors: Invalid (name), Forbidden email_unproved, RateLimited,
// Conflict shop_limit.
func (m *Members) OpenShop(ctx context.Context, owner id.ID, name string) (Shop, error) {
	clean, err := cleanName(name, maxShopName)
	if err != nil {
		return Shop{}, err
	}
	if err := m.mayOpenShop(ctx, owner); err != nil {
		return Shop{}, err
	}
	shop := Shop{ID: id.New(), Name: clean, CreatedAt: m.now()}
	return shop, m.changeOnce(ctx, Notice{Member: owner}, func(ctx context.Context) error {
		if err := m.mayAddShop(ctx, owner); err != nil {
			return err
		}
		if err := m.store.InsertShops(ctx, store.Shop(shop)); err != nil {
			return err
		}
		return m.store.InsertStaff(ctx, store.Staff{ShopID: shop.ID, MemberID: owner, Role: string(identity.RoleOwner), CreatedAt: shop.CreatedAt})
	}, func(ctx context.Context) (bool, error) {
		found, err := m.store.Shops(ctx, []id.ID{shop.ID})
		return len(found) == 1, err
	})
}

// mayOpenShop keeps out whom nobody could write to about their shop, and who opens one after the other. The address is
// asked for only where letters reach people: else nobody could prove theirs.
func (m *Members) mayOpenShop(ctx context.Context, owner id.ID) error {
	if m.cfg.ProofForShops {
		me, err := m.store.Members(ctx, []id.ID{owner})
		if err != nil {
			return err
		}
		if len(me) == 0 || me[0].EmailProvedAt == nil {
			return emailUnproved()
		}
	}
	return m.limit(ctx, "You have opened as many shops today as a member may.", m.cfg.ShopsPerDay, longestWindow, "shops", owner.String())
}

// mayAddShop locks a member, so that two shops at once cannot both be the last one allowed.
func (m *Members) mayAddShop(ctx context.Context, member id.ID) error {
	if _, err := m.store.LockMember(ctx, member); err != nil {
		return missing("member", err)
	}
	n, err := m.store.CountShopsOf(ctx, member)
	if err == nil && n >= maxShops {
		return fault.New(fault.Conflict, "shop_limit", "This member answers for as many shops as anyone may.")
	}
	return err
}

// Shop gives one shop. Errors: NotFound.
func (m *Members) Shop(ctx context.Context, shop id.ID) (Shop, error) {
	found, err := m.Shops(ctx, []id.ID{shop})
	if err != nil {
		return Shop{}, err
	}
	s, ok := found[shop]
	if !ok {
		return Shop{}, fault.Missing("shop")
	}
	return s, nil
}

// Shops gives shops by id; unknown ids are left out. Ask for a page's worth, not for thousands.
func (m *Members) Shops(ctx context.Context, shops []id.ID) (map[id.ID]Shop, error) {
	found := make(map[id.ID]Shop, len(shops))
	if len(shops) == 0 {
		return found, nil
	}
	rows, err := m.store.Shops(ctx, shops)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		found[r.ID] = Shop(r)
	}
	return found, nil
}

// ShopNames gives the names of shops; unknown ids are left out.
func (m *Members) ShopNames(ctx context.Context, shops []id.ID) (map[id.ID]string, error) {
	found, err := m.Shops(ctx, shops)
	if err != nil {
		return nil, err
	}
	names := make(map[id.ID]string, len(found))
	for x, s := range found {
		names[x] = s.Name
	}
	return names, nil
}

// shopsOf gives the shops that members answer for.
func (m *Members) shopsOf(ctx context.Context, members []id.ID) (map[id.ID][]identity.ShopRole, error) {
	rows, err := m.store.ShopsOf(ctx, members)
	if err != nil {
		return nil, err
	}
	shops := make(map[id.ID][]identity.ShopRole, len(members))
	for _, r := range rows {
		shops[r.MemberID] = append(shops[r.MemberID], identity.ShopRole{ShopID: r.ShopID, Name: r.Name, Role: identity.Role(r.Role)})
	}
	return shops, nil
}
