package member

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mall/modules/member/internal/token"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/mail"
	"mall/modules/platform/testservers"
)

const next = "starlight-2027"

func (w *world) askReset(t *testing.T, email string) {
	t.Helper()
	if err := w.AskPasswordReset(from(t.Context(), "198.51.100.7"), email); err != nil {
		t.Fatal(err)
	}
}

func TestAResetEndsEveryLoginAndWorksOnce(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		kim := w.member(t, "kim@demo.mall")
		tokens, web := w.logIn(t, "kim@demo.mall"), w.openWeb(t, "kim@demo.mall")
		var changed []id.ID
		w.OnChanged(func(member id.ID) { changed = append(changed, member) })
		w.askReset(t, " KIM@demo.mall")
		link := w.lastLink(t, "/reset-password")
		wantCode(t, w.ResetPassword(t.Context(), link, "password1"), fault.Invalid, "weak_password") // and the link stays good
		wantCode(t, w.ResetPassword(t.Context(), link, next), 0, "")
		if fmt.Sprint(changed) != fmt.Sprint([]id.ID{kim}) {
			t.Errorf("told of %v, want of %v", changed, kim)
		}
		_, err := w.Bearer(t.Context(), tokens.Access)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		_, err = w.Cookie(t.Context(), web.Cookie)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		_, err = w.Refresh(t.Context(), tokens.Refresh)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		_, err = w.LogIn(t.Context(), "kim@demo.mall", pass)
		wantCode(t, err, fault.Unauthenticated, "invalid_credentials")
		_, err = w.LogIn(t.Context(), "kim@demo.mall", next)
		wantCode(t, err, 0, "")
		wantCode(t, w.ResetPassword(t.Context(), link, "moonrise-2028"), fault.Invalid, "link_invalid")
		if letters := w.posted(t); len(letters) != 1 || !strings.Contains(letters[0].Subject, "Your password was changed") {
			t.Errorf("letters afterwards: %v", letters)
		}
	})
}

// Nobody learns who has an account: not by the answer, and not by what the request does, which is the same rows.
func TestAskingForAResetTellsAStrangerNothing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		w.askReset(t, "kim@demo.mall")
		w.askReset(t, "nobody@demo.mall")
		w.askReset(t, "no address")
		waiting := w.waiting(t)
		if len(waiting) != 3 {
			t.Fatalf("%d rows in the outbox, want one for each request", len(waiting))
		}
		for _, m := range waiting {
			if strings.Contains(string(m.Payload), "@") || strings.Contains(string(m.Payload), "token") {
				t.Errorf("the outbox holds an address or a token: %s", m.Payload)
			}
		}
		if letters := w.posted(t); len(letters) != 1 || letters[0].To != "kim@demo.mall" {
			t.Errorf("letters %v, want one to the account", letters)
		}
	})
}

func TestALinkIsGoodForAWhileAndUntilTheNextIsAskedFor(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		w.askReset(t, "kim@demo.mall")
		first := w.lastLink(t, "/reset-password")
		w.askReset(t, "kim@demo.mall")
		second := w.lastLink(t, "/reset-password")
		wantCode(t, w.ResetPassword(t.Context(), first, next), fault.Invalid, "link_invalid")
		w.clock.pass(30 * time.Minute)
		wantCode(t, w.ResetPassword(t.Context(), second, next), fault.Invalid, "link_invalid")
		w.askReset(t, "kim@demo.mall")
		third := w.lastLink(t, "/reset-password")
		w.clock.pass(29 * time.Minute)
		wantCode(t, w.ResetPassword(t.Context(), third, next), 0, "")
	})
}

