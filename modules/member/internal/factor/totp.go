package factor

import (
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"rsc.io/qr"
)

// What every authenticator app understands: SHA-1, six digits, half a minute.
const (
	totpSecret = 20
	totpPeriod = 30
	totpSkew   = 1 // steps that the phone's clock may be off
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewTOTP makes the secret of an authenticator app.
func NewTOTP() []byte { return random(totpSecret) }

// TOTPText is a secret as people type it.
func TOTPText(secret []byte) string { return base32Text.EncodeToString(secret) }

// TOTPURI is a secret as apps scan it.
func TOTPURI(secret []byte, issuer, account string) string {
	query := url.Values{"secret": {TOTPText(secret)}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account, RawQuery: query.Encode()}
	return u.String()
}

// TOTPStep finds the step whose code this is, around now and later than the one given: a code is taken once.
func TOTPStep(secret []byte, code string, now time.Time, after int64) (step int64, ok bool) {
	current := now.Unix() / totpPeriod
	for step := current - totpSkew; step <= current+totpSkew; step++ {
		if step > after && subtle.ConstantTimeCompare([]byte(TOTPCode(secret, step)), []byte(code)) == 1 {
			return step, true
		}
	}
	return 0, false
}

// TOTPCode is the code of a step.
func TOTPCode(secret []byte, step int64) string {
	code, err := hotp.GenerateCodeCustom(TOTPText(secret), uint64(step), //nolint:gosec // steps are after 1970
		hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		panic(fmt.Sprintf("factor: a secret of our own making: %v", err))
	}
	return code
}

// QR is a text as an SVG image.
func QR(text string) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("factor: QR code: %w", err)
	}
	const quiet = 4 // the empty border that scanners need
	size := code.Size + 2*quiet
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="`, size, size, size, size)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			start := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > start {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, x-start, x-start)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String(), nil
}
