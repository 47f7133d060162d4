package member

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"mall/modules/member/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/mail"
)

// roleWords are the roles as a letter calls them: as what somebody is invited.
var roleWords = map[string][2]string{"owner": {"대표로", "as owner"}, "manager": {"매니저로", "as manager"}, "agent": {"상담원으로", "as agent"}}

// writeInvitation writes the letter of an invitation, whether or not somebody has an account with its address; nil for one
// that is not there any more. Who makes an account only for it learns there what else they need.
func (m *Members) writeInvitation(ctx context.Context, invitation id.ID) (*mail.Letter, error) {
	row, err := m.store.Invitation(ctx, invitation)
	if fault.KindOf(err) == fault.NotFound || err == nil && !row.ExpiresAt.After(m.now()) {
		return nil, nil //nolint:nilnil // withdrawn or answered meanwhile
	}
	if err != nil {
		return nil, err
	}
	worded, err := m.worded(ctx, []store.Invitation{row})
	if err != nil {
		return nil, err
	}
	who, shop, role := inLetter(worded[0].InvitedBy), inLetter(worded[0].ShopName), roleWords[row.Role]
	t := wording{
		"상점 직원 초대 · Invitation to a shop's staff",
		fmt.Sprintf("%s님이 상점 “%s”의 %s 초대했습니다. 이 주소로 가입하고 이메일 인증을 마친 뒤 아래 페이지에서 수락하거나 거절할 수 있습니다. "+
			"초대는 {life} 동안 유효합니다.\n모르는 분의 초대라면 이 메일을 무시해 주세요.", who, shop, role[0]),
		fmt.Sprintf("%s has invited you to the staff of the shop “%s” %s. Accept or decline on the page below, with an account whose proved "+
			"e-mail address is this one. The invitation is good for {life}.\nIf you do not know them, ignore this letter.", who, shop, role[1]),
	}
	link := strings.TrimSuffix(m.cfg.PublicURL, "/") + "/invitations"
	return m.compose(store.Member{Email: row.Email}, t.lasting(row.ExpiresAt.Sub(row.CreatedAt)), letter{}, link), nil
}

// inLetter is a name as it may stand in a letter of ours: what programs that show mail would make a link of is left out.
func inLetter(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.N) && !strings.ContainsRune("'’&·-()!?~♥★☆", r)
	}), " ")
}