// What can be read from the database makes no link: neither the row's id, nor a proof under another key, for another row,
// another member or another purpose.
func TestALinkCannotBeMadeOfWhatTheDatabaseHolds(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		lee := w.member(t, "lee@demo.mall")
		w.askReset(t, "kim@demo.mall")
		good := w.lastLink(t, "/reset-password")
		parsed, _ := token.ParseLink(good)
		row, err := w.store.Link(t.Context(), parsed.ID)
		if err != nil {
			t.Fatal(err)
		}
		others, err := token.ParseKeys("hG7x2pQ9vR4tY8uW1zK5mN3bC6dF0jLs", CheckSecret)
		if err != nil {
			t.Fatal(err)
		}
		forged := map[string]string{
			"another key": token.NewLinks(others).Make(row.ID, bound(row)),
			"another row": w.links.Make(id.New(), bound(row)),
			"a proof":     w.links.Make(row.ID, token.Bound{Kind: "proof", Member: row.MemberID, Expires: row.ExpiresAt}),
			"of lee":      w.links.Make(row.ID, token.Bound{Kind: row.Kind, Member: lee, Expires: row.ExpiresAt}),
			"for longer":  w.links.Make(row.ID, token.Bound{Kind: row.Kind, Member: row.MemberID, Expires: row.ExpiresAt.Add(time.Hour)}),
			"cut":         good[:60], "empty": "", "text": "let me in, please, let me in",
		}
		for name, text := range forged {
			if err := w.ResetPassword(t.Context(), text, next); fault.CodeOf(err) != "link_invalid" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := w.ProveEmail(t.Context(), good); fault.CodeOf(err) != "link_invalid" {
			t.Errorf("a link for a password proves an address: %v", err)
		}
		wantCode(t, w.ResetPassword(t.Context(), good, next), 0, "")
	})
}

// Two at once with one link: one sets the password, the other is told that it is used.
func TestALinkIsUsedByOneOfTwo(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.member(t, "kim@demo.mall")
		w.askReset(t, "kim@demo.mall")
		link := w.lastLink(t, "/reset-password")
		set := 0
		for _, err := range atOnce(4, func(i int) error { return w.ResetPassword(t.Context(), link, fmt.Sprint(next, i)) }) {
			if err == nil {
				set++
			} else if code := fault.CodeOf(err); code != "link_invalid" && code != "password_changed" && code != "unavailable" {
				t.Errorf("the slower one: %v", err)
			}
		}
		if set != 1 {
			t.Errorf("%d have set a password, want one", set)
		}
	})
}

func TestLettersAreLimited(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	kim := w.member(t, "kim@demo.mall")
	ask := func(ip, email string) error { return w.AskPasswordReset(from(t.Context(), ip), email) }
	for range resetsPerPair {
		wantCode(t, ask("203.0.113.1", "kim@demo.mall"), 0, "")
	}
	wantCode(t, ask("203.0.113.1", "kim@demo.mall"), fault.RateLimited, "rate_limited")
	for i := range resetsPerAddress - resetsPerPair {
		wantCode(t, ask(fmt.Sprintf("203.0.113.%d", 2+i), "kim@demo.mall"), 0, "")
	}
	wantCode(t, ask("203.0.113.99", "kim@demo.mall"), fault.RateLimited, "rate_limited")
	// All those letters were for kim, who has the newest link in the mailbox: they are kept from nothing.
	wantCode(t, w.ResetPassword(t.Context(), w.lastLink(t, "/reset-password"), next), 0, "")
	for i := range resetsPerNetwork {
		wantCode(t, ask("192.0.2.1", fmt.Sprintf("someone%d@demo.mall", i)), 0, "")
	}
	wantCode(t, ask("192.0.2.1", "lee@demo.mall"), fault.RateLimited, "rate_limited")
	lee := w.member(t, "lee@demo.mall")
	for range proofsPerHour {
		wantCode(t, w.SendEmailProof(t.Context(), lee), 0, "")
	}
	wantCode(t, w.SendEmailProof(t.Context(), lee), fault.RateLimited, "rate_limited")
	for range proofsPerHour + 1 { // proved by the reset: nothing is sent, and nothing counted
		wantCode(t, w.SendEmailProof(t.Context(), kim), 0, "")
	}
}

// The squatter: someone signs up with another's address. Its owner sets a password by mail, and has the account alone.
func TestTheOwnerOfAnAddressGetsTheAccount(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		squatter, err := w.SignUp(from(t.Context(), "203.0.113.1"), "boss@shop.example", pass, "누구")
		if err != nil || squatter.EmailProved {
			t.Fatalf("%+v %v", squatter, err)
		}
		tokens := w.logIn(t, "boss@shop.example")
		w.posted(t)
		w.askReset(t, "boss@shop.example")
		wantCode(t, w.ResetPassword(t.Context(), w.lastLink(t, "/reset-password"), next), 0, "")
		_, err = w.Bearer(t.Context(), tokens.Access)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		me, err := w.Me(t.Context(), squatter.ID)
		if err != nil || !me.EmailProved {
			t.Errorf("after the reset: %+v %v", me, err)
		}
	})
}

