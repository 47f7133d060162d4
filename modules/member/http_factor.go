package member

import (
	"context"
	"log/slog"

	"mall/modules/member/internal/api"
	"mall/modules/platform/identity"
)

// careful is the caller of an act that a stolen session must not be enough for.
func (h handlers) careful(ctx context.Context) (*identity.Principal, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	return p, h.m.SteppedUp(ctx, p)
}

func (h handlers) AnswerSecondFactor(ctx context.Context, r api.AnswerSecondFactorRequestObject) (api.AnswerSecondFactorResponseObject, error) {
	answer, err := answerOf(*r.Body)
	if err != nil {
		return nil, err
	}
	opened, err := h.m.AnswerLogin(ctx, answer, false)
	return api.AnswerSecondFactor200JSONResponse(tokensJSON(opened.Tokens)), err
}

func (h handlers) AnswerWebSecondFactor(ctx context.Context, r api.AnswerWebSecondFactorRequestObject) (api.AnswerWebSecondFactorResponseObject, error) {
	answer, err := answerOf(*r.Body)
	if err != nil {
		return nil, err
	}
	opened, err := h.m.AnswerLogin(ctx, answer, true)
	if err != nil {
		return nil, err
	}
	h.replaced(ctx)
	return api.AnswerWebSecondFactor200JSONResponse{
		Body:    meJSON(opened.Web.Me),
		Headers: api.AnswerWebSecondFactor200ResponseHeaders{SetCookie: new(h.m.cookie(opened.Web.Cookie, opened.Web.Life))},
	}, nil
}

// replaced ends the session that the browser forgets when it takes a new cookie.
func (h handlers) replaced(ctx context.Context) {
	old, err := identity.From(ctx)
	if err != nil || !old.Cookie {
		return
	}
	if err := h.m.LogOut(ctx, old); err != nil {
		h.m.log.WarnContext(ctx, "a replaced web session lives on until it expires", slog.Any("error", err))
	}
}

func (h handlers) BeginStepUp(ctx context.Context, _ api.BeginStepUpRequestObject) (api.BeginStepUpResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	asked, err := h.m.BeginStepUp(ctx, p)
	return api.BeginStepUp200JSONResponse(challengeJSON(asked)), err
}

func (h handlers) AnswerStepUp(ctx context.Context, r api.AnswerStepUpRequestObject) (api.AnswerStepUpResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := answerOf(*r.Body)
	if err != nil {
		return nil, err
	}
	return api.AnswerStepUp204Response{}, h.m.AnswerStepUp(ctx, p, answer)
}

func (h handlers) ListFactors(ctx context.Context, _ api.ListFactorsRequestObject) (api.ListFactorsResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	f, err := h.m.Factors(ctx, p.MemberID)
	passkeys := make([]api.Passkey, len(f.Passkeys))
	for i, k := range f.Passkeys {
		passkeys[i] = passkeyJSON(k)
	}
	return api.ListFactors200JSONResponse{Totp: f.TOTP, Passkeys: passkeys, RecoveryCodesLeft: f.RecoveryCodes}, err
}

func (h handlers) BeginTotp(ctx context.Context, _ api.BeginTotpRequestObject) (api.BeginTotpResponseObject, error) {
	p, err := h.careful(ctx)
	if err != nil {
		return nil, err
	}
	s, err := h.m.BeginTOTP(ctx, p.MemberID)
	return api.BeginTotp200JSONResponse{Secret: s.Text, Uri: s.URI, QrSvg: s.QR}, err
}

func (h handlers) ConfirmTotp(ctx context.Context, r api.ConfirmTotpRequestObject) (api.ConfirmTotpResponseObject, error) {
	p, err := h.careful(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := h.m.ConfirmTOTP(ctx, p.MemberID, r.Body.Code)
	return api.ConfirmTotp200JSONResponse(codesJSON(codes)), err
}

func (h handlers) RemoveTotp(ctx context.Context, _ api.RemoveTotpRequestObject) (api.RemoveTotpResponseObject, error) {
	p, err := h.careful(ctx)
	if err != nil {
		return nil, err
	}
	return api.RemoveTotp204Response{}, h.m.RemoveTOTP(ctx, p.MemberID)
}

func (h handlers) RenewRecoveryCodes(ctx context.Context, _ api.RenewRecoveryCodesRequestObject) (api.RenewRecoveryCodesResponseObject, error) {
	p, err := h.careful(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := h.m.RenewRecoveryCodes(ctx, p.MemberID)
	return api.RenewRecoveryCodes200JSONResponse(codesJSON(codes)), err
}

func (h handlers) BeginPasskey(ctx context.Context, _ api.BeginPasskeyRequestObject) (api.BeginPasskeyResponseObject, error) {
	p, err := h.careful(ctx)
	if err != nil {
		return nil, err
	}
	challenge, options, err := h.m.BeginPasskey(ctx, p)
	return api.BeginPasskey200JSONResponse{Challenge: challenge, Options: options}, err
}

func (h handlers) AddPasskey(ctx context.Context, r api.AddPasskeyRequestObject) (api.AddPasskeyResponseObject, error) {
	p, err := h.careful(ctx)
	if err != nil {
		return nil, err
	}
	passkey, codes, err := h.m.AddPasskey(ctx, p, r.Body.Challenge, r.Body.Name, r.Body.Credential)
	return api.AddPasskey201JSONResponse{Passkey: passkeyJSON(passkey), RecoveryCodes: codesJSON(codes).Codes}, err
}

func (h handlers) RemovePasskey(ctx context.Context, r api.RemovePasskeyRequestObject) (api.RemovePasskeyResponseObject, error) {
	p, err := h.careful(ctx)
	if err != nil {
		return nil, err
	}
	return api.RemovePasskey204Response{}, h.m.RemovePasskey(ctx, p.MemberID, r.PasskeyId)
}

// answerOf takes one proof that says something. An empty one beside another is refused, too: who sends it is mistaken of which
// of the two counts. What is no answer uses up no try of the challenge.
func answerOf(b api.ChallengeAnswer) (Answer, error) {
	a, given := Answer{Challenge: b.Challenge}, 0
	if b.Password != nil {
		a.Password, given = *b.Password, given+1
	}
	if b.Code != nil {
		a.Code, given = *b.Code, given+1
	}
	if b.Credential != nil {
		a.Credential, given = *b.Credential, given+1
	}
	if given != 1 || a.method() == "" {
		return Answer{}, notOneProof()
	}
	return a, nil
}

func challengeJSON(c Challenge) api.Challenge {
	out := api.Challenge{Challenge: c.Token, ExpiresAt: c.ExpiresAt, Methods: make([]api.FactorMethod, len(c.Methods))}
	for i, method := range c.Methods {
		out.Methods[i] = api.FactorMethod(method)
	}
	if c.PasskeyOptions != nil {
		options := api.WebAuthn(c.PasskeyOptions)
		out.PasskeyOptions = &options
	}
	return out
}

func codesJSON(codes []string) api.RecoveryCodes {
	return api.RecoveryCodes{Codes: append([]string{}, codes...)}
}

func passkeyJSON(k Passkey) api.Passkey {
	return api.Passkey{Id: k.ID, Name: k.Name, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt}
}
