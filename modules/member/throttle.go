package member

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"mall/modules/member/internal/password"
	"mall/modules/member/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

// How guessing is slowed down (OWASP ASVS 5: 6.1.1 asks for this to be written down, 6.3.1 for it to be done, without a
// malicious lockout of the account).
//
// Wrong passwords are counted three times over, each time in a window of login_window:
//
//   - for one e-mail from one address (login_tries, 10): who tries so often from one place is refused there, and there
//     only. A stranger's tries from elsewhere do not keep the owner out, and the owner's typos nobody else.
//   - from one address, whatever the e-mail (login_tries_per_ip, 100): who tries one password on many accounts.
//   - for one e-mail from everywhere (login_tries_per_account, 100): who has many addresses. From there on only places
//     from which the member has logged in before may try, each with the first limit of its own. The owner at another place
//     sets a new password by mail, which proves more than a password does and clears the counts.
//
// So with n addresses a stranger has at most 100 tries in a window for one account, and 10 n over all, while the owner
// always has a way in: no count alone locks an account. IPv6 addresses count by /64, which is what one customer gets.
//
// An e-mail without an account is counted like any other. A try is counted before it is looked at, so a hundred at once
// get no more than a hundred in a row, and taken back when the password was right, so that many people behind one
// address do not use it up. The counts are in the database: instances share them, a restart does not clear them.
//
// Keys are hashes, and what is counted is part of them: what strangers type is nobody's business.

// longestWindow is how long a count may matter.
const longestWindow = 24 * time.Hour

func counterKey(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum(nil)
}

// network is the part of an address that one customer of a provider has: an IPv4 address, or the /64 of an IPv6 one.
func network(ip string) string { return prefix(ip, 32, 64) }

// region is wider: what a provider tends to give the same customer the next day.
func region(ip string) string { return prefix(ip, 24, 48) }

func prefix(ip string, v4, v6 int) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	a = a.Unmap().WithZone("")
	bits := v6
	if a.Is4() {
		bits = v4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ip
	}
	return p.String()
}

// counts are the keys of a login.
type counts struct{ pair, address, account []byte }

func (m *Members) countsOf(ctx context.Context, normal string) counts {
	from := network(identity.OriginOf(ctx).IP)
	return counts{
		pair:    counterKey("login", "pair", from, normal),
		address: counterKey("login", "address", from),
		account: counterKey("login", "account", normal),
	}
}

// countLogin counts a try for an e-mail and refuses what is too much, the right password included.
func (m *Members) countLogin(ctx context.Context, normal string) (counts, error) {
	keys, now := m.countsOf(ctx, normal), m.now()
	got, err := m.store.CountAttempts(ctx, now, now.Add(-m.cfg.LoginWindow), keys.pair, keys.address, keys.account)
	if err != nil {
		return keys, err
	}
	pair, address, account := got[0], got[1], got[2]
	if pair.Attempts == m.cfg.LoginTries+1 || account.Attempts == m.cfg.LoginTriesPerAccount+1 {
		m.tellOfLockout(ctx, normal)
	}
	switch {
	case pair.Attempts > m.cfg.LoginTries:
		return keys, m.tooMany("Too many tries for this e-mail address.", pair, m.cfg.LoginWindow)
	case address.Attempts > m.cfg.LoginTriesPerIP:
		return keys, m.tooMany("Too many wrong passwords from this address.", address, m.cfg.LoginWindow)
	case account.Attempts > m.cfg.LoginTriesPerAccount:
		return keys, m.onlyFromKnown(ctx, normal, account)
	}
	return keys, nil
}

// onlyFromKnown lets a try through whose member has logged in from there before.
func (m *Members) onlyFromKnown(ctx context.Context, normal string, account store.Attempts) error {
	who, err := m.memberOrNobody(ctx, normal)
	if err != nil {
		return err
	}
	known, err := m.knows(ctx, who.ID, nearPlace(ctx, who.ID))
	if err != nil || known {
		return err
	}
	err = m.tooMany("Others have tried too many passwords for this e-mail address; set a new one by mail.", account, m.cfg.LoginWindow)
	if f, is := fault.As(err); is {
		f.Code = "login_guarded"
	}
	return err
}