func TestSigningUpMailsAProof(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.cfg.ProofForShops = true
		kim, err := w.SignUp(from(t.Context(), "198.51.100.7"), "kim@demo.mall", pass, "김")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.OpenShop(t.Context(), kim.ID, "달빛상점")
		wantCode(t, err, fault.Forbidden, "email_unproved")
		first := w.lastLink(t, "/prove-email")
		wantCode(t, w.SendEmailProof(t.Context(), kim.ID), 0, "")
		link := w.lastLink(t, "/prove-email")
		wantCode(t, w.ProveEmail(t.Context(), first), fault.Invalid, "link_invalid") // there is a newer one
		w.clock.pass(24*time.Hour - time.Second)
		wantCode(t, w.ProveEmail(t.Context(), link), 0, "")
		wantCode(t, w.ProveEmail(t.Context(), link), fault.Invalid, "link_invalid")
		if me, err := w.Me(t.Context(), kim.ID); err != nil || !me.EmailProved {
			t.Errorf("%+v %v", me, err)
		}
		_, err = w.OpenShop(t.Context(), kim.ID, "달빛상점")
		wantCode(t, err, 0, "")
		_, err = w.LogIn(from(t.Context(), "198.51.100.7"), "kim@demo.mall", pass)
		wantCode(t, err, 0, "")
		if letters := w.posted(t); len(letters) != 0 {
			t.Errorf("a first login from where they signed up is told: %v", letters)
		}
		lee, err := w.SignUp(t.Context(), "lee@demo.mall", pass, "이")
		if err != nil {
			t.Fatal(err)
		}
		late := w.lastLink(t, "/prove-email")
		w.clock.pass(24 * time.Hour)
		wantCode(t, w.ProveEmail(t.Context(), late), fault.Invalid, "link_invalid")
		if me, err := w.Me(t.Context(), lee.ID); err != nil || me.EmailProved {
			t.Errorf("%+v %v", me, err)
		}
	})
}

func TestChangingThePasswordEndsTheOtherLogins(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.proved(t, "kim@demo.mall")
		mine, other, web := w.logIn(t, "kim@demo.mall"), w.logIn(t, "kim@demo.mall"), w.openWeb(t, "kim@demo.mall")
		p := bearer(t, w.Members, mine.Access)
		bearer(t, w.Members, other.Access)
		w.askReset(t, "kim@demo.mall")
		link := w.lastLink(t, "/reset-password")
		var changed []id.ID
		w.OnChanged(func(member id.ID) { changed = append(changed, member) })

		wantCode(t, w.ChangePassword(t.Context(), p, "guess-number", next), fault.Invalid, "wrong_password")
		wantCode(t, w.ChangePassword(t.Context(), p, pass, "kim@demo.mall"), fault.Invalid, "weak_password")
		wantCode(t, w.ChangePassword(t.Context(), p, pass, next), 0, "")
		bearer(t, w.Members, mine.Access)
		_, err := w.Bearer(t.Context(), other.Access)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		_, err = w.Cookie(t.Context(), web.Cookie)
		wantCode(t, err, fault.Unauthenticated, "session_ended")
		if len(changed) != 2 || changed[0] != p.MemberID {
			t.Errorf("told of %v, want once for each of the two others", changed)
		}
		wantCode(t, w.ResetPassword(t.Context(), link, "moonrise-2028"), fault.Invalid, "link_invalid")
		if letters := w.posted(t); len(letters) != 1 || letters[0].To != "kim@demo.mall" {
			t.Errorf("letters: %v", letters)
		}
	})
}

// Who has found an open login and knows the password does not change it where the member has a second factor: that must have
// been proved lately, and the password is not even looked at before. Who has none proves with the password who they are.
func TestChangingThePasswordTakesTheSecondFactor(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		kim := w.proved(t, "kim@demo.mall")
		p := bearer(t, w.Members, w.logIn(t, "kim@demo.mall").Access)
		w.clock.pass(w.cfg.StepUpLife)
		a, _ := w.withApp(t, kim)
		for range 2 * config().LoginTries {
			for _, current := range []string{pass, "guess-number"} {
				wantCode(t, w.ChangePassword(t.Context(), p, current, next), fault.Forbidden, "step_up_required")
			}
		}
		step, err := w.BeginStepUp(t.Context(), p)
		wantCode(t, err, 0, "")
		wantCode(t, w.AnswerStepUp(t.Context(), p, Answer{Challenge: step.Token, Password: pass}), fault.Invalid, "bad_request")
		wantCode(t, w.ChangePassword(t.Context(), p, pass, next), fault.Forbidden, "step_up_required")
		wantCode(t, w.AnswerStepUp(t.Context(), p, Answer{Challenge: step.Token, Code: a.next()}), 0, "")
		wantCode(t, w.ChangePassword(t.Context(), p, "guess-number", next), fault.Invalid, "wrong_password")
		wantCode(t, w.ChangePassword(t.Context(), p, pass, next), 0, "")

		w.member(t, "lee@demo.mall")
		plain := bearer(t, w.Members, w.logIn(t, "lee@demo.mall").Access)
		w.clock.pass(w.cfg.StepUpLife)
		wantCode(t, w.ChangePassword(t.Context(), plain, pass, next), 0, "")
	})
}

