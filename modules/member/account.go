package member

import (
	"context"
	"time"

	"mall/modules/member/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

// Member is a person with an account, as the person sees it.
type Member struct {
	ID        id.ID
	Email     string
	Name      string
	CreatedAt time.Time

	EmailProved bool // they have opened a link that was mailed there
}

// Me is a member with what they may act for.
type Me struct {
	Member

	Operator     bool
	Shops        []identity.ShopRole
	SecondFactor bool // the member has one
	Demanded     bool // acts of staff and operators are refused until the member has one
}

// SignUp makes an account, and mails a link that proves the e-mail address. Until that is opened nobody knows whose it is,
// so no right that goes by an address is given for it. Errors: Invalid (email, name or password), Conflict email_taken, Busy.
func (m *Members) SignUp(ctx context.Context, email, plain, name string) (Member, error) {
	made, err := m.signUp(ctx, email, plain, name)
	m.security.Write(ctx, securitylog.Event{What: securitylog.SignUp, Err: err, Member: made.ID})
	return made, err
}

func (m *Members) signUp(ctx context.Context, email, plain, name string) (Member, error) {
	row, err := m.newMember(email, plain, name)
	if err != nil {
		return Member{}, err
	}
	switch _, err := m.store.MemberByEmail(ctx, row.Email); { // a hash is dear: look first
	case err == nil:
		return Member{}, emailTaken()
	case fault.KindOf(err) != fault.NotFound:
		return Member{}, err
	}
	slot, err := m.hasher.Acquire(ctx)
	if err != nil {
		return Member{}, err
	}
	row.PasswordHash = slot.Hash(plain)
	slot.Release()
	if err := m.insertOnce(ctx, row); err != nil {
		if fault.KindOf(err) == fault.Conflict {
			return Member{}, emailTaken()
		}
		return Member{}, err
	}
	return public(row), nil
}

func (m *Members) insertOnce(ctx context.Context, row store.Member) error {
	return m.store.TxOnce(ctx, func(ctx context.Context) error {
		if err := m.store.InsertMembers(ctx, row); err != nil {
			return err
		}
		if err := m.notePlace(ctx, row, id.Nil); err != nil {
			return err
		}
		return m.post(ctx, letter{Kind: letterProof, Member: row.ID})
	},
		func(ctx context.Context) (bool, error) {
			found, err := m.store.Members(ctx, []id.ID{row.ID})
			return len(found) == 1, err
		})
}

// newMember checks what a person typed.
func (m *Members) newMember(email, plain, name string) (store.Member, error) {
	normal, ok := normalEmail(email)
	if !ok {
		return store.Member{}, fault.Invalidf("email", "invalid_email", "That is no e-mail address we can use.")
	}
	clean, err := cleanName(name, maxName)
	if err != nil {
		return store.Member{}, err
	}
	if err := checkPassword(plain, normal, clean); err != nil {
		return store.Member{}, err
	}
	return store.Member{ID: id.New(), Email: normal, Name: clean, CreatedAt: m.now()}, nil
}

// byEmail finds an account. What is no address is not looked for: the column holds ASCII, and MySQL would leave
// its index to compare it with anything else.
func (m *Members) byEmail(ctx context.Context, email string) (store.Member, error) {
	normal, ok := normalEmail(email)
	if !ok {
		return store.Member{}, fault.Missing("member")
	}
	return m.store.MemberByEmail(ctx, normal)
}

func emailTaken() error {
	return &fault.Error{Kind: fault.Conflict, Code: "email_taken", Field: "email", Message: "This e-mail address has an account already."}
}

func public(row store.Member) Member {
	return Member{ID: row.ID, Email: row.Email, Name: row.Name, CreatedAt: row.CreatedAt, EmailProved: row.EmailProvedAt != nil}
}

// Me reads a member's own account. Errors: NotFound.
func (m *Members) Me(ctx context.Context, member id.ID) (Me, error) {
	rows, err := m.store.Members(ctx, []id.ID{member})
	if err != nil {
		return Me{}, err
	}
	if len(rows) == 0 {
		return Me{}, fault.Missing("member")
	}
	shops, err := m.shopsOf(ctx, []id.ID{member})
	return m.me(rows[0], shops[member]), err
}

func (m *Members) me(row store.Member, shops []identity.ShopRole) Me {
	return Me{
		Member: public(row), Operator: row.Operator, Shops: shops,
		SecondFactor: row.SecondFactor, Demanded: !row.SecondFactor && m.cfg.demands(row.Operator, len(shops) > 0),
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// Find reads the account with that e-mail; for programs only, since it tells who has one. Errors: NotFound.
func (m *Members) Find(ctx context.Context, email string) (Member, error) {
	row, err := m.byEmail(ctx, email)
	if err != nil {
		return Member{}, missing("member", err)
	}
	return public(row), nil
}

// Ban keeps a member out and ends all sessions; nothing that comes over HTTP calls it. Errors: NotFound.
func (m *Members) Ban(ctx context.Context, member id.ID) error {
	err := m.change(ctx, Notice{Member: member}, func(ctx context.Context) error {
		now := m.now()
		if err := m.store.SetBanned(ctx, member, &now); err != nil {
			return missing("member", err)
		}
		if err := m.store.DeleteInvitationsOf(ctx, member); err != nil {
			return err
		}
		return m.store.EndSessionsOf(ctx, member, now)
	})
	m.security.Write(ctx, securitylog.Event{What: securitylog.Ban, Err: err, Target: member, Reason: onOff(true)})
	return err
}

// Unban lets a member log in again. Errors: NotFound.
func (m *Members) Unban(ctx context.Context, member id.ID) error {
	err := m.change(ctx, Notice{Member: member}, func(ctx context.Context) error {
		return missing("member", m.store.SetBanned(ctx, member, nil))
	})
	m.security.Write(ctx, securitylog.Event{What: securitylog.Ban, Err: err, Target: member, Reason: onOff(false)})
	return err
}

// change runs fn in a transaction and tells of it once that has committed.
func (m *Members) change(ctx context.Context, n Notice, fn func(ctx context.Context) error) error {
	return m.changeOnce(ctx, n, fn, nil)
}

// changeOnce is change that asks stored whether the change is there when nobody knows.
func (m *Members) changeOnce(ctx context.Context, n Notice, fn func(ctx context.Context) error, stored func(ctx context.Context) (bool, error)) error {
	return m.store.TxOnce(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		db.AfterCommit(ctx, func() { m.tell(n) })
		return nil
	}, stored)
}

// missing words an absent row for the outside.
func missing(what string, err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return fault.Missing(what)
	}
	return err
}
