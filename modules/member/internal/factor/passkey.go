package factor

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"mall/modules/platform/id"
)

// ErrNoName says that the mall is reached by an address: browsers make passkeys for names only.
var ErrNoName = errors.New("factor: passkeys need a host name")

// ErrRefused is an answer of a browser that proves nothing.
var ErrRefused = errors.New("factor: the passkey's answer was refused")

// Passkeys makes and checks the passkeys of one site. It is safe for concurrent use.
type Passkeys struct{ site *webauthn.WebAuthn }

// NewPasskeys makes it for the site at an address such as https://mall.example. Errors: ErrNoName for http://10.0.0.1.
func NewPasskeys(publicURL, name string) (*Passkeys, error) {
	u, err := url.Parse(publicURL)
	if err != nil {
		return nil, fmt.Errorf("factor: %w", err)
	}
	if u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil {
		return nil, ErrNoName
	}
	site, err := webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: name, RPOrigins: []string{u.Scheme + "://" + u.Host}})
	if err != nil {
		return nil, fmt.Errorf("factor: %w", err)
	}
	return &Passkeys{site}, nil
}

// Owner is a member with their passkeys as Add and Use gave them.
type Owner struct {
	Member      id.ID
	Email, Name string
	Passkeys    [][]byte
}

type user struct {
	Owner

	credentials []webauthn.Credential
}

func (u user) WebAuthnID() []byte                         { return u.Member[:] }
func (u user) WebAuthnName() string                       { return u.Email }
func (u user) WebAuthnDisplayName() string                { return u.Name }
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

func (o Owner) user() (user, error) {
	u := user{Owner: o, credentials: make([]webauthn.Credential, len(o.Passkeys))}
	for i, text := range o.Passkeys {
		if err := json.Unmarshal(text, &u.credentials[i]); err != nil {
			return u, fmt.Errorf("factor: a stored passkey: %w", err)
		}
	}
	return u, nil
}

// BeginAdd gives what the browser's navigator.credentials.create takes, and what Add needs to know of it.
func (p *Passkeys) BeginAdd(o Owner) (options, asked []byte, err error) {
	u, err := o.user()
	if err != nil {
		return nil, nil, err
	}
	creation, session, err := p.site.BeginRegistration(u,
		webauthn.WithExclusions(webauthn.Credentials(u.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, nil, fmt.Errorf("factor: %w", err)
	}
	return both(creation.Response, session)
}

// Add checks what the browser made; it gives the passkey and the hash of its id. Errors: ErrRefused.
func (p *Passkeys) Add(o Owner, asked, answer []byte) (passkey, hash []byte, err error) {
	u, session, err := begun(o, asked)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, nil, refused(err)
	}
	made, err := p.site.CreateCredential(u, session, parsed)
	if err != nil {
		return nil, nil, refused(err)
	}
	return kept(made)
}

// BeginUse gives what the browser's navigator.credentials.get takes, and what Use needs to know of it.
func (p *Passkeys) BeginUse(o Owner) (options, asked []byte, err error) {
	u, err := o.user()
	if err != nil {
		return nil, nil, err
	}
	assertion, session, err := p.site.BeginLogin(u)
	if err != nil {
		return nil, nil, fmt.Errorf("factor: %w", err)
	}
	return both(assertion.Response, session)
}

// Use checks what a passkey has signed; it gives the passkey with its counter moved on and the hash of its id. Errors:
// ErrRefused, also when the counter says that there is a copy of it.
func (p *Passkeys) Use(o Owner, asked, answer []byte) (passkey, hash []byte, err error) {
	u, session, err := begun(o, asked)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, nil, refused(err)
	}
	used, err := p.site.ValidateLogin(u, session, parsed)
	if err != nil {
		return nil, nil, refused(err)
	}
	if used.Authenticator.CloneWarning {
		return nil, nil, refused(errors.New("its counter went back"))
	}
	return kept(used)
}

func begun(o Owner, asked []byte) (u user, session webauthn.SessionData, err error) {
	if err := json.Unmarshal(asked, &session); err != nil {
		return u, session, fmt.Errorf("factor: a stored challenge: %w", err)
	}
	u, err = o.user()
	return u, session, err
}

func both(options, session any) (a, b []byte, err error) {
	a, err = json.Marshal(options)
	if err == nil {
		b, err = json.Marshal(session)
	}
	return a, b, err
}

// kept leaves out the attestation: nobody asks for it again, and it is long.
func kept(c *webauthn.Credential) (text, hash []byte, err error) {
	c.Attestation = webauthn.CredentialAttestation{}
	sum := sha256.Sum256(c.ID)
	text, err = json.Marshal(c)
	return text, sum[:], err
}

func refused(err error) error { return fmt.Errorf("%w: %w", ErrRefused, err) }