// Who has found an open login may not try passwords on it without end.
func TestGuessingThePresentPasswordIsThrottled(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	w.member(t, "kim@demo.mall")
	p := bearer(t, w.Members, w.logIn(t, "kim@demo.mall").Access)
	for range config().LoginTries {
		wantCode(t, w.ChangePassword(t.Context(), p, "guess-number", next), fault.Invalid, "wrong_password")
	}
	wantCode(t, w.ChangePassword(t.Context(), p, pass, next), fault.RateLimited, "rate_limited")
	w.clock.pass(config().LoginWindow)
	wantCode(t, w.ChangePassword(t.Context(), p, pass, next), 0, "")
}

func TestOwnLoginsAreListedAndEnded(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		other := w.instance(t, nil)
		w.bus = &wire{to: []*Members{other}}
		w.member(t, "kim@demo.mall")
		w.member(t, "lee@demo.mall")
		opened, err := w.OpenWebSession(fromWith(t.Context(), "198.51.100.7", "Firefox\x1b[2J "+strings.Repeat("é<b>", 200)), "kim@demo.mall", pass)
		if err != nil {
			t.Fatal(err)
		}
		w.clock.pass(time.Minute)
		api := w.logIn(t, "kim@demo.mall")
		stranger := bearer(t, w.Members, w.logIn(t, "lee@demo.mall").Access)
		w.clock.pass(29 * time.Minute) // the web session is used then, the other is not
		web, err := w.Cookie(t.Context(), opened.Web.Cookie)
		if err != nil {
			t.Fatal(err)
		}
		logins, err := w.Logins(t.Context(), web)
		if err != nil || len(logins) != 2 {
			t.Fatalf("%+v %v", logins, err)
		}
		l := logins[1]
		if l.ID != web.SessionID || !l.Current || l.Kind != "web" || l.IP != "198.51.100.7" || len(l.UserAgent) != 200 || !strings.HasPrefix(l.UserAgent, "Firefox[2J <b><b>") {
			t.Errorf("the web login: %+v", l)
		}
		if !l.UsedAt.Equal(w.now()) || !l.CreatedAt.Equal(w.now().Add(-30*time.Minute)) || logins[0].Current || !logins[0].UsedAt.Equal(logins[0].CreatedAt) {
			t.Errorf("used when: %+v", logins)
		}
		if refreshed, err := w.Refresh(t.Context(), api.Refresh); err != nil || refreshed.Access == "" {
			t.Fatal(err)
		}
		if logins, _ = w.Logins(t.Context(), web); !logins[0].UsedAt.Equal(w.now()) {
			t.Errorf("a refresh is a use: %+v", logins[0])
		}

		wantCode(t, w.EndLogin(t.Context(), stranger, logins[0].ID), fault.NotFound, "not_found")
		wantCode(t, w.EndLogin(t.Context(), web, id.New()), fault.NotFound, "not_found")
		wantCode(t, w.EndLogin(t.Context(), web, logins[0].ID), 0, "")
		wantCode(t, w.EndLogin(t.Context(), web, logins[0].ID), 0, "")
		for _, m := range []*Members{w.Members, other} {
			if _, err := m.Bearer(t.Context(), api.Access); fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("an ended login: %v", err)
			}
		}
		w.logIn(t, "kim@demo.mall")
		wantCode(t, w.EndOtherLogins(t.Context(), web), 0, "")
		if logins, err = w.Logins(t.Context(), web); err != nil || len(logins) != 1 || !logins[0].Current {
			t.Errorf("after all others have ended: %+v %v", logins, err)
		}
		bearer(t, w.Members, w.logIn(t, "lee@demo.mall").Access)
		if len(mustLogins(t, w, stranger)) != 2 {
			t.Error("another member's logins have ended, too")
		}
	})
}

