package member

import (
	"context"

	"mall/modules/member/internal/api"
	"mall/modules/platform/identity"
)

func (h handlers) GetShopRules(ctx context.Context, r api.GetShopRulesRequestObject) (api.GetShopRulesResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := h.m.ShopRules(ctx, p.MemberID, r.ShopId)
	return api.GetShopRules200JSONResponse(api.ShopRules(rules)), err
}

func (h handlers) SetShopRules(ctx context.Context, r api.SetShopRulesRequestObject) (api.SetShopRulesResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	rules := ShopRules(*r.Body)
	return api.SetShopRules200JSONResponse(*r.Body), h.m.SetShopRules(ctx, p.MemberID, r.ShopId, rules)
}
