package chat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"

	"mall/modules/member"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// writes finds what a statement writes, but to the outbox, and but the links that letters are written with: that is the
// workers' own time.
var (
	writes     = regexp.MustCompile("(?:INSERT INTO|UPDATE|DELETE FROM) `?(?:member|product|order|chat|records)_")
	writesLink = regexp.MustCompile("(?:INSERT INTO|UPDATE|DELETE FROM) `?member_links")
)

func isWrite(text string) bool { return writes.MatchString(writesLink.ReplaceAllString(text, "")) }

// cutWrite lets the nth write from now on meet its fate: the COMMIT of a transaction that has written, or a statement
// that commits by itself. hit says whether there were as many.
func cutWrite(l *testservers.Link, n int64, fate testservers.Fate) (hit func() bool) {
	var count atomic.Int64
	l.Meet(func(s testservers.Sent) testservers.Fate {
		ends := s.Commits() && isWrite(s.Transaction) || s.Transaction == "" && isWrite(s.Text)
		if ends && count.Add(1) == n {
			return fate
		}
		return testservers.Passes
	})
	return func() bool { return count.Load() >= n }
}

// act is one writing call.
type act struct {
	who, method, path string
	body              any
	header            []string
	once              func() bool // says afterwards whether it was done once; nil where twice would be an error of its own
}

// isDone says whether a status tells that the act is done. Who has erased their account is nobody any more.
func (a act) isDone(status int) bool {
	return status/100 == 2 || a.path == "/me/erasure" && status == http.StatusUnauthorized
}

// shopper makes what the calls need: each time new things, so that no call finds what another has left.
type shopper struct {
	*mall
	t *testing.T
	n int

	used, unused int // accounts
}

