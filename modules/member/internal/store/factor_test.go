package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// fillFactors makes a row for each member, with what is known by the shop or session of the same number.
func fillFactors(t *testing.T, d *db.DB, f filled) {
	t.Helper()
	n := len(f.members)
	invitations, challenges := make([]Invitation, n), make([]Challenge, n)
	totp, passkeys, codes := make([]TOTP, n), make([]Passkey, n), make([]RecoveryCode, n)
	for i, member := range f.members {
		at := noon.Add(time.Duration(i) * time.Second)
		invitations[i] = Invitation{ID: f.sessions[i], ShopID: f.shops[i], Email: fmt.Sprintf("i%d@demo.mall", i), Role: "agent", InvitedBy: member, CreatedAt: at, ExpiresAt: at}
		challenges[i] = Challenge{ID: f.sessions[i], MemberID: member, Purpose: ForLogin, SecretHash: hash(i), CreatedAt: at, ExpiresAt: at}
		totp[i] = TOTP{MemberID: member, Secret: hash(i), Pending: hash(i)}
		passkeys[i] = Passkey{ID: f.sessions[i], MemberID: member, CredentialHash: hash(i), Credential: []byte("{}"), Name: "k", CreatedAt: at}
		codes[i] = RecoveryCode{MemberID: member, CodeHash: hash(i)}
	}
	w := d.Write(t.Context())
	for _, err := range []error{
		w.CreateInBatches(invitations, 500).Error, w.CreateInBatches(challenges, 500).Error,
		w.CreateInBatches(totp, 500).Error, w.CreateInBatches(passkeys, 500).Error, w.CreateInBatches(codes, 500).Error,
		w.Exec("ANALYZE TABLE member_invitations, member_challenges, member_totp, member_passkeys, member_recovery_codes").Error,
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// factorPlans are the queries of invitations, second factors and challenges.
func factorPlans(s *Store, f filled) []plan {
	early, late := noon.Add(10*time.Second), noon.Add(time.Hour)
	return []plan{
		{"invitation by id", func(ctx context.Context) error { _, err := s.Invitation(ctx, f.sessions[1]); return err }, []string{"PRIMARY"}, false},
		{"invitations of a shop", func(ctx context.Context) error { _, err := s.InvitationsOf(ctx, f.shops[1], noon); return err }, []string{"member_invitations_shop"}, true},
		{"invitations for an address", func(ctx context.Context) error {
			_, err := s.InvitationsFor(ctx, "i7@demo.mall", noon, 100)
			return err
		}, []string{"member_invitations_email"}, true},
		{"withdraw", func(ctx context.Context) error { return s.DeleteInvitation(ctx, f.sessions[1]) }, []string{"PRIMARY"}, false},
		{"make room for an invitation", func(ctx context.Context) error {
			return s.DeleteExpiredInvitation(ctx, f.shops[2], "i2@demo.mall", noon)
		}, []string{"any"}, false},
		{"invitations of one of the staff", func(ctx context.Context) error {
			return s.DeleteInvitationsBy(ctx, f.shops[3], f.members[3], "agent")
		}, []string{"member_invitations_shop"}, false},
		{"sweep invitations", func(ctx context.Context) error { _, err := s.SweepInvitations(ctx, early, 500); return err }, []string{"member_invitations_expires", "any"}, false},
		{"challenge by id", func(ctx context.Context) error { _, err := s.Challenge(ctx, f.sessions[20]); return err }, []string{"PRIMARY"}, false},
		{"answer a challenge", func(ctx context.Context) error { return s.Answered(ctx, f.sessions[20], id.New()) }, []string{"PRIMARY"}, false},
		{"sweep challenges", func(ctx context.Context) error { _, err := s.SweepChallenges(ctx, early, 500); return err }, []string{"member_challenges_expires", "any"}, false},
		{"step-up of a session", func(ctx context.Context) error { _, err := s.StepUp(ctx, f.sessions[30]); return err }, []string{"PRIMARY"}, false},
		{"step a session up", func(ctx context.Context) error { return s.SetStepUp(ctx, f.sessions[30], late) }, []string{"PRIMARY"}, false},
		{"authenticator app", func(ctx context.Context) error { _, err := s.TOTP(ctx, f.members[40]); return err }, []string{"PRIMARY"}, false},
		{"use a code", func(ctx context.Context) error { return s.UseTOTP(ctx, f.members[40], 7) }, []string{"PRIMARY"}, false},
		{"passkeys of a member", func(ctx context.Context) error { _, err := s.Passkeys(ctx, f.members[40]); return err }, []string{"member_passkeys_member"}, true},
		{"use a passkey", func(ctx context.Context) error {
			return s.UsePasskey(ctx, f.members[40], hash(40), []byte("{}"), []byte("{}"), late)
		}, []string{"any"}, false},
		{"count recovery codes", func(ctx context.Context) error { _, err := s.CountRecoveryCodes(ctx, f.members[40]); return err }, []string{"PRIMARY"}, false},
		{"use a recovery code", func(ctx context.Context) error { return s.UseRecoveryCode(ctx, f.members[40], hash(40)) }, []string{"PRIMARY"}, false},
		{"rules of a shop", func(ctx context.Context) error { _, err := s.ShopRules(ctx, f.shops[1]); return err }, []string{"PRIMARY"}, false},
	}
}

// What the program never writes, both databases refuse.
func TestBothDatabasesHoldTheEnumerations(t *testing.T) {
	testservers.EveryDatabase(t, func(t *testing.T, d *db.DB) {
		s := New(d)
		member := kim()
		shop := Shop{ID: id.New(), Name: "s", CreatedAt: noon}
		for _, err := range []error{s.InsertMembers(t.Context(), member), s.InsertShops(t.Context(), shop)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		invitation := Invitation{ID: id.New(), ShopID: shop.ID, Email: "a@b.kr", Role: "Owner", InvitedBy: member.ID, CreatedAt: noon, ExpiresAt: noon}
		challenge := Challenge{ID: id.New(), MemberID: member.ID, Purpose: "LOGIN", SecretHash: hash(1), CreatedAt: noon, ExpiresAt: noon}
		w := d.Write(t.Context())
		for what, err := range map[string]error{
			"a role":          s.InsertInvitation(t.Context(), invitation),
			"a purpose":       s.InsertChallenge(t.Context(), challenge),
			"a rule":          w.Exec("UPDATE member_shops SET agents_edit_products = 2 WHERE id = ?", shop.ID).Error,
			"a second factor": w.Exec("UPDATE member_members SET second_factor = 2 WHERE id = ?", member.ID).Error,
		} {
			if err == nil {
				t.Errorf("%s that does not exist was stored", what)
			}
		}
		invitation.Role, challenge.Purpose = "owner", ForLogin
		for _, err := range []error{s.InsertInvitation(t.Context(), invitation), s.InsertChallenge(t.Context(), challenge)} {
			if err != nil {
				t.Error(err)
			}
		}
		invitation.ID = id.New()
		if err := s.InsertInvitation(t.Context(), invitation); fault.KindOf(err) != fault.Conflict {
			t.Errorf("a second invitation of an address: %v", err)
		}
	})
}
