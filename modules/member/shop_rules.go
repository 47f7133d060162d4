package member

import (
	"context"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

// ShopRules is what a shop's owners let its staff do.
type ShopRules struct {
	AgentsEditProducts bool // agents may change names and prices and delete products; else only managers and owners
}

// AgentsEditProducts says whether a shop's agents may change its products. Errors: NotFound.
func (m *Members) AgentsEditProducts(ctx context.Context, shop id.ID) (bool, error) {
	may, err := m.store.ShopRules(ctx, shop)
	return may, missing("shop", err)
}

// ShopRules gives a shop's rules to one of its staff. Errors: NotFound for everybody else.
func (m *Members) ShopRules(ctx context.Context, actor, shop id.ID) (ShopRules, error) {
	r, err := m.roster(ctx, shop)
	if err != nil {
		return ShopRules{}, err
	}
	if _, is := r.role(actor); !is {
		return ShopRules{}, fault.Missing("shop")
	}
	may, err := m.AgentsEditProducts(ctx, shop)
	return ShopRules{AgentsEditProducts: may}, err
}

// SetShopRules sets a shop's rules; only owners do. Errors: NotFound for all but its staff, Forbidden.
func (m *Members) SetShopRules(ctx context.Context, actor, shop id.ID, rules ShopRules) (err error) {
	defer func() {
		m.security.Write(ctx, securitylog.Event{What: securitylog.RoleChange, Err: err, Member: actor, Shop: shop, Reason: "shop_rules"})
	}()
	return m.inShop(ctx, shop, func(ctx context.Context, r roster) error {
		acting, is := r.role(actor)
		if !is {
			return fault.Missing("shop")
		}
		if acting != identity.RoleOwner {
			return notAllowed()
		}
		return m.store.SetShopRules(ctx, shop, rules.AgentsEditProducts)
	}, func(ctx context.Context) (bool, error) {
		may, err := m.store.ShopRules(ctx, shop)
		return err == nil && may == rules.AgentsEditProducts, err
	})
}
