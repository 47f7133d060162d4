package inquiry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mall/modules/chat/internal/inquiry"
	"mall/modules/platform/id"
)

// A step is a message or a change of one batch; stored are the inquiries as they were before it.
type step func(c *inquiry.Changes, stored map[id.ID]string) (before string)

func says(party string, about id.ID) step {
	return func(c *inquiry.Changes, stored map[id.ID]string) string {
		if _, err := c.Take(inquiry.Send{Party: party, InquiryID: about, Stored: stored[about]}, tuesday); err != nil {
			return err.Error()
		}
		return ""
	}
}

func sets(about id.ID, state string) step {
	return func(c *inquiry.Changes, stored map[id.ID]string) string {
		return c.SetState(about, stored[about], state, tuesday)
	}
}

// One batch, step by step: the other inquiries get the states of its end, and each change tells from what.
func TestABatchInOneRoom(t *testing.T) {
	yes, no := &monday, (*time.Time)(nil)
	for name, tc := range map[string]struct {
		room        inquiry.Room
		stored      map[id.ID]string
		steps       []step
		wantBefores []string
		wantCurrent id.ID
		wantState   string
		wantWaiting *time.Time
		wantHead    int64
		wantParked  map[id.ID]string
		wantAnswer  bool
	}{
		"a question about another inquiry makes it the current one": {
			room: roomAbout(inquiry.Open, no), stored: map[id.ID]string{lamp: inquiry.Done},
			steps: []step{says(inquiry.Buyer, lamp)}, wantBefores: []string{""},
			wantCurrent: lamp, wantState: inquiry.Waiting, wantWaiting: &tuesday, wantHead: 8,
			wantParked: map[id.ID]string{mug: inquiry.Open},
		},
		"a notice about another inquiry does not": {
			room: roomAbout(inquiry.Waiting, yes), stored: map[id.ID]string{lamp: inquiry.Open},
			steps: []step{says(inquiry.System, lamp)}, wantBefores: []string{""},
			wantCurrent: mug, wantState: inquiry.Waiting, wantWaiting: yes, wantHead: 8,
		},
		"there and back": {
			room: roomAbout(inquiry.Open, no), stored: map[id.ID]string{lamp: inquiry.Held}, // the mug's is the room's
			steps:       []step{says(inquiry.Buyer, lamp), says(inquiry.Shop, mug)},
			wantBefores: []string{"", ""},
			wantCurrent: mug, wantState: inquiry.Open, wantHead: 9,
			wantParked: map[id.ID]string{lamp: inquiry.Open}, wantAnswer: true,
		},
		"an answer is one to all that was asked": {
			room: roomAbout(inquiry.Waiting, yes), stored: map[id.ID]string{lamp: inquiry.Waiting, bowl: inquiry.Held},
			steps: []step{says(inquiry.Buyer, bowl), says(inquiry.Shop, bowl), sets(lamp, inquiry.Done),
				sets(mug, inquiry.Done)},
			wantBefores: []string{"", "", inquiry.Open, inquiry.Open},
			wantCurrent: bowl, wantState: inquiry.Open, wantHead: 9,
			wantParked: map[id.ID]string{mug: inquiry.Done, lamp: inquiry.Done}, wantAnswer: true,
		},
		"what nobody has answered waits": {
			room: roomAbout(inquiry.Open, no), stored: map[id.ID]string{lamp: inquiry.Waiting},
			steps: []step{says(inquiry.Buyer, mug), sets(lamp, inquiry.Done)}, wantBefores: []string{"", inquiry.Waiting},
			wantCurrent: mug, wantState: inquiry.Waiting, wantWaiting: &tuesday, wantHead: 8,
			wantParked: map[id.ID]string{lamp: inquiry.Done},
		},
		"what is put away is not answered by it": {
			room: roomAbout(inquiry.Waiting, yes), stored: map[id.ID]string{lamp: inquiry.Held},
			steps: []step{says(inquiry.Shop, mug), sets(lamp, inquiry.Open)}, wantBefores: []string{"", inquiry.Held},
			wantCurrent: mug, wantState: inquiry.Open, wantHead: 8,
			wantParked: map[id.ID]string{lamp: inquiry.Open}, wantAnswer: true,
		},
		"set to wait after the answer, it waits": {
			room: roomAbout(inquiry.Waiting, yes), stored: map[id.ID]string{lamp: inquiry.Waiting},
			steps: []step{says(inquiry.Shop, mug), sets(lamp, inquiry.Waiting)}, wantBefores: []string{"", inquiry.Open},
			wantCurrent: mug, wantState: inquiry.Open, wantHead: 8,
			wantParked: map[id.ID]string{lamp: inquiry.Waiting}, wantAnswer: true,
		},
		"put away and taken back, the room waits since the same moment": {
			room:        roomAbout(inquiry.Waiting, yes),
			steps:       []step{sets(mug, inquiry.Done), sets(mug, inquiry.Waiting)},
			wantBefores: []string{inquiry.Waiting, inquiry.Done},
			wantCurrent: mug, wantState: inquiry.Waiting, wantWaiting: yes, wantHead: 7,
		},
		"set to wait when nobody had asked": {
			room:  roomAbout(inquiry.Open, no),
			steps: []step{sets(mug, inquiry.Waiting)}, wantBefores: []string{inquiry.Open},
			wantCurrent: mug, wantState: inquiry.Waiting, wantWaiting: &tuesday, wantHead: 7,
		},
		"another inquiry set to wait is not the room's": {
			room: roomAbout(inquiry.Open, no), stored: map[id.ID]string{lamp: inquiry.Done},
			steps:       []step{sets(lamp, inquiry.Waiting), sets(lamp, inquiry.Waiting)},
			wantBefores: []string{inquiry.Done, inquiry.Waiting},
			wantCurrent: mug, wantState: inquiry.Open, wantHead: 7,
			wantParked: map[id.ID]string{lamp: inquiry.Waiting},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := inquiry.Changes{Room: tc.room}
			var befores []string
			for _, do := range tc.steps {
				befores = append(befores, do(&c, tc.stored))
			}
			if diff := cmp.Diff(tc.wantBefores, befores); diff != "" {
				t.Error(diff)
			}
			if c.InquiryID != tc.wantCurrent || c.State != tc.wantState || c.Head != tc.wantHead ||
				!c.Changed || c.Answered != tc.wantAnswer {
				t.Errorf("%+v, changed %v, answered %v", c.Room, c.Changed, c.Answered)
			}
			if !cmp.Equal(tc.wantWaiting, c.WaitingSince) {
				t.Errorf("waits since %v, want %v", c.WaitingSince, tc.wantWaiting)
			}
			if fmt.Sprint(c.Parked) != fmt.Sprint(tc.wantParked) {
				t.Errorf("parked %v, want %v", c.Parked, tc.wantParked)
			}
		})
	}
}