func (s *shopper) get(who, method, path string, body any, out any) {
	s.t.Helper()
	status, text := s.call(s.t, 0, who, method, path, body)
	if status/100 != 2 {
		s.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	check(s.t, json.Unmarshal(text, out))
}

type thing struct {
	ID           id.ID  `json:"id"`
	RefreshToken string `json:"refresh_token"`
	AccessToken  string `json:"access_token"`
}

// newcomer is an account that somebody has signed up for: its e-mail address is not proved.
func (s *shopper) newcomer() string {
	s.n++
	name := fmt.Sprintf("newcomer%d", s.n)
	s.get("", "POST", "/members", map[string]any{"email": name + "@x.kr", "password": password, "name": "누구"}, &thing{})
	return name
}

// account is one that nobody has used, with a proved address. Many are made at once, of one hash: each sign-up hashes anew.
func (s *shopper) account() string {
	if s.unused == 0 {
		s.unused = 100
		var members []member.SeedMember
		for n := range s.unused {
			members = append(members, member.SeedMember{ID: id.New(), Email: fmt.Sprintf("someone%d@x.kr", s.used+n+1), Password: password, Name: "누구"})
		}
		check(s.t, s.instances[0].members.Seed(s.t.Context(), member.Seed{Members: members}))
		s.mu.Lock()
		for _, m := range members {
			s.more[strings.TrimSuffix(m.Email, "@x.kr")] = m.ID
		}
		s.mu.Unlock()
	}
	s.used, s.unused = s.used+1, s.unused-1
	return fmt.Sprintf("someone%d", s.used)
}

func (s *shopper) shop() (owner, path string) {
	var made thing
	owner = s.account()
	s.get(owner, "POST", "/shops", map[string]any{"name": "새 가게"}, &made)
	return owner, "/shops/" + made.ID.String()
}

// invited is a shop with an open invitation.
func (s *shopper) invited() (owner, shop, invitee, invitation string) {
	var made thing
	owner, shop = s.shop()
	invitee = s.account()
	s.get(owner, "POST", shop+"/invitations", map[string]any{"email": invitee + "@x.kr", "role": "agent"}, &made)
	return owner, shop, invitee, made.ID.String()
}

func (s *shopper) staff() (owner, path string) {
	var added struct {
		MemberID id.ID `json:"member_id"`
	}
	owner, shop, agent, invitation := s.invited()
	s.get(agent, "POST", "/me/invitations/"+invitation, nil, &added)
	return owner, shop + "/staff/" + added.MemberID.String()
}

// app is an authenticator app that is being set up for a new account; code gives the code of now and some steps.
func (s *shopper) app() (who string, code func(steps int) string) {
	var shown struct{ Secret string }
	who = s.account()
	s.get(who, "POST", "/me/factors/totp", nil, &shown)
	return who, func(steps int) string {
		text, err := totp.GenerateCode(shown.Secret, time.Now().Add(time.Duration(steps)*30*time.Second))
		check(s.t, err)
		return text
	}
}

// withApp is an account with an authenticator app, whose code of now is not used yet.
func (s *shopper) withApp() (who string, code func(steps int) string) {
	who, code = s.app()
	for range 3 { // a code of the step before may be too old by the time it arrives
		if status, _ := s.call(s.t, 0, who, "POST", "/me/factors/totp/confirm", map[string]any{"code": code(-1)}); status/100 == 2 {
			return who, code
		}
	}
	s.t.Fatal("no code of the step before is taken")
	return "", nil
}

// half is half a login of who has an authenticator app, with what completes it.
func (s *shopper) half(path string) map[string]any {
	var asked struct{ Challenge string }
	who, code := s.withApp()
	s.get("", "POST", path, map[string]any{"email": who + "@x.kr", "password": password}, &asked)
	return map[string]any{"challenge": asked.Challenge, "code": code(0)}
}

// passkey is what a browser with a new authenticator answers.
func (s *shopper) passkey() (who string, made map[string]any) {
	var begun struct {
		Challenge string
		Options   json.RawMessage
	}
	who = s.account()
	s.get(who, "POST", "/me/factors/passkeys/begin", nil, &begun)
	options, err := virtualwebauthn.ParseAttestationOptions(`{"publicKey":` + string(begun.Options) + `}`)
	check(s.t, err)
	site := virtualwebauthn.RelyingParty{Name: "mall.test", ID: "mall.test", Origin: "http://mall.test"}
	answer := virtualwebauthn.CreateAttestationResponse(site, virtualwebauthn.NewAuthenticator(),
		passkeyCredential(), *options)
	return who, map[string]any{"challenge": begun.Challenge, "name": "전화", "credential": json.RawMessage(answer)}
}

var goods = map[string]any{"name": "그릇", "category": "home", "price_won": 1000, "stock": 10}

func (s *shopper) product() (path string, product id.ID) {
	var made thing
	s.get("owner", "POST", "/shops/"+shopID.String()+"/products", goods, &made)
	return "/products/" + made.ID.String(), made.ID
}

func (s *shopper) order() map[string]any {
	_, product := s.product()
	return map[string]any{"shop_id": shopID, "client_order_id": id.New(), "lines": []any{map[string]any{"product_id": product, "quantity": 2}}}
}

func (s *shopper) placed(steps ...string) (path string) {
	var made thing
	s.get("buyer", "POST", "/orders", s.order(), &made)
	path = "/orders/" + made.ID.String() + "/steps"
	for _, to := range steps {
		s.get("buyer", "POST", path, map[string]any{"to": to}, &made)
	}
	return path
}

func (s *shopper) room() (path string, r room) {
	_, product := s.product()
	s.get(s.account(), "POST", "/chat/rooms", map[string]any{"shop_id": shopID, "product_id": product}, &r)
	return "/chat/rooms/" + r.ID.String(), r
}

func (s *shopper) logIn(who string) (made thing) {
	s.get("", "POST", "/auth/login", map[string]any{"email": who + "@x.kr", "password": password}, &made)
	return made
}

// cookie opens a web session.
func (s *shopper) cookie(who string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.instances[0].url+"/api/v1/session",
		strings.NewReader(`{"email":"`+who+`@x.kr","password":"`+password+`"}`))
	check(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultTransport.RoundTrip(req)
	check(s.t, err)
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	check(s.t, err)
	return "mall_session=" + res.Cookies()[0].Value
}

// acts are all calls that write, by their name in the API.
func (s *shopper) acts() map[string]func() act {
	credentials := func() map[string]any { return map[string]any{"email": s.account() + "@x.kr", "password": password} }
	return map[string]func() act{
		"signUp": func() act {
			s.n++
			return act{"", "POST", "/members", map[string]any{"email": fmt.Sprintf("new%d@x.kr", s.n), "password": password, "name": "새이"}, nil, nil}
		},
		"logIn": func() act { return act{"", "POST", "/auth/login", credentials(), nil, nil} },
		"refreshTokens": func() act {
			return act{"", "POST", "/auth/refresh", map[string]any{"refresh_token": s.logIn("buyer").RefreshToken}, nil, nil}
		},
		"logOut": func() act {
			return act{"", "POST", "/auth/logout", nil, []string{"Authorization", "Bearer " + s.logIn("buyer").AccessToken}, nil}
		},
		"openWebSession":  func() act { return act{"", "POST", "/session", credentials(), nil, nil} },
		"closeWebSession": func() act { return act{"", "DELETE", "/session", nil, []string{"Cookie", s.cookie("buyer")}, nil} },
		"openShop": func() act {
			owner := s.account()
			return act{owner, "POST", "/shops", map[string]any{"name": "가게"}, nil, func() bool {
				var me struct{ Shops []thing }
				s.get(owner, "GET", "/me", nil, &me)
				return len(me.Shops) == 1
			}}
		},
		"inviteStaff": func() act {
			owner, shop := s.shop()
			return act{owner, "POST", shop + "/invitations", map[string]any{"email": "someone@y.kr", "role": "agent"}, nil, func() bool {
				var open struct{ Items []thing }
				s.get(owner, "GET", shop+"/invitations", nil, &open)
				return len(open.Items) == 1
			}}
		},
		"withdrawInvitation": func() act {
			owner, shop, _, invitation := s.invited()
			return act{owner, "DELETE", shop + "/invitations/" + invitation, nil, nil, nil}
		},
		"acceptInvitation": func() act {
			_, _, invitee, invitation := s.invited()
			return act{invitee, "POST", "/me/invitations/" + invitation, nil, nil, nil}
		},
		"declineInvitation": func() act {
			_, _, invitee, invitation := s.invited()
			return act{invitee, "DELETE", "/me/invitations/" + invitation, nil, nil, nil}
		},
		"setShopRules": func() act {
			owner, shop := s.shop()
			return act{owner, "PUT", shop + "/rules", map[string]any{"agents_edit_products": true}, nil, nil}
		},
		"setStaffRole": func() act {
			owner, path := s.staff()
			return act{owner, "PUT", path, map[string]any{"role": "manager"}, nil, nil}
		},
		"removeStaff":           func() act { owner, path := s.staff(); return act{owner, "DELETE", path, nil, nil, nil} },
		"answerSecondFactor":    func() act { return act{"", "POST", "/auth/second-factor", s.half("/auth/login"), nil, nil} },
		"answerWebSecondFactor": func() act { return act{"", "POST", "/session/second-factor", s.half("/session"), nil, nil} },
		"beginStepUp":           func() act { return act{s.account(), "POST", "/me/step-up", nil, nil, nil} },
		"answerStepUp": func() act {
			var asked struct{ Challenge string }
			who := s.account()
			s.get(who, "POST", "/me/step-up", nil, &asked)
			return act{who, "POST", "/me/step-up/answer", map[string]any{"challenge": asked.Challenge, "password": password}, nil, nil}
		},
		"beginTotp": func() act { return act{s.account(), "POST", "/me/factors/totp", nil, nil, nil} },
		"confirmTotp": func() act {
			who, code := s.app()
			return act{who, "POST", "/me/factors/totp/confirm", map[string]any{"code": code(0)}, nil, nil}
		},
		"removeTotp": func() act { who, _ := s.withApp(); return act{who, "DELETE", "/me/factors/totp", nil, nil, nil} },
		"renewRecoveryCodes": func() act {
			who, _ := s.withApp()
			return act{who, "POST", "/me/factors/recovery-codes", nil, nil, nil}
		},
		"beginPasskey": func() act { return act{s.account(), "POST", "/me/factors/passkeys/begin", nil, nil, nil} },
		"addPasskey": func() act {
			who, made := s.passkey()
			return act{who, "POST", "/me/factors/passkeys", made, nil, nil}
		},
		"removePasskey": func() act {
			var added struct{ Passkey thing }
			who, made := s.passkey()
			s.get(who, "POST", "/me/factors/passkeys", made, &added)
			return act{who, "DELETE", "/me/factors/passkeys/" + added.Passkey.ID.String(), nil, nil, nil}
		},
		"createProduct": func() act {
			owner, shop := s.shop()
			path := shop + "/products"
			return act{owner, "POST", path, goods, nil, func() bool {
				var page struct{ Items []thing }
				s.get(owner, "GET", path, nil, &page)
				return len(page.Items) == 1
			}}
		},
		"editProduct": func() act {
			path, _ := s.product()
			return act{"owner", "PATCH", path, map[string]any{"name": "접시"}, nil, nil}
		},
		"deleteProduct": func() act { path, _ := s.product(); return act{"owner", "DELETE", path, nil, nil, nil} },
		"adjustStock": func() act {
			path, _ := s.product()
			return act{"owner", "POST", path + "/stock", map[string]any{"delta": 5}, nil, func() bool {
				var now struct{ Stock int }
				s.get("owner", "GET", path, nil, &now)
				return now.Stock == 15
			}}
		},
		"placeOrder":        func() act { return act{"buyer", "POST", "/orders", s.order(), nil, nil} },
		"stepOrder":         func() act { return act{"owner", "POST", s.placed("paid"), map[string]any{"to": "preparing"}, nil, nil} },
		"stepOrder pays":    func() act { return act{"buyer", "POST", s.placed(), map[string]any{"to": "paid"}, nil, nil} },
		"stepOrder refunds": func() act { return act{"owner", "POST", s.placed("paid"), map[string]any{"to": "refunded"}, nil, nil} },
		"openRoom": func() act {
			_, product := s.product()
			return act{s.account(), "POST", "/chat/rooms", map[string]any{"shop_id": shopID, "product_id": product}, nil, nil}
		},
		"changeInquiry": func() act {
			path, r := s.room()
			return act{"owner", "PATCH", path + "/inquiries/" + r.Inquiry.ID.String(), map[string]any{"state": "done", "owner_id": agentID}, nil,
				func() bool { return s.mall.room(s.t, 0, "owner", r.ID).Head == 1 }}
		},
		"blockRoom": func() act {
			path, r := s.room()
			return act{"owner", "PUT", path + "/block", nil, nil, func() bool { return s.mall.room(s.t, 0, "owner", r.ID).Head == 1 }}
		},
		"unblockRoom": func() act {
			path, r := s.room()
			s.rest(s.t, 0, "owner", "PUT", path+"/block", nil, http.StatusOK, nil)
			return act{"owner", "DELETE", path + "/block", nil, nil, func() bool { return s.mall.room(s.t, 0, "owner", r.ID).Head == 2 }}
		},
		"reportRoom": func() act {
			path, _ := s.room()
			return act{"owner", "POST", path + "/reports", map[string]any{"reason": "spam", "report_id": id.New()}, nil, nil}
		},
		"sendMessage": func() act {
			path, r := s.room()
			return act{"owner", "POST", path + "/messages", map[string]any{"client_msg_id": id.New(), "body": "네"}, nil,
				func() bool { return s.mall.room(s.t, 0, "owner", r.ID).Head == 1 }}
		},
		"moveCursor": func() act {
			path, _ := s.room()
			s.get("owner", "POST", path+"/messages", map[string]any{"client_msg_id": id.New(), "body": "네"}, &thing{})
			return act{"owner", "PUT", path + "/cursor", map[string]any{"read_seq": 1}, nil, nil}
		},
		"getRoom by an operator": func() act {
			path, _ := s.room()
			return act{"operator", "GET", path, nil, []string{"X-Access-Reason", "report 4711 by the buyer"}, nil}
		},
	}
}

// writingCalls are the API's own names of the calls that write.
func (m *mall) writingCalls(t *testing.T) (names []string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.instances[0].url+"/openapi.json", http.NoBody)
	check(t, err)
	res, err := http.DefaultTransport.RoundTrip(req)
	check(t, err)
	defer res.Body.Close()
	var spec struct {
		Paths map[string]map[string]json.RawMessage
	}
	check(t, json.NewDecoder(res.Body).Decode(&spec))
	for _, path := range spec.Paths {
		for method, text := range path {
			var call struct{ OperationID string }
			if method == "post" || method == "put" || method == "patch" || method == "delete" {
				check(t, json.Unmarshal(text, &call))
				names = append(names, call.OperationID)
			}
		}
	}
	if len(names) == 0 {
		t.Fatal("the API describes no calls")
	}
	return names
}