func mustLogins(t *testing.T, w *world, p *identity.Principal) []Login {
	t.Helper()
	logins, err := w.Logins(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return logins
}

// A web session near its end of all ends is still listed with its last use.
func TestTheLastUseIsKeptWhenTheEndMovesNoMore(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	w.cfg.WebIdle = w.cfg.SessionMax
	w.member(t, "kim@demo.mall")
	web := w.openWeb(t, "kim@demo.mall")
	w.clock.pass(5 * 24 * time.Hour)
	p, err := w.Cookie(t.Context(), web.Cookie)
	if err != nil {
		t.Fatal(err)
	}
	if l := mustLogins(t, w, p)[0]; !l.UsedAt.Equal(w.now()) {
		t.Errorf("used %v, want %v", l.UsedAt, w.now())
	}
}

func TestANewPlaceIsToldByMail(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.proved(t, "kim@demo.mall")
		w.member(t, "unproved@demo.mall")
		logIn := func(email, ip, agent string) int {
			t.Helper()
			_, err := w.LogIn(fromWith(t.Context(), ip, agent), email, pass)
			wantCode(t, err, 0, "")
			return len(w.posted(t))
		}
		for i, c := range []struct {
			ip, agent string
			letters   int
		}{
			{"198.51.100.7", "Firefox/140.0", 1},
			{"198.51.100.7", "Firefox/140.0", 0},
			{"198.51.100.9", "Firefox/141.0", 0}, // the provider's next address, the browser's next version
			{"198.51.100.9", "curl/8", 1},
			{"203.0.113.7", "Firefox/141.0", 1},
			{"2001:db8:1:2::7", "Firefox/141.0", 1},
			{"2001:db8:1:3::8", "Firefox/141.0", 0},
		} {
			if got := logIn("kim@demo.mall", c.ip, c.agent); got != c.letters {
				t.Errorf("login %d from %s with %s: %d letters, want %d", i, c.ip, c.agent, got, c.letters)
			}
		}
		if got := logIn("unproved@demo.mall", "203.0.113.7", "curl/8"); got != 0 {
			t.Errorf("%d letters to an address that may be a stranger's", got)
		}
		letter := w.mail.letters[len(w.mail.letters)-1]
		if !strings.Contains(letter.Text, "2001:db8:1:2::7") || !strings.Contains(letter.Text, "Firefox/141.0") || !strings.Contains(letter.Text, "로그인") {
			t.Errorf("the letter does not say where and what: %s", letter.Text)
		}
		w.clock.pass(placeLife + time.Hour)
		if err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := logIn("kim@demo.mall", "198.51.100.7", "Firefox/140.0"); got != 1 {
			t.Errorf("a place of long ago: %d letters", got)
		}
	})
}

func TestALockoutIsToldOnceADay(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	w.proved(t, "kim@demo.mall")
	for round := range 3 {
		for _, email := range []string{"kim@demo.mall", "nobody@demo.mall"} {
			w.guess(t, config().LoginTries, fmt.Sprintf("203.0.113.%d", round), email)
			for range 2 {
				_, err := w.LogIn(from(t.Context(), fmt.Sprintf("203.0.113.%d", round)), email, "guess-number")
				wantCode(t, err, fault.RateLimited, "rate_limited")
			}
		}
	}
	if n := len(w.waiting(t)); n != 2 {
		t.Errorf("%d rows in the outbox, want one for each address, whether or not somebody has it", n)
	}
	if letters := w.posted(t); len(letters) != 1 || !strings.Contains(letters[0].Subject, "Too many wrong passwords") {
		t.Errorf("letters: %v", letters)
	}
	if n := strings.Count(w.mail.events.String(), `"event":"lockout"`); n != 6 {
		t.Errorf("%d lockouts in the security log, want 6", n)
	}
}