// What is as it should be is left alone: the room's row is not written for it.
func TestTheSameStateAgainChangesNothing(t *testing.T) {
	for _, about := range []id.ID{mug, lamp} {
		c := inquiry.Changes{Room: roomAbout(inquiry.Held, nil)}
		before := c
		if was := c.SetState(about, inquiry.Held, inquiry.Held, tuesday); was != inquiry.Held || !cmp.Equal(before, c) {
			t.Errorf("was %s: %s", was, cmp.Diff(before, c))
		}
	}
}

// In a room with one inquiry an answer leaves no other to write.
func TestTheOnlyInquiryIsAnswered(t *testing.T) {
	c := inquiry.Changes{Room: roomAbout(inquiry.Waiting, &monday)}
	c.Inquiries = 1
	if _, err := c.Take(inquiry.Send{Party: inquiry.Shop}, tuesday); err != nil || c.Answered || c.State != inquiry.Open {
		t.Errorf("%v, %+v", err, c)
	}
}

func TestTouched(t *testing.T) {
	c := inquiry.Changes{Room: roomAbout(inquiry.Open, nil)}
	c.Touch(tuesday)
	if !c.Changed || !c.UpdatedAt.Equal(tuesday) || c.Head != 7 {
		t.Errorf("%+v", c)
	}
}
