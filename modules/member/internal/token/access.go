// Package token makes and reads the credentials that members carry.
package token

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"mall/modules/platform/id"
)

// Errors of Access.Read.
var (
	ErrExpired = errors.New("token: expired")
	ErrInvalid = errors.New("token: not one of ours")
)

// maxLen is far above what we issue; longer text is not worth decoding.
const maxLen = 2048

// skew is how far the clocks of two instances may be apart.
const skew = 5 * time.Second

// Access makes and reads the short-lived tokens of API clients: JWTs signed with HMAC-SHA-256.
type Access struct {
	keys             Keys
	issuer, audience string
	life             time.Duration
	now              func() time.Time
	parser           *jwt.Parser
}

// Claims is what an access token says.
type Claims struct {
	MemberID, SessionID id.ID
	ExpiresAt           time.Time
}

type wire struct {
	jwt.RegisteredClaims

	SessionID string `json:"sid"`
}

// NewAccess makes the issuer of tokens that live for life. now is asked at every call.
func NewAccess(keys Keys, issuer, audience string, life time.Duration, now func() time.Time) *Access {
	return &Access{
		keys: keys, issuer: issuer, audience: audience, life: life, now: now,
		// By default the library takes any method, any audience, and tokens that never end.
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
			jwt.WithIssuer(issuer),
			jwt.WithAudience(audience),
			jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(),
			jwt.WithLeeway(skew),
			jwt.WithStrictDecoding(),
			jwt.WithTimeFunc(now),
		),
	}
}

// Issue makes the token of a member's session.
func (a *Access) Issue(member, session id.ID) (string, error) {
	now := a.now()
	claims := wire{SessionID: session.String(), RegisteredClaims: jwt.RegisteredClaims{
		Issuer: a.issuer, Audience: jwt.ClaimStrings{a.audience}, Subject: member.String(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(a.life)),
	}}
	newest := a.keys.list[0]
	unsigned := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	unsigned.Header["kid"] = newest.id
	signed, err := unsigned.SignedString(newest.secret)
	if err != nil {
		return "", fmt.Errorf("token: sign: %w", err)
	}
	return signed, nil
}

// Read checks a token. Errors: ErrExpired for one of ours that has ended, ErrInvalid for anything else.
func (a *Access) Read(text string) (Claims, error) {
	if len(text) > maxLen {
		return Claims{}, ErrInvalid
	}
	var w wire
	_, err := a.parser.ParseWithClaims(text, &w, a.verify)
	if errors.Is(err, jwt.ErrTokenExpired) && onlyExpired(err) {
		return Claims{}, ErrExpired
	}
	if err != nil {
		return Claims{}, ErrInvalid
	}
	member, memberErr := id.Parse(w.Subject)
	session, sessionErr := id.Parse(w.SessionID)
	if memberErr != nil || sessionErr != nil || member.IsZero() || session.IsZero() {
		return Claims{}, ErrInvalid
	}
	return Claims{MemberID: member, SessionID: session, ExpiresAt: w.ExpiresAt.UTC()}, nil
}

// verify gives the keys that may have signed a token.
func (a *Access) verify(t *jwt.Token) (any, error) {
	kid, isText := t.Header["kid"].(string)
	if _, there := t.Header["kid"]; there && (!isText || kid == "") {
		return nil, ErrInvalid
	}
	var set jwt.VerificationKeySet
	for _, secret := range a.keys.called(kid) {
		set.Keys = append(set.Keys, secret)
	}
	if len(set.Keys) == 0 {
		return nil, ErrInvalid
	}
	return set, nil
}

// onlyExpired says that nothing but its age is wrong with a token: another service's old token is invalid,
// not expired.
func onlyExpired(err error) bool {
	for _, other := range []error{jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenNotValidYet} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}