// memberOrNobody is byEmail with the zero Member for an address that nobody has.
func (m *Members) memberOrNobody(ctx context.Context, normal string) (store.Member, error) {
	row, err := m.byEmail(ctx, normal)
	if fault.KindOf(err) == fault.NotFound {
		return store.Member{}, nil
	}
	return row, err
}

func (m *Members) tooMany(message string, a store.Attempts, window time.Duration) error {
	return fault.Retry(fault.RateLimited, "rate_limited", message, a.WindowStart.Add(window).Sub(m.now()))
}

// forgive takes back the count of a right password.
func (m *Members) forgive(ctx context.Context, keys counts) error {
	return m.store.Tx(ctx, func(ctx context.Context) error {
		if err := m.store.ClearAttempts(ctx, keys.pair); err != nil {
			return err
		}
		return m.store.UncountAttempts(ctx, keys.address, keys.account)
	})
}

// limit counts an act under one key, and refuses it beyond most in a window.
func (m *Members) limit(ctx context.Context, message string, most int, window time.Duration, key ...string) error {
	return m.limits(ctx, message, window, atMost{most, key})
}

// atMost is how often something may be done under a key; the first part of the key says what it is.
type atMost struct {
	most int
	key  []string
}

// limits counts an act under several keys, and refuses it beyond any of them. What is refused does not count: who has used
// up the narrower limit uses up no wider one, which others share.
func (m *Members) limits(ctx context.Context, message string, window time.Duration, all ...atMost) error {
	now, keys := m.now(), make([][]byte, len(all))
	for i, l := range all {
		keys[i] = counterKey(l.key...)
	}
	got, err := m.store.CountAttempts(ctx, now, now.Add(-window), keys...)
	if err != nil {
		return err
	}
	for i, l := range all {
		if got[i].Attempts > l.most {
			refused := m.tooMany(message, got[i], window)
			m.security.Write(ctx, securitylog.Event{What: securitylog.Limit, Err: refused, Reason: l.key[0]})
			return errors.Join(refused, m.store.UncountAttempts(ctx, keys...))
		}
	}
	return nil
}

// tellOfLockout writes to the member whose e-mail others, or they, have tried too often; once a day.
func (m *Members) tellOfLockout(ctx context.Context, normal string) {
	who, err := m.memberOrNobody(ctx, normal)
	if err == nil {
		m.security.Write(ctx, securitylog.Event{What: securitylog.Lockout, Err: errLockout, Target: who.ID})
		err = m.postSeldom(ctx, normal, letter{Kind: letterLockout, Member: who.ID, IP: identity.OriginOf(ctx).IP, At: m.now()})
	}
	if err != nil {
		m.log.WarnContext(ctx, "a member is not told of wrong passwords", slog.Any("error", err))
	}
}

var errLockout = fault.New(fault.RateLimited, "rate_limited", "Too many tries for this e-mail address.")

// postSeldom is post, but once a day for an address and kind; for one that nobody has it does the same work.
func (m *Members) postSeldom(ctx context.Context, normal string, l letter) error {
	now := m.now()
	got, err := m.store.CountAttempts(ctx, now, now.Add(-longestWindow), counterKey("letter", l.Kind, normal))
	if err != nil || got[0].Attempts > 1 {
		return err
	}
	return m.store.Tx(ctx, func(ctx context.Context) error { return m.post(ctx, l) })
}

// ownPassword finds the member whose password that is, for somebody who is logged in as them. Errors: Invalid
// wrong_password (field current), RateLimited, Busy.
func (m *Members) ownPassword(ctx context.Context, slot password.Slot, member id.ID, plain string) (store.Member, error) {
	err := m.limit(ctx, "Too many wrong passwords.", m.cfg.LoginTries, m.cfg.LoginWindow, "own password", member.String())
	if err != nil {
		return store.Member{}, err
	}
	rows, err := m.store.Members(ctx, []id.ID{member})
	if err != nil {
		return store.Member{}, err
	}
	if len(rows) == 0 {
		return store.Member{}, fault.Missing("member")
	}
	matches, err := slot.Matches(plain, rows[0].PasswordHash)
	if err != nil {
		return store.Member{}, err
	}
	if !matches {
		return store.Member{}, fault.Invalidf("current", "wrong_password", "That is not your password.")
	}
	return rows[0], m.store.ClearAttempts(ctx, counterKey("own password", member.String()))
}