// wantUnavailable wants the one answer that promises nothing and loses nothing.
func wantUnavailable(t *testing.T, what string, status int, text []byte) {
	t.Helper()
	var p struct {
		Code      string
		Retryable bool
	}
	check(t, json.Unmarshal(text, &p))
	if status != http.StatusServiceUnavailable || p.Code != "unavailable" || !p.Retryable {
		t.Errorf("%s: %d %s", what, status, text)
	}
}

// Whatever is lost around whichever COMMIT of whichever call, nobody is told that it failed: it is answered as done, or
// as worth another try, and the same call again is answered as done.
func TestNoCallFailsForAnUnknownCommit(t *testing.T) {
	const malls = 4 // side by side: nearly all of the time is spent in waiting for answers that have been cut
	for n := range malls {
		t.Run(fmt.Sprint("mall ", n+1), func(t *testing.T) {
			t.Parallel()
			link, cfg := testservers.Through(t, testservers.MySQL(t))
			cfg.CommitTimeout, cfg.ReadTimeout = 300*time.Millisecond, time.Second
			m := &mall{tokens: map[string]string{}, more: map[string]id.ID{}, instances: []*instance{startInstance(t, cfg, testservers.Redis(t).Addr())}}
			for _, who := range []string{"buyer", "owner", "agent", "operator"} {
				m.token(t, who)
			}
			s := &shopper{mall: m, t: t}
			acts := s.acts()
			maps.Copy(acts, s.accountActs())
			for _, call := range m.writingCalls(t) {
				if acts[call] == nil {
					t.Errorf("%s is not tried", call)
				}
			}
			for i, name := range slices.Sorted(maps.Keys(acts)) {
				if i%malls == n {
					t.Run(name, func(t *testing.T) { s.cutEachWrite(t, link, acts[name]) })
				}
			}
		})
	}
}

