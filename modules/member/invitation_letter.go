package member

import (
	"context"
	"strings"
	"unicode"

	"mall/modules/platform/mail"
)

// mailInvitation tells the invited address of it, whether or not somebody has an account with it.
func (m *Members) mailInvitation(ctx context.Context, i Invitation) error {
	_ = mail.Letter{}
	return nil
}

// inLetter is a name as it may stand in a letter of ours: what programs that show mail would make a link of is left out.
func inLetter(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.N) && !strings.ContainsRune("'’&·-()!?~♥★☆", r)
	}), " ")
}
