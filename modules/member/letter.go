package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"mall/modules/member/internal/store"
	"mall/modules/member/internal/token"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/mail"
	"mall/modules/platform/outbox"
)

// TopicLetter is the outbox topic of letters to members; Deliver is its handler. A request only asks for a letter, in its
// transaction: it takes as long for an address that nobody has, and nothing that could be used is kept in the outbox.
const TopicLetter = "member.letter"

// letter is what the outbox keeps of a letter. It holds no link and no address.
type letter struct {
	Kind   string `json:"kind"`
	Member id.ID  `json:"member"` // zero: nobody has the address, and nothing is sent
	IP     string `json:"ip,omitempty"`
	Device string `json:"device,omitempty"`

	Invitation id.ID     `json:"invitation,omitzero"` // the letter is for the address that it invites, whoever has it
	At         time.Time `json:"at,omitzero"`
}

// The kinds of letters.
const (
	letterProof    = "proof" // a link that proves an address
	letterReset    = "reset" // a link that sets a new password
	letterPassword = "password_changed"
	letterNewLogin = "new_login"
	letterLockout  = "lockout"
	letterFactor   = "factor_changed"
	letterInvited  = "invited"
)

// post asks for a letter in the transaction of ctx.
func (m *Members) post(ctx context.Context, l letter) error {
	if m.news == nil || m.mail == nil {
		return nil
	}
	return m.news.Add(ctx, TopicLetter, l)
}

// letterTries is how often a letter is tried: with the outbox's waits, for about an hour.
const letterTries = 20

// Deliver writes and sends a letter. A letter that the relay refuses, or does not take in an hour, is given up.
func (m *Members) Deliver(ctx context.Context, msg outbox.Message) error {
	var l letter
	if err := json.Unmarshal(msg.Payload, &l); err != nil {
		return err
	}
	if m.mail == nil {
		return nil
	}
	written, err := m.draft(ctx, msg, l)
	if err != nil || written == nil {
		return err
	}
	err = m.mail.Send(ctx, *written)
	var refused mail.Refused
	if err != nil && (errors.As(err, &refused) || msg.Attempts >= letterTries) {
		m.log.ErrorContext(ctx, "a letter is given up", slog.String("kind", l.Kind), slog.String("member", l.Member.String()),
			slog.Int("attempts", msg.Attempts), slog.Any("error", err))
		return nil
	}
	return err
}

// draft gives the letter, or nil when there is nothing to send any more.
func (m *Members) draft(ctx context.Context, msg outbox.Message, l letter) (*mail.Letter, error) {
	if l.Kind == letterInvited {
		return m.writeInvitation(ctx, l.Invitation)
	}
	if l.Member.IsZero() {
		return nil, nil //nolint:nilnil // nobody has the address
	}
	rows, err := m.store.Members(ctx, []id.ID{l.Member})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return m.write(ctx, msg, l, rows[0])
}

// write gives the letter to a member, or nil when there is nothing to send any more.
func (m *Members) write(ctx context.Context, msg outbox.Message, l letter, to store.Member) (*mail.Letter, error) {
	switch l.Kind {
	case letterProof:
		if to.EmailProvedAt != nil {
			return nil, nil //nolint:nilnil // there is no letter, and nothing is wrong
		}
		return m.writeLink(ctx, msg, to, store.Proof)
	case letterReset:
		if to.BannedAt != nil {
			return nil, nil //nolint:nilnil // as above
		}
		return m.writeLink(ctx, msg, to, store.Reset)
	default:
		text, known := noticeTexts[l.Kind]
		if !known {
			return nil, fmt.Errorf("member: no letter is called %q", l.Kind)
		}
		if to.EmailProvedAt == nil {
			return nil, nil //nolint:nilnil // the address may be a stranger's
		}
		return m.compose(to, text, l, ""), nil
	}
}

