package member

import (
	"context"

	"mall/modules/member/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// SteppedUp says whether a member has proved lately, in this session, who they are; a login counts. Ask it before what a
// stolen session must not be enough for. Errors: Forbidden step_up_required, Unauthenticated session_ended.
func (m *Members) SteppedUp(ctx context.Context, p *identity.Principal) error {
	at, err := m.store.StepUp(ctx, p.SessionID)
	if fault.KindOf(err) == fault.NotFound {
		return sessionEnded()
	}
	if err != nil {
		return err
	}
	if at == nil || m.now().Sub(*at) >= m.cfg.StepUpLife {
		return fault.New(fault.Forbidden, "step_up_required", "Prove again who you are before you do that.")
	}
	return nil
}

// MayActForShops says whether a member's roles count and they have proved lately who they are. Errors: Forbidden
// second_factor_demanded, and as SteppedUp.
func (m *Members) MayActForShops(ctx context.Context, p *identity.Principal) error {
	if p.FactorDemanded {
		return factorDemanded()
	}
	return m.SteppedUp(ctx, p)
}

func factorDemanded() error {
	return fault.New(fault.Forbidden, "second_factor_demanded", "Your role demands a second factor; set one up first.")
}

// BeginStepUp asks a member to prove again who they are: with the second factor if they have one, else with the password.
func (m *Members) BeginStepUp(ctx context.Context, p *identity.Principal) (Challenge, error) {
	rows, err := m.store.Members(ctx, []id.ID{p.MemberID})
	if err != nil {
		return Challenge{}, err
	}
	if len(rows) == 0 {
		return Challenge{}, fault.Missing("member")
	}
	return m.ask(ctx, rows[0], p.SessionID, store.ForStepUp)
}

// AnswerStepUp takes the proof. Errors: as AnswerLogin.
func (m *Members) AnswerStepUp(ctx context.Context, p *identity.Principal, a Answer) error {
	return m.answer(ctx, store.ForStepUp, p.SessionID, a, func(ctx context.Context, _ store.Member) error {
		return m.store.SetStepUp(ctx, p.SessionID, m.now())
	})
}
