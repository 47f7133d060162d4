package member

import (
	"context"

	"mall/modules/member/internal/api"
	"mall/modules/platform/fault"
)

func (h handlers) ProveEmail(context.Context, api.ProveEmailRequestObject) (api.ProveEmailResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) SendEmailProof(context.Context, api.SendEmailProofRequestObject) (api.SendEmailProofResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) AskPasswordReset(context.Context, api.AskPasswordResetRequestObject) (api.AskPasswordResetResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) ResetPassword(context.Context, api.ResetPasswordRequestObject) (api.ResetPasswordResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) ChangePassword(context.Context, api.ChangePasswordRequestObject) (api.ChangePasswordResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) ListSessions(context.Context, api.ListSessionsRequestObject) (api.ListSessionsResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) EndSession(context.Context, api.EndSessionRequestObject) (api.EndSessionResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}

func (h handlers) EndOtherSessions(context.Context, api.EndOtherSessionsRequestObject) (api.EndOtherSessionsResponseObject, error) {
	return nil, fault.New(fault.Unavailable, "unavailable", "Not built yet.")
}