// writeLink writes the letter of a link, whose row it makes. One that is superseded, used or over is not sent.
func (m *Members) writeLink(ctx context.Context, msg outbox.Message, to store.Member, kind string) (*mail.Letter, error) {
	text, life, page := resetText, m.cfg.ResetLife, "/reset-password"
	if kind == store.Proof {
		text, life, page = proofText, m.cfg.ProofLife, "/prove-email"
	}
	row, err := m.linkOf(ctx, msg, to.ID, kind, life)
	if err != nil || row == nil {
		return nil, err
	}
	// The token is in the fragment, which browsers send to nobody: no log and no Referer has it.
	link := strings.TrimSuffix(m.cfg.PublicURL, "/") + page + "#token=" + m.links.Make(row.ID, bound(*row))
	return m.compose(to, text.lasting(row.ExpiresAt.Sub(row.CreatedAt)), letter{}, link), nil
}

func bound(row store.Link) token.Bound {
	return token.Bound{Kind: row.Kind, Member: row.MemberID, Expires: row.ExpiresAt}
}

// linkOf makes the row of a letter's link, which has the letter's own id, so that a second try of the letter finds it. It
// makes all older links of the kind worthless. nil: a newer letter has been written meanwhile, or this link is used or over.
func (m *Members) linkOf(ctx context.Context, msg outbox.Message, member id.ID, kind string, life time.Duration) (link *store.Link, err error) {
	now := m.now()
	err = m.store.Tx(ctx, func(ctx context.Context) error {
		if _, err := m.store.LockMember(ctx, member); err != nil {
			return err
		}
		rows, err := m.store.LinksOf(ctx, member, kind)
		if err != nil {
			return err
		}
		link = nil
		for _, r := range rows {
			switch {
			case r.ID == msg.ID && good(r, now):
				link = &r
				return nil
			case r.ID == msg.ID, r.ID.String() > msg.ID.String():
				return nil
			}
		}
		if err := m.store.DropLinks(ctx, member, kind); err != nil {
			return err
		}
		link = &store.Link{ID: msg.ID, Kind: kind, MemberID: member, CreatedAt: now, ExpiresAt: now.Add(life)}
		return m.store.InsertLink(ctx, *link)
	})
	return link, err
}

func good(row store.Link, now time.Time) bool { return row.UsedAt == nil && row.ExpiresAt.After(now) }

// readLink finds the row of a link that is good for a kind. Errors: Invalid link_invalid.
func (m *Members) readLink(ctx context.Context, text, kind string) (store.Link, error) {
	sent, ok := token.ParseLink(text)
	if !ok {
		return store.Link{}, linkInvalid()
	}
	row, err := m.store.Link(ctx, sent.ID)
	if fault.KindOf(err) == fault.NotFound {
		return store.Link{}, linkInvalid()
	}
	if err != nil {
		return store.Link{}, err
	}
	if row.Kind != kind || !m.links.Is(sent, bound(row)) || !good(row, m.now()) {
		return store.Link{}, linkInvalid()
	}
	return row, nil
}

// redeem uses a link up and does fn in the same transaction. done says whether fn's work is there when nobody knows. The
// member is locked first, as by linkOf, so that no two wait for each other.
func (m *Members) redeem(ctx context.Context, link store.Link, fn func(ctx context.Context) error, done func(ctx context.Context) (bool, error)) error {
	return m.store.TxOnce(ctx, func(ctx context.Context) error {
		if _, err := m.store.LockMember(ctx, link.MemberID); err != nil {
			return err
		}
		row, err := m.store.LockLink(ctx, link.ID)
		if fault.KindOf(err) == fault.NotFound || err == nil && !good(row, m.now()) {
			return linkInvalid() // somebody was faster, or has asked for a newer one
		}
		if err != nil {
			return err
		}
		if err := m.store.UseLink(ctx, link.ID, m.now()); err != nil {
			return err
		}
		return fn(ctx)
	}, done)
}

func linkInvalid() error {
	return fault.Invalidf("token", "link_invalid", "This link is not good any more; ask for a new one.")
}

