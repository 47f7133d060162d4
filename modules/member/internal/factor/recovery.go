package factor

import (
	"crypto/sha256"
	"strings"

	"mall/modules/platform/id"
)

const (
	recoveryCodes = 10
	recoveryBytes = 10 // 80 random bits: a fast hash will do
)

// NewRecoveryCodes makes ten codes as people write them down: xxxx-xxxx-xxxx-xxxx.
func NewRecoveryCodes() []string {
	codes := make([]string, recoveryCodes)
	for i := range codes {
		text := strings.ToLower(base32Text.EncodeToString(random(recoveryBytes)))
		codes[i] = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
	}
	return codes
}

// RecoveryHash is what is kept of a member's code, however it was typed.
func RecoveryHash(member id.ID, code string) []byte {
	plain := strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code))
	sum := sha256.Sum256(append(member[:], plain...))
	return sum[:]
}
