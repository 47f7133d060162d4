package member

import (
	"context"

	"mall/modules/member/internal/api"
	"mall/modules/platform/identity"
)

// forShop is the caller of an act for a shop: their roles count, and they have proved lately who they are.
func (h handlers) forShop(ctx context.Context) (*identity.Principal, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	return p, h.m.MayActForShops(ctx, p)
}

// looking is the caller who wants to see what is a shop's staff's: their roles count.
func (h handlers) looking(ctx context.Context) (*identity.Principal, error) {
	p, err := identity.From(ctx)
	if err == nil && p.FactorDemanded {
		err = factorDemanded()
	}
	return p, err
}

func (h handlers) GetShopRules(ctx context.Context, r api.GetShopRulesRequestObject) (api.GetShopRulesResponseObject, error) {
	p, err := h.looking(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := h.m.ShopRules(ctx, p.MemberID, r.ShopId)
	return api.GetShopRules200JSONResponse(api.ShopRules(rules)), err
}

func (h handlers) SetShopRules(ctx context.Context, r api.SetShopRulesRequestObject) (api.SetShopRulesResponseObject, error) {
	p, err := h.forShop(ctx)
	if err != nil {
		return nil, err
	}
	rules := ShopRules(*r.Body)
	return api.SetShopRules200JSONResponse(*r.Body), h.m.SetShopRules(ctx, p.MemberID, r.ShopId, rules)
}

func (h handlers) ListStaff(ctx context.Context, r api.ListStaffRequestObject) (api.ListStaffResponseObject, error) {
	p, err := h.looking(ctx)
	if err != nil {
		return nil, err
	}
	staff, err := h.m.Colleagues(ctx, p.MemberID, r.ShopId)
	items := make([]api.Staff, len(staff))
	for i, s := range staff {
		items[i] = staffJSON(s)
	}
	return api.ListStaff200JSONResponse{Items: items}, err
}

func (h handlers) SetStaffRole(ctx context.Context, r api.SetStaffRoleRequestObject) (api.SetStaffRoleResponseObject, error) {
	p, err := h.forShop(ctx)
	if err != nil {
		return nil, err
	}
	staff, err := h.m.SetStaffRole(ctx, p.MemberID, r.ShopId, r.MemberId, identity.Role(r.Body.Role))
	return api.SetStaffRole200JSONResponse(staffJSON(staff)), err
}

func (h handlers) RemoveStaff(ctx context.Context, r api.RemoveStaffRequestObject) (api.RemoveStaffResponseObject, error) {
	p, err := h.forShop(ctx)
	if err != nil {
		return nil, err
	}
	return api.RemoveStaff204Response{}, h.m.RemoveStaff(ctx, p.MemberID, r.ShopId, r.MemberId)
}

func (h handlers) ListInvitations(ctx context.Context, r api.ListInvitationsRequestObject) (api.ListInvitationsResponseObject, error) {
	p, err := h.looking(ctx)
	if err != nil {
		return nil, err
	}
	open, err := h.m.Invitations(ctx, p.MemberID, r.ShopId)
	return api.ListInvitations200JSONResponse{Items: invitationsJSON(open)}, err
}

func (h handlers) InviteStaff(ctx context.Context, r api.InviteStaffRequestObject) (api.InviteStaffResponseObject, error) {
	p, err := h.forShop(ctx)
	if err != nil {
		return nil, err
	}
	made, err := h.m.InviteStaff(ctx, p.MemberID, r.ShopId, r.Body.Email, identity.Role(r.Body.Role))
	return api.InviteStaff201JSONResponse(invitationJSON(made)), err
}

func (h handlers) WithdrawInvitation(ctx context.Context, r api.WithdrawInvitationRequestObject) (api.WithdrawInvitationResponseObject, error) {
	p, err := h.forShop(ctx)
	if err != nil {
		return nil, err
	}
	return api.WithdrawInvitation204Response{}, h.m.WithdrawInvitation(ctx, p.MemberID, r.ShopId, r.InvitationId)
}

func (h handlers) ListMyInvitations(ctx context.Context, _ api.ListMyInvitationsRequestObject) (api.ListMyInvitationsResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	own, err := h.m.OwnInvitations(ctx, p.MemberID)
	return api.ListMyInvitations200JSONResponse{Items: invitationsJSON(own)}, err
}

func (h handlers) AcceptInvitation(ctx context.Context, r api.AcceptInvitationRequestObject) (api.AcceptInvitationResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	staff, err := h.m.AcceptInvitation(ctx, p.MemberID, r.InvitationId)
	return api.AcceptInvitation200JSONResponse(staffJSON(staff)), err
}

func (h handlers) DeclineInvitation(ctx context.Context, r api.DeclineInvitationRequestObject) (api.DeclineInvitationResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	return api.DeclineInvitation204Response{}, h.m.DeclineInvitation(ctx, p.MemberID, r.InvitationId)
}

func invitationsJSON(open []Invitation) []api.Invitation {
	items := make([]api.Invitation, len(open))
	for i, o := range open {
		items[i] = invitationJSON(o)
	}
	return items
}

func invitationJSON(i Invitation) api.Invitation {
	return api.Invitation{Id: i.ID, ShopId: i.ShopID, ShopName: i.ShopName, Email: i.Email, Role: api.StaffRole(i.Role),
		InvitedBy: i.InvitedBy, CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt}
}

func staffJSON(s Staff) api.Staff {
	return api.Staff{MemberId: s.MemberID, Name: s.Name, Email: s.Email, Role: api.StaffRole(s.Role)}
}
