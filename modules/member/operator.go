package member

import (
	"context"

	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/securitylog"
)

// SetOperator makes a member run the mall, or no longer; nothing that comes over HTTP calls it. Errors: NotFound, Conflict
// email_unproved: nobody knows whose address it is.
func (m *Members) SetOperator(ctx context.Context, member id.ID, operator bool) error {
	err := m.change(ctx, Notice{Member: member}, func(ctx context.Context) error {
		who, err := m.store.LockMember(ctx, member)
		if err != nil {
			return missing("member", err)
		}
		if operator && who.EmailProvedAt == nil {
			return fault.New(fault.Conflict, "email_unproved", "The member has not proved their e-mail address.")
		}
		return m.store.SetOperator(ctx, member, operator)
	})
	m.security.Write(ctx, securitylog.Event{What: securitylog.OperatorChange, Err: err, Target: member, Reason: onOff(operator)})
	return err
}

// Operators are the members who run the mall; for programs only.
func (m *Members) Operators(ctx context.Context) ([]Me, error) {
	rows, err := m.store.Operators(ctx)
	operators := make([]Me, len(rows))
	for i, r := range rows {
		operators[i] = m.me(r, nil)
	}
	return operators, err
}