// cutEachWrite has an act done with its first write cut, then with its second, and so on, in either way.
func (s *shopper) cutEachWrite(t *testing.T, link *testservers.Link, prepare func() act) {
	s.t = t
	const most = 10 // writes of one call
	for fateName, fate := range map[string]testservers.Fate{"lost": testservers.Lost, "stored": testservers.Stored} {
		cut := 0
		for n := int64(1); n <= most; n++ {
			link.Meet(func(testservers.Sent) testservers.Fate { return testservers.Passes })
			a := prepare()
			s.token(t, a.who)
			hit := cutWrite(link, n, fate)
			status, text := s.call(t, 0, a.who, a.method, a.path, a.body, a.header...)
			if !hit() {
				break
			}
			cut++
			if status/100 != 2 {
				wantUnavailable(t, fmt.Sprintf("write %d %s", n, fateName), status, text)
				if again, text := s.call(t, 0, a.who, a.method, a.path, a.body, a.header...); !a.isDone(again) {
					t.Errorf("write %d %s, and the call again: %d %s", n, fateName, again, text)
				}
			}
			if a.once != nil && !a.once() {
				t.Errorf("write %d %s: done twice, or not at all", n, fateName)
			}
		}
		if cut == 0 {
			t.Error("nothing was cut: the case that this test is about did not happen")
		}
	}
}

// passkeyCredential is a new key. The library leaves out zeros that a coordinate begins with, as one key of 128 has them, which no
// authenticator does: such a key is not used.
func passkeyCredential() virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		const whole = "\x58\x20" // a string of 32 bytes, in CBOR
		if bytes.Count(c.Key.AttestationData(), []byte(whole)) >= 2 {
			return c
		}
	}
}