// afterCommit tells of a change of a member once the transaction in ctx has committed.
func (m *Members) afterCommit(ctx context.Context, n Notice) {
	db.AfterCommit(ctx, func() { m.tell(n) })
}

// wording is a letter in both of the mall's languages. {life} is for lasting.
type wording struct{ subject, korean, english string }

var (
	proofText = wording{
		"이메일 인증 · Confirm your e-mail address",
		"아래 링크를 열고 ‘이메일 인증하기’를 누르면 이 주소가 회원님의 것으로 인증됩니다. 링크는 한 번만, {life} 안에 쓸 수 있습니다.\n직접 가입하지 않으셨다면 링크를 열지 말고 이 메일을 무시해 주세요.",
		"Open the link, and confirm there that this address is yours. It works once, within {life}.\nIf you did not sign up, do not open it.",
	}
	resetText = wording{
		"새 비밀번호 설정 · Set a new password",
		"아래 링크에서 새 비밀번호를 정할 수 있습니다. 링크는 한 번만, {life} 안에 쓸 수 있으며, 모든 기기에서 로그아웃됩니다.\n요청하지 않으셨다면 이 메일을 무시해 주세요. 비밀번호는 바뀌지 않습니다.",
		"Set a new password with the link. It works once, within {life}, and ends all your logins.\nIf you did not ask for it, ignore this letter: your password stays.",
	}
	noticeTexts = map[string]wording{
		letterPassword: {
			"비밀번호가 바뀌었습니다 · Your password was changed",
			"회원님의 비밀번호가 바뀌었습니다. 직접 바꾸지 않으셨다면 로그인 화면에서 바로 새 비밀번호를 설정해 주세요.",
			"Your password was changed. If that was not you, set a new one from the login page at once.",
		},
		letterNewLogin: {
			"새로운 기기에서 로그인 · New login",
			"처음 보는 기기나 장소에서 로그인했습니다. 본인이 아니라면 비밀번호를 바꾸고 다른 로그인을 모두 종료해 주세요.",
			"Somebody logged in to your account with a device or from a place that is new. If that was not you, change your password and end all other logins.",
		},
		letterFactor: {
			"2단계 인증이 바뀌었습니다 · Your second factor was changed",
			"회원님의 인증 앱, 패스키 또는 복구 코드가 바뀌었습니다. 직접 바꾸지 않으셨다면 바로 새 비밀번호를 설정하고 다른 로그인을 모두 종료해 주세요.",
			"Your authenticator app, a passkey or your recovery codes were changed. If that was not you, set a new password and end all other logins at once.",
		},
		letterLockout: {
			"로그인 시도가 너무 많습니다 · Too many wrong passwords",
			"누군가 회원님의 계정에 여러 번 틀린 비밀번호를 입력했습니다. 그곳에서의 로그인은 잠시 막혔습니다. 로그인이 안 되면 새 비밀번호를 설정해 주세요.",
			"Somebody tried too many wrong passwords for your account; logins from there are refused for a while. If you cannot log in, set a new password.",
		},
	}
)

// compose writes a letter: the Korean text, the English one, and what both speak of.
func (m *Members) compose(to store.Member, t wording, l letter, link string) *mail.Letter {
	var b strings.Builder
	paragraph := func(lines string) {
		if lines != "" {
			b.WriteString(lines + "\n\n")
		}
	}
	paragraph(t.korean)
	paragraph(t.english)
	paragraph(link)
	var facts []string
	if !l.At.IsZero() {
		facts = append(facts, "시각 · Time: "+l.At.UTC().Format("2006-01-02 15:04 MST"))
	}
	if l.IP != "" {
		facts = append(facts, "주소 · From: "+l.IP)
	}
	if l.Device != "" {
		facts = append(facts, "기기 · Device: "+l.Device)
	}
	paragraph(strings.Join(facts, "\n"))
	b.WriteString(strings.TrimSuffix(m.cfg.PublicURL, "/") + "/\n")
	return &mail.Letter{To: to.Email, Subject: t.subject, Text: b.String()}
}
