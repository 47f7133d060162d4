package member

import (
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

func TestSessionsOfACrowdAreAsGoodAsLogins(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		who := []id.ID{w.member(t, "kim@load.invalid"), w.member(t, "lee@load.invalid")}
		opened, err := w.OpenSessions(t.Context(), who)
		if err != nil || len(opened) != 2 {
			t.Fatal(opened, err)
		}
		for i, tokens := range opened {
			if p := bearer(t, w.Members, tokens.Access); p.MemberID != who[i] {
				t.Errorf("the token of %v is %v's", who[i], p.MemberID)
			}
			next, err := w.Refresh(t.Context(), tokens.Refresh)
			if err != nil {
				t.Fatal(err)
			}
			bearer(t, w.Members, next.Access)
		}
		_, err = w.Refresh(t.Context(), opened[0].Refresh[:60]+opened[1].Refresh[60:])
		wantCode(t, err, fault.Unauthenticated, "invalid_token")
	})
}

func TestWhoIsNotOfTheCrowdIsSeen(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		others := func() bool {
			any, err := w.AnyBeyond(t.Context(), "load.invalid")
			if err != nil {
				t.Fatal(err)
			}
			return any
		}
		w.member(t, "kim@load.invalid")
		if others() {
			t.Error("the crowd itself counts as others")
		}
		w.member(t, "kim@load.invalid.example")
		if !others() {
			t.Error("a stranger was not seen")
		}
	})
}
