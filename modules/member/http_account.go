package member

import (
	"context"

	"mall/modules/member/internal/api"
	"mall/modules/platform/identity"
)

func (h handlers) ProveEmail(ctx context.Context, r api.ProveEmailRequestObject) (api.ProveEmailResponseObject, error) {
	return api.ProveEmail204Response{}, h.m.ProveEmail(ctx, r.Body.Token)
}

func (h handlers) SendEmailProof(ctx context.Context, _ api.SendEmailProofRequestObject) (api.SendEmailProofResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	return api.SendEmailProof204Response{}, h.m.SendEmailProof(ctx, p.MemberID)
}

func (h handlers) AskPasswordReset(ctx context.Context, r api.AskPasswordResetRequestObject) (api.AskPasswordResetResponseObject, error) {
	return api.AskPasswordReset204Response{}, h.m.AskPasswordReset(ctx, r.Body.Email)
}

func (h handlers) ResetPassword(ctx context.Context, r api.ResetPasswordRequestObject) (api.ResetPasswordResponseObject, error) {
	return api.ResetPassword204Response{}, h.m.ResetPassword(ctx, r.Body.Token, r.Body.Password)
}

func (h handlers) ChangePassword(ctx context.Context, r api.ChangePasswordRequestObject) (api.ChangePasswordResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	return api.ChangePassword204Response{}, h.m.ChangePassword(ctx, p, r.Body.Current, r.Body.Password)
}

func (h handlers) ListSessions(ctx context.Context, _ api.ListSessionsRequestObject) (api.ListSessionsResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	logins, err := h.m.Logins(ctx, p)
	items := make([]api.Session, len(logins))
	for i, l := range logins {
		items[i] = sessionJSON(l)
	}
	return api.ListSessions200JSONResponse{Items: items}, err
}

func (h handlers) EndSession(ctx context.Context, r api.EndSessionRequestObject) (api.EndSessionResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	return api.EndSession204Response{}, h.m.EndLogin(ctx, p, r.SessionId)
}

func (h handlers) EndOtherSessions(ctx context.Context, _ api.EndOtherSessionsRequestObject) (api.EndOtherSessionsResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	return api.EndOtherSessions204Response{}, h.m.EndOtherLogins(ctx, p)
}

func sessionJSON(l Login) api.Session {
	s := api.Session{Id: l.ID, Kind: api.SessionKind(l.Kind), Current: l.Current, CreatedAt: l.CreatedAt, UsedAt: l.UsedAt}
	if l.IP != "" {
		s.Ip = &l.IP
	}
	if l.UserAgent != "" {
		s.UserAgent = &l.UserAgent
	}
	return s
}
