package member

import (
	"context"

	"mall/modules/member/internal/api"
	"mall/modules/platform/fault"
)

func (h handlers) AnswerSecondFactor(context.Context, api.AnswerSecondFactorRequestObject) (api.AnswerSecondFactorResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) AnswerWebSecondFactor(context.Context, api.AnswerWebSecondFactorRequestObject) (api.AnswerWebSecondFactorResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) ListFactors(context.Context, api.ListFactorsRequestObject) (api.ListFactorsResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) AddPasskey(context.Context, api.AddPasskeyRequestObject) (api.AddPasskeyResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) BeginPasskey(context.Context, api.BeginPasskeyRequestObject) (api.BeginPasskeyResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) RemovePasskey(context.Context, api.RemovePasskeyRequestObject) (api.RemovePasskeyResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) RenewRecoveryCodes(context.Context, api.RenewRecoveryCodesRequestObject) (api.RenewRecoveryCodesResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) RemoveTotp(context.Context, api.RemoveTotpRequestObject) (api.RemoveTotpResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) BeginTotp(context.Context, api.BeginTotpRequestObject) (api.BeginTotpResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) ConfirmTotp(context.Context, api.ConfirmTotpRequestObject) (api.ConfirmTotpResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) ListMyInvitations(context.Context, api.ListMyInvitationsRequestObject) (api.ListMyInvitationsResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) DeclineInvitation(context.Context, api.DeclineInvitationRequestObject) (api.DeclineInvitationResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) AcceptInvitation(context.Context, api.AcceptInvitationRequestObject) (api.AcceptInvitationResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) BeginStepUp(context.Context, api.BeginStepUpRequestObject) (api.BeginStepUpResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) AnswerStepUp(context.Context, api.AnswerStepUpRequestObject) (api.AnswerStepUpResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) ListInvitations(context.Context, api.ListInvitationsRequestObject) (api.ListInvitationsResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) InviteStaff(context.Context, api.InviteStaffRequestObject) (api.InviteStaffResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) WithdrawInvitation(context.Context, api.WithdrawInvitationRequestObject) (api.WithdrawInvitationResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) GetShopRules(context.Context, api.GetShopRulesRequestObject) (api.GetShopRulesResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) SetShopRules(context.Context, api.SetShopRulesRequestObject) (api.SetShopRulesResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}