// A relay that is away is tried again, with the same link; one that refuses, or stays away, is given up.
func TestAFailedLetterIsTriedAgainWithTheSameLink(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	var log lockedBuffer
	w.log = slog.New(slog.NewTextHandler(&log, nil))
	w.member(t, "kim@demo.mall")
	w.askReset(t, "kim@demo.mall")
	m := w.waiting(t)[0]
	w.mail.fail = errors.New("the relay cannot be reached")
	if err := w.Deliver(t.Context(), m); err == nil {
		t.Fatal("a letter that was not sent counts as delivered")
	}
	w.clock.pass(time.Minute)
	w.mail.fail = nil
	if err := w.Deliver(t.Context(), m); err != nil || len(w.mail.letters) != 1 {
		t.Fatalf("%v, %d letters", err, len(w.mail.letters))
	}
	link := w.lastLinkOf(t, w.mail.letters[0])
	if err := w.Deliver(t.Context(), m); err != nil { // the outbox may hand it over twice
		t.Fatal(err)
	}
	if again := w.lastLinkOf(t, w.mail.letters[1]); again != link {
		t.Error("a second try has another link")
	}
	wantCode(t, w.ResetPassword(t.Context(), link, next), 0, "")
	if err := w.Deliver(t.Context(), m); err != nil || len(w.mail.letters) != 2 {
		t.Errorf("a used link was mailed again: %v", err)
	}
	w.askReset(t, "kim@demo.mall")
	m = w.waiting(t)[len(w.waiting(t))-1]
	for _, c := range []struct {
		fail     error
		attempts int
	}{{mail.Refused{Code: 550}, 1}, {errors.New("away"), letterTries}} {
		w.mail.fail, m.Attempts = c.fail, c.attempts
		if err := w.Deliver(t.Context(), m); err != nil {
			t.Errorf("%v: not given up: %v", c.fail, err)
		}
	}
	if text := log.String(); strings.Count(text, "given up") != 2 || strings.Contains(text, "@") || strings.Contains(text, "token") {
		t.Errorf("the log: %s", text)
	}
}

func (w *world) lastLinkOf(t *testing.T, l mail.Letter) string {
	t.Helper()
	for _, link := range mail.Links(l.Text) {
		if _, token, is := strings.Cut(link, "#token="); is {
			return token
		}
	}
	t.Fatalf("no link in %s", l.Text)
	return ""
}

// A letter that is late does not take the link away from one that was asked for after it.
func TestALateLetterIsNotSent(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	w.member(t, "kim@demo.mall")
	w.askReset(t, "kim@demo.mall")
	w.askReset(t, "kim@demo.mall")
	waiting := w.waiting(t)
	for _, i := range []int{1, 0} {
		if err := w.Deliver(t.Context(), waiting[i]); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.mail.letters) != 1 {
		t.Fatalf("%d letters, want the newer one alone", len(w.mail.letters))
	}
	wantCode(t, w.ResetPassword(t.Context(), w.lastLinkOf(t, w.mail.letters[0]), next), 0, "")
}

func TestTheSecurityLogHasEveryActAndNoSecret(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	ctx := from(t.Context(), "198.51.100.7")
	kim, err := w.SignUp(ctx, "kim@demo.mall", pass, "김하늘")
	wantCode(t, err, 0, "")
	proof := w.lastLink(t, "/prove-email")
	wantCode(t, w.ProveEmail(ctx, proof), 0, "")
	opened, err := w.LogIn(ctx, "kim@demo.mall", pass)
	wantCode(t, err, 0, "")
	_, _ = w.LogIn(ctx, "kim@demo.mall", "guess-number")
	_, err = w.Refresh(ctx, opened.Tokens.Refresh)
	wantCode(t, err, 0, "")
	w.clock.pass(time.Hour)
	_, err = w.Refresh(ctx, opened.Tokens.Refresh)
	wantCode(t, err, fault.Unauthenticated, "token_reused")
	opened, err = w.LogIn(ctx, "kim@demo.mall", pass)
	wantCode(t, err, 0, "")
	p := bearer(t, w.Members, opened.Tokens.Access)
	wantCode(t, w.EndOtherLogins(ctx, p), 0, "")
	wantCode(t, w.ChangePassword(ctx, p, pass, next), 0, "")
	w.askReset(t, "kim@demo.mall")
	reset := w.lastLink(t, "/reset-password")
	wantCode(t, w.ResetPassword(ctx, reset, "moonrise-2028"), 0, "")
	wantCode(t, w.LogOut(ctx, p), 0, "")
	wantCode(t, w.SetOperator(ctx, kim.ID, true), 0, "")
	wantCode(t, w.Ban(ctx, kim.ID), 0, "")
	text := w.mail.events.String()
	for _, event := range []string{"sign_up", "email_proof", "login", "token_reuse", "session_end", "password_change", "password_reset", "logout", "operator_change", "ban"} {
		if !strings.Contains(text, `"event":"`+event+`"`) {
			t.Errorf("%s is not in the log", event)
		}
	}
	if !strings.Contains(text, `"code":"invalid_credentials"`) || !strings.Contains(text, `"ip":"198.51.100.7"`) {
		t.Error("a refused login, or where it came from, is not in the log")
	}
	for _, secret := range []string{"kim@", "김하늘", pass, next, proof, reset, opened.Tokens.Access, opened.Tokens.Refresh, "guess-number", "Firefox"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
