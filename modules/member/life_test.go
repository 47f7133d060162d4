package member

import (
	"strings"
	"testing"
	"time"

	"mall/modules/platform/testservers"
)

func TestLivesInWords(t *testing.T) {
	for life, want := range map[time.Duration][2]string{
		30 * time.Minute:                    {"30분", "30 minutes"},
		time.Minute:                         {"1분", "1 minute"},
		90 * time.Second:                    {"1분 30초", "1 minute 30 seconds"},
		time.Hour + 59*time.Second:          {"1시간", "1 hour"},
		24 * time.Hour:                      {"24시간", "24 hours"},
		47*time.Hour + 5*time.Minute:        {"47시간 5분", "47 hours 5 minutes"},
		48 * time.Hour:                      {"2일", "2 days"},
		73*time.Hour + 59*time.Minute:       {"3일 1시간", "3 days 1 hour"},
		7 * day:                             {"7일", "7 days"},
		45*time.Second + 9*time.Millisecond: {"45초", "45 seconds"},
	} {
		if ko, en := inWords(life); ko != want[0] || en != want[1] {
			t.Errorf("%v is %q and %q, want %q", life, ko, en, want)
		}
	}
}

func TestLettersSayTheLivesThatAreSet(t *testing.T) {
	w := newWorld(t, testservers.Open(t, testservers.SQLite(t)))
	cfg := config()
	cfg.ResetLife, cfg.ProofLife = 45*time.Minute, 72*time.Hour
	w.Members = w.instanceWith(t, cfg, nil)
	kim := w.member(t, "kim@demo.mall")
	w.posted(t)
	if err := w.SendEmailProof(t.Context(), kim); err != nil {
		t.Fatal(err)
	}
	w.askReset(t, "kim@demo.mall")
	letters := w.posted(t)
	for i, parts := range [][]string{{"한 번만, 3일 안에", "once, within 3 days."}, {"한 번만, 45분 안에", "once, within 45 minutes,"}} {
		for _, part := range parts {
			if !strings.Contains(letters[i].Text, part) {
				t.Errorf("no %q in %s", part, letters[i].Text)
			}
		}
	}
}
