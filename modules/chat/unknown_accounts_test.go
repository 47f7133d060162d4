package chat_test

import (
	"fmt"
	"strings"
	"time"

	"mall/modules/platform/identity"
	"mall/modules/platform/mail"
)

const newPassword = "another one of the tests"

// link waits for a letter to somebody with a link to a page, and gives the newest one's token.
func (s *shopper) link(who, page string) string {
	s.t.Helper()
	late, tick := time.After(soon), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for {
		for _, l := range s.instances[0].letters.Letters() {
			for _, link := range mail.Links(l.Text) {
				if _, token, is := strings.Cut(link, page+"#token="); is && l.To == who+"@x.kr" {
					return token
				}
			}
		}
		select {
		case <-late:
			s.t.Fatalf("no letter to %s with a link to %s", who, page)
		case <-tick.C:
		}
	}
}

// resetLink has a link mailed that sets a new password; each is asked for from an address of its own.
func (s *shopper) resetLink(who string) string {
	s.t.Helper()
	s.n++
	ctx := identity.WithOrigin(s.t.Context(), identity.Origin{IP: fmt.Sprintf("10.0.%d.%d", s.n/250, s.n%250)})
	check(s.t, s.instances[0].members.AskPasswordReset(ctx, who+"@x.kr"))
	return s.link(who, "/reset-password")
}

// accountActs are the writing calls about one's own account.
func (s *shopper) accountActs() map[string]func() act {
	// twice makes an account that is logged in twice.
	twice := func() (who string) {
		who = s.account()
		s.token(s.t, who)
		s.logIn(who)
		return who
	}
	type logins struct {
		Items []struct {
			ID      string
			Current bool
		}
	}
	open := func(who string) (l logins) {
		s.get(who, "GET", "/me/sessions", nil, &l)
		return l
	}
	return map[string]func() act{
		"sendEmailProof": func() act { return act{s.newcomer(), "POST", "/me/email-proof", nil, nil, nil} },
		"proveEmail": func() act {
			who := s.newcomer()
			return act{"", "POST", "/email-proofs", map[string]any{"token": s.link(who, "/prove-email")}, nil, func() bool {
				var me struct {
					Member struct {
						EmailProved bool `json:"email_proved"`
					}
				}
				s.get(who, "GET", "/me", nil, &me)
				return me.Member.EmailProved
			}}
		},
		"askPasswordReset": func() act {
			return act{"", "POST", "/password-resets", map[string]any{"email": s.account() + "@x.kr"}, nil, nil}
		},
		"resetPassword": func() act {
			who := s.account()
			return act{"", "POST", "/password-resets/redeem", map[string]any{"token": s.resetLink(who), "password": newPassword}, nil, func() bool {
				status, _ := s.call(s.t, 0, "", "POST", "/auth/login", map[string]any{"email": who + "@x.kr", "password": newPassword})
				return status == 200
			}}
		},
		"changePassword": func() act {
			who := twice()
			return act{who, "PUT", "/me/password", map[string]any{"current": password, "password": newPassword}, nil,
				func() bool { return len(open(who).Items) == 1 }}
		},
		"eraseMe": func() act {
			return act{s.account(), "POST", "/me/erasure", map[string]any{"confirm": "erase"}, nil, nil}
		},
		"endSession": func() act {
			who := twice()
			for _, l := range open(who).Items {
				if !l.Current {
					return act{who, "DELETE", "/me/sessions/" + l.ID, nil, nil, func() bool { return len(open(who).Items) == 1 }}
				}
			}
			s.t.Fatal("two logins, and both are the one that asks")
			return act{}
		},
		"endOtherSessions": func() act {
			who := twice()
			return act{who, "DELETE", "/me/sessions", nil, nil, func() bool { return len(open(who).Items) == 1 }}
		},
	}
}
